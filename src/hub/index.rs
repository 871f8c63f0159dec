//! The index of all logs that are here: the hub's own, and the copies of the gateways'. Two real stores with one behaviour
//! ([`varco_audit::index`]), filled from the folders by a thread of its own ([`follow`]).

pub mod follow;
pub mod postgres;
pub mod rebuild;
#[cfg(test)]
pub(crate) mod tests;

use crate::config::IndexSettings;
use anyhow::Context as _;
use postgres::Postgres;
use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};
use varco_audit::index::{Rows, Sqlite};
use varco_web::startup::Fault;

/// The index. Its calls wait for the disk or the server: off the threads that answer.
#[derive(Debug)]
pub enum Index {
    /// A file of this hub.
    Sqlite(Box<Mutex<Sqlite>>),
    /// A server, for the hubs of a fleet.
    Postgres(Box<Mutex<Postgres>>),
}

impl Index {
    /// Opens the index of these settings. A server need not be there yet.
    ///
    /// # Errors
    /// When the settings are wrong, or the file cannot be used.
    pub fn open(file: &Path, settings: &IndexSettings, state: &Path) -> Result<Self, Fault> {
        if let Some(server) = settings.server(file)? {
            return Ok(Self::Postgres(Box::new(Mutex::new(Postgres::new(server)?))));
        }
        let at = state.join("index.db");
        crate::database::private_file(&at).with_context(|| at.display().to_string())?;
        let remedy = "stop the hub, remove it and start: it is made anew from the logs";
        let index = Sqlite::open(&at).with_context(|| format!("{}; {remedy}", at.display()))?;
        Ok(Self::Sqlite(Box::new(Mutex::new(index))))
    }

    /// Asks it, or fills it.
    pub fn with<T>(&self, work: impl FnOnce(&mut dyn Rows) -> T) -> T {
        match self {
            Self::Sqlite(index) => work(&mut *index.lock().unwrap_or_else(PoisonError::into_inner)),
            Self::Postgres(index) => work(&mut *index.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}
