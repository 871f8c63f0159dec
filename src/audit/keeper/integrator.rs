//! The thread that brings leaves into the log.

use super::{Failed, Folder, Progress, scrub::Scrub, seen};
use crate::{
    expiry::{self, Over},
    journal,
    tlog::Log,
};
use rusqlite::Connection;
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering::SeqCst},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// Leaves integrated at a time.
const CHUNK: u32 = 1024;
/// What comes within this is integrated together: each time costs the disk a dozen syncs.
const GATHER: Duration = Duration::from_secs(1);
/// How often it is told that the log is not written, as long as it is not.
const TOLD_EVERY: Duration = Duration::from_secs(3600);
/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(10);

/// The thread's parts.
#[derive(Debug)]
pub struct Integrator {
    at: Folder,
    database: PathBuf,
    log: Option<Log>,
    reader: Option<Connection>,
    progress: Arc<Progress>,
    scrub: Scrub,
    /// When it was told last that the log is not written.
    told: Option<Instant>,
}

impl Integrator {
    /// Integrates what is in this database into the log, which is opened by the thread where it is not open yet.
    pub fn new(at: Folder, database: &Path, log: Option<Log>, progress: Arc<Progress>) -> Self {
        Self {
            at,
            database: database.to_owned(),
            log,
            reader: None,
            progress,
            scrub: Scrub::default(),
            told: None,
        }
    }

    /// How far it is.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Runs it in a thread of its own, until the returned handle is stopped.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(mut self) -> io::Result<Running> {
        let progress = Arc::clone(&self.progress);
        let guard = Fallen(Arc::clone(&progress));
        let thread = std::thread::Builder::new().name("log".into()).spawn(move || {
            let _guard = guard;
            self.run();
        })?;
        Ok(Running { progress, thread })
    }

    fn run(&mut self) {
        let progress = Arc::clone(&self.progress);
        loop {
            progress.signal.take();
            let patience = if self.attempt() { RETRY } else { self.scrub() };
            let mut asked = progress.signal.wait(patience, |asked| asked.work || asked.stop);
            if asked.work && !asked.stop {
                asked = progress.signal.wait(GATHER, |asked| asked.urgent || asked.stop);
            }
            if asked.stop {
                self.attempt();
                return;
            }
        }
    }

    /// Integrates, and tells when that begins to fail and when it works again; whether it failed.
    pub fn attempt(&mut self) -> bool {
        let outcome = self.integrate();
        let failed = outcome.is_err();
        let before = self.progress.failing.swap(failed, SeqCst);
        match outcome {
            Ok(()) => {
                self.told = None;
                if before {
                    tracing::info!("the log is written again");
                }
            }
            Err(error) if self.told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) => {
                self.told = Some(now());
                let waiting = self.progress.state().waiting;
                tracing::error!(%error, alarm = "log-not-written", waiting, "records are kept and wait for the log");
            }
            Err(_) => {}
        }
        if failed {
            self.log = None;
        }
        failed
    }

    /// Reads a part of the old entries where that is due; how long until the next.
    fn scrub(&mut self) -> Duration {
        let now = now();
        if let Some(Err(error)) = self.log.as_ref().and_then(|log| self.scrub.part(log, &self.at.folder, now))
        {
            self.progress.damaged.store(true, SeqCst);
            tracing::error!(%error, alarm = "log-damaged", "an old entry of the log is damaged: restore it from the copy");
        }
        self.scrub.due_in(now)
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
        let mut from = self.progress.integrated();
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
            self.progress.set_integrated(log.size());
        }
        seen::note(&self.at, log.checkpoint())?;
        self.progress.set_integrated(log.size());
        self.prune();
        Ok(())
    }

    /// Lets go of bundles that are over and elsewhere. What cannot be removed now is told, and tried again: the log goes on.
    fn prune(&mut self) {
        let (Some(log), Some((acknowledged, terms))) = (&mut self.log, self.progress.elsewhere()) else {
            return;
        };
        match expiry::prune_log(log, &terms, acknowledged) {
            Ok(Over { files: 0, .. }) => {}
            Ok(Over { minimum, files }) => {
                tracing::info!(minimum, files, "bundles of the log that were over are gone");
                self.progress.pruned(minimum);
            }
            Err(error) => {
                tracing::error!(%error, alarm = "log-not-pruned", "bundles that are over are still there")
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the thread is the edge: how often it tells and reads hangs on no wall clock"
)]
fn now() -> Instant {
    Instant::now()
}

/// A thread that has fallen is a log that is not written. The records are kept: no reason to let nobody in.
struct Fallen(Arc<Progress>);

impl Drop for Fallen {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.failing.store(true, SeqCst);
            tracing::error!(alarm = "log-not-written", "the log's thread has ended: restart the program");
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
        self.progress.signal.ring(|asked| asked.stop = true);
        let _ = self.thread.join();
    }
}
