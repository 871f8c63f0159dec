//! What somebody does who has the folder, and knows how a log is made, but not its key.

use crate::kept::{Memory, ORIGIN, asked, check, key, key_of, leaf, leaves, thousand};
use varco_audit::{
    tlog::{Files as _, Log},
    verify::{Asked, Problem, verify},
};

/// A log of these entries, whole in itself, with the signed checkpoint of another.
fn forged(entries: &[Vec<u8>], checkpoint: &[u8]) -> Memory {
    let mut log = Log::on(Memory::default(), ORIGIN, key_of(ORIGIN, 66)).unwrap();
    log.integrate(0, entries).unwrap();
    let files = log.into_disk();
    files.0.borrow_mut().insert("checkpoint".to_owned(), checkpoint.to_vec());
    files
}

/// What `moved.rs` does to every entry is done as the log itself would: of the right entries it makes the right log.
#[test]
fn the_forger_is_able_to_forge() {
    let checkpoint = thousand().read("checkpoint").unwrap();
    let mut all = leaves(0..1000);
    assert!(check(&forged(&all, &checkpoint)).is_ok());
    all.swap(0, 999);
    assert!(check(&forged(&all, &checkpoint)).is_err());
}

/// Leaves that no verifier takes in place 137, whoever signed them: nobody could read them, or anybody.
pub const BROKEN: [&str; 23] = [
    "varco-leaf/2 R2a library 137 2026-11-22T10:00:00Z 2026-W47 -\n\x05",
    "varco-leaf/1 R2a library 0137 2026-11-22T10:00:00Z 2026-W47 -\n\x05",
    "varco-leaf/1 R2a library 137 2026-11-22T10:00:00 2026-W47 -\n\x05",
    "varco-leaf/1 R2a library 137 2026-11-22T10:00:00.0Z 2026-W47 -\n\x05",
    "varco-leaf/1 R2a library 137 2026-11-22T10:00:00+00:00 2026-W47 -\n\x05",
    "varco-leaf/1 R2a library 137 2026-02-30T10:00:00Z 2026-W47 -\n\x05",
    "varco-leaf/1 R2a library 137 2026-11-22T10:00:60Z 2026-W47 -\n\x05",
    "varco-leaf/1 R2a library 137 2026-11-22T10:00:00Z 2026-W47 - -\n\x05",
    "varco-leaf/1 R2a library 137 2026-11-22T10:00:00Z  -\n\x05",
    "varco-leaf/1 R2a  137 2026-11-22T10:00:00Z 2026-W47 -\n\x05",
    "varco-leaf/1 R2a library 137 2026-11-22T10:00:00Z 2026-W47 -",
    "varco-leaf/1 R2a library 137 2026-11-22T10:00:00Z 2026-W54 -\n\x05",
    "varco-leaf/1 R2a library 137 2026-11-22T10:00:00Z 2026-11-22 -\n\x05",
    "varco-leaf/1 R9 library 137 2026-11-22T10:00:00Z 2026-W47 -\n\x05",
    "varco-leaf/1 R2a library 137 2026-11-22T10:00:00Z - -\n{}",
    "varco-leaf/1 R2a library 137 2026-11-22T10:00:00Z 2026-W47 -\n{}",
    "varco-leaf/1 R2a library 137 2026-11-22T10:00:00Z 2026-W47 -\n\x04",
    "varco-leaf/1 R2a library 137 2026-11-22T10:00:00Z 2026-W47 -\n",
    "varco-leaf/1 R2a library 137 2026-11-22T10:00:00Z 2026-W47 tagkey\n\x04",
    "varco-leaf/1 R2b library 137 2026-11-22T10:00:00Z 2026-W47 -\n\x05",
    "varco-leaf/1 R2b library 137 2026-11-22T10:00:00Z 2026-W47 00112233445566fF\n\x05",
    "varco-leaf/1 R3 library 137 2026-11-22T10:00:00Z 2026-02-30 -\n\x05",
    "varco-leaf/1 R6 library 137 2026-11-22T10:00:00Z 2026-W47 -\n{}",
];

/// With the log's own key: what the headers alone betray.
#[test]
fn sequence_and_site_are_those_of_the_place() {
    let signed = |entries: &[Vec<u8>]| {
        let mut log = Log::on(Memory::default(), ORIGIN, key()).unwrap();
        log.integrate(0, entries).unwrap();
        check(&log.into_disk())
    };
    let mut all = leaves(0..300);
    all.remove(137);
    assert!(matches!(signed(&all), Err(Problem::Leaf { index: 137, .. })));
    all.insert(137, b"varco-leaf/1 R2a museum 137 2026-11-22T10:00:00Z 2026-W47 -\n\x05".to_vec());
    assert!(matches!(signed(&all), Err(Problem::Leaf { index: 137, .. })));
    for broken in BROKEN {
        all[137] = broken.as_bytes().to_vec();
        assert!(matches!(signed(&all), Err(Problem::Leaf { index: 137, .. })), "{broken}");
    }
    all[137] = leaf(137);
    assert!(signed(&all).is_ok());
}

#[test]
fn a_log_that_was_rewritten_is_found_by_a_checkpoint_seen() {
    let old = thousand().read("checkpoint").unwrap();
    let mut all = leaves(0..1200);
    let rewritten = |all: &[Vec<u8>]| {
        let mut log = Log::on(Memory::default(), ORIGIN, key()).unwrap();
        log.integrate(0, all).unwrap();
        let files = log.into_disk();
        verify(&files, &files.paths(), &Asked { seen: vec![old.clone()], ..asked() })
    };
    assert_eq!(rewritten(&all).unwrap().seen, [1000]);
    *all[500].last_mut().unwrap() ^= 1;
    assert!(matches!(rewritten(&all), Err(Problem::NotContinued(1000))));
}

#[test]
fn another_key_is_another_log() {
    let files = forged(&leaves(0..1000), &[]);
    let note = {
        let mut log = Log::on(Memory::default(), ORIGIN, key_of(ORIGIN, 66)).unwrap();
        log.integrate(0, &leaves(0..1000)).unwrap().note().to_owned()
    };
    files.0.borrow_mut().insert("checkpoint".to_owned(), note.into_bytes());
    let problem = check(&files).unwrap_err();
    assert!(matches!(problem, Problem::NotSigned(_)));
    assert_eq!(problem.exit_code(), 5);
}
