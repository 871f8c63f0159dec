//! Brings what is new in the logs' folders into the index: the hub's own log, and the copies of the gateways'.
//!
//! It looks at every folder whose checkpoint is another than last time: at the start, when [`Follow::copied`] says that entries
//! came, and now and then. So a start, an interruption and a new entry are the same, and nothing is lost when nobody says anything.

use super::Index;
use std::{
    collections::BTreeMap,
    fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel},
    },
    thread,
    time::Duration,
};
use varco_audit::{
    index::{IndexError, step},
    tlog::{BadCheckpoint, Checkpoint, Files as _, Folder, Note, Signed, Tiles, VerifierKey, prune},
};

/// How often it looks when nobody says anything: the hub's own log grows by a heartbeat every five minutes at least.
const EVERY: Duration = Duration::from_secs(30);
/// What comes within this is brought in together.
pub(super) const GATHER: Duration = Duration::from_secs(1);

/// Why a log was not brought in.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The checkpoint.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] BadCheckpoint),
    /// Its file.
    #[error("checkpoint: {0}")]
    Read(#[from] std::io::Error),
    /// The log or the index.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// Where the logs are.
#[derive(Debug, Clone)]
pub struct Places {
    /// The hub's own log.
    pub own: PathBuf,
    /// The folder of the copies, a folder each.
    pub copies: PathBuf,
}

impl Places {
    /// The folder of each log that is there.
    pub fn folders(&self) -> Vec<PathBuf> {
        let copies = fs::read_dir(&self.copies).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut folders: Vec<_> = copies.chain([self.own.clone()]).collect();
        folders.retain(|folder| folder.join("checkpoint").is_file());
        folders.sort();
        folders
    }
}

/// The thread that follows. It ends with the value, after the portion that it is at.
#[derive(Debug)]
pub struct Follow {
    wake: SyncSender<()>,
}

impl Follow {
    /// Starts it.
    ///
    /// # Errors
    /// When the system has no thread for it.
    pub fn start(index: Arc<Index>, places: Places) -> std::io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let mut follower = Follower { index, places, known: BTreeMap::new() };
        thread::Builder::new().name("index".into()).spawn(move || {
            let _fallen = Fallen;
            follower.run(&woken);
        })?;
        Ok(Self { wake })
    }

    /// Says that these entries of a log are in its folder, durably. Does not wait.
    pub fn copied(&self, origin: &str, entries: &Range<u64>) {
        tracing::debug!(origin, entries.end, "to be indexed");
        // Full when it is to look once more already.
        let _ = self.wake.try_send(());
    }
}

struct Follower {
    index: Arc<Index>,
    places: Places,
    /// Of each folder what was brought in: checkpoint and minimum index; `None` where that failed.
    known: BTreeMap<PathBuf, Option<(Vec<u8>, u64)>>,
}

impl Follower {
    fn run(&mut self, woken: &Receiver<()>) {
        loop {
            let mut again = false;
            for folder in self.places.folders() {
                self.look(&folder);
                match woken.try_recv() {
                    Err(TryRecvError::Disconnected) => return,
                    // Perhaps of a folder that was looked at before, or was not there yet.
                    said => again |= said.is_ok(),
                }
            }
            if !again {
                match woken.recv_timeout(EVERY) {
                    Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) => continue,
                    Ok(()) => {}
                }
            }
            thread::sleep(GATHER);
        }
    }

    /// Brings a folder in, and tells when that begins to fail and when it works again.
    fn look(&mut self, folder: &Path) {
        let now =
            fs::read(folder.join("checkpoint")).ok().map(|note| (note, prune::minimum(&Folder::new(folder))));
        let before = self.known.get(folder);
        if now.is_some() && before.is_some_and(|before| *before == now) {
            return;
        }
        let failed = matches!(before, Some(None));
        let outcome = bring(&self.index, folder, None);
        let done = now.filter(|_| outcome.is_ok());
        self.known.insert(folder.to_owned(), done);
        let folder = folder.display();
        match outcome {
            Ok(_) if failed => tracing::info!(%folder, "the log is indexed again"),
            Err(error) if !failed => {
                tracing::error!(%folder, %error, alarm = "log-not-indexed", "look-ups do not find what is new in it");
            }
            _ => {}
        }
    }
}

/// Brings a log's folder into the index; the log's origin, and how many entries the index has of it. The signature is looked at
/// where a key is given: a copy was verified by who wrote it.
///
/// # Errors
/// When the folder is damaged or not signed by the key, or the index fails.
pub fn bring(index: &Index, folder: &Path, key: Option<&VerifierKey>) -> Result<(String, u64), FollowError> {
    let files = Folder::new(folder);
    let note = files.read("checkpoint")?;
    let checkpoint = match key {
        Some(key) => Signed::verify(&note, key)?.checkpoint().clone(),
        None => parse(&note)?,
    };
    let minimum = prune::minimum(&files);
    let mut tiles = Tiles::open(files, &checkpoint).map_err(IndexError::from)?;
    loop {
        // Others may ask between two portions.
        let filled = index.with(|rows| step(rows, &checkpoint.origin, &mut tiles, minimum))?;
        if filled.size >= checkpoint.size {
            return Ok((checkpoint.origin, filled.size));
        }
    }
}

/// A checkpoint, by nobody's signature.
///
/// # Errors
/// When it is none.
pub fn parse(note: &[u8]) -> Result<Checkpoint, BadCheckpoint> {
    Checkpoint::parse(&Note::parse(note)?.text).ok_or(BadCheckpoint::Malformed)
}

/// A thread that has fallen is an index that stands still. The logs go on: no reason to stop.
struct Fallen;

impl Drop for Fallen {
    fn drop(&mut self) {
        if thread::panicking() {
            tracing::error!(alarm = "log-not-indexed", "the index's thread has ended: restart the hub");
        }
    }
}
