//! What lies beside the tree: the checkpoint that witnesses cosigned, and timestamps; for both verifiers.

#[path = "../timestamp/tsa.rs"]
#[expect(dead_code, reason = "this suite stamps, and has no other units")]
mod tsa;

use crate::kept::{Memory, ORIGIN, Place, key, leaves};
use std::{
    path::{Path, PathBuf},
    process::Command,
};
use tsa::Tsa;
use varco_audit::{
    timestamp::{Nonce, Query},
    tlog::{Cosignature, CosignerKey, Log, Note, Signed},
};

/// A log's folder of 300 entries, and its checkpoint when it had 200.
fn kept(name: &str) -> (Place, Signed) {
    let mut log = Log::on(Memory::default(), ORIGIN, key()).unwrap();
    let older = log.integrate(0, &leaves(0..200)).unwrap().clone();
    log.integrate(200, &leaves(200..300)).unwrap();
    let place = Place::new(name);
    place.put(&log.into_disk());
    (place, older)
}

fn witness(place: &Place, name: &str) -> CosignerKey {
    CosignerKey::load_or_make(&place.0.join(name), &format!("witness.example/{name}")).unwrap()
}

/// What both verifiers say.
fn both(place: &Place, words: &[&str]) -> (Option<i32>, Option<i32>, String) {
    let (log, vkey) = (place.log(), key().vkey());
    let mut ours = Command::new(env!("CARGO_BIN_EXE_varco-audit"));
    let ours = ours.args(["verify", "--vkey", &vkey, "--log"]).arg(&log).args(words).output().unwrap();
    let verifier = Path::new(env!("CARGO_MANIFEST_DIR")).join("verifier/varco_verify.py");
    let mut theirs = Command::new("/usr/bin/python3");
    let theirs = theirs.arg(verifier).args(words).arg(&log).arg(&vkey).output().unwrap();
    let all = [ours.stdout, ours.stderr, theirs.stdout, theirs.stderr].concat();
    (ours.status.code(), theirs.status.code(), String::from_utf8(all).unwrap())
}

fn ends_with(place: &Place, words: &[&str], code: i32) -> String {
    let (ours, theirs, text) = both(place, words);
    assert_eq!((ours, theirs), (Some(code), Some(code)), "{text}");
    text
}

#[test]
fn the_checkpoint_that_a_witness_cosigned_counts() {
    let (place, older) = kept("witnessed");
    let (one, two) = (witness(&place, "one"), witness(&place, "two"));
    let (first, second) = (one.vkey(), two.vkey());
    let at = "2026-10-25T00:30:00Z".parse().unwrap();
    let line = Cosignature::sign(&older, &one, at).unwrap();
    let file = place.log().join("checkpoint.witnessed");
    ends_with(&place, &["--witness", &first], 5);
    std::fs::write(&file, older.with(&line).note()).unwrap();
    let text = ends_with(&place, &["--witness", &first], 0);
    assert!(
        text.contains("witness    witness.example/one at 2026-10-25T00:30:00Z, of 200 entries\n"),
        "{text}"
    );
    assert!(text.contains("cosigned by witness.example/one at 2026-10-25T00:30:00+00:00\n"), "{text}");
    assert!(!text.contains("unsigned") && !text.contains("nothing proves"), "{text}");
    ends_with(&place, &["--witness", &first, "--witness", &second], 5);
    ends_with(&place, &["--witness", &key().vkey()], 64);

    // On the checkpoint itself it counts as well.
    let whole = std::fs::read_to_string(place.log().join("checkpoint")).unwrap();
    let newest = Signed::verify(whole.as_bytes(), key().verifier()).unwrap();
    let line = Cosignature::sign(&newest, &two, at).unwrap();
    std::fs::write(place.log().join("checkpoint"), newest.with(&line).note()).unwrap();
    ends_with(&place, &["--witness", &first, "--witness", &second], 0);
}

#[test]
fn a_witnessed_checkpoint_that_was_changed_or_is_of_another_past_is_found() {
    let (place, older) = kept("witnessed-wrong");
    let one = witness(&place, "one");
    let at = "2026-10-25T00:30:00Z".parse().unwrap();
    let file = place.log().join("checkpoint.witnessed");
    let note = older.with(&Cosignature::sign(&older, &one, at).unwrap()).note().to_owned();
    // The time is part of what is signed; so is everything else.
    let turned = note.len() - 40;
    let mut wrong = note.clone().into_bytes();
    wrong[turned] = if wrong[turned] == b'A' { b'B' } else { b'A' };
    for bad in [&wrong[..], b"", b"nothing", note.replacen("\n200\n", "\n201\n", 1).as_bytes()] {
        std::fs::write(&file, bad).unwrap();
        ends_with(&place, &["--witness", &one.vkey()], 5);
    }
    // The log was cut back after the witness saw more of it; or it is another one by the same key.
    let mut longer = Log::on(Memory::default(), ORIGIN, key()).unwrap();
    let longer = longer.integrate(0, &leaves(0..301)).unwrap();
    let mut other = Log::on(Memory::default(), ORIGIN, key()).unwrap();
    let other = other.integrate(0, &leaves(1..150)).unwrap();
    for past in [longer, other] {
        let line = Cosignature::sign(past, &one, at).unwrap();
        std::fs::write(&file, past.with(&line).note()).unwrap();
        ends_with(&place, &["--witness", &one.vkey()], 6);
        ends_with(&place, &[], 6);
    }
}

/// A checkpoint's stamp in the log's folder, as the hub keeps it.
fn stamp(place: &Place, tsa: &Tsa, signed: &Signed) -> PathBuf {
    let folder = place.log().join("timestamps");
    std::fs::create_dir_all(&folder).unwrap();
    let text = Note::parse(signed.note().as_bytes()).unwrap().text;
    let query = Query::new(text.as_bytes(), Nonce::new([1; 16]).unwrap()).unwrap();
    let reply = folder.join(format!("{}.tsr", signed.size));
    std::fs::write(&reply, tsa.reply(&query.octets, "tsa", "")).unwrap();
    std::fs::write(folder.join(format!("{}.checkpoint", signed.size)), signed.note()).unwrap();
    reply
}

#[test]
fn a_timestamp_says_when_the_log_existed() {
    let (place, older) = kept("stamped");
    let (tsa, other) = (Tsa::new("stamped"), Tsa::new("stamped-other"));
    let root = tsa.0.join("root.pem").display().to_string();
    ends_with(&place, &["--tsa", &root], 5);
    let reply = stamp(&place, &tsa, &older).display().to_string();
    let text = ends_with(&place, &[], 0);
    assert!(!text.contains("unsigned"), "{text}");
    let text = ends_with(&place, &["--tsa", &root], 0);
    // Both say it, each as it writes instants.
    assert_eq!(text.matches("timestamp  200 entries existed at 2").count(), 2, "{text}");
    assert_eq!(text.matches(", says CN=tsa,O=Prova\n").count(), 2, "{text}");
    let stranger = other.0.join("root.pem").display().to_string();
    ends_with(&place, &["--tsa", &stranger], 5);

    let stamped = place.log().join("timestamps/200.checkpoint").display().to_string();
    let given = ["--tsa", &root, "--timestamp", &reply, "--stamped", &stamped];
    ends_with(&place, &given, 0);
    let text = ends_with(&place, &given[..4], 5);
    assert_eq!(text.matches("it stamps another text").count(), 2, "{text}");
    ends_with(&place, &["--timestamp", &reply], 64);

    // One that is of another checkpoint of this very log.
    std::fs::copy(place.log().join("checkpoint"), &stamped).unwrap();
    ends_with(&place, &["--tsa", &root], 5);
}

/// A third verifier of timestamps, as OPERATING.md writes it.
#[test]
fn openssl_verifies_the_files_that_the_hub_keeps() {
    let (place, older) = kept("stamped-openssl");
    let tsa = Tsa::new("stamped-openssl");
    stamp(&place, &tsa, &older);
    let folder = place.log().join("timestamps");
    let script =
        "sed '/^$/,$d' 200.checkpoint > text && openssl ts -verify -in 200.tsr -data text -CAfile \"$1\"";
    let run = || {
        let mut command = Command::new("sh");
        let root = tsa.0.join("root.pem");
        command.args(["-c", script, "sh"]).arg(root).current_dir(&folder).output().unwrap()
    };
    let said = run();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let file = folder.join("200.checkpoint");
    let note = std::fs::read_to_string(&file).unwrap().replacen("\n200\n", "\n201\n", 1);
    std::fs::write(&file, note).unwrap();
    assert!(!run().status.success());
    let (ours, theirs, text) = both(&place, &[]);
    assert_eq!((ours, theirs), (Some(5), Some(5)), "{text}");
}
