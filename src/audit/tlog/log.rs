//! The log that is written: an append-only folder.
//!
//! Commit order of [`Log::integrate`]: that of `tree.rs`; in its step 3 the checkpoint is signed. The leaves are durable with
//! the caller before, and stay so until it returns. After an error it is not known what became durable, so the next call begins
//! as a start does: with [`Log::recover`]. A new log signs an empty checkpoint before anything else, so that tiles without a
//! checkpoint are always a loss, and never signed over.

use super::{
    bundle::EntryTooLong,
    checkpoint::{BadCheckpoint, Checkpoint, Signed},
    disk::{Disk, Folder},
    note::NoteKey,
    path::FULL,
    prune::{self, PruneError},
    tiles::{TileError, Tiles},
    tree::Tree,
};
use jiff::Timestamp;
use std::{io, path::Path};

/// Why the log could not be opened or continued. Nothing was signed that is not true.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The disk failed, or is full.
    #[error("the log cannot be written: {0}")]
    Disk(#[from] io::Error),
    /// The folder is not the tree of its checkpoint.
    #[error(transparent)]
    Tiles(#[from] TileError),
    /// The checkpoint is not this key's or damaged.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] BadCheckpoint),
    /// There are tiles and no checkpoint: a new one could contradict the old.
    #[error("there are tiles and no checkpoint; put the newest checkpoint back, or the folder aside")]
    NoCheckpoint,
    /// The key is called otherwise than the log.
    #[error("the key is that of {0}, not of this log")]
    OtherName(String),
    /// Leaves are missing between what is in the log and what comes.
    #[error("the log has {size} entries and the next one that comes is {first}")]
    Gap {
        /// Entries in the log.
        size: u64,
        /// The first that came.
        first: u64,
    },
    /// A leaf that is in the log already is another now.
    #[error("entry {0} is in the log and is not the one that comes now")]
    Changed(u64),
    /// A leaf is too long for a bundle.
    #[error(transparent)]
    TooLong(#[from] EntryTooLong),
}

/// A log that grows.
#[derive(Debug)]
pub struct Log<D = Folder> {
    tree: Tree<D>,
    key: NoteKey,
    signed: Signed,
    /// A call failed: memory and disk may differ.
    doubtful: bool,
}

impl Log {
    /// Opens the log in a folder, or makes one; brings it in order after a crash, and compares its right edge with its
    /// checkpoint before anything is signed. The key is called as the log.
    ///
    /// # Errors
    /// When another program writes to it, the disk fails, or it is not what its checkpoint stands for.
    pub fn open(folder: &Path, origin: &str, key: NoteKey) -> Result<Self, LogError> {
        Self::on(Folder::alone(folder)?, origin, key)
    }
}

impl<D: Disk> Log<D> {
    /// As [`Log::open`], on any disk.
    ///
    /// # Errors
    /// As [`Log::open`].
    pub fn on(disk: D, origin: &str, key: NoteKey) -> Result<Self, LogError> {
        if key.name() != origin {
            return Err(LogError::OtherName(key.name().to_owned()));
        }
        let signed = Checkpoint::empty(origin).sign(&key);
        let mut log = Self { tree: Tree::new(disk, origin), key, signed, doubtful: true };
        log.recover()?;
        Ok(log)
    }

    /// Entries in the log.
    pub fn size(&self) -> u64 {
        self.signed.size
    }

    /// The newest checkpoint.
    pub const fn checkpoint(&self) -> &Signed {
        &self.signed
    }

    /// Gives the disk back.
    pub fn into_disk(self) -> D {
        self.tree.disk
    }

    /// What signs the checkpoints.
    pub const fn key(&self) -> &NoteKey {
        &self.key
    }

    /// Puts leaves into the log: `leaves[i]` is entry `first + i`. Those that are there already must be the same, and are
    /// skipped, so that the same call again does no harm. Durable when it returns.
    ///
    /// # Errors
    /// When leaves are missing before `first`, one differs from what is there or is too long, the disk fails, or what was
    /// written cannot be read back. The leaves are then to be kept and integrated again.
    pub fn integrate(&mut self, first: u64, leaves: &[Vec<u8>]) -> Result<&Signed, LogError> {
        if self.doubtful {
            self.recover()?;
        }
        let size = self.size();
        let known = size.checked_sub(first).ok_or(LogError::Gap { size, first })?;
        let (known, new) = leaves.split_at(usize::try_from(known).unwrap_or(usize::MAX).min(leaves.len()));
        if !known.is_empty() {
            self.tree.compare(first, known)?;
        }
        if !new.is_empty() {
            self.append(new)?;
        }
        Ok(&self.signed)
    }

    /// Re-hashes `count` bundles from `bundle` on and the tiles above them. Returns where to go on: 0 at the end.
    ///
    /// # Errors
    /// When the first of them cannot be read or was changed.
    pub fn scrub(&self, bundle: u64, count: u64) -> Result<u64, LogError> {
        let mut tiles = Tiles::open(&self.tree.disk, &self.signed)?;
        let bundle = bundle.max(prune::minimum(&self.tree.disk) / u64::from(FULL));
        let end = tiles.bundles().min(bundle.saturating_add(count));
        for index in bundle..end {
            tiles.bundle(index)?;
        }
        Ok(if end < tiles.bundles() { end } else { 0 })
    }

    /// The tree as it is on the disk now.
    ///
    /// # Errors
    /// When its right edge cannot be read or was changed.
    pub fn tiles(&self) -> Result<Tiles<&D>, TileError> {
        Tiles::open(&self.tree.disk, &self.signed)
    }

    /// Its minimum index: entries below are over and gone.
    pub fn minimum(&self) -> u64 {
        prune::minimum(&self.tree.disk)
    }

    /// Removes the bundles below `below`, and says so in `pruned` first (`prune.rs` has the order). How many files went.
    ///
    /// # Errors
    /// As [`prune::prune`].
    pub fn prune(&mut self, below: u64, at: Timestamp) -> Result<u64, PruneError> {
        prune::prune(&self.tree.disk, (&self.signed.origin, self.signed.size), below, at, &self.key)
    }

    fn append(&mut self, new: &[Vec<u8>]) -> Result<(), LogError> {
        self.doubtful = true;
        let grown = self.tree.grow(new)?;
        let signed = grown.at.clone().sign(&self.key);
        self.tree.commit("checkpoint", signed.note().as_bytes(), grown)?;
        (self.signed, self.doubtful) = (signed, false);
        Ok(())
    }

    /// What a start does, and a call after one that failed: the checkpoint on the disk says what the log is.
    fn recover(&mut self) -> Result<(), LogError> {
        self.doubtful = true;
        self.tree.clear()?;
        let names = self.tree.disk.names("")?;
        if !names.iter().any(|name| name == "checkpoint") {
            if names.iter().any(|name| name == "tile") {
                return Err(LogError::NoCheckpoint);
            }
            let empty = Checkpoint::empty(self.key.name()).sign(&self.key);
            self.tree.put("checkpoint", empty.note().as_bytes())?;
        }
        let signed = Signed::verify(&self.tree.disk.read("checkpoint")?, self.key.verifier())?;
        self.tree.take_up(signed.checkpoint().clone())?;
        (self.signed, self.doubtful) = (signed, false);
        Ok(())
    }
}
