//! Leaves in the transactions of `hub.db`.
//!
//! Order of locks: a connection's, then SQLite's own (`BEGIN IMMEDIATE`), then the recorder's, which is held for the sealing
//! alone.

use jiff::Timestamp;
use rusqlite::{Connection, Transaction};
use std::sync::{Arc, Mutex, PoisonError};
use varco_audit::{
    Clock,
    content::Body,
    journal::{self, JournalError},
    keeper::{Progress, clock::ClockWatch},
    recorder::{Now, Recorder},
};

/// What makes leaves.
#[derive(Debug)]
pub struct Journal {
    recorder: Mutex<Recorder>,
    progress: Arc<Progress>,
    clock: Arc<ClockWatch>,
}

impl Journal {
    /// Of this database, in which its tables are made.
    ///
    /// # Errors
    /// When the database fails.
    pub fn new(db: &Connection, recorder: Recorder, clock: Arc<ClockWatch>) -> Result<Self, JournalError> {
        journal::create(db)?;
        let progress = Arc::<Progress>::default();
        progress.committed(journal::place(db)?.next);
        Ok(Self { recorder: Mutex::new(recorder), progress, clock })
    }

    /// Appends leaves to a transaction that holds the write lock, and commits it; the sequence of the first.
    ///
    /// # Errors
    /// When the database fails or nothing can be sealed: then nothing of the transaction is to be counted on.
    pub fn commit(
        &self,
        transaction: Transaction<'_>,
        bodies: &[Body],
        at: Timestamp,
    ) -> Result<u64, JournalError> {
        self.commit_with(transaction, bodies, at, |_, _| Ok(()))
    }

    /// The same with what the number of the first leaf is needed for, in the same transaction.
    ///
    /// # Errors
    /// As [`Self::commit`], and what `noted` says.
    pub fn commit_with(
        &self,
        transaction: Transaction<'_>,
        bodies: &[Body],
        at: Timestamp,
        noted: impl FnOnce(&Transaction<'_>, u64) -> Result<(), JournalError>,
    ) -> Result<u64, JournalError> {
        self.progress.begin(&transaction)?;
        let now = Now { at, clock: self.clock(at) };
        let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        let first = recorder.append_bodies(&transaction, bodies, now)?;
        drop(recorder);
        noted(&transaction, first)?;
        self.progress.commit(transaction)?;
        Ok(first)
    }

    /// The estimated error of the clock.
    pub fn clock(&self, now: Timestamp) -> Clock {
        self.clock.error(now)
    }

    /// Tells where a class has no key of its own time.
    pub fn look_at_keys(&self, now: Timestamp) {
        let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        self.progress.late(!recorder.late(now).is_empty());
    }

    /// How far the log is.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The same, for the thread that writes the log.
    pub fn shared_progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }
}
