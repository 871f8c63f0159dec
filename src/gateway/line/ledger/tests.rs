//! What is kept comes back; what goes wrong with the file is an error and heals.

use super::*;
use crate::store::tests::tempdir::Folder;

const DAY: u64 = 86_400;
const START: u64 = 1_790_000_000 / DAY * DAY;

fn minute(at: u64) -> Minute {
    Minute { at, observed_ms: 60_000, guest_down_bytes: at, ..Minute::default() }
}

fn all(folder: &Folder) -> Vec<Minute> {
    let mut minutes = Vec::new();
    read(folder.path(), Timestamp::MIN, Timestamp::MAX, |minute| {
        minutes.push(minute);
        true
    })
    .unwrap();
    minutes
}

#[test]
fn minutes_come_back_in_order_and_gaps_stay_gaps() {
    let folder = Folder::new();
    let mut ledger = Ledger::new(folder.path());
    for at in [START, START + 60, START + 300] {
        ledger.keep(minute(at)).unwrap();
    }
    assert_eq!(all(&folder), [minute(START), minute(START + 60), minute(START + 300)]);
    let mut some = Vec::new();
    let second = |at: u64| Timestamp::from_second(i64::try_from(at).unwrap()).unwrap();
    read(folder.path(), second(START + 60), second(START + 300), |m| {
        some.push(m.at);
        true
    })
    .unwrap();
    assert_eq!(some, [START + 60]);
}

#[test]
fn a_minute_twice_is_the_first() {
    let folder = Folder::new();
    let mut ledger = Ledger::new(folder.path());
    ledger.keep(minute(START)).unwrap();
    ledger.keep(Minute { passes: 9, ..minute(START) }).unwrap();
    assert_eq!(all(&folder), [minute(START)]);
}

#[test]
fn minutes_go_after_thirteen_months() {
    let folder = Folder::new();
    let mut ledger = Ledger::new(folder.path());
    ledger.keep(minute(START)).unwrap();
    ledger.keep(minute(START + 390 * DAY)).unwrap();
    assert_eq!(all(&folder).len(), 2, "390 days are less than 13 months");
    ledger.keep(minute(START + 400 * DAY)).unwrap();
    assert_eq!(all(&folder)[0].at, START + 390 * DAY);
}

#[test]
fn a_full_disk_is_an_error_and_nothing_is_lost_when_there_is_room_again() {
    let folder = Folder::new();
    let mut ledger = Ledger::new(folder.path());
    ledger.keep(minute(START)).unwrap();
    ledger.limit_pages(1);
    let mut next = START;
    let failed = (0..200).any(|_| {
        next += 60;
        ledger.keep(minute(next)).is_err()
    });
    assert!(failed, "the disk never was full");
    ledger.keep(minute(next + 60)).unwrap();
    let expected: Vec<_> = (START..=next + 60).step_by(60).collect();
    assert_eq!(all(&folder).iter().map(|m| m.at).collect::<Vec<_>>(), expected);
}

#[test]
fn a_broken_file_is_an_error_and_is_left_as_it_is() {
    let folder = Folder::new();
    std::fs::write(file(folder.path()), "no database, but longer than a header of one".repeat(9)).unwrap();
    let mut ledger = Ledger::new(folder.path());
    assert!(ledger.keep(minute(START)).is_err());
    assert!(read(folder.path(), Timestamp::MIN, Timestamp::MAX, |_| true).is_err());
    std::fs::rename(file(folder.path()), folder.path().join("aside")).unwrap();
    ledger.keep(minute(START + 60)).unwrap();
    assert_eq!(all(&folder).len(), 2, "the minute that could not be written as well");
}

#[test]
fn a_newer_file_is_refused() {
    let folder = Folder::new();
    Connection::open(file(folder.path())).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(Ledger::new(folder.path()).keep(minute(START)), Err(LedgerError::Newer(99))));
}
