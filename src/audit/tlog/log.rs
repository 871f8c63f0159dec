//! The log that is written: an append-only folder.
//!
//! Commit order of [`Log::integrate`]. The leaves are durable with the caller before, and stay so until it returns:
//!
//! 1. Bundles and tiles with the new entries, at their new paths only: written beside (`tmp/`), fsync, renamed; then their
//!    folders are synced. Nothing that the last checkpoint stands for is touched.
//! 2. What is on the disk now is read back and recomputed: the root over what was written, each new leaf, and that the
//!    tree of the last checkpoint is its beginning.
//! 3. The checkpoint is signed, written beside, fsync, renamed, and the folder synced. **This is the commit.**
//! 4. Partial tiles whose full ones are there now are removed.
//!
//! A stop before 3 leaves files that no checkpoint stands for; the same leaves come again and are written again, octet
//! for octet. A stop within 3 leaves the old checkpoint or the new one, both true. After an error it is not known which, so
//! the next call begins as a start does: with [`Log::recover`]. A new log signs an empty checkpoint before anything else, so
//! that tiles without a checkpoint are always a loss, and never signed over.

use super::{
    bundle::EntryTooLong,
    checkpoint::{BadCheckpoint, Checkpoint, Signed},
    disk::{Disk, Folder},
    note::NoteKey,
    path::{FULL, Kind, LEVELS, Place, count},
    prune::{self, PruneError},
    stage::{Edge, Staged},
    tiles::{TileError, Tiles},
};
use jiff::Timestamp;
use std::{collections::BTreeSet, io, path::Path};

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
    disk: D,
    key: NoteKey,
    signed: Signed,
    edge: Edge,
    /// Folders whose names are on the disk.
    durable: BTreeSet<String>,
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
        let durable = BTreeSet::new();
        let mut log = Self { disk, key, signed, edge: Edge::default(), durable, doubtful: true };
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
        self.disk
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
            self.compare(first, known)?;
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
        let mut tiles = Tiles::open(&self.disk, &self.signed)?;
        let bundle = bundle.max(prune::minimum(&self.disk) / u64::from(FULL));
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
        Tiles::open(&self.disk, &self.signed)
    }

    /// Its minimum index: entries below are over and gone.
    pub fn minimum(&self) -> u64 {
        prune::minimum(&self.disk)
    }

    /// Removes the bundles below `below`, and says so in `pruned` first (`prune.rs` has the order). How many files went.
    ///
    /// # Errors
    /// As [`prune::prune`].
    pub fn prune(&mut self, below: u64, at: Timestamp) -> Result<u64, PruneError> {
        prune::prune(&self.disk, (&self.signed.origin, self.signed.size), below, at, &self.key)
    }

    fn compare(&self, first: u64, known: &[Vec<u8>]) -> Result<(), LogError> {
        let mut differs = None;
        let end = first + known.len() as u64;
        Tiles::open(&self.disk, &self.signed)?.leaves(first..end, |index, entry| {
            let same = known.get((index - first) as usize).is_some_and(|leaf| leaf == entry);
            differs = differs.or((!same).then_some(index));
        })?;
        differs.map_or(Ok(()), |index| Err(LogError::Changed(index)))
    }

    fn append(&mut self, new: &[Vec<u8>]) -> Result<(), LogError> {
        let staged = Staged::new(&self.edge, self.size(), new)?;
        self.doubtful = true;
        self.write(&staged.files)?;
        let next =
            Checkpoint { origin: self.signed.origin.clone(), size: staged.size, root: staged.edge.root() };
        self.read_back(&next, new)?;
        let signed = next.sign(&self.key);
        self.write(&[("checkpoint".to_owned(), signed.note().as_bytes().to_vec())])?;
        self.drop_partials(self.size(), signed.size);
        (self.signed, self.edge, self.doubtful) = (signed, staged.edge, false);
        Ok(())
    }

    /// Step 1 and 3 of the commit order.
    fn write(&mut self, files: &[(String, Vec<u8>)]) -> Result<(), LogError> {
        let mut folders = BTreeSet::new();
        for (path, content) in files {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            if !self.durable.contains(folder) {
                self.disk.make_folder(folder)?;
            }
            self.disk.write("tmp/new", content)?;
            self.disk.rename("tmp/new", path)?;
            folders.insert(folder.to_owned());
            let mut above = folder;
            while !self.durable.contains(above) && !above.is_empty() {
                above = above.rsplit_once('/').map_or("", |(above, _)| above);
                folders.insert(above.to_owned());
            }
        }
        for folder in &folders {
            self.disk.sync_folder(folder)?;
        }
        self.durable.extend(folders);
        Ok(())
    }

    /// Step 2: with the reader that auditors use, from what is on the disk.
    fn read_back(&self, next: &Checkpoint, new: &[Vec<u8>]) -> Result<(), LogError> {
        let mut tiles = Tiles::open(&self.disk, next)?;
        let old = self.size();
        let mut given = new.iter();
        for index in old / u64::from(FULL)..tiles.bundles() {
            let before = old.saturating_sub(index * u64::from(FULL)) as usize;
            for entry in tiles.bundle(index)?.entries().skip(before) {
                if given.next().is_none_or(|leaf| leaf != entry) {
                    return Err(LogError::Changed(next.size - 1 - given.len() as u64));
                }
            }
        }
        match tiles.root_at(old)? == self.signed.root {
            true => Ok(()),
            false => Err(TileError::Root.into()),
        }
    }

    /// Step 4. What cannot be removed now is removed at the next start; nothing is lost by it.
    fn drop_partials(&self, old: u64, size: u64) {
        let kinds = (0..LEVELS).map(Kind::Level).chain([Kind::Entries]);
        for (kind, level) in kinds.zip((0..LEVELS).chain([0])) {
            let full = |size| count(size, level) / u64::from(FULL);
            if full(size) > full(old) {
                let place = Place { kind, index: full(old), width: FULL };
                let _ = self.disk.remove_folder(&place.partials());
            }
        }
    }

    /// What a start does, and a call after one that failed: the checkpoint on the disk says what the log is.
    fn recover(&mut self) -> Result<(), LogError> {
        self.doubtful = true;
        self.durable.clear();
        self.disk.remove_folder("tmp")?;
        self.disk.make_folder("tmp")?;
        let names = self.disk.names("")?;
        if !names.iter().any(|name| name == "checkpoint") {
            if names.iter().any(|name| name == "tile") {
                return Err(LogError::NoCheckpoint);
            }
            let empty = Checkpoint::empty(self.key.name()).sign(&self.key);
            self.write(&[("checkpoint".to_owned(), empty.note().as_bytes().to_vec())])?;
        }
        // A rename that a stop left in doubt is made durable before anything is built upon it.
        self.disk.sync_folder("")?;
        let signed = Signed::verify(&self.disk.read("checkpoint")?, self.key.verifier())?;
        let mut tiles = Tiles::open(&self.disk, &signed)?;
        let edge = Edge::read(&mut tiles)?;
        self.sweep(signed.size);
        (self.signed, self.edge, self.doubtful) = (signed, edge, false);
        Ok(())
    }

    /// Removes the partial tiles that a stop in step 4 left: those beside the last full ones.
    fn sweep(&self, size: u64) {
        let kinds = (0..LEVELS).map(Kind::Level).chain([Kind::Entries]);
        for (kind, level) in kinds.zip((0..LEVELS).chain([0])) {
            let full = count(size, level) / u64::from(FULL);
            if full > 0 {
                let place = Place { kind, index: full - 1, width: FULL };
                let _ = self.disk.remove_folder(&place.partials());
            }
        }
    }
}
