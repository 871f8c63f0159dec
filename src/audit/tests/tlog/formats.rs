//! What the log refuses, and that the same call again does no harm.

use crate::kept::{Memory, ORIGIN, Place, asked, check, check_folder, key, key_of, leaf, leaves, thousand};
use varco_audit::{
    tlog::{Disk as _, ENTRY_MAX, Files as _, Log, LogError},
    verify::{Problem, verify},
};

#[test]
fn the_same_leaves_again_are_skipped_and_others_refused() {
    let mut log = Log::on(Memory::default(), ORIGIN, key()).unwrap();
    let first = log.integrate(0, &leaves(0..300)).unwrap().note().to_owned();
    assert_eq!(log.integrate(0, &leaves(0..300)).unwrap().note(), first);
    assert_eq!(log.integrate(100, &leaves(100..200)).unwrap().note(), first);
    assert_eq!(log.integrate(250, &leaves(250..310)).unwrap().size, 310);
    assert!(matches!(log.integrate(311, &leaves(311..312)), Err(LogError::Gap { size: 310, first: 311 })));
    let mut other = leaves(290..320);
    other[5].push(0);
    assert!(matches!(log.integrate(290, &other), Err(LogError::Changed(295))));
    assert!(matches!(log.integrate(310, &[vec![0; ENTRY_MAX + 1]]), Err(LogError::TooLong(_))));
    assert_eq!(log.integrate(310, &leaves(310..311)).unwrap().size, 311);
    assert_eq!(check(&log.into_disk()).unwrap().checkpoint.size, 311);
}

#[test]
fn empty_and_longest_entries_have_their_place() {
    let mut log = Log::on(Memory::default(), ORIGIN, key()).unwrap();
    let long = [leaf(0), vec![b'x'; ENTRY_MAX - leaf(0).len()]].concat();
    log.integrate(0, std::slice::from_ref(&long)).unwrap();
    log.integrate(1, &[Vec::new()]).unwrap();
    let files = log.into_disk();
    assert_eq!(files.read("tile/entries/000.p/2").unwrap(), [&[255, 255], &*long, &[0, 0]].concat());
    assert!(matches!(check(&files), Err(Problem::Leaf { index: 1, .. })), "an empty entry is no leaf");
}

#[test]
fn a_log_without_entries_is_whole() {
    let log = Log::on(Memory::default(), ORIGIN, key()).unwrap();
    let whole = check(&log.into_disk()).unwrap();
    assert_eq!((whole.checkpoint.size, whole.from_to), (0, None));
}

#[test]
fn tiles_without_their_checkpoint_are_not_signed_over() {
    let mut log = Log::on(Memory::default(), ORIGIN, key()).unwrap();
    log.integrate(0, &leaves(0..10)).unwrap();
    let disk = log.into_disk();
    disk.0.borrow_mut().remove("checkpoint");
    assert!(matches!(Log::on(disk, ORIGIN, key()), Err(LogError::NoCheckpoint)));
}

#[test]
fn a_log_keeps_its_key_and_its_name() {
    let log = Log::on(Memory::default(), ORIGIN, key()).unwrap();
    let disk = log.into_disk();
    let other = key_of(ORIGIN, 8);
    assert!(matches!(Log::on(disk.clone(), ORIGIN, other), Err(LogError::Checkpoint(_))));
    assert!(matches!(Log::on(disk, "another", key()), Err(LogError::OtherName(_))));
}

/// A flipped bit in what the log continues from is found before the next checkpoint, and nothing is signed over it.
#[test]
fn a_damaged_edge_is_never_signed_over() {
    for path in ["tile/entries/001.p/44", "tile/0/001.p/44", "tile/1/000.p/1"] {
        let mut log = Log::on(Memory::default(), ORIGIN, key()).unwrap();
        log.integrate(0, &leaves(0..300)).unwrap();
        let disk = log.into_disk();
        disk.0.borrow_mut().get_mut(path).unwrap()[9] ^= 1;
        let before = disk.read("checkpoint").unwrap();
        assert!(matches!(Log::on(disk.clone(), ORIGIN, key()), Err(LogError::Tiles(_))), "{path}");
        assert_eq!(disk.read("checkpoint").unwrap(), before);
    }
}

#[test]
fn a_scrub_finds_what_has_rotted() {
    let mut log = Log::on(Memory::default(), ORIGIN, key()).unwrap();
    log.integrate(0, &leaves(0..1000)).unwrap();
    assert_eq!(log.scrub(0, 3).unwrap(), 3);
    assert_eq!(log.scrub(3, 3).unwrap(), 0);
    let disk = log.into_disk();
    disk.0.borrow_mut().get_mut("tile/entries/001").unwrap()[1000] ^= 4;
    let log = Log::on(disk, ORIGIN, key()).unwrap();
    assert_eq!(log.scrub(0, 1).unwrap(), 1);
    assert!(matches!(log.scrub(1, 1), Err(LogError::Tiles(_))));
}

#[test]
fn partial_tiles_go_when_their_full_ones_are_there() {
    let mut log = Log::on(Memory::default(), ORIGIN, key()).unwrap();
    for end in [100, 200, 256] {
        log.integrate(0, &leaves(0..end)).unwrap();
        let kept = if end == 256 { 0 } else { end / 100 };
        let disk = log.into_disk();
        assert_eq!(disk.names("tile/0/000.p").unwrap().len() as u64, kept);
        assert_eq!(disk.names("tile/entries/000.p").unwrap().len() as u64, kept);
        log = Log::on(disk, ORIGIN, key()).unwrap();
    }
    let mut paths = log.into_disk().paths();
    paths.sort();
    assert_eq!(paths, ["checkpoint", "tile/0/000", "tile/1/000.p/1", "tile/entries/000"]);
}

#[test]
fn two_never_write_to_one_folder() {
    let place = Place::new("alone");
    let log = Log::open(&place.log(), ORIGIN, key()).unwrap();
    let second = Log::open(&place.log(), ORIGIN, key());
    assert!(matches!(second, Err(LogError::Disk(error)) if error.kind() == std::io::ErrorKind::WouldBlock));
    drop(log);
    Log::open(&place.log(), ORIGIN, key()).unwrap();
    assert_eq!(check_folder(&place.log(), &asked()).unwrap().checkpoint.size, 0);
}

#[test]
fn what_expired_may_be_gone_and_its_hashes_may_not() {
    let mut log = Log::on(Memory::default(), ORIGIN, key()).unwrap();
    log.integrate(0, &leaves(0..1000)).unwrap();
    let files = log.into_disk();
    files.0.borrow_mut().remove("tile/entries/000");
    assert!(matches!(check(&files), Err(Problem::Altered(_))));
    let ask = |expired| verify(&files, &files.paths(), &varco_audit::verify::Asked { expired, ..asked() });
    assert_eq!(ask(256).unwrap().gone, 256);
    assert!(ask(255).is_err());
    files.0.borrow_mut().get_mut("tile/0/000").unwrap()[0] ^= 1;
    assert!(matches!(ask(256), Err(Problem::Altered(_))));
}

/// What a verifier meets that reads while the log grows: partial tiles that were listed and are gone.
#[test]
fn a_partial_tile_that_went_while_the_log_was_read_is_no_damage() {
    let files = thousand();
    let listed = files.paths();
    let mut log = Log::on(files.clone(), ORIGIN, key()).unwrap();
    log.integrate(1000, &leaves(1000..1100)).unwrap();
    let grown = log.into_disk();
    // The checkpoint of before was read, and the folder listed, before the log grew.
    let old = files.read("checkpoint").unwrap();
    grown.0.borrow_mut().insert("checkpoint".to_owned(), old);
    assert!(listed.iter().any(|path| grown.read(path).is_err()), "none went");
    let whole = verify(&grown, &listed, &asked()).unwrap();
    assert_eq!((whole.checkpoint.size, whole.strangers), (1000, Vec::<String>::new()));
    let place = Place::new("grown");
    place.put(&grown);
    let second = crate::python::verify(&place.log(), &[]);
    assert_eq!(second.status.code(), Some(0), "{}", String::from_utf8_lossy(&second.stderr));
}

/// Files with names of an attacker's choice are named, and neither verifier falls over them.
#[test]
fn files_of_nobody_are_named_by_both_verifiers() {
    let files = thousand();
    let stray =
        ["tile/foo/000.p/5", "tile/0/abc.p/5", "tile/0/000.p/\u{b2}", "tile/9/000.p/5", "tile/0/999.p/5"];
    for path in stray {
        files.0.borrow_mut().insert(path.to_owned(), b"?".to_vec());
    }
    let mut found = check(&files).unwrap().strangers;
    found.sort();
    let mut expected = stray.map(str::to_owned);
    expected.sort();
    assert_eq!(found, expected);
    let place = Place::new("stray");
    place.put(&files);
    let second = crate::python::verify(&place.log(), &[]);
    let text = String::from_utf8(second.stdout).unwrap();
    assert_eq!(second.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&second.stderr));
    assert_eq!(text.lines().filter(|line| line.starts_with("unsigned: ")).count(), stray.len(), "{text}");
}
