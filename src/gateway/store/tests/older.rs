//! Databases of earlier versions.

use super::*;

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
