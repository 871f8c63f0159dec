//! How far the log is: written by whoever records and by the log's thread, read by the pages.

use super::signal::Signal;
use crate::{
    expiry::Terms,
    journal::{self, JournalError},
};
use rusqlite::Transaction;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    sync::{
        Condvar, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

/// How many leaves that are in the log folder are removed in one transaction.
const PRUNED: u32 = 1024;

/// Who wants to know what was pruned.
#[derive(Default)]
struct OnPruned(OnceLock<Box<dyn Fn(u64) + Send + Sync>>);

impl fmt::Debug for OnPruned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnPruned")
    }
}

/// How far the log is.
#[derive(Debug, Default)]
pub struct Progress {
    next: AtomicU64,
    /// The log was seen with this many leaves: no record gets a number below.
    least: AtomicU64,
    integrated: AtomicU64,
    pub(super) failing: AtomicBool,
    late: AtomicBool,
    pub(super) damaged: AtomicBool,
    pub(super) signal: Signal,
    /// Below how many entries others have the log too, and by what it is decided which of them are over.
    elsewhere: Mutex<Option<(u64, Terms)>>,
    on_pruned: OnPruned,
    /// Those who wait for a leaf to be in a checkpoint.
    waiting: (Mutex<()>, Condvar),
}

/// The state of the log, as operators read it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogState {
    /// Leaves in the log folder.
    pub size: u64,
    /// Leaves recorded that are not in it yet.
    pub waiting: u64,
    /// Whether the last attempt to write the log failed.
    pub failing: bool,
    /// Whether an old entry was found damaged since the start.
    #[serde(default)]
    pub damaged: bool,
    /// Whether a class is sealed to the key of an earlier week or day, since there is none of the current one.
    pub late: bool,
}

impl Progress {
    /// How it is.
    pub fn state(&self) -> LogState {
        let (size, next) = (self.integrated(), self.next());
        LogState {
            size,
            waiting: next.saturating_sub(size),
            failing: self.failing.load(SeqCst),
            damaged: self.damaged.load(SeqCst),
            late: self.late.load(SeqCst),
        }
    }

    /// How many leaves were ever recorded.
    pub fn next(&self) -> u64 {
        self.next.load(SeqCst)
    }

    /// So many leaves are on record.
    pub fn committed(&self, next: u64) {
        self.next.fetch_max(next, SeqCst);
    }

    /// The log was seen with so many leaves.
    pub fn least(&self, size: u64) {
        self.least.fetch_max(size, SeqCst);
    }

    /// The most leaves that the log was seen with.
    pub fn at_least(&self) -> u64 {
        self.least.load(SeqCst)
    }

    /// Leaves in the log folder.
    pub fn integrated(&self) -> u64 {
        self.integrated.load(SeqCst)
    }

    /// So many entries are elsewhere too, and these are the terms by which entries are over: bundles below, all of whose
    /// entries are, go in the thread's next round, which begins now where this is new.
    pub fn acknowledged(&self, size: u64, terms: Terms) {
        let new = Some((size, terms));
        let mut elsewhere = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        if *elsewhere != new {
            *elsewhere = new;
            self.signal.ring(|asked| asked.work = true);
        }
    }

    pub(super) fn elsewhere(&self) -> Option<(u64, Terms)> {
        self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is called, by the log's thread, with the log's minimum index when bundles went. Set once; a second one is ignored.
    pub fn on_pruned(&self, call: impl Fn(u64) + Send + Sync + 'static) {
        let _ = self.on_pruned.0.set(Box::new(call));
    }

    pub(super) fn pruned(&self, minimum: u64) {
        if let Some(call) = self.on_pruned.0.get() {
            call(minimum);
        }
    }

    pub(super) fn set_integrated(&self, size: u64) {
        let _guard = self.waiting.0.lock().unwrap_or_else(PoisonError::into_inner);
        self.integrated.store(size, SeqCst);
        self.waiting.1.notify_all();
    }

    /// Waits until the log has so many leaves, `patience` at most; whether it has. The thread does not gather meanwhile.
    pub fn wait_for(&self, size: u64, patience: Duration) -> bool {
        self.signal.ring(|asked| (asked.work, asked.urgent) = (true, true));
        let guard = self.waiting.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.waiting.1.wait_timeout_while(guard, patience, |()| self.integrated() < size);
        drop(waited);
        self.integrated() >= size
    }

    /// At the beginning of a transaction that records: the next number is none that the log has given already.
    ///
    /// # Errors
    /// When the database fails.
    pub fn begin(&self, transaction: &Transaction<'_>) -> Result<(), JournalError> {
        let (mut place, least) = (journal::place(transaction)?, self.at_least());
        if place.next < least {
            // The key of tags too: the log may hold a newer one of this week, by which what follows would be looked for.
            (place.next, place.tags) = (least, None);
            journal::set_place(transaction, &place)?;
        }
        Ok(())
    }

    /// Commits a transaction, in which the leaves that are in the log folder leave the database, and wakes the thread.
    /// Whatever the log says it has, what this transaction adds is not in it.
    ///
    /// # Errors
    /// When the database fails; what it holds may be durable all the same.
    pub fn commit(&self, transaction: Transaction<'_>) -> Result<(), JournalError> {
        let removable = self.integrated().min(self.next());
        journal::prune(&transaction, removable, PRUNED)?;
        let next = journal::place(&transaction)?.next;
        transaction.commit()?;
        self.committed(next);
        self.signal.ring(|asked| asked.work = true);
        Ok(())
    }

    /// Whether a class has no key of its own time, told when it begins.
    pub fn late(&self, late: bool) {
        if late && !self.late.load(SeqCst) {
            tracing::warn!(
                alarm = "log-keys-old",
                "no log key of the current week or day: records are sealed to earlier ones"
            );
        }
        self.late.store(late, SeqCst);
    }
}
