//! Look-ups: what the hub takes, records and proves of the cases of two officers ([`varco_audit::case`]).
//!
//! It never learns an address. It has documents in which the question is sealed, verifies whose they are, records each step in its
//! log, and gives the receipt without which no officer's program opens anything. Each step and the row that
//! speaks of it are one transaction of `hub.db`.

pub mod command;
pub mod control;
pub mod name;
pub mod page;
mod submit;
mod table;

use crate::{app::Hub, config::LookupSettings, database, expiry, log::HubLogError};
use anyhow::Context as _;
pub use control::serve;
use jiff::Timestamp;
use rusqlite::Connection;
use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};
pub use submit::{MOST, OLDEST, Refusal, Taken};
pub use table::{Case, Decided, Known, Month};
use varco_audit::{
    case::{CaseId, Step},
    holder::People,
    keys::KeyError,
};
use varco_web::startup::Fault;

/// The cases in `hub.db`. Its calls wait for the disk.
#[derive(Debug)]
pub struct Lookup {
    settings: LookupSettings,
    db: Mutex<Connection>,
}

impl Lookup {
    /// Opens or makes the tables; the holders' folder must be whole.
    ///
    /// # Errors
    /// When the folder or the database cannot be used.
    pub fn open(settings: &LookupSettings, database: &Path) -> Result<Self, Fault> {
        let db = database::connect(database).with_context(|| database.display().to_string())?;
        table::create(&db)
            .and_then(|()| expiry::create(&db))
            .with_context(|| database.display().to_string())?;
        Ok(Self { settings: settings.clone(), db: Mutex::new(db) })
    }

    /// Whose signatures count now: read anew each time, so that a holder who left is out without a restart.
    pub(crate) fn people(&self) -> Result<People, KeyError> {
        People::read(&self.settings.holders)
    }

    pub(crate) fn db(&self) -> MutexGuard<'_, Connection> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a document: verifies who signed it and that it is its turn, and records it, durably. Blocking.
///
/// # Errors
/// When it is not taken; then nothing was recorded.
pub fn submit(hub: &Hub, document: &[u8], now: Timestamp) -> Result<Taken, Refusal> {
    submit::submit(of(hub)?, &hub.log, document, now)
}

/// Every case, the newest first. Blocking.
///
/// # Errors
/// When the database fails.
pub fn cases(hub: &Hub) -> Result<Vec<Case>, Refusal> {
    Ok(table::cases(&of(hub)?.db())?)
}

/// What is kept of a case; `None` where it is not known. Blocking.
///
/// # Errors
/// When the database fails.
pub fn known(hub: &Hub, case: CaseId) -> Result<Option<Known>, Refusal> {
    Ok(table::known(&of(hub)?.db(), case)?)
}

/// Every step of a case in order: which, when, and its entry. Blocking.
///
/// # Errors
/// When the database fails.
pub fn steps(hub: &Hub, case: CaseId) -> Result<Vec<(Step, Timestamp, u64)>, Refusal> {
    Ok(table::steps(&of(hub)?.db(), case)?)
}

/// The receipt of a case that was allowed: the proof of that entry (C2SP tlog-proof). Blocking, 10 seconds at most.
///
/// # Errors
/// When the case is unknown or not allowed, or the entry is in no checkpoint yet.
pub fn receipt(hub: &Hub, case: CaseId) -> Result<String, Refusal> {
    prove(hub, case, Step::Allowed)
}

/// The proof of a step of a case: asked, allowed, refused, answered or named. Blocking, 10 seconds at most.
///
/// # Errors
/// When the case is unknown or that did not happen, or the entry is in no checkpoint yet.
pub fn prove(hub: &Hub, case: CaseId, step: Step) -> Result<String, Refusal> {
    let leaf = table::leaf(&of(hub)?.db(), case, step)?.ok_or(Refusal::NotYet(case, step))?;
    Ok(hub.log.prove(leaf)?.to_string())
}

/// How many cases were asked, allowed, refused and answered, by month of UTC, the newest first. Blocking.
///
/// # Errors
/// When the database fails.
pub fn counts(hub: &Hub) -> Result<Vec<Month>, Refusal> {
    Ok(table::counts(&of(hub)?.db())?)
}

/// Removes the cases that were asked at a time that is over; how many there were. Blocking.
///
/// # Errors
/// When the database fails.
pub fn forget(lookup: &Lookup, is_over: impl Fn(Timestamp) -> bool) -> rusqlite::Result<usize> {
    table::forget(&lookup.db(), is_over)
}

fn of(hub: &Hub) -> Result<&Lookup, Refusal> {
    hub.lookup.as_ref().ok_or(Refusal::Off)
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Log(HubLogError::from(error))
    }
}

#[cfg(test)]
pub(crate) mod tests;
