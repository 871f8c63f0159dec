//! What no file says in clear, or says no longer.

use super::*;
use std::os::unix::fs::MetadataExt;

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
