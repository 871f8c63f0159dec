//! The hub's own log: that a login is in the register, what is asked and answered, what gateways have shipped. Kept as a
//! gateway keeps its own ([`varco_audit::keeper`]); the site in its leaves is `@hub`.
//!
//! A leaf is committed in `hub.db` in the transaction of the row that it speaks of; a thread brings it into the folder.

pub mod checkpoint;
mod journal;

use crate::{
    config::{LogSettings, Settings},
    database,
};
use anyhow::Context;
use jiff::Timestamp;
pub use journal::Journal;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use varco_audit::{
    content::Body,
    expiry::Terms,
    journal::{self as rows, JournalError},
    keeper::{self, Integrator, LogState, Progress, Running, clock::ClockWatch},
    tlog::{self, BadCheckpoint, NoteKey, Signed, TileError, Tiles, VerifierKey, proof::Proof},
};
use varco_policy::ConfigError;
use varco_web::startup::Fault;

/// How long a proof may wait for its leaf to be in a checkpoint.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the log did not record or prove.
#[derive(Debug, thiserror::Error)]
pub enum HubLogError {
    /// The database.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The folder is not the tree of its checkpoint, or cannot be read.
    #[error("log: {0}")]
    Tiles(#[from] TileError),
    /// The checkpoint cannot be read.
    #[error("log: checkpoint: {0}")]
    Read(#[from] std::io::Error),
    /// The checkpoint is not this log's.
    #[error("log: checkpoint: {0}")]
    Checkpoint(#[from] BadCheckpoint),
    /// The leaf is not in a checkpoint in time.
    #[error("log: entry {0} is not in a checkpoint yet")]
    Late(u64),
}

impl From<rusqlite::Error> for HubLogError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Journal(error.into())
    }
}

/// The log. Its calls wait for the disk.
#[derive(Debug)]
pub struct HubLog {
    at: keeper::Folder,
    key: VerifierKey,
    db: Mutex<Connection>,
    journal: Arc<Journal>,
    running: Mutex<Option<Running>>,
}

impl HubLog {
    /// Opens or makes the log of these settings, records that the hub has started, and starts the thread that brings
    /// leaves into the folder.
    ///
    /// # Errors
    /// When there is no key to seal to, the log's own key is lost or another's, or the database fails.
    pub fn open(file: &Path, settings: &Settings, now: Timestamp) -> Result<Self, Fault> {
        let at = settings.log.at(file, settings)?;
        let database = settings.state.join("hub.db");
        let db = database::connect(&database).with_context(|| database.display().to_string())?;
        let recorder = settings.log.recorder(file, now)?;
        let clock = ClockWatch::start(&settings.log.time).context("the clock's thread")?;
        let journal = Journal::new(&db, recorder, clock).with_context(|| database.display().to_string())?;
        let next = journal.progress().next();
        let key = own_key(file, &at, next)?;
        let (log, size) = at.take_up(next).map_err(|error| LogSettings::bad_folder(file, &at, &error))?;
        journal.progress().least(size);
        let integrator = Integrator::new(at.clone(), &database, log, journal.shared_progress());
        let (db, journal) = (Mutex::new(db), Arc::new(journal));
        let this = Self { at, key, db, journal, running: Mutex::default() };
        this.record(&[Body::Resumed { open: 0 }], now).context("recording the start")?;
        *this.running() = Some(integrator.start().context("the log's thread")?);
        Ok(this)
    }

    /// Appends leaves; the sequence of the first. Durable when it returns.
    ///
    /// # Errors
    /// When the database fails or nothing can be sealed.
    pub fn record(&self, bodies: &[Body], now: Timestamp) -> Result<u64, HubLogError> {
        let db = self.db();
        let transaction = Transaction::new_unchecked(&db, TransactionBehavior::Immediate)?;
        Ok(self.journal.commit(transaction, bodies, now)?)
    }

    /// The proof that a leaf is in the log, with the cosignatures of witnesses where they cover it. Waits until the leaf is
    /// in a signed checkpoint, 10 seconds at most.
    ///
    /// # Errors
    /// When it is in none by then, or the log cannot be read.
    pub fn prove(&self, sequence: u64) -> Result<Proof, HubLogError> {
        if !self.progress().wait_for(sequence.saturating_add(1), PATIENCE) {
            return Err(HubLogError::Late(sequence));
        }
        let witnessed = self.witnessed().filter(|signed| signed.size > sequence);
        let signed = witnessed.map_or_else(|| self.checkpoint(), Ok)?;
        let mut tiles = self.tiles(&signed)?;
        let (path, mut entry) = (tiles.inclusion(sequence)?, Vec::new());
        tiles.leaves(sequence..sequence.saturating_add(1), |_, leaf| entry = leaf.to_vec())?;
        Ok(Proof { index: sequence, entry, path, checkpoint: signed.note().to_owned() })
    }

    /// Bundles that are over by these terms may go. Nothing acknowledges the hub's own log: what is in it may.
    pub fn over(&self, terms: Terms) {
        self.progress().acknowledged(self.progress().integrated(), terms);
    }

    /// What is called with the minimum index when bundles went. Set once.
    pub fn on_pruned(&self, call: impl Fn(u64) + Send + Sync + 'static) {
        self.progress().on_pruned(call);
    }

    /// What signs for the hub which entries of copies are gone: the log's own key.
    ///
    /// # Errors
    /// When its file cannot be used.
    pub fn keeper(&self) -> Result<NoteKey, tlog::KeyError> {
        self.at.key()
    }

    /// Leaves and rows that were deleted are not left in the write-ahead log of `hub.db`. Where somebody reads it now they
    /// are for longer: call it again.
    ///
    /// # Errors
    /// When the database fails.
    pub fn empty_wal(&self) -> Result<(), HubLogError> {
        Ok(self.db().query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))?)
    }

    /// A leaf, integrated or not; `None` where there is none of this sequence.
    ///
    /// # Errors
    /// When the database or the log cannot be read.
    pub fn leaf(&self, sequence: u64) -> Result<Option<Vec<u8>>, HubLogError> {
        if let Some((found, leaf)) = rows::leaves(&self.db(), sequence, 1)?.pop()
            && found == sequence
        {
            return Ok(Some(leaf));
        }
        let signed = self.checkpoint()?;
        if sequence >= signed.size {
            return Ok(None);
        }
        let mut entry = None;
        let range = sequence..sequence.saturating_add(1);
        self.tiles(&signed)?.leaves(range, |_, leaf| entry = Some(leaf.to_vec()))?;
        Ok(entry)
    }

    /// The newest checkpoint, with the log's signature only.
    ///
    /// # Errors
    /// When it cannot be read or is not this log's.
    pub fn checkpoint(&self) -> Result<Signed, HubLogError> {
        Ok(Signed::verify(&fs::read(self.at.folder.join("checkpoint"))?, &self.key)?)
    }

    /// The newest checkpoint that witnesses have signed, with their cosignatures, which are the reader's to verify.
    pub fn witnessed(&self) -> Option<Signed> {
        let note = fs::read(self.at.folder.join("checkpoint.witnessed")).ok()?;
        Signed::verify(&note, &self.key).ok()
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.at.folder
    }

    /// The public half of its key.
    pub const fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// How it is.
    pub fn state(&self) -> LogState {
        self.progress().state()
    }

    /// What makes leaves in the transactions of others.
    pub fn journal(&self) -> Arc<Journal> {
        Arc::clone(&self.journal)
    }

    /// Records that the hub lives and how right its clock is.
    ///
    /// # Errors
    /// When the database fails.
    pub fn beat(&self, now: Timestamp) -> Result<(), HubLogError> {
        self.journal.look_at_keys(now);
        self.record(&[Body::Heartbeat { open: 0, clock: self.journal.clock(now) }], now).map(drop)
    }

    /// Lets the thread bring what is recorded into the log, and ends it.
    pub fn stop(&self) {
        let running = self.running().take();
        if let Some(running) = running {
            running.stop();
        }
    }

    fn progress(&self) -> &Progress {
        self.journal.progress()
    }

    fn tiles(&self, signed: &Signed) -> Result<Tiles<tlog::Folder>, TileError> {
        Tiles::open(tlog::Folder::new(&self.at.folder), signed)
    }

    fn db(&self) -> MutexGuard<'_, Connection> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for HubLog {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The log's own key, made for a log that never was.
fn own_key(file: &Path, at: &keeper::Folder, next: u64) -> Result<VerifierKey, ConfigError> {
    let path: &PathBuf = &at.key;
    if next > 0 && !path.exists() {
        let remedy = "restore log.key; or begin anew as OPERATING.md says";
        let problem = format!("{}: is lost, and records were made with it", path.display());
        return Err(ConfigError::new(file, "state", problem, remedy));
    }
    let key = at.key().map_err(|problem| {
        let (key, remedy) = match problem {
            tlog::KeyError::OtherName { .. } => {
                ("log.origin", "a log keeps its name: give the one that it began with")
            }
            _ => ("state", "give a folder in which the hub's user keeps a file of its own alone"),
        };
        ConfigError::new(file, key, format!("{}: {problem}", path.display()), remedy)
    })?;
    Ok(key.verifier().clone())
}

#[cfg(test)]
pub(crate) mod tests;
