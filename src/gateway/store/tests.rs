//! The store against a real SQLite file: reopened, full, newer, in use, and killed between two commits.

mod faults;
mod log;

use super::*;
use std::{net::Ipv4Addr, os::unix::fs::MetadataExt};
use varco_audit::{ceremony, expiry::Kept, keys::KeyFolder};
use varco_policy::{Device, Mac, PassId, Rate, Subject};

pub(super) const QUARANTINE: SignedDuration = SignedDuration::from_mins(10);

fn folder() -> tempdir::Folder {
    tempdir::Folder::new()
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

pub(super) fn pass(n: u8) -> Pass {
    let first_port = 1024 + 512 * u16::from(n);
    Pass {
        id: PassId(uuid::Uuid::from_u64_pair(0, n.into())),
        subject: Subject::try_from(format!("subject-{n}")).unwrap(),
        device: Device { address: [10, 64, 0, n].into(), mac: Mac::new([2, 0, 0, 0, 0, n]) },
        slot: Slot { address: Ipv4Addr::new(198, 18, 0, 3), first_port, last_port: first_port + 511 },
        since: at(0),
        until: at(3600),
        session: None,
    }
}

pub(super) fn end(pass: &Pass, second: i64) -> Change {
    let cause = EndCause::LoggedOut;
    Change::Ended { pass: pass.id, slot: pass.slot, at: at(second), freed: at(second), cause }
}

pub(super) fn open(folder: &Path) -> Result<Store, StoreError> {
    let mut store = Store::open(folder, keys::recorder(at(0)), QUARANTINE)?;
    store.take_over(at(0))?;
    Ok(store)
}

use keys::entries;

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
fn a_full_disk_fails_whole_and_works_again_with_room() {
    let folder = folder();
    let mut store = open(folder.path()).unwrap();
    store.commit(&[Change::Started(pass(0))], at(0)).unwrap();
    store.limit_pages(1);
    let many: Vec<_> = (1..100).map(|n| Change::Started(pass(n))).collect();
    let error = store.commit(&many, at(1)).unwrap_err().to_string();
    assert!(error.contains("full"), "{error}");
    assert_eq!(store.open_passes().unwrap().len(), 1, "all or none");
    store.limit_pages(1_000_000);
    store.commit(&many, at(2)).unwrap();
    assert_eq!(store.open_passes().unwrap().len(), 100);
    assert_eq!(entries(folder.path()).len(), 100);
}

#[test]
fn a_device_is_a_hash_that_changes_every_day_and_whose_keys_are_deleted() {
    let folder = folder();
    let mut store = open(folder.path()).unwrap();
    const DAY: i64 = 86_400;
    for day in 0..5i64 {
        for n in 0..2 {
            let id = PassId(uuid::Uuid::from_u64_pair(day.unsigned_abs(), n));
            store.commit(&[Change::Started(Pass { id, ..pass(1) })], at(day * DAY)).unwrap();
        }
    }
    let hashes: Vec<_> = entries(folder.path())
        .into_iter()
        .filter_map(|e| if let Entry::Started { device, .. } = e { Some(device) } else { None })
        .collect();
    assert_eq!(hashes.len(), 10);
    assert!(hashes.chunks(2).all(|day| day[0] == day[1] && day[0].len() == 22));
    assert_eq!(hashes.iter().collect::<std::collections::BTreeSet<_>>().len(), 5);
    let keys: i64 = store.connection.query_row("SELECT count(*) FROM device_key", (), |r| r.get(0)).unwrap();
    assert_eq!(keys, 3);
}

#[test]
fn the_journal_holds_no_address_of_a_device() {
    let folder = folder();
    let mut store = open(folder.path()).unwrap();
    store.commit(&[Change::Started(pass(7))], at(0)).unwrap();
    store.commit(&[end(&pass(7), 5)], at(5)).unwrap();
    drop(store);
    for name in ["site.db", "site.db-wal"] {
        let bytes = std::fs::read(folder.path().join(name)).unwrap_or_default();
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|w| w == needle);
        assert!(!holds(b"02:00:00:00:00:07") && !holds(b"10.64.0.7"), "{name}");
    }
}

#[test]
fn two_gateways_a_newer_database_and_a_missing_folder_are_refused() {
    let folder = folder();
    let store = open(folder.path()).unwrap();
    assert!(matches!(open(folder.path()), Err(StoreError::InUse)));
    store.connection.pragma_update(None, "user_version", 99).unwrap();
    drop(store);
    let newer = open(folder.path());
    assert!(matches!(newer, Err(StoreError::Newer { found: 99, known: 5 })));
    assert!(matches!(open(&folder.path().join("no")), Err(StoreError::Folder(_))));
}

#[test]
fn what_is_not_a_database_is_refused() {
    let folder = folder();
    std::fs::write(folder.path().join("site.db"), "this is no database, and long enough to be read as one")
        .unwrap();
    assert!(open(folder.path()).is_err());
}

/// What is acknowledged survives the death of the process: a child commits and is killed without closing.
#[test]
fn a_killed_gateway_has_lost_nothing_that_was_acknowledged() {
    let folder = folder();
    if let Ok(child) = std::env::var("VARCO_TEST_COMMIT_AND_ABORT") {
        let mut store = open(Path::new(&child)).unwrap();
        store.commit(&[Change::Started(pass(1))], at(0)).unwrap();
        std::process::abort();
    }
    let this = "store::tests::a_killed_gateway_has_lost_nothing_that_was_acknowledged";
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

/// Keys made once for all tests, and what they open.
pub(crate) mod keys {
    use super::tempdir::Folder;
    use jiff::Timestamp;
    use std::{
        path::{Path, PathBuf},
        sync::LazyLock,
    };
    use varco_audit::{
        Entry, ceremony,
        content::Joined,
        expiry::Kept,
        holder::{Holder, HolderKey},
        keys::KeyFolder,
        opener::Opener,
        recorder::Recorder,
        records::{Records, RecordsError},
        seal::Role,
        week::{Length, Period},
    };

    /// Made once and kept for later runs, since children that a test kills need them too. Of the weeks in which tests
    /// play, and of this one for those that take the time from the clock.
    static KEYS: LazyLock<PathBuf> = LazyLock::new(|| {
        let name = format!("varco-gateway-test-keys-3-{}-{}", nix::unistd::getuid(), this_week());
        let (kept, made) = (std::env::temp_dir().join(name), Folder::new());
        if !kept.exists() {
            make(made.path());
            // Another process may have been faster.
            let _ = std::fs::rename(made.path(), &kept);
        }
        kept
    });

    fn make(folder: &Path) {
        let holders = Role::ALL.map(|role| {
            let (_, given) = HolderKey::make(role.as_str(), role, folder).unwrap();
            Holder::read(&given).unwrap()
        });
        for week in ["1970-W01".parse().unwrap(), "1970-W03".parse().unwrap(), this_week()] {
            ceremony::week(&KeyFolder::at(folder), week, &holders).unwrap();
        }
    }

    #[expect(clippy::disallowed_methods, reason = "some tests run by the clock")]
    fn this_week() -> Period {
        Period::of(Length::Week, jiff::Timestamp::now())
    }

    pub fn folder() -> &'static Path {
        &KEYS
    }

    pub fn recorder(at: Timestamp) -> Recorder {
        Recorder::open(folder(), "library", Kept::default(), at).unwrap()
    }

    pub fn opener() -> Opener {
        let own = |role: Role| HolderKey::read(&folder().join(format!("{role}.key"))).unwrap();
        Opener::new(KeyFolder::at(folder()), Role::ALL.map(own).into())
    }

    /// What is on record in a state folder, as both holders together read it.
    pub fn entries(folder: &Path) -> Vec<Entry> {
        let (mut entries, mut joined, mut opener) = (Vec::new(), Joined::default(), opener());
        let mut records = Records::open(Some(&folder.join("log")), Some(&folder.join("site.db"))).unwrap();
        let done: Result<(), RecordsError> = records.each(|leaf, _| {
            let content = opener.open(leaf).unwrap();
            entries.extend(joined.take(leaf.header.at, &leaf.header.site, content.body));
            Ok(())
        });
        done.unwrap();
        entries
    }
}

/// A folder that goes away with the test.
pub(crate) mod tempdir {
    use std::path::{Path, PathBuf};

    pub struct Folder(PathBuf);

    impl Folder {
        pub fn new() -> Self {
            let path = std::env::temp_dir().join(format!("varco-gateway-{}", uuid::Uuid::new_v4()));
            std::fs::create_dir(&path).unwrap();
            Self(path)
        }

        pub fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// SECURITY.md P5: hardware addresses are for the gateway alone, whatever mask it was started with.
#[test]
fn the_records_are_readable_by_their_owner_only() {
    let folder = folder();
    let mut store = open(folder.path()).unwrap();
    store.commit(&[Change::Started(pass(1))], at(0)).unwrap();
    for name in ["site.db", "site.db-wal", "site.db-shm"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

fn used(day: &str, minutes: i64, bytes: u64) -> Used {
    Used { day: day.parse().unwrap(), time: SignedDuration::from_mins(minutes), bytes, to: at(0) }
}

fn records(person: &Subject, used: Used, counted: Vec<(PassId, u64)>) -> Change {
    Change::Used { person: person.clone(), used, counted }
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

/// SECURITY.md R5: what a person has used is nobody's after the day: neither the row nor the key that led to it is left
/// in any file, and the same person is another row on each day.
#[test]
fn usage_of_earlier_days_and_its_keys_are_gone_from_every_file() {
    let folder = folder();
    let mut store = open(folder.path()).unwrap();
    let person = pass(1).subject;
    let mut secrets: Vec<Vec<u8>> = Vec::new();
    for day in ["2026-11-22", "2026-11-23", "2026-11-24"] {
        store.commit(&[Change::Day(day.parse().unwrap())], at(0)).unwrap();
        assert!(found(folder.path(), &secrets).is_empty(), "{day}");
        store.commit(&[records(&person, used(day, 10, 1_000), Vec::new())], at(1)).unwrap();
        for column in ["SELECT key FROM usage_key", "SELECT person FROM usage"] {
            secrets.push(store.connection.query_row(column, (), |row| row.get(0)).unwrap());
        }
        let seen = found(folder.path(), &secrets);
        assert_eq!(seen, [secrets.len() - 2, secrets.len() - 1], "the search finds what is there");
    }
    let rows: i64 = store.connection.query_row("SELECT count(*) FROM usage", (), |r| r.get(0)).unwrap();
    assert_eq!(rows, 1);
    assert!(secrets[1] != secrets[3] && secrets[3] != secrets[5]);
    assert!(found(folder.path(), &[person.as_str().into()]).is_empty(), "only as a hash");
    // The operator takes the limit away.
    store.forget_usage().unwrap();
    assert!(found(folder.path(), &secrets).is_empty());
}

/// Which of these stand in one of the database's files.
fn found(folder: &Path, needles: &[Vec<u8>]) -> Vec<usize> {
    let files = ["site.db", "site.db-wal"].map(|name| std::fs::read(folder.join(name)).unwrap_or_default());
    let holds = |needle: &[u8]| files.iter().any(|file| file.windows(needle.len()).any(|w| w == needle));
    (0..needles.len()).filter(|n| holds(&needles[*n])).collect()
}

#[test]
fn records_of_the_first_version_are_taken_over() {
    let folder = folder();
    let store = open(folder.path()).unwrap();
    store
        .connection
        .execute_batch(
            "ALTER TABLE pass DROP COLUMN rate; ALTER TABLE pass DROP COLUMN counted;
             DROP TABLE usage; DROP TABLE usage_key; PRAGMA user_version = 1;",
        )
        .unwrap();
    let body = serde_json::to_string(&pass(1)).unwrap();
    let row = (pass(1).id.to_string(), body);
    store.connection.execute("INSERT INTO pass (id, body) VALUES (?1, ?2)", row).unwrap();
    drop(store);
    for _ in 0..2 {
        let mut store = open(folder.path()).unwrap();
        let kept = store.resume(at(1)).unwrap();
        assert_eq!((kept.open, kept.known.passes), (vec![(pass(1), None)], vec![(pass(1).id, None, 0)]));
    }
}

/// What an older version recorded in clear: sealed, in order, whole, and gone from every file.
#[test]
fn records_in_clear_of_the_version_before_are_sealed_and_gone() {
    const MANY: u8 = 120;
    let folder = folder();
    let old = rusqlite::Connection::open(folder.path().join("site.db")).unwrap();
    old.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA secure_delete = ON; PRAGMA user_version = 3;
         CREATE TABLE record (sequence INTEGER PRIMARY KEY CHECK (sequence > 0), at TEXT NOT NULL, body TEXT NOT NULL) STRICT;
         CREATE TRIGGER record_is_append_only BEFORE UPDATE ON record
         BEGIN SELECT RAISE(ABORT, 'records are never changed'); END;",
    )
    .unwrap();
    let mut clear = Vec::new();
    for n in 0..MANY {
        let Pass { id, subject, slot, since, until, .. } = pass(n);
        let (site, cause) = ("library".to_owned(), EndCause::Idle);
        let at = since + SignedDuration::from_secs(n.into());
        let device = "hash-of-a-device".to_owned();
        clear.push(Entry::Started { at, site: site.clone(), pass: id, subject, device, slot, until });
        // As many ends as it takes for several transactions.
        clear.extend((0..5).map(|_| Entry::Ended { at, site: site.clone(), pass: id, slot, cause }));
    }
    for entry in &clear {
        let body = serde_json::to_string(entry).unwrap();
        old.execute("INSERT INTO record (at, body) VALUES (?1, ?2)", (entry.at().to_string(), body)).unwrap();
    }
    let known = ["subject-7\"", "subject-119", "hash-of-a-device", "\"kind\":\"started\"", "198.18.0.3"];
    let known = known.map(|text| text.as_bytes().to_vec());
    assert_eq!(found(folder.path(), &known), [0, 1, 2, 3, 4], "the search finds what is there");
    // Its process was killed: nothing of the write-ahead log is in the database.
    std::mem::forget(old);
    for _ in 0..2 {
        let store = open(folder.path()).unwrap();
        assert_eq!(journal::place(&store.connection).unwrap().newest, Some(at(119)));
        assert_eq!(found(folder.path(), &known), [0; 0]);
        assert_eq!(entries(folder.path()), clear);
    }
}

/// SECURITY.md R9: of who was here and left nothing is left in clear, whatever file of the folder is looked into.
#[test]
fn after_a_pass_no_file_holds_its_device_its_login_or_its_subject() {
    let folder = folder();
    let mut store = open(folder.path()).unwrap();
    let sid = varco_policy::pass::Sid::try_from("a-login-at-the-hub".to_owned()).unwrap();
    let session = Some(varco_policy::pass::Session { sid, at_provider: true });
    store.commit(&[Change::Started(Pass { session, ..pass(7) })], at(0)).unwrap();
    let known = ["02:00:00:00:00:07", "10.64.0.7", "subject-7", "a-login-at-the-hub"];
    let known = known.map(|text| text.as_bytes().to_vec());
    assert_eq!(
        found(folder.path(), &known),
        [0, 1, 2, 3],
        "while it is open: the search finds what is there"
    );
    store.commit(&[end(&pass(7), 5)], at(5)).unwrap();
    store.keep_up(0, at(6)).unwrap();
    assert_eq!(found(folder.path(), &known), [0; 0]);
    assert_eq!(entries(folder.path()).len(), 3, "and yet it is on record: start, end, heartbeat");
}

/// SECURITY.md L22: the key of the week before goes with the week, from every file.
#[test]
fn the_key_of_tags_of_the_week_before_is_gone_from_every_file() {
    let folder = folder();
    let mut store = open(folder.path()).unwrap();
    let key = |store: &Store| journal::place(&store.connection).unwrap().tags.map(|(_, key)| key);
    store.commit(&[Change::Started(pass(1))], at(0)).unwrap();
    let old = vec![key(&store).unwrap()];
    assert_eq!(found(folder.path(), &old), [0], "the search finds what is there");
    store.keep_up(0, at(7 * 86_400)).unwrap();
    assert_eq!(key(&store), None, "though nobody came");
    store.keep_up(0, at(7 * 86_400 + 300)).unwrap();
    assert_eq!(found(folder.path(), &old), [0; 0]);
}

/// Also what rested: which ports were lent minutes ago.
#[test]
fn slots_that_have_rested_are_gone_from_every_file() {
    let folder = folder();
    let mut store = open(folder.path()).unwrap();
    store.commit(&[Change::Started(pass(1)), end(&pass(1), 0)], at(0)).unwrap();
    store.keep_up(0, at(0)).unwrap();
    let slot = vec![serde_json::to_vec(&pass(1).slot).unwrap()];
    assert_eq!(found(folder.path(), &slot), [0], "while it rests");
    store.commit(&[], at(601)).unwrap();
    store.keep_up(0, at(602)).unwrap();
    assert_eq!(found(folder.path(), &slot), [0; 0]);
}

/// Somebody reads, as `varco-audit who` does: nobody waits for them, and what was deleted goes when they have done.
#[test]
fn a_reader_keeps_nothing_waiting_and_what_was_deleted_goes_after_them() {
    let folder = folder();
    let mut store = open(folder.path()).unwrap();
    store.commit(&[Change::Started(pass(7))], at(0)).unwrap();
    let reader = journal::open_read_only(&folder.path().join("site.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM leaf").unwrap();
    store.commit(&[end(&pass(7), 5)], at(5)).unwrap();
    store.keep_up(0, at(6)).unwrap();
    assert!(store.again);
    let known = vec![b"02:00:00:00:00:07".to_vec()];
    assert_eq!(found(folder.path(), &known), [0], "the reader holds it");
    drop(reader);
    store.keep_up(0, at(7)).unwrap();
    assert!(!store.again);
    assert_eq!(found(folder.path(), &known), [0; 0]);
}

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
