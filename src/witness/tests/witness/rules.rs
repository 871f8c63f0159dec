//! Each rule of C2SP tlog-witness.

use crate::{
    disks::Memory,
    logs::{TheirLog, request},
};
use jiff::Timestamp;
use std::sync::LazyLock;
use varco_audit::tlog::{Checkpoint, Cosignature, CosignerKey, Disk, Files as _, Note, Signed, VerifierKey};
use varco_witness::{
    config::Logs,
    witness::{Answer, Witness},
};

pub const LOG: &str = "log.example.org/other";

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

/// The witness's key, which is the same each time.
pub fn key() -> CosignerKey {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let file = std::env::temp_dir().join(format!("varco-witness-key-{}", std::process::id()));
        CosignerKey::load_or_make(&file, "witness.example.net/w").unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::remove_file(file).unwrap();
        text
    });
    CosignerKey::parse(&TEXT.clone().into()).unwrap()
}

pub fn watched(logs: &[&TheirLog]) -> Logs {
    let mut all = Logs::new();
    for log in logs {
        all.entry(log.origin.clone()).or_default().push(log.vkey.parse().unwrap());
    }
    all
}

pub fn open<D: Disk>(disk: D, logs: &[&TheirLog]) -> Witness<D> {
    Witness::open(disk, key(), watched(logs)).unwrap()
}

fn grown(to: u64) -> TheirLog {
    let mut log = TheirLog::new(LOG);
    log.grow(to, "entry");
    log
}

/// Whether the answer is a cosignature on this checkpoint, at this instant.
pub fn is_cosigned(answer: &Answer, note: &str, log: &TheirLog, now: Timestamp) -> bool {
    let Answer::Cosigned(line) = answer else { return false };
    let keys: [VerifierKey; 1] = [log.vkey.parse().unwrap()];
    let signed = Signed::verify_of(note.as_bytes(), &log.origin, &keys).unwrap().with(line);
    Cosignature::verify(&signed, key().verifier()).unwrap().at == now
}

#[test]
fn a_log_of_others_is_cosigned_as_it_grows() {
    let mut log = TheirLog::new(LOG);
    let witness = open(Memory::default(), &[&log]);
    let mut old = 0;
    for (n, size) in [0, 1, 2, 3, 255, 256, 257, 300, 1000].into_iter().enumerate() {
        log.grow(size, "entry");
        let now = at(n as i64);
        let answer = witness.add_checkpoint(log.request(old).as_bytes(), now);
        assert!(is_cosigned(&answer, &log.checkpoint(""), &log, now), "{old} to {size}: {answer:?}");
        let again = witness.add_checkpoint(log.request(size).as_bytes(), at(100));
        assert!(is_cosigned(&again, &log.checkpoint(""), &log, at(100)), "{size} again: {again:?}");
        old = size;
    }
}

#[test]
fn extension_lines_are_signed_and_others_signatures_ignored() {
    let log = grown(5);
    let witness = open(Memory::default(), &[&log]);
    let note = log.checkpoint("one\ntwo\n");
    assert!(is_cosigned(
        &witness.add_checkpoint(request(0, &[], &note).as_bytes(), at(0)),
        &note,
        &log,
        at(0)
    ));
    let line = note.lines().last().unwrap().replace(LOG, "someone.else");
    // As many as a note may have: what is kept must still be read when the witness starts again.
    let crowded = format!("{note}{}", format!("{line}\n").repeat(63));
    let answer = witness.add_checkpoint(request(5, &[], &crowded).as_bytes(), at(1));
    assert!(matches!(answer, Answer::Cosigned(_)), "{answer:?}");
    let fresh = open(Memory::default(), &[&log]);
    let answer = fresh.add_checkpoint(request(0, &[], &crowded).as_bytes(), at(1));
    assert!(matches!(answer, Answer::Cosigned(_)), "{answer:?}");
    open(fresh.into_disk(), &[&log]);
}

#[test]
fn each_refusal_has_its_answer() {
    let log = grown(300);
    let witness = open(Memory::default(), &[&log]);
    let say = |body: &str| witness.add_checkpoint(body.as_bytes(), at(0));
    assert_eq!(say(&request(7, &[], &log.checkpoint(""))), Answer::OtherSize(0));
    assert!(matches!(say(&log.request(0)), Answer::Cosigned(_)));

    let stranger = TheirLog::new("log.example.org/stranger");
    assert_eq!(say(&stranger.request(0)), Answer::UnknownLog);
    let mut impostor = TheirLog::new(LOG);
    impostor.grow(300, "entry");
    assert_eq!(say(&impostor.request(300)), Answer::NotSigned);
    let note = log.checkpoint("");
    let unsigned = note.replacen("300\n", "301\n", 1);
    assert_eq!(say(&request(300, &[], &unsigned)), Answer::NotSigned);
    assert_eq!(say(&request(301, &[], &note)), Answer::OldAbove);
    for old in [0, 1, 299] {
        assert_eq!(say(&log.request(old)), Answer::OtherSize(300), "{old}");
    }
    let malformed =
        ["", "old 300", "old 300\n\n", &format!("new 300\n\n{note}"), &format!("old 300\n{note}")];
    assert!(malformed.iter().all(|body| say(body) == Answer::Malformed));
}

#[test]
fn a_proof_must_hold_and_a_refusal_moves_nothing() {
    let log = grown(300);
    let witness = open(Memory::default(), &[&log]);
    let say = |body: &str| witness.add_checkpoint(body.as_bytes(), at(0));
    let note = log.checkpoint("");
    assert!(matches!(say(&log.request(0)), Answer::Cosigned(_)));
    let mut longer = log.clone();
    longer.grow(400, "entry");
    assert_eq!(say(&longer.request(299)), Answer::OtherSize(300));
    let proof = longer.proof(300);
    for n in 0..proof.len() {
        let mut bad = proof.clone();
        bad[n] = log.proof(1)[0].clone();
        assert_eq!(say(&request(300, &bad, &longer.checkpoint(""))), Answer::Unproven, "{n}");
        bad.remove(n);
        assert_eq!(say(&request(300, &bad, &longer.checkpoint(""))), Answer::Unproven, "without {n}");
    }
    let more = [&proof[..], &proof[..1]].concat();
    assert_eq!(say(&request(300, &more, &longer.checkpoint(""))), Answer::Unproven);
    assert_eq!(say(&request(300, &proof[..1], &note)), Answer::Unproven, "the same size needs no proof");
    assert_eq!(say(&request(300, &vec![proof[0].clone(); 64], &longer.checkpoint(""))), Answer::Malformed);
    assert!(matches!(say(&longer.request(300)), Answer::Cosigned(_)), "no refusal moved the witness");
    assert_eq!(say(&log.request(0)), Answer::OtherSize(400), "it does not go back");
    assert_eq!(say(&request(300, &[], &note)), Answer::OtherSize(400));
}

#[test]
fn the_first_proof_must_be_empty() {
    let log = grown(7);
    let witness = open(Memory::default(), &[&log]);
    let body = request(0, &log.proof(3), &log.checkpoint(""));
    assert_eq!(witness.add_checkpoint(body.as_bytes(), at(0)), Answer::Unproven);
}

#[test]
fn a_log_that_divides_is_told_and_the_proof_of_it_kept() {
    let honest = grown(300);
    let mut forked = honest.emptied();
    forked.grow(300, "another entry");
    let witness = open(Memory::default(), &[&honest]);
    assert!(matches!(witness.add_checkpoint(honest.request(0).as_bytes(), at(0)), Answer::Cosigned(_)));
    assert_eq!(witness.add_checkpoint(forked.request(300).as_bytes(), at(1)), Answer::Forked);
    assert_eq!(witness.add_checkpoint(forked.request(0).as_bytes(), at(1)), Answer::OtherSize(300));
    forked.grow(310, "another entry");
    assert_eq!(witness.add_checkpoint(forked.request(300).as_bytes(), at(2)), Answer::Unproven);

    let disk = witness.into_disk();
    let notes = |kind: &str| -> Vec<Checkpoint> {
        let paths = disk.paths().into_iter().filter(|path| path.contains(kind));
        let keys = [honest.vkey.parse::<VerifierKey>().unwrap()];
        let read = |path: String| Signed::verify_of(&disk.read(&path).unwrap(), LOG, &keys).unwrap();
        paths.map(|path| read(path).checkpoint().clone()).collect()
    };
    let forks = notes("/forks/");
    assert_eq!(forks.iter().map(|c| c.size).collect::<Vec<_>>(), [300, 300]);
    assert_ne!(forks[0].root, forks[1].root);
    assert_eq!(notes("/unproven/").iter().map(|c| c.size).collect::<Vec<_>>(), [310]);
    open(disk, &[&honest]);
}

/// A keeper that signs whatever it likes fills no disk of the witness.
#[test]
fn evidence_is_bounded() {
    let log = grown(300);
    let witness = open(Memory::default(), &[&log]);
    assert!(matches!(witness.add_checkpoint(log.request(0).as_bytes(), at(0)), Answer::Cosigned(_)));
    for n in 0..200 {
        let root = tlog_tiles::Hash([n; 32]);
        for size in [300, 301] {
            let answer =
                witness.add_checkpoint(request(300, &[], &log.signed(size, root, "")).as_bytes(), at(0));
            assert!(matches!(answer, Answer::Forked | Answer::Unproven), "{answer:?}");
        }
    }
    let paths = witness.into_disk().paths();
    for kind in ["/forks/", "/unproven/"] {
        let kept = paths.iter().filter(|path| path.contains(kind)).count();
        assert!((64..=65).contains(&kept), "{kind}: {kept}");
    }
}

#[test]
fn logs_do_not_meet_and_may_be_called_otherwise_than_their_keys() {
    let mut one = TheirLog::called("go.sum database tree", "sum.example.org");
    let mut two = TheirLog::new(LOG);
    one.grow(5, "a");
    two.grow(9, "b");
    let witness = open(Memory::default(), &[&one, &two]);
    for log in [&one, &two] {
        let answer = witness.add_checkpoint(log.request(0).as_bytes(), at(0));
        assert!(is_cosigned(&answer, &log.checkpoint(""), log, at(0)), "{answer:?}");
    }
    let witness = open(witness.into_disk(), &[&one, &two]);
    assert_eq!(witness.add_checkpoint(two.request(5).as_bytes(), at(0)), Answer::OtherSize(9));
    assert_eq!(witness.add_checkpoint(one.request(0).as_bytes(), at(0)), Answer::OtherSize(5));
}

#[test]
fn a_log_that_changes_its_key_goes_on() {
    let old = grown(10);
    let witness = open(Memory::default(), &[&old]);
    assert!(matches!(witness.add_checkpoint(old.request(0).as_bytes(), at(0)), Answer::Cosigned(_)));
    let mut renewed = old.with_another_key();
    renewed.grow(20, "entry");
    assert_eq!(witness.add_checkpoint(renewed.request(10).as_bytes(), at(0)), Answer::NotSigned);
    let both = open(witness.into_disk(), &[&old, &renewed]);
    assert!(matches!(both.add_checkpoint(renewed.request(10).as_bytes(), at(0)), Answer::Cosigned(_)));
    let only = open(both.into_disk(), &[&renewed]);
    assert_eq!(only.add_checkpoint(old.request(10).as_bytes(), at(0)), Answer::NotSigned);
}

#[test]
fn a_state_that_was_changed_is_not_believed() {
    let log = grown(10);
    let witness = open(Memory::default(), &[&log]);
    assert!(matches!(witness.add_checkpoint(log.request(0).as_bytes(), at(0)), Answer::Cosigned(_)));
    let disk = witness.into_disk();
    let path = disk.paths().into_iter().find(|path| path.ends_with("/checkpoint")).unwrap();
    let whole = disk.read(&path).unwrap();
    let other = TheirLog::new("log.example.org/third");
    let foreign = [other.checkpoint(""), String::from_utf8(whole.clone()).unwrap()];
    for bad in [&b""[..], &whole[..whole.len() - 1], foreign[0].as_bytes(), foreign.concat().as_bytes()] {
        disk.put(&path, bad);
        assert!(Witness::open(disk.clone(), key(), watched(&[&log])).is_err());
    }
    for at in 0..whole.len() {
        let mut turned = whole.clone();
        turned[at] ^= 1;
        disk.put(&path, &turned);
        let opened = Witness::open(disk.clone(), key(), watched(&[&log]));
        // The log's own signature is there as evidence; ours is what makes the file.
        let of_log = Note::parse(&turned).is_ok_and(|note| Cosignature::of(&note, key().verifier()).is_ok());
        assert!(opened.is_err() || of_log, "octet {at}");
    }
    disk.put(&path, &whole);
    open(disk, &[&log]);
}
