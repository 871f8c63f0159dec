//! The hub's register: who a person is (sealed), and each login that a provider answered (the authentication
//! register of DPCM 24 October 2014 art. 13, kept 24 months). It never holds an address of a citizen.
//!
//! Order: a login is written here, durably, before its authorization code exists.

pub mod seal;
#[cfg(test)]
mod tests;

use rusqlite::{Connection, OptionalExtension, params};
use seal::Sealer;
use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS person (
        id         TEXT PRIMARY KEY,
        lookup     BLOB NOT NULL UNIQUE,
        identity   BLOB NOT NULL,
        first_seen INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS authentication (
        number          INTEGER PRIMARY KEY,
        at              INTEGER NOT NULL,
        way             TEXT NOT NULL,
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
        pair            BLOB NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS authentication_by_time ON authentication (at);
    CREATE INDEX IF NOT EXISTS authentication_by_subject ON authentication (client_id, subject);
    CREATE TABLE IF NOT EXISTS refusal (
        number     INTEGER PRIMARY KEY,
        at         INTEGER NOT NULL,
        way        TEXT NOT NULL,
        request_id TEXT NOT NULL,
        provider   TEXT NOT NULL,
        reason     TEXT NOT NULL
    ) STRICT;
";

/// Why the register did not write.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The database.
    #[error("register: {0}")]
    Database(#[from] rusqlite::Error),
    /// Randomness or a key.
    #[error("register: {0}")]
    Seal(#[from] seal::SealError),
}

/// A login that a provider confirmed: the index fields that the SPID rules ask for, and the raw pair. Instants are
/// Unix seconds.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names are those of the SPID rules on traceability")]
pub struct Authentication<'a> {
    pub at: i64,
    pub way: &'a str,
    pub request_id: &'a str,
    pub request_issued: i64,
    pub response_id: &'a str,
    pub response_issued: i64,
    pub response_issuer: &'a str,
    pub assertion_id: &'a str,
    pub name_id: &'a str,
    pub name_qualifier: &'a str,
    pub level: u8,
    pub request_xml: &'a str,
    pub response_xml: &'a str,
    /// Gateway and pairwise subject, when a gateway asked for the login.
    pub gateway: Option<(&'a str, &'a str)>,
}

/// A login that did not succeed, in brief.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Refused<'a> {
    pub at: i64,
    pub way: &'a str,
    pub request_id: &'a str,
    pub provider: &'a str,
    pub reason: &'a str,
}

/// The register in `hub.db`. Every write is on the disk when the call returns (`synchronous=FULL`).
#[derive(Debug)]
pub struct Register {
    db: Mutex<Connection>,
    sealer: Sealer,
}

impl Register {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// When the file cannot be opened or is not a database.
    pub fn open(file: &Path, sealer: Sealer) -> Result<Self, RegisterError> {
        let db = Connection::open(file)?;
        db.busy_timeout(Duration::from_secs(3))?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "foreign_keys", "ON")?;
        db.execute_batch(SCHEMA)?;
        Ok(Self { db: Mutex::new(db), sealer })
    }

    /// The random id of the person with this fiscal number (`TINIT-…`), made at the first login. `now` is in Unix
    /// seconds.
    ///
    /// # Errors
    /// When the database or the randomness fails.
    pub fn person(&self, fiscal_number: &str, now: i64) -> Result<String, RegisterError> {
        let lookup = self.sealer.lookup(fiscal_number);
        let db = self.db();
        let found = db
            .prepare_cached("SELECT id FROM person WHERE lookup = ?1")?
            .query_row([&lookup[..]], |row| row.get(0))
            .optional()?;
        if let Some(id) = found {
            return Ok(id);
        }
        let id = seal::random_id()?;
        let identity = self.sealer.seal(&format!("person:{id}"), fiscal_number.as_bytes())?;
        db.execute("INSERT INTO person VALUES (?1, ?2, ?3, ?4)", params![id, &lookup[..], identity, now])?;
        Ok(id)
    }

    /// Writes a confirmed login of `person`.
    ///
    /// # Errors
    /// When it is not on the disk; then the login must not go on.
    pub fn record(&self, login: &Authentication<'_>, person: &str) -> Result<(), RegisterError> {
        let pair = serde_json::json!({ "request": login.request_xml, "response": login.response_xml });
        let pair = self.sealer.seal(&format!("pair:{}", login.request_id), pair.to_string().as_bytes())?;
        self.db()
            .prepare_cached(
                "INSERT INTO authentication (at, way, request_id, request_issued, response_id, response_issued,
                 response_issuer, assertion_id, name_id, name_qualifier, level, person, client_id, subject, pair)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            )?
            .execute(params![
                login.at,
                login.way,
                login.request_id,
                login.request_issued,
                login.response_id,
                login.response_issued,
                login.response_issuer,
                login.assertion_id,
                login.name_id,
                login.name_qualifier,
                login.level,
                person,
                login.gateway.map(|(client, _)| client),
                login.gateway.map(|(_, subject)| subject),
                pair,
            ])?;
        Ok(())
    }

    /// Writes a refused login in brief.
    ///
    /// # Errors
    /// When it is not on the disk.
    pub fn refuse(&self, refused: &Refused<'_>) -> Result<(), RegisterError> {
        self.db()
            .prepare_cached(
                "INSERT INTO refusal (at, way, request_id, provider, reason) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                refused.at,
                refused.way,
                refused.request_id,
                refused.provider,
                refused.reason
            ])?;
        Ok(())
    }

    fn db(&self) -> MutexGuard<'_, Connection> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
