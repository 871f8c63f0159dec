//! The tree on the disk that grows: what a log that signs itself and a mirror of another's log share.
//!
//! Commit order:
//!
//! 1. Bundles and tiles with the new entries, at their new paths only: written beside (`tmp/`), fsync, renamed; then their
//!    folders are synced. Nothing that the last commit stands for is touched.
//! 2. What is on the disk now is read back and recomputed: the root over what was written, each new leaf, and that the
//!    tree of before is its beginning.
//! 3. A note that says what the tree is now (who signs it, the caller knows) is written beside, fsync, renamed, and the folder
//!    synced. **This is the commit.**
//! 4. Partial tiles whose full ones are there now are removed.
//!
//! A stop before 3 leaves files that no note stands for; the same leaves come again and are written again, octet for octet.
//! A stop within 3 leaves the old note or the new one, both true. After an error it is not known which, so whoever called
//! begins as at a start: [`Tree::clear`], then [`Tree::take_up`] with what the note on the disk says.

use super::{
    checkpoint::Checkpoint,
    disk::Disk,
    log::LogError,
    path::{FULL, Kind, LEVELS, Place, count},
    stage::{Edge, Staged},
    tiles::{TileError, Tiles},
};
use std::collections::BTreeSet;

/// The tree.
#[derive(Debug)]
pub(super) struct Tree<D> {
    pub(super) disk: D,
    /// What is on the disk and committed.
    pub(super) at: Checkpoint,
    edge: Edge,
    /// Folders whose names are on the disk.
    durable: BTreeSet<String>,
}

/// What the tree is once it is committed: written, read back, and not committed yet.
#[derive(Debug)]
pub(super) struct Grown {
    pub(super) at: Checkpoint,
    edge: Edge,
}

impl<D: Disk> Tree<D> {
    /// Without entries; [`Self::take_up`] says what is on the disk.
    pub(super) fn new(disk: D, origin: &str) -> Self {
        Self { disk, at: Checkpoint::empty(origin), edge: Edge::default(), durable: BTreeSet::new() }
    }

    /// What a start does first, and a call after one that failed. A rename that a stop left in doubt is made durable before
    /// anything is built upon it.
    pub(super) fn clear(&mut self) -> Result<(), LogError> {
        self.durable.clear();
        self.disk.remove_folder("tmp")?;
        self.disk.make_folder("tmp")?;
        Ok(self.disk.sync_folder("")?)
    }

    /// Believes what the note on the disk says, after comparing the right edge with it.
    pub(super) fn take_up(&mut self, at: Checkpoint) -> Result<(), LogError> {
        let edge = Edge::read(&mut Tiles::open(&self.disk, &at)?)?;
        self.sweep(at.size);
        (self.at, self.edge) = (at, edge);
        Ok(())
    }

    /// Steps 1 and 2.
    pub(super) fn grow(&mut self, new: &[Vec<u8>]) -> Result<Grown, LogError> {
        let staged = Staged::new(&self.edge, self.at.size, new)?;
        self.write(&staged.files)?;
        let origin = self.at.origin.clone();
        let at = Checkpoint { origin, size: staged.size, root: staged.edge.root() };
        self.read_back(&at, new)?;
        Ok(Grown { at, edge: staged.edge })
    }

    /// Steps 3 and 4.
    pub(super) fn commit(&mut self, name: &str, note: &[u8], grown: Grown) -> Result<(), LogError> {
        self.put(name, note)?;
        self.drop_partials(self.at.size, grown.at.size);
        (self.at, self.edge) = (grown.at, grown.edge);
        Ok(())
    }

    /// Writes a file of the folder itself, whole or not at all, durably.
    pub(super) fn put(&mut self, name: &str, content: &[u8]) -> Result<(), LogError> {
        self.write(&[(name.to_owned(), content.to_vec())])
    }

    /// Compares leaves with those that are there.
    pub(super) fn compare(&self, first: u64, known: &[Vec<u8>]) -> Result<(), LogError> {
        let mut differs = None;
        let end = first + known.len() as u64;
        Tiles::open(&self.disk, &self.at)?.leaves(first..end, |index, entry| {
            let same = known.get((index - first) as usize).is_some_and(|leaf| leaf == entry);
            differs = differs.or((!same).then_some(index));
        })?;
        differs.map_or(Ok(()), |index| Err(LogError::Changed(index)))
    }

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
        let old = self.at.size;
        let mut given = new.iter();
        for index in old / u64::from(FULL)..tiles.bundles() {
            let before = old.saturating_sub(index * u64::from(FULL)) as usize;
            for entry in tiles.bundle(index)?.entries().skip(before) {
                if given.next().is_none_or(|leaf| leaf != entry) {
                    return Err(LogError::Changed(next.size - 1 - given.len() as u64));
                }
            }
        }
        match tiles.root_at(old)? == self.at.root {
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
