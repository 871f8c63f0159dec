//! The register's tables in `hub.db`, and the way from older ones.

use super::{RegisterError, month::Month, seal::Sealer};
use crate::database;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use std::path::Path;

/// Version of the tables; raised with every change of them.
pub const VERSION: i64 = 2;

/// Opens the database and brings its tables to ours, whole or not at all.
pub fn open(file: &Path, sealer: &Sealer) -> Result<Connection, RegisterError> {
    let db = database::connect(file)?;
    let transaction = Transaction::new_unchecked(&db, TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    if found > VERSION {
        return Err(RegisterError::Newer { found, known: VERSION });
    }
    match found {
        0 => made(&transaction, sealer)?,
        // Logins of before have no entry that is known.
        1 => transaction.execute_batch("ALTER TABLE authentication ADD COLUMN leaf INTEGER")?,
        _ => {}
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    if found < VERSION {
        // The old rows are in the write-ahead log still.
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    }
    Ok(db)
}

/// Makes the tables, and takes over what version 0 left.
fn made(transaction: &Transaction<'_>, sealer: &Sealer) -> Result<(), RegisterError> {
    let older = has_table(transaction, "authentication")?;
    if older {
        transaction.execute_batch(ASIDE)?;
    }
    transaction.execute_batch(TABLES)?;
    if older { from_0(transaction, sealer) } else { Ok(()) }
}

/// The version of a database's tables.
pub fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn has_table(db: &Connection, name: &str) -> rusqlite::Result<bool> {
    let found = db.query_row("SELECT 1 FROM sqlite_schema WHERE name = ?1", [name], |_| Ok(())).optional();
    Ok(found?.is_some())
}

/// Version 0 sealed every pair with one key, kept the fiscal number beside it, and a row for each refusal.
fn from_0(transaction: &Transaction<'_>, sealer: &Sealer) -> Result<(), RegisterError> {
    transaction.execute_batch(COPY)?;
    let mut select = transaction.prepare("SELECT number, at, request_id, pair FROM authentication")?;
    let mut rows = select.query([])?;
    let mut update =
        transaction.prepare("UPDATE authentication SET month = ?2, pair = ?3 WHERE number = ?1")?;
    let mut damaged = 0_u64;
    while let Some(row) = rows.next()? {
        let (number, at, request_id): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (old, place): (Vec<u8>, _) = (row.get(3)?, super::place(&request_id));
        let month = Month::of(at);
        let pair = match sealer.open_first(&place, &old) {
            Ok(text) => sealer.seal(month, &place, &text)?,
            // What does not open is kept as it is: it is what there is.
            Err(_) => {
                damaged += 1;
                old
            }
        };
        update.execute(params![number, month.to_string(), pair])?;
    }
    if damaged > 0 {
        tracing::error!(
            damaged,
            "register.key does not open some logins of the register; they stay as they are"
        );
    }
    Ok(transaction
        .execute_batch("DROP TABLE authentication_0; DROP TABLE person_0; DROP TABLE refusal_0;")?)
}

const TABLES: &str = "
    CREATE TABLE person (
        id         TEXT PRIMARY KEY,
        lookup     BLOB NOT NULL UNIQUE,
        first_seen INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE authentication (
        number          INTEGER PRIMARY KEY,
        at              INTEGER NOT NULL,
        month           TEXT NOT NULL,
        way             TEXT NOT NULL,
        body            TEXT NOT NULL,
        request_id      TEXT NOT NULL,
        request_issued  INTEGER NOT NULL,
        response_id     TEXT NOT NULL,
        response_issued INTEGER NOT NULL,
        response_issuer TEXT NOT NULL,
        assertion_id    TEXT NOT NULL,
        name_id         TEXT NOT NULL,
        name_qualifier  TEXT NOT NULL,
        level           INTEGER NOT NULL,
        person          TEXT NOT NULL REFERENCES person (id),
        client_id       TEXT,
        subject         TEXT,
        pair            BLOB NOT NULL,
        leaf            INTEGER
    ) STRICT;
    CREATE INDEX authentication_by_time ON authentication (at);
    CREATE INDEX authentication_by_month ON authentication (month);
    CREATE INDEX authentication_by_person ON authentication (person);
    CREATE INDEX authentication_by_subject ON authentication (client_id, subject);
    CREATE TABLE destroyed (
        month  TEXT PRIMARY KEY,
        at     INTEGER NOT NULL,
        logins INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE refusal (
        day          TEXT NOT NULL,
        way          TEXT NOT NULL,
        provider     TEXT NOT NULL,
        reason       TEXT NOT NULL,
        count        INTEGER NOT NULL,
        first        INTEGER NOT NULL,
        last         INTEGER NOT NULL,
        last_request TEXT NOT NULL,
        PRIMARY KEY (day, way, provider, reason)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE session (
        sid            TEXT PRIMARY KEY,
        at             INTEGER NOT NULL,
        way            TEXT NOT NULL,
        body           TEXT NOT NULL,
        provider       TEXT NOT NULL,
        name_id        TEXT NOT NULL,
        name_qualifier TEXT NOT NULL,
        session_index  TEXT,
        client_id      TEXT NOT NULL,
        subject        TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX session_by_name ON session (provider, name_id);
    CREATE INDEX session_by_time ON session (at);
    CREATE TABLE event (
        number    INTEGER PRIMARY KEY,
        jti       TEXT NOT NULL UNIQUE,
        client_id TEXT NOT NULL,
        sid       TEXT NOT NULL,
        subject   TEXT NOT NULL,
        at        INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX event_by_client ON event (client_id, number);";

const ASIDE: &str = "
    DROP INDEX authentication_by_time;
    DROP INDEX authentication_by_subject;
    ALTER TABLE authentication RENAME TO authentication_0;
    ALTER TABLE person RENAME TO person_0;
    ALTER TABLE refusal RENAME TO refusal_0;";

const COPY: &str = "
    INSERT INTO person SELECT id, lookup, first_seen FROM person_0;
    INSERT INTO authentication
        SELECT number, at, '', way, '', request_id, request_issued, response_id, response_issued, response_issuer,
               assertion_id, name_id, name_qualifier, level, person, client_id, subject, pair, NULL
        FROM authentication_0;
    INSERT INTO refusal
        SELECT date(at, 'unixepoch') AS day, way, provider, reason, count(*), min(at), max(at), max(request_id)
        FROM refusal_0 GROUP BY day, way, provider, reason;";
