//! The hub's register: each login that a provider answered (the authentication register of DPCM 24 October 2014
//! art. 13, class R1), the persons behind them, and what single logout must know of the last day's logins. It never
//! holds an address of a citizen.
//!
//! Each row has a leaf in the hub's log (class R1) with its digest, made in the same transaction: a row that was changed,
//! taken away or put in later shows.
//!
//! Order: a login is written here, durably, before its authorization code exists. The raw pair is sealed to the public
//! key of its month; the running hub cannot read it back.

pub mod digest;
pub mod entries;
pub mod expire;
pub mod keys;
pub mod month;
pub mod naming;
pub mod report;
mod schema;
pub mod seal;
pub mod sessions;
#[cfg(test)]
pub(crate) mod tests;

use crate::log::Journal;
use jiff::tz::TimeZone;
use month::Month;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use seal::Sealer;
use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;
use varco_audit::{content::Body, journal::JournalError};

/// Why the register did not write.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The database.
    #[error("register: {0}")]
    Database(#[from] rusqlite::Error),
    /// Randomness or a key.
    #[error("register: {0}")]
    Seal(#[from] seal::SealError),
    /// The leaf of a login.
    #[error("register: {0}")]
    Journal(#[from] JournalError),
    /// The key of a month.
    #[error("register: {0}")]
    Key(#[from] keys::KeyError),
    /// The database was written by a newer version.
    #[error("register: hub.db is of version {found}, this program knows up to {known}")]
    Newer {
        /// Version of the database.
        found: i64,
        /// Version of the program.
        known: i64,
    },
}

/// What is sealed of a login: what a look-up of two persons reads.
#[derive(Debug, Clone, Copy)]
pub enum Evidence<'a> {
    /// The raw pair of SAML messages.
    Messages {
        /// What was asked.
        request: &'a str,
        /// What was answered.
        response: &'a str,
    },
    /// What was read of a card and what its issuer said of it (`login::cns::evidence`).
    Card(&'a serde_json::Value),
}

impl Evidence<'_> {
    fn to_json(self) -> String {
        match self {
            Self::Messages { request, response } => {
                serde_json::json!({ "request": request, "response": response })
            }
            Self::Card(card) => serde_json::json!({ "card": card }),
        }
        .to_string()
    }
}

/// A login that a provider confirmed: the index fields that the SPID rules ask for, and the raw pair. Instants are
/// Unix seconds. Of a card `response_id` is the check's, `response_issued` the latest instant that an issuer signed,
/// `response_issuer` the card's authority, and what SAML alone has is empty.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names are those of the SPID rules on traceability")]
pub struct Authentication<'a> {
    pub at: i64,
    pub way: &'a str,
    /// The body that asked: the prefix of its addresses.
    pub body: &'a str,
    pub request_id: &'a str,
    pub request_issued: i64,
    pub response_id: &'a str,
    pub response_issued: i64,
    pub response_issuer: &'a str,
    pub assertion_id: &'a str,
    pub name_id: &'a str,
    pub name_qualifier: &'a str,
    pub session_index: Option<&'a str>,
    pub level: u8,
    pub evidence: Evidence<'a>,
    /// The gateway that asked for the login, if one did.
    pub client_id: Option<&'a str>,
}

/// Who has logged in, towards the gateway that waits.
#[derive(Clone, PartialEq, Eq)]
pub struct Entered {
    /// The pairwise subject.
    pub subject: String,
    /// The login (OpenID Connect Front-Channel and Back-Channel Logout, `sid`): random, and this login's alone.
    pub sid: String,
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
    journal: Arc<Journal>,
    /// Wakes who waits for logouts to tell the gateways.
    pub ended: Notify,
}

impl Register {
    /// Opens the file, or makes it; tables of an older version are brought to ours.
    ///
    /// # Errors
    /// When the file cannot be opened, is not a database, or is of a newer version.
    pub fn open(file: &Path, sealer: Sealer, journal: Arc<Journal>) -> Result<Self, RegisterError> {
        let db = schema::open(file, &sealer)?;
        Ok(Self { db: Mutex::new(db), sealer, journal, ended: Notify::new() })
    }

    /// Writes a confirmed login of the person with this key (`Person::key`), and its session when a gateway waits: all
    /// or nothing. `subject` makes the pairwise subject from the person's random id.
    ///
    /// # Errors
    /// When it is not on the disk; then the login must not go on.
    pub fn record(
        &self,
        login: &Authentication<'_>,
        person: &str,
        subject: impl FnOnce(&str) -> Option<String>,
    ) -> Result<Option<Entered>, RegisterError> {
        let (month, place) = (Month::of(login.at), place(login.request_id));
        let pair = self.sealer.seal(month, &place, login.evidence.to_json().as_bytes())?;
        let db = self.db();
        let transaction = Transaction::new_unchecked(&db, TransactionBehavior::Immediate)?;
        let id = self.person(&transaction, person, login.at)?;
        let subject = login.client_id.and_then(|_| subject(&id));
        let row = insert(&transaction, login, month, (&id, subject.as_deref()), &pair)?;
        let entered = match subject {
            Some(subject) => {
                let sid = seal::random_id()?;
                sessions::begin(&transaction, login, &sid, &subject)?;
                Some(Entered { subject, sid })
            }
            None => None,
        };
        let digest = digest::of(&transaction, row)?;
        let (leaf, at) = (&[Body::Registered { digest }], month::instant(login.at));
        self.journal.commit_with(transaction, leaf, at, |transaction, leaf| {
            transaction
                .prepare_cached("UPDATE authentication SET leaf = ?2 WHERE number = ?1")?
                .execute(params![row, leaf.cast_signed()])?;
            Ok(())
        })?;
        Ok(entered)
    }

    /// Writes a refused login in brief: refusals of a day with the same provider and reason are one row, so that nobody
    /// fills the disk with them.
    ///
    /// # Errors
    /// When it is not on the disk.
    pub fn refuse(&self, refused: &Refused<'_>) -> Result<(), RegisterError> {
        self.db()
            .prepare_cached(
                "INSERT INTO refusal VALUES (?1, ?2, ?3, ?4, 1, ?5, ?5, ?6)
                 ON CONFLICT DO UPDATE SET count = count + 1, last = ?5, last_request = ?6",
            )?
            .execute(params![
                day(refused.at),
                refused.way,
                refused.provider,
                refused.reason,
                refused.at,
                refused.request_id,
            ])?;
        Ok(())
    }

    /// The random id of a person, made at the first login.
    fn person(&self, transaction: &Transaction<'_>, key: &str, now: i64) -> Result<String, RegisterError> {
        let lookup = self.sealer.lookup(key);
        let found = transaction
            .prepare_cached("SELECT id FROM person WHERE lookup = ?1")?
            .query_row([&lookup[..]], |row| row.get(0))
            .optional()?;
        if let Some(id) = found {
            return Ok(id);
        }
        let id = seal::random_id()?;
        transaction.execute("INSERT INTO person VALUES (?1, ?2, ?3)", params![id, &lookup[..], now])?;
        Ok(id)
    }

    fn db(&self) -> MutexGuard<'_, Connection> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a sealed pair is bound to.
fn place(request_id: &str) -> String {
    format!("pair:{request_id}")
}

/// The day of an instant, in UTC: `2026-11-22`.
fn day(second: i64) -> String {
    month::instant(second).to_zoned(TimeZone::UTC).date().to_string()
}

fn insert(
    transaction: &Transaction<'_>,
    login: &Authentication<'_>,
    month: Month,
    (person, subject): (&str, Option<&str>),
    pair: &[u8],
) -> rusqlite::Result<i64> {
    transaction
        .prepare_cached(
            "INSERT INTO authentication (at, month, way, body, request_id, request_issued, response_id,
             response_issued, response_issuer, assertion_id, name_id, name_qualifier, level, person, client_id,
             subject, pair)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        )?
        .insert(params![
            login.at,
            month.to_string(),
            login.way,
            login.body,
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
            login.client_id,
            subject,
            pair,
        ])
}
