//! Notes, keys, checkpoints and cosignatures: the specification's own examples, and `signed_note` in both directions.

use crate::kept::{ORIGIN, Place, key, key_of};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    digest::{SHA256, digest},
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use signed_note::{StandardSigner, StandardVerifier, VerifierList};
use std::os::unix::fs::PermissionsExt as _;
use varco_audit::tlog::{
    BadCheckpoint, BadNote, Checkpoint, Cosignature, CosignerKey, KeyError, Note, NoteKey, Signed,
    VerifierKey,
};

/// From C2SP signed-note, "Example".
const EXAMPLE_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const EXAMPLE: &str = "This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
";

fn head() -> Checkpoint {
    Checkpoint { size: 7, ..Checkpoint::empty(ORIGIN) }
}

/// A checkpoint as the log signs it, made with the other implementation.
fn signed() -> String {
    let place = Place::new(&format!("signed-{:?}", std::thread::current().id()));
    let file = place.0.join("log.key");
    let key = NoteKey::load_or_make(&file, ORIGIN).unwrap();
    let secret = std::fs::read_to_string(&file).unwrap();
    let mut note = signed_note::Note::new(head().text().as_bytes(), &[]).unwrap();
    note.add_sigs(&[&StandardSigner::new(secret.trim_end()).unwrap()]).unwrap();
    let note = String::from_utf8(note.to_bytes()).unwrap();
    assert_eq!(Signed::verify(note.as_bytes(), key.verifier()).unwrap().note(), note);
    format!("{}\n{note}", key.vkey())
}

#[test]
fn the_example_of_the_specification_verifies() {
    let key: VerifierKey = EXAMPLE_KEY.parse().unwrap();
    assert_eq!(key.to_string(), EXAMPLE_KEY);
    Note::parse(EXAMPLE.as_bytes()).unwrap().signed_by(&key).unwrap();
}

#[test]
fn no_bit_of_a_note_can_be_turned() {
    let key: VerifierKey = EXAMPLE_KEY.parse().unwrap();
    for bit in 0..EXAMPLE.len() * 8 {
        let mut turned = EXAMPLE.as_bytes().to_vec();
        turned[bit / 8] ^= 1 << (bit % 8);
        let verified = Note::parse(&turned).and_then(|note| note.signed_by(&key));
        assert!(verified.is_err(), "bit {bit}: {}", String::from_utf8_lossy(&turned));
    }
}

#[test]
fn notes_and_keys_are_those_of_the_other_implementation() {
    let both = signed();
    let (vkey, theirs) = both.split_once('\n').unwrap();
    let known = VerifierList::new(vec![Box::new(StandardVerifier::new(vkey).unwrap())]);
    let note = signed_note::Note::from_bytes(theirs.as_bytes()).unwrap();
    assert_eq!(note.verify(&known).unwrap().0.len(), 1);
}

#[test]
fn what_a_log_signs_verifies_elsewhere() {
    let log = varco_audit::tlog::Log::on(crate::kept::Memory::default(), ORIGIN, key()).unwrap();
    let note = signed_note::Note::from_bytes(log.checkpoint().note().as_bytes()).unwrap();
    let known = VerifierList::new(vec![Box::new(StandardVerifier::new(&key().vkey()).unwrap())]);
    assert_eq!(note.verify(&known).unwrap().0.len(), 1);
    let theirs = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();
    assert_eq!((theirs.origin(), theirs.size(), theirs.extension()), (ORIGIN, 0, ""));
    assert_eq!(theirs.hash().0, log.checkpoint().root.0);
    assert_eq!(theirs.to_bytes(), note.text());
}

#[test]
fn signatures_of_others_are_ignored_and_wrong_ones_are_not() {
    let (note, own) = (EXAMPLE.to_owned(), EXAMPLE_KEY.parse().unwrap());
    let line = note.lines().last().unwrap();
    let other = format!("{note}— example.org/w AAAAAAAAAA==\n");
    Note::parse(other.as_bytes()).unwrap().signed_by(&own).unwrap();
    let renamed = note.replace("example.com/foo", "example.com/bar");
    assert!(matches!(Note::parse(renamed.as_bytes()).unwrap().signed_by(&own), Err(BadNote::NotSigned(_))));
    let wrong = note.replace("an example", "any example");
    assert!(matches!(Note::parse(wrong.as_bytes()).unwrap().signed_by(&own), Err(BadNote::Wrong(_))));
    let half = format!("{note}{}\n", line.replace("2IneyaQM=", "2IneyaQA="));
    assert!(matches!(Note::parse(half.as_bytes()).unwrap().signed_by(&own), Err(BadNote::Wrong(_))));
}

#[test]
fn what_is_not_a_note_is_refused() {
    let line = EXAMPLE.lines().last().unwrap();
    for bad in [
        "".to_owned(),
        format!("text\n{line}\n"),
        format!("text\n\n{line}"),
        "text\n\n".to_owned(),
        format!("te\txt\n\n{line}\n"),
        format!("text\n\n{}\n", line.replace('—', "-")),
        format!("text\n\n{}\n", line.replace("= ", "=")),
        format!("text\n\n{}\n", line.replace("foo Uw", "f+o Uw")),
        "text\n\n— name AAAAAA==\n".to_owned(),
        format!("text\n\n{}", format!("{line}\n").repeat(65)),
    ] {
        let parsed = Note::parse(bad.as_bytes());
        let taken = parsed.and_then(|note| note.signed_by(&EXAMPLE_KEY.parse().unwrap()));
        assert!(taken.is_err(), "{bad}");
    }
    assert!(Note::parse(format!("text\n\n{}", format!("{line}\n").repeat(16)).as_bytes()).is_ok());
}

#[test]
fn checkpoints_have_one_spelling() {
    let root = head().root;
    assert_eq!(Checkpoint::parse(&head().text()), Some(head()));
    assert!(Checkpoint::parse(&format!("{ORIGIN}\n7\n{root}\nan extension\n")).is_some());
    let spelled = root.to_string().replacen('=', "", 1);
    for bad in [
        format!("{ORIGIN}\n07\n{root}\n"),
        format!("{ORIGIN}\n+7\n{root}\n"),
        format!("{ORIGIN}\n7\n{root}"),
        format!("{ORIGIN}\n7\n{spelled}\n"),
        format!("{ORIGIN}\n7\n{root}\n\n"),
        format!("\n7\n{root}\n"),
        format!("{ORIGIN}\n7\n"),
        format!("{ORIGIN}\n18446744073709551616\n{root}\n"),
    ] {
        assert_eq!(Checkpoint::parse(&bad), None, "{bad}");
    }
}

#[test]
fn a_checkpoint_of_another_log_is_not_taken() {
    let both = signed();
    let (vkey, note) = both.split_once('\n').unwrap();
    let other = key_of("hub.example.it/log/other", 7);
    assert!(matches!(Signed::verify(note.as_bytes(), other.verifier()), Err(BadCheckpoint::Note(_))));
    let vkey: VerifierKey = vkey.parse().unwrap();
    let foreign =
        varco_audit::tlog::Log::on(crate::kept::Memory::default(), "hub.example.it/log/other", other);
    let foreign = foreign.unwrap().checkpoint().note().to_owned();
    assert!(Signed::verify(foreign.as_bytes(), &vkey).is_err());
}

#[test]
fn keys_are_made_once_and_kept_to_their_owner() {
    let place = Place::new("key");
    let file = place.0.join("log.key");
    let made = NoteKey::load_or_make(&file, ORIGIN).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(NoteKey::load_or_make(&file, ORIGIN).unwrap().vkey(), made.vkey());
    assert!(!format!("{made:?}").contains("PRIVATE"));
    assert!(matches!(NoteKey::load_or_make(&file, "other"), Err(KeyError::OtherName { .. })));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(NoteKey::load_or_make(&file, ORIGIN), Err(KeyError::Open)));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&file, "PRIVATE+KEY+").unwrap();
    assert!(matches!(NoteKey::load_or_make(&file, ORIGIN), Err(KeyError::Malformed)));
    assert!(matches!(NoteKey::load_or_make(&place.0.join("n"), "a b"), Err(KeyError::Malformed)));
}

#[test]
fn a_key_with_any_letter_changed_is_no_key_or_another() {
    for at in 0..EXAMPLE_KEY.len() {
        let mut changed = EXAMPLE_KEY.as_bytes().to_vec();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let text = String::from_utf8(changed).unwrap();
        assert!(text.parse::<VerifierKey>().is_err(), "{text}");
    }
}

/// A witness of the test's own, which signs as C2SP tlog-cosignature says.
fn cosign(note: &str, name: &str, seconds: u64) -> (String, VerifierKey) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
    let public = [&[4], pair.public_key().as_ref()].concat();
    let id = digest(&SHA256, &[name.as_bytes(), b"\n", &public].concat());
    let id = &id.as_ref()[..4];
    let hex: String = id.iter().map(|octet| format!("{octet:02x}")).collect();
    let (text, _) = note.rsplit_once("\n\n").unwrap();
    let signature = pair.sign(format!("cosignature/v1\ntime {seconds}\n{text}\n").as_bytes());
    let octets = [id, &seconds.to_be_bytes(), signature.as_ref()].concat();
    let line = format!("{note}— {name} {}\n", STANDARD.encode(octets));
    (line, format!("{name}+{hex}+{}", STANDARD.encode(public)).parse().unwrap())
}

#[test]
fn a_cosignature_says_who_and_when() {
    let both = signed();
    let (vkey, note) = both.split_once('\n').unwrap();
    let vkey: VerifierKey = vkey.parse().unwrap();
    let (cosigned, witness) = cosign(note, "witness.example/w1", 1_679_315_147);
    let signed = Signed::verify(cosigned.as_bytes(), &vkey).unwrap();
    let said = Cosignature::verify(&signed, &witness).unwrap();
    assert_eq!(
        (&*said.witness, said.at.to_string()),
        ("witness.example/w1", "2023-03-20T12:25:47Z".to_owned())
    );
    let plain = Signed::verify(note.as_bytes(), &vkey).unwrap();
    assert!(matches!(Cosignature::verify(&plain, &witness), Err(BadNote::NotSigned(_))));
    assert!(Cosignature::verify(&signed, &vkey).is_err(), "the log's own key is no witness's");
    for at in note.len() + 24..cosigned.len() - 1 {
        let mut turned = cosigned.clone().into_bytes();
        turned[at] = if turned[at] == b'A' { b'B' } else { b'A' };
        let taken =
            Signed::verify(&turned, &vkey).map(|signed| Cosignature::verify(&signed, &witness).is_ok());
        assert!(!matches!(taken, Ok(true)), "octet {at}");
    }
}

/// Verifies cosignatures for `signed_note`, which knows of none itself; by its own words from a key's line.
struct Cosigner(String);

impl Cosigner {
    fn key(&self) -> Vec<u8> {
        STANDARD.decode(self.0.splitn(3, '+').nth(2).unwrap()).unwrap()
    }
}

impl signed_note::Verifier for Cosigner {
    fn name(&self) -> &str {
        self.0.split('+').next().unwrap()
    }

    fn key_id(&self) -> u32 {
        signed_note::key_id(self.name(), &self.key())
    }

    fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        let (seconds, signature) = signature.split_first_chunk().unwrap();
        let head = format!("cosignature/v1\ntime {}\n", u64::from_be_bytes(*seconds));
        let key = UnparsedPublicKey::new(&ED25519, self.key().split_off(1));
        key.verify(&[head.as_bytes(), text].concat(), signature).is_ok()
    }
}

#[test]
fn what_a_witness_signs_verifies_elsewhere() {
    let place = Place::new("cosigner");
    let file = place.0.join("witness.key");
    let witness = CosignerKey::load_or_make(&file, "witness.example/w1").unwrap();
    assert_eq!(CosignerKey::load_or_make(&file, "witness.example/w1").unwrap().vkey(), witness.vkey());
    let both = signed();
    let (vkey, note) = both.split_once('\n').unwrap();
    let signed = Signed::verify(note.as_bytes(), &vkey.parse().unwrap()).unwrap();
    let at = "2026-10-25T00:30:00.9Z".parse().unwrap();
    let line = Cosignature::sign(&signed, &witness, at).unwrap();
    let cosigned = signed.with(&line);

    let theirs = signed_note::Note::from_bytes(cosigned.note().as_bytes()).unwrap();
    let (good, _) = theirs.verify(&VerifierList::new(vec![Box::new(Cosigner(witness.vkey()))])).unwrap();
    assert_eq!(good.len(), 1);
    let turned = cosigned.note().replacen("\n7\n", "\n8\n", 1);
    let turned = signed_note::Note::from_bytes(turned.as_bytes()).unwrap();
    assert!(turned.verify(&VerifierList::new(vec![Box::new(Cosigner(witness.vkey()))])).is_err());
    let said = Cosignature::verify(&cosigned, witness.verifier()).unwrap();
    assert_eq!(said.at.to_string(), "2026-10-25T00:30:00Z");
}

#[test]
fn the_key_of_a_log_and_of_a_witness_are_not_each_others() {
    let place = Place::new("kinds");
    let (log, witness) = (place.0.join("log.key"), place.0.join("witness.key"));
    NoteKey::load_or_make(&log, ORIGIN).unwrap();
    let made = CosignerKey::load_or_make(&witness, ORIGIN).unwrap();
    assert!(made.verifier().is_cosigner() && !format!("{made:?}").contains("PRIVATE"));
    assert_eq!(std::fs::metadata(&witness).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(matches!(NoteKey::load_or_make(&witness, ORIGIN), Err(KeyError::Malformed)));
    assert!(matches!(CosignerKey::load_or_make(&log, ORIGIN), Err(KeyError::Malformed)));
}

#[test]
fn a_log_may_change_its_key_and_be_called_otherwise() {
    let both = signed();
    let (vkey, note) = both.split_once('\n').unwrap();
    let (vkey, other) = (vkey.parse::<VerifierKey>().unwrap(), key_of("another", 9));
    let keys = [other.verifier().clone(), vkey.clone()];
    assert!(Signed::verify_of(note.as_bytes(), ORIGIN, &keys).is_ok());
    let unknown = Signed::verify_of(note.as_bytes(), ORIGIN, &keys[..1]);
    assert!(matches!(unknown, Err(BadCheckpoint::Note(BadNote::NotSigned(_)))));
    assert!(matches!(Signed::verify_of(note.as_bytes(), ORIGIN, &[]), Err(BadCheckpoint::Note(_))));
    let elsewhere = Signed::verify_of(note.as_bytes(), "another", &[vkey]);
    assert!(matches!(elsewhere, Err(BadCheckpoint::OtherLog { .. })));
}
