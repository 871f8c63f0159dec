//! What new leaves make of the right edge: decided without a disk.

use super::{
    bundle::{self, EntryTooLong},
    disk::Files,
    hash::{Hash, leaf_hash, tree_hash},
    path::{FULL, Kind, LEVELS, Place, count},
    tiles::{TileError, Tiles, edge_root},
};

/// The partial tiles of each level and the partial bundle.
#[derive(Debug, Clone, Default)]
pub(super) struct Edge {
    hashes: [Vec<Hash>; LEVELS as usize],
    bundle: Vec<u8>,
}

impl Edge {
    /// Reads it from tiles that were compared with their checkpoint, the newest entries too.
    pub(super) fn read<F: Files>(tiles: &mut Tiles<F>) -> Result<Self, TileError> {
        let mut edge = Self::default();
        for (level, hashes) in (0..LEVELS).zip(&mut edge.hashes) {
            *hashes = tiles.edge(level).to_vec();
        }
        if let Some(last) = tiles.bundles().checked_sub(1) {
            let newest = tiles.bundle(last)?;
            if !tiles.size().is_multiple_of(FULL.into()) {
                edge.bundle = newest.octets();
            }
        }
        Ok(edge)
    }

    pub(super) fn root(&self) -> Hash {
        edge_root(self.hashes.iter().map(Vec::as_slice))
    }
}

/// The files that an integration writes, and the edge after it.
#[derive(Debug)]
pub(super) struct Staged {
    /// Path and content, bundles before their tiles.
    pub(super) files: Vec<(String, Vec<u8>)>,
    pub(super) edge: Edge,
    pub(super) size: u64,
    /// Full tiles so far, by level.
    full: [u64; LEVELS as usize],
}

impl Staged {
    /// Nothing new yet.
    pub(super) fn begin(edge: &Edge, size: u64) -> Self {
        let mut full = [0; LEVELS as usize];
        for (level, full) in (0..LEVELS).zip(&mut full) {
            *full = count(size, level) / u64::from(FULL);
        }
        Self { files: Vec::new(), edge: edge.clone(), size, full }
    }

    pub(super) fn new(edge: &Edge, size: u64, new: &[Vec<u8>]) -> Result<Self, EntryTooLong> {
        let mut staged = Self::begin(edge, size);
        for leaf in new {
            staged.push(leaf)?;
        }
        staged.partials(edge);
        Ok(staged)
    }

    pub(super) fn push(&mut self, leaf: &[u8]) -> Result<(), EntryTooLong> {
        bundle::push(&mut self.edge.bundle, leaf)?;
        self.size += 1;
        self.edge.hashes[0].push(leaf_hash(leaf));
        if self.edge.hashes[0].len() == usize::from(FULL) {
            let place = Place { kind: Kind::Entries, index: self.full[0], width: FULL };
            self.files.push((place.path(), std::mem::take(&mut self.edge.bundle)));
            self.carry();
        }
        Ok(())
    }

    /// A full tile whose entries are over: only its hashes are known.
    pub(super) fn push_tile(&mut self, hashes: Vec<Hash>) {
        self.edge.hashes[0] = hashes;
        self.carry();
    }

    /// Full tiles go to the files, their hashes one level up.
    fn carry(&mut self) {
        for level in 0..usize::from(LEVELS) - 1 {
            if self.edge.hashes[level].len() < usize::from(FULL) {
                return;
            }
            let hashes = std::mem::take(&mut self.edge.hashes[level]);
            let place = Place { kind: Kind::Level(level as u8), index: self.full[level], width: FULL };
            self.files.push((place.path(), octets(&hashes)));
            self.full[level] += 1;
            self.edge.hashes[level + 1].push(tree_hash(&hashes));
        }
    }

    /// What is partial at the end and was not so before.
    pub(super) fn partials(&mut self, before: &Edge) {
        let width = self.edge.hashes[0].len() as u16;
        if width > 0 {
            let place = Place { kind: Kind::Entries, index: self.full[0], width };
            self.files.push((place.path(), self.edge.bundle.clone()));
        }
        for (level, (hashes, before)) in (0..).zip(self.edge.hashes.iter().zip(&before.hashes)) {
            if !hashes.is_empty() && hashes != before {
                let index = self.full[usize::from(level)];
                let place = Place { kind: Kind::Level(level), index, width: hashes.len() as u16 };
                self.files.push((place.path(), octets(hashes)));
            }
        }
    }
}

fn octets(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}
