//! From `site.db` to the log folder, by a thread of its own: no admission waits for it.
//!
//! Order: leaves are committed in `site.db` (acknowledged) → integrated into the log, which verifies before it signs
//! (`varco_audit::tlog`) → their number is noted here → the store's next transaction removes the rows below it. Nothing else
//! removes them. A start does the same from the first row on: leaves that are in the log already are compared, the others
//! follow. A failure is told, shown, and tried again with the log opened anew.

mod seen;

use super::StoreError;
use rusqlite::{Connection, Transaction};
use serde::{Deserialize, Serialize};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};
use varco_audit::{
    journal::{self, JournalError},
    tlog::{self, Log, LogError, NoteKey},
};

/// Leaves integrated at a time.
const CHUNK: u32 = 1024;
/// What comes within this is integrated together: each time costs the disk a dozen syncs.
const GATHER: Duration = Duration::from_secs(1);
/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(10);

/// How far the log is: written by the store and by the log's thread, read by the pages.
#[derive(Debug, Default)]
pub struct Progress {
    next: AtomicU64,
    /// The log was seen with this many leaves: no record gets a number below.
    least: AtomicU64,
    integrated: AtomicU64,
    failing: AtomicBool,
    late: AtomicBool,
    wake: Mutex<Option<SyncSender<()>>>,
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
    /// Whether a class is sealed to the key of an earlier week or day, since there is none of the current one.
    pub late: bool,
}

impl Progress {
    /// How it is.
    pub fn state(&self) -> LogState {
        let (size, next) = (self.integrated.load(SeqCst), self.next.load(SeqCst));
        LogState {
            size,
            waiting: next.saturating_sub(size),
            failing: self.failing.load(SeqCst),
            late: self.late.load(SeqCst),
        }
    }

    pub(super) fn next(&self) -> u64 {
        self.next.load(SeqCst)
    }

    pub(super) fn committed(&self, next: u64) {
        self.next.store(next, SeqCst);
    }

    pub(super) fn least(&self, size: u64) {
        self.least.fetch_max(size, SeqCst);
    }

    pub(super) fn at_least(&self) -> u64 {
        self.least.load(SeqCst)
    }

    /// Commits a transaction, in which the leaves that are in the log folder leave the database, and wakes the thread.
    /// Whatever the log says it has, what this transaction adds is not in it.
    pub(super) fn commit(&self, transaction: Transaction<'_>) -> Result<(), StoreError> {
        let integrated = self.integrated.load(SeqCst).min(self.next());
        journal::prune(&transaction, integrated, super::PRUNED)?;
        let next = journal::place(&transaction)?.next;
        transaction.commit()?;
        self.committed(next);
        if let Some(wake) = &*self.wake.lock().unwrap_or_else(PoisonError::into_inner) {
            // Full when the thread is to look once more already.
            let _ = wake.try_send(());
        }
        Ok(())
    }

    pub(super) fn late(&self, late: bool) {
        if late && !self.late.load(SeqCst) {
            tracing::warn!(
                alarm = "log-keys-old",
                "no log key of the current week or day: records are sealed to earlier ones"
            );
        }
        self.late.store(late, SeqCst);
    }
}

/// Where the log is and what signs it.
#[derive(Debug, Clone)]
pub struct Folder {
    /// Its folder.
    pub folder: PathBuf,
    /// Its name: the first line of every checkpoint.
    pub origin: String,
    /// The file of its key.
    pub key: PathBuf,
}

impl Folder {
    /// Its key, made for a log that never was. A log that lost its key is not continued by another.
    ///
    /// # Errors
    /// When the file cannot be used, is the key of another log, or is lost.
    pub fn key(&self) -> Result<NoteKey, tlog::KeyError> {
        let was = self.folder.join("checkpoint").exists() || self.seen().exists();
        if was && !self.key.exists() {
            let problem = "is lost, and the log that it signed is there: restore it from its copy";
            return Err(io::Error::new(io::ErrorKind::NotFound, problem).into());
        }
        NoteKey::load_or_make(&self.key, &self.origin)
    }

    /// Opens the log, which must continue the last checkpoint that was signed.
    ///
    /// # Errors
    /// When the folder cannot be used, is damaged, or is not that log.
    pub fn open(&self) -> Result<Log, Failed> {
        let key = self.key()?;
        let seen = seen::read(self, &key)?;
        // A new log would sign that it is empty.
        if seen.size > 0 && !self.folder.join("checkpoint").exists() {
            return Err(Failed::Lost(seen.size));
        }
        let log = Log::open(&self.folder, &self.origin, key)?;
        seen::continues(self, &seen, &log)?;
        Ok(log)
    }

    /// How many entries it had when its last checkpoint was signed; 0 where nobody knows.
    pub fn known_size(&self) -> u64 {
        let seen = self.key().map_err(Failed::from).and_then(|key| seen::read(self, &key));
        seen.map_or(0, |seen| seen.size)
    }

    /// Where the last checkpoint that was signed is kept, beside the key.
    fn seen(&self) -> PathBuf {
        self.key.with_extension("seen")
    }
}

/// Why leaves did not come into the log.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The key.
    #[error(transparent)]
    Key(#[from] tlog::KeyError),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The database.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// What is kept of the last checkpoint.
    #[error("log.seen: {0}")]
    Seen(String),
    /// The log is gone, and its key is not.
    #[error("the log of {0} entries that this key signed is not there: restore it")]
    Lost(u64),
    /// The log is an older copy, or another than the one that was signed last.
    #[error(
        "the log has {size} entries and does not continue the {seen} that this key signed: restore the newest"
    )]
    Other {
        /// Entries in the log.
        size: u64,
        /// Entries that were signed.
        seen: u64,
    },
    /// The database is older than the log: what it counts on has other numbers there. The next record gets a number after
    /// the log's, and then it goes on; unless records wait that have numbers of the log already.
    #[error(
        "the log has {size} entries and site.db knows of {next}: site.db is an old copy, or another log's"
    )]
    Ahead {
        /// Entries in the log.
        size: u64,
        /// What the database gives next.
        next: u64,
    },
}

/// The thread's parts.
#[derive(Debug)]
pub struct Integrator {
    at: Folder,
    database: PathBuf,
    log: Option<Log>,
    reader: Option<Connection>,
    progress: Arc<Progress>,
}

impl Integrator {
    /// Integrates what is in this database into the log, which is opened by the thread where it is not open yet.
    pub fn new(at: Folder, database: &Path, log: Option<Log>, progress: Arc<Progress>) -> Self {
        Self { at, database: database.to_owned(), log, reader: None, progress }
    }

    /// Runs it in a thread of its own, until the returned handle is stopped.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(mut self) -> io::Result<Running> {
        let (wake, woken) = sync_channel(1);
        let progress = Arc::clone(&self.progress);
        *progress.wake.lock().unwrap_or_else(PoisonError::into_inner) = Some(wake);
        let guard = Fallen(Arc::clone(&progress));
        let thread = std::thread::Builder::new().name("log".into()).spawn(move || {
            let _guard = guard;
            self.run(&woken);
        })?;
        Ok(Running { progress, thread })
    }

    fn run(&mut self, woken: &Receiver<()>) {
        loop {
            let failed = self.told();
            let patience = if failed { RETRY } else { Duration::MAX };
            match woken.recv_timeout(patience) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) => std::thread::sleep(GATHER),
                Err(RecvTimeoutError::Disconnected) => {
                    self.told();
                    return;
                }
            }
        }
    }

    /// Integrates, and tells when that begins to fail and when it works again; whether it failed.
    fn told(&mut self) -> bool {
        let outcome = self.integrate();
        let failed = outcome.is_err();
        let before = self.progress.failing.swap(failed, SeqCst);
        match outcome {
            Ok(()) if before => tracing::info!("the log is written again"),
            Err(error) if !before => {
                tracing::error!(%error, alarm = "log-not-written", "records are kept and wait for the log");
            }
            _ => {}
        }
        if failed {
            self.log = None;
        }
        failed
    }

    /// Brings every leaf that is recorded into the log. Also what recovers it at a start.
    ///
    /// # Errors
    /// When the log or the database fails. Nothing is lost.
    pub fn integrate(&mut self) -> Result<(), Failed> {
        let log = match &mut self.log {
            Some(log) => log,
            none => none.insert(self.at.open()?),
        };
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => none.insert(journal::open_read_only(&self.database)?),
        };
        let (size, next) = (log.size(), journal::place(reader)?.next);
        if size > next {
            self.progress.least(size);
            return Err(Failed::Ahead { size, next });
        }
        // What the store may remove already is in the log; from there on each is compared or added.
        let mut from = self.progress.integrated.load(SeqCst);
        loop {
            let rows = journal::leaves(reader, from, CHUNK)?;
            let Some((first, _)) = rows.first() else { break };
            let first = *first;
            // A restored database has a gap, of what only the log holds.
            let next_to =
                rows.into_iter().zip(first..).take_while(|((sequence, _), place)| sequence == place);
            let leaves: Vec<_> = next_to.map(|((_, leaf), _)| leaf).collect();
            from = first.saturating_add(leaves.len() as u64);
            log.integrate(first, &leaves)?;
            seen::note(&self.at, log.checkpoint())?;
            self.progress.integrated.store(log.size(), SeqCst);
        }
        seen::note(&self.at, log.checkpoint())?;
        self.progress.integrated.store(log.size(), SeqCst);
        Ok(())
    }
}

/// A thread that has fallen is a log that is not written. The records are kept: no reason to let nobody in.
struct Fallen(Arc<Progress>);

impl Drop for Fallen {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.failing.store(true, SeqCst);
            tracing::error!(alarm = "log-not-written", "the log's thread has ended: restart the gateway");
        }
    }
}

/// The thread.
#[derive(Debug)]
pub struct Running {
    progress: Arc<Progress>,
    thread: JoinHandle<()>,
}

impl Running {
    /// Lets it bring what is recorded into the log, and ends it.
    pub fn stop(self) {
        *self.progress.wake.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let _ = self.thread.join();
    }
}

#[cfg(test)]
mod tests;
