//! What is done every second: heartbeats, and a look at the keys.

use super::*;
use varco_audit::{ceremony, expiry::Kept, keys::KeyFolder};

#[test]
fn heartbeats_come_every_five_minutes_and_say_how_right_the_clock_is() {
    let folder = folder();
    let mut store = open(folder.path()).unwrap();
    for second in [0, 1, 299, 300, 301, 599, 600] {
        store.keep_up(3, at(second)).unwrap();
    }
    let beats = entries(folder.path());
    let clock = varco_audit::Clock::Unknown;
    let beat = |second| Entry::Heartbeat { at: at(second), site: "library".into(), open: 3, clock };
    assert_eq!(beats, [beat(0), beat(300), beat(600)]);
}

#[test]
fn keys_that_are_of_an_earlier_day_or_week_are_told_until_newer_ones_come() {
    let folder = folder();
    let mut store = open(folder.path()).unwrap();
    let late = |store: &mut Store, day: i64| {
        store.keep_up(0, at(day * 86_400)).unwrap();
        store.progress.state().late
    };
    assert!(!late(&mut store, 0), "12 January 1970 is in the third week");
    assert!(late(&mut store, 7), "the newest are used all the same");
    let mut store = {
        drop(store);
        let (given, first) = (tempdir::Folder::new(), at(0) - SignedDuration::from_hours(12 * 24));
        ceremony::publish(&KeyFolder::at(keys::folder()), given.path()).unwrap();
        std::fs::remove_dir_all(given.path().join("1970-W03")).unwrap();
        let recorder = Recorder::open(given.path(), "library", Kept::default(), first).unwrap();
        Store::open(folder.path(), recorder, QUARANTINE).unwrap()
    };
    assert!(!late(&mut store, -12), "31 December 1969 is in the first week");
    assert!(late(&mut store, -5));
}
