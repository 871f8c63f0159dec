//! A database of version 0: one key for everything, the fiscal number beside it, a row for each refusal.

use super::*;

const VERSION_0: &str = "
    CREATE TABLE person (id TEXT PRIMARY KEY, lookup BLOB NOT NULL UNIQUE, identity BLOB NOT NULL,
        first_seen INTEGER NOT NULL) STRICT;
    CREATE TABLE authentication (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, way TEXT NOT NULL,
        request_id TEXT NOT NULL, request_issued INTEGER NOT NULL, response_id TEXT NOT NULL,
        response_issued INTEGER NOT NULL, response_issuer TEXT NOT NULL, assertion_id TEXT NOT NULL,
        name_id TEXT NOT NULL, name_qualifier TEXT NOT NULL, level INTEGER NOT NULL,
        person TEXT NOT NULL REFERENCES person (id), client_id TEXT, subject TEXT, pair BLOB NOT NULL) STRICT;
    CREATE INDEX authentication_by_time ON authentication (at);
    CREATE INDEX authentication_by_subject ON authentication (client_id, subject);
    CREATE TABLE refusal (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, way TEXT NOT NULL,
        request_id TEXT NOT NULL, provider TEXT NOT NULL, reason TEXT NOT NULL) STRICT;";

/// Makes the database as version 0 left it, with one login that opens and one that does not; returns what was sealed.
fn make(folder: &Path) -> Vec<u8> {
    let (db, sealer) = (Connection::open(folder.join("hub.db")).unwrap(), sealer(folder));
    db.execute_batch(VERSION_0).unwrap();
    let identity = sealer.seal_first("person:rita", RITA.as_bytes());
    db.execute("INSERT INTO person VALUES ('rita', ?1, ?2, 5)", params![&sealer.lookup(RITA)[..], identity])
        .unwrap();
    let sealed = sealer.seal_first("pair:_1", br#"{"request":"<q/>","response":"<r/>"}"#);
    for (request_id, at, pair) in
        [("_1", at("2025-03-09"), &sealed), ("_2", at("2026-01-02"), &vec![1, 2, 3])]
    {
        db.execute(
            "INSERT INTO authentication (at, way, request_id, request_issued, response_id, response_issued,
             response_issuer, assertion_id, name_id, name_qualifier, level, person, client_id, subject, pair)
             VALUES (?1, 'spid', ?2, 1, '_r', 2, 'idp', '_a', '_n', 'idp', 1, 'rita', 'biblioteca', 'sub', ?3)",
            params![at, request_id, pair],
        )
        .unwrap();
    }
    for n in 0..7 {
        let refusal = "INSERT INTO refusal (at, way, request_id, provider, reason) VALUES (?1, 'spid', ?2, 'idp', 'nr25')";
        db.execute(refusal, params![at("2026-01-02") + n, format!("_{n}")]).unwrap();
    }
    identity
}

#[test]
fn an_older_register_is_sealed_again_month_by_month() {
    let folder = crate::testing::folder("register-older");
    let identity = make(&folder);
    let register = register(&folder);
    assert_eq!(schema::version(&register.db()).unwrap(), schema::VERSION);
    let month = "2025-03".parse().unwrap();
    let private = register.sealer.months.private(month).unwrap().unwrap();
    let text = seal::open(&private, month, "pair:_1", &pair(&register, "_1")).unwrap();
    assert_eq!(text, br#"{"request":"<q/>","response":"<r/>"}"#);
    assert_eq!(pair(&register, "_2"), [1, 2, 3], "what does not open is kept as it is");
    assert_eq!((count(&register, "authentication"), count(&register, "person")), (2, 1));
    let coalesced: (i64, String) = register
        .db()
        .query_row("SELECT count, last_request FROM refusal", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!(coalesced, (7, "_6".into()));
    assert!(!holds(&folder, &identity[13..]), "the fiscal number under the one key is in no file any more");
    assert_eq!(enter(&register, &login(), RITA), "rita", "a person keeps their id, so their subjects stay");
    drop(register);
    assert_eq!(count(&super::register(&folder), "authentication"), 3, "opened again, nothing changes");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_change_that_fails_leaves_the_older_register_as_it_was() {
    let folder = crate::testing::folder("register-older-fails");
    make(&folder);
    // A file where the folder of keys should be: no month can be sealed.
    std::fs::write(folder.join("keys"), b"").unwrap();
    assert!(open(&folder).is_err());
    let db = Connection::open(folder.join("hub.db")).unwrap();
    let old: i64 = db.query_row("SELECT count(identity) FROM person", [], |row| row.get(0)).unwrap();
    assert_eq!((schema::version(&db).unwrap(), old), (0, 1));
    drop(db);
    std::fs::remove_file(folder.join("keys")).unwrap();
    assert_eq!(count(&register(&folder), "authentication"), 2);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_newer_register_is_not_touched() {
    let folder = crate::testing::folder("register-newer");
    drop(register(&folder));
    Connection::open(folder.join("hub.db")).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let refused = open(&folder);
    assert!(matches!(refused, Err(RegisterError::Newer { found: 99, .. })));
    std::fs::remove_dir_all(folder).unwrap();
}
