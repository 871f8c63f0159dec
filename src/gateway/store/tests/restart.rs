//! What a start finds of what was committed: everything, once.

use super::*;
use varco_policy::Rate;

#[test]
fn a_restart_finds_open_passes_marks_and_resting_slots() {
    let folder = folder();
    let (a, b, c) = (pass(1), pass(2), pass(3));
    let mut store = open(folder.path()).unwrap();
    store.commit(&[&a, &b, &c].map(|p| Change::Started(p.clone())), at(0)).unwrap();
    let mark = Change::Leaving { pass: b.id, cause: EndCause::Expelled };
    store.commit(&[mark, end(&c, 60)], at(60)).unwrap();
    drop(store);
    let mut store = open(folder.path()).unwrap();
    let kept = store.resume(at(70)).unwrap();
    assert_eq!(kept.open, [(a, None), (b, Some(EndCause::Expelled))]);
    assert_eq!(kept.resting, [(c.slot, at(60))]);
    assert_eq!(kept.newest, Some(at(60)));
    drop(store);
    // A start with a clock that lost its time is on record too, and does not become the newest.
    open(folder.path()).unwrap().resume(at(-5000)).unwrap();
    let mut store = open(folder.path()).unwrap();
    assert_eq!(store.resume(at(71)).unwrap().newest, Some(at(70)));
    assert!(matches!(entries(folder.path()).last(), Some(Entry::Resumed { open: 2, .. })));
}

#[test]
fn recording_twice_is_recording_once() {
    let folder = folder();
    let mut store = open(folder.path()).unwrap();
    let a = pass(1);
    for _ in 0..2 {
        store.commit(&[Change::Started(a.clone())], at(0)).unwrap();
    }
    for _ in 0..2 {
        store.commit(&[end(&a, 5)], at(5)).unwrap();
    }
    store.commit(&[end(&pass(9), 6)], at(6)).unwrap();
    let kinds: Vec<_> = entries(folder.path()).iter().map(|e| matches!(e, Entry::Started { .. })).collect();
    assert_eq!(kinds, [true, false], "one start, one end, and no end of what never started");
}

#[test]
fn a_slot_is_forgotten_when_it_has_rested() {
    let folder = folder();
    let mut store = open(folder.path()).unwrap();
    store.commit(&[Change::Started(pass(1)), end(&pass(1), 0)], at(0)).unwrap();
    store.commit(&[end(&pass(2), 599)], at(599)).unwrap();
    assert_eq!(store.resting().unwrap().len(), 2);
    store.commit(&[end(&pass(2), 599)], at(601)).unwrap();
    assert_eq!(store.resting().unwrap(), [(pass(2).slot, at(599))]);
}

#[test]
fn a_restart_finds_what_was_used_how_far_it_is_counted_and_rates() {
    let folder = folder();
    let (a, b) = (pass(1), pass(2));
    let mut store = open(folder.path()).unwrap();
    store.commit(&[&a, &b].map(|p| Change::Started(p.clone())), at(0)).unwrap();
    let slow = Rate::from_bits(5_000_000);
    let first = used("2026-11-22", 10, 1_000);
    store.commit(&[records(&a.subject, first, vec![(a.id, 800)])], at(60)).unwrap();
    let today = used("2026-11-22", 20, 5_000_000_000);
    store.commit(&[records(&a.subject, today, vec![(a.id, 4_000)])], at(120)).unwrap();
    store.commit(&[Change::Rated { pass: b.id, rate: Some(slow) }], at(121)).unwrap();
    drop(store);
    let mut store = open(folder.path()).unwrap();
    let known = store.resume(at(130)).unwrap().known;
    assert_eq!(known.used, [(a.subject.clone(), today)]);
    assert_eq!(known.passes, [(a.id, None, 4_000), (b.id, Some(slow), 0)]);
    assert_eq!(store.used(&a.subject, today.day).unwrap(), Some(today), "also when no pass is open");
    assert_eq!(store.used(&b.subject, today.day).unwrap(), None);
    assert_eq!(store.used(&a.subject, "2026-11-23".parse().unwrap()).unwrap(), None);
}

/// What is acknowledged survives the death of the process: a child commits and is killed without closing.
#[test]
fn a_killed_gateway_has_lost_nothing_that_was_acknowledged() {
    if let Ok(child) = std::env::var("VARCO_TEST_COMMIT_AND_ABORT") {
        let mut store = open(Path::new(&child)).unwrap();
        store.commit(&[Change::Started(pass(1))], at(0)).unwrap();
        std::process::abort();
    }
    let folder = folder();
    let this = "store::tests::restart::a_killed_gateway_has_lost_nothing_that_was_acknowledged";
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", this, "--nocapture"])
        .env("VARCO_TEST_COMMIT_AND_ABORT", folder.path())
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.code().is_none(), "the child died of a signal");
    let mut store = open(folder.path()).unwrap();
    assert_eq!(store.resume(at(1)).unwrap().open, [(pass(1), None)]);
}
