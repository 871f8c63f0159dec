//! Reading a log: nothing is given back that was not recomputed up to the root of the checkpoint.
//!
//! The root is made of the right edge, the partial tile of each level. Every full tile is a hash in the tile above it, and
//! every entry one in a tile of level 0; so a tile is believed after its parent, and one path down costs 256 hashes a level.

use super::{
    bundle,
    checkpoint::Checkpoint,
    disk::Files,
    hash::{Hash, leaf_hash, node_hash, split, tree_hash},
    path::{self, FULL, Kind, LEVELS, Place},
    proof, subtree,
};
use std::{io, ops::Range, sync::Arc};

/// Why the files are not the tree of the checkpoint, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TileError {
    /// A file is not there.
    #[error("{0} is missing")]
    Missing(String),
    /// A file cannot be read.
    #[error("{path}: {source}")]
    Disk {
        /// Which.
        path: String,
        /// What the disk says.
        source: io::Error,
    },
    /// A file is not as long as it must be, or breaks off.
    #[error("{0} does not have the length that it must have")]
    Length(String),
    /// A file was changed.
    #[error("{0} is not what the checkpoint stands for")]
    Changed(String),
    /// The right edge does not make the root that the checkpoint names.
    #[error("the right edge of the tree does not make the root of the checkpoint")]
    Root,
    /// The tree has fewer entries.
    #[error("the tree has {size} entries: there is nothing at {asked}")]
    Past {
        /// Entries of the tree.
        size: u64,
        /// What was asked for.
        asked: u64,
    },
}

/// The tree of a checkpoint.
#[derive(Debug, Clone)]
pub struct Tiles<F> {
    files: F,
    size: u64,
    edge: Vec<(Place, Arc<[Hash]>)>,
    /// Of each level the full tile that was read last: reading in order costs each tile once.
    last: [Option<(u64, Arc<[Hash]>)>; LEVELS as usize],
}

/// A bundle whose entries are those of the tree.
#[derive(Debug, Clone)]
pub struct Bundle {
    octets: Vec<u8>,
}

impl Bundle {
    /// The entries in order.
    pub fn entries(&self) -> impl Iterator<Item = &[u8]> {
        bundle::entries(&self.octets).flatten()
    }

    /// As it is on the disk.
    pub(super) fn octets(self) -> Vec<u8> {
        self.octets
    }
}

impl<F: Files> Tiles<F> {
    /// Reads the right edge and compares it with the root of the checkpoint, whose signature is the caller's business.
    ///
    /// # Errors
    /// When a tile of the edge cannot be read or the root is another.
    pub fn open(files: F, checkpoint: &Checkpoint) -> Result<Self, TileError> {
        let mut tiles =
            Self { files, size: checkpoint.size, edge: Vec::new(), last: [const { None }; LEVELS as usize] };
        for place in path::edge(checkpoint.size) {
            let hashes = tiles.hashes(place)?;
            tiles.edge.push((place, hashes.into()));
        }
        let upwards = tiles.edge.iter().map(|(_, hashes)| &**hashes);
        if edge_root(upwards) == checkpoint.root { Ok(tiles) } else { Err(TileError::Root) }
    }

    /// The files that it reads.
    pub(crate) const fn files(&self) -> &F {
        &self.files
    }

    /// Entries of the tree.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// How many hashes or entries a tile or bundle has in this tree; `None` past its end.
    pub fn width(&self, kind: Kind, index: u64) -> Option<u16> {
        path::place(self.size, kind, index).map(|place| place.width)
    }

    /// How many bundles its entries are in.
    pub const fn bundles(&self) -> u64 {
        self.size.div_ceil(FULL as u64)
    }

    /// The partial tile of a level; empty where there is none.
    pub(super) fn edge(&self, level: u8) -> &[Hash] {
        let found = self.edge.iter().find(|(place, _)| place.kind == Kind::Level(level));
        found.map_or(&[], |(_, hashes)| hashes)
    }

    /// A bundle by its index, its entries compared with the tree.
    ///
    /// # Errors
    /// When it or a tile on the way cannot be read, is not there, or was changed.
    pub fn bundle(&mut self, index: u64) -> Result<Bundle, TileError> {
        let place = self.place(Kind::Entries, index)?;
        let hashes = self.tile(0, index)?;
        let (mut octets, exact) = self.read(place)?;
        let length = compare(&octets, &hashes).map_err(|error| error(place.path()))?;
        if exact && octets.len() != length {
            return Err(TileError::Length(place.path()));
        }
        octets.truncate(length);
        Ok(Bundle { octets })
    }

    /// Every tile and bundle of the tree.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        let kinds = (0..LEVELS).map(|level| (Kind::Level(level), level)).chain([(Kind::Entries, 0)]);
        let size = self.size;
        kinds.flat_map(move |(kind, level)| {
            let tiles = path::count(size, level).div_ceil(FULL.into());
            (0..tiles).filter_map(move |index| path::place(size, kind, index))
        })
    }

    /// What the file at this place holds, compared with the tree.
    ///
    /// # Errors
    /// As [`Self::bundle`].
    pub fn file(&mut self, place: Place) -> Result<Vec<u8>, TileError> {
        match place.kind {
            Kind::Entries => self.bundle(place.index).map(Bundle::octets),
            Kind::Level(level) => Ok(self.tile(level, place.index)?.iter().flat_map(|hash| hash.0).collect()),
        }
    }

    /// One entry, compared with the tree; of the others in its bundle nothing is said.
    ///
    /// # Errors
    /// When the bundle or a tile on the way cannot be read or is not there, or the entry was changed.
    pub fn entry(&mut self, index: u64) -> Result<Vec<u8>, TileError> {
        if index >= self.size {
            return Err(TileError::Past { size: self.size, asked: index });
        }
        let place = self.place(Kind::Entries, index / u64::from(FULL))?;
        let hashes = self.tile(0, place.index)?;
        let (octets, _) = self.read(place)?;
        let within = (index % u64::from(FULL)) as usize;
        let entry = bundle::entries(&octets).nth(within).flatten();
        let entry = entry.ok_or_else(|| TileError::Length(place.path()))?;
        match hashes.get(within) {
            Some(hash) if *hash == leaf_hash(entry) => Ok(entry.to_vec()),
            _ => Err(TileError::Changed(place.path())),
        }
    }

    /// Compares the hashes of a bundle with the tree, without the bundle: what remains where its entries have expired.
    ///
    /// # Errors
    /// When a tile on the way cannot be read or was changed.
    pub fn hashes_of(&mut self, index: u64) -> Result<(), TileError> {
        self.tile(0, index).map(drop)
    }

    /// Compares a partial tile or bundle of an earlier size with what it has become. A log that grows removes such files,
    /// so one that was listed and is gone says nothing.
    ///
    /// # Errors
    /// When it cannot be read, or is not the beginning of it.
    pub fn older(&mut self, place: Place) -> Result<(), TileError> {
        let path = place.path();
        let octets = match self.files.read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            read => read.map_err(|source| TileError::Disk { path, source })?,
        };
        let now = match place.kind {
            Kind::Entries => self.bundle(place.index)?.entries().take(place.width.into()).fold(
                Vec::new(),
                |mut octets, entry| {
                    // An entry of a bundle is as short as it must be.
                    let _ = bundle::push(&mut octets, entry);
                    octets
                },
            ),
            Kind::Level(level) => {
                let tile = self.tile(level, place.index)?;
                tile.iter().take(place.width.into()).flat_map(|hash| hash.0).collect()
            }
        };
        if octets == now { Ok(()) } else { Err(TileError::Changed(place.path())) }
    }

    /// Reads entries in order.
    ///
    /// # Errors
    /// As [`Self::bundle`], and when the range goes past the end.
    pub fn leaves(&mut self, range: Range<u64>, mut each: impl FnMut(u64, &[u8])) -> Result<(), TileError> {
        if range.end > self.size {
            return Err(TileError::Past { size: self.size, asked: range.end });
        }
        let mut index = range.start;
        while index < range.end {
            let bundle = self.bundle(index / u64::from(FULL))?;
            let skip = (index % u64::from(FULL)) as usize;
            for entry in bundle.entries().skip(skip).take((range.end - index) as usize) {
                each(index, entry);
                index += 1;
            }
        }
        Ok(())
    }

    /// The root that the tree had when it had `size` entries.
    ///
    /// # Errors
    /// When a tile cannot be read or was changed, or the tree never had so many.
    pub fn root_at(&mut self, size: u64) -> Result<Hash, TileError> {
        match size {
            0 => Ok(tree_hash(&[])),
            _ if size > self.size => Err(TileError::Past { size: self.size, asked: size }),
            _ => self.range(0, size),
        }
    }

    /// Proves that an entry is in the tree (RFC 6962, section 2.1.1).
    ///
    /// # Errors
    /// When a tile cannot be read or was changed, or there is no such entry.
    pub fn inclusion(&mut self, index: u64) -> Result<Vec<Hash>, TileError> {
        if index >= self.size {
            return Err(TileError::Past { size: self.size, asked: index });
        }
        proof::inclusion(index, self.size, |first, end| self.range(first, end))
    }

    /// Proves that the tree continues what it was when it had `old` entries (RFC 6962, section 2.1.2).
    ///
    /// # Errors
    /// When a tile cannot be read or was changed, or the tree never had so few or so many.
    pub fn consistency(&mut self, old: u64) -> Result<Vec<Hash>, TileError> {
        match old {
            0 => Ok(Vec::new()),
            _ if old > self.size => Err(TileError::Past { size: self.size, asked: old }),
            _ => self.subtree(0..old),
        }
    }

    /// Proves that a subtree is one of this tree (draft-ietf-plants-merkle-tree-certs, "Subtree Consistency Proofs").
    ///
    /// # Errors
    /// When a tile cannot be read or was changed, or the subtree is none of a tree of this size.
    pub fn subtree(&mut self, entries: Range<u64>) -> Result<Vec<Hash>, TileError> {
        let asked = entries.end;
        if !subtree::is_one(&entries) || entries.end > self.size {
            return Err(TileError::Past { size: self.size, asked });
        }
        subtree::prove(entries, self.size, |first, end| self.range(first, end))
    }

    /// The hash over entries `first` to `end`, which RFC 6962 makes a subtree of.
    fn range(&mut self, first: u64, end: u64) -> Result<Hash, TileError> {
        let count = end - first;
        if count.is_power_of_two() {
            return self.node(count.trailing_zeros(), first >> count.trailing_zeros());
        }
        let middle = first + split(count);
        Ok(node_hash(&self.range(first, middle)?, &self.range(middle, end)?))
    }

    /// The hash of the `index`-th subtree of 2^height entries.
    fn node(&mut self, height: u32, index: u64) -> Result<Hash, TileError> {
        let (level, within) = ((height / 8) as u8, height % 8);
        let first = index << within;
        let tile = self.tile(level, first / u64::from(FULL))?;
        let from = (first % u64::from(FULL)) as usize;
        let hashes = tile.get(from..from + (1 << within));
        hashes.map(tree_hash).ok_or(TileError::Past { size: self.size, asked: first })
    }

    /// A tile, believed because its parent is.
    fn tile(&mut self, level: u8, index: u64) -> Result<Arc<[Hash]>, TileError> {
        let place = self.place(Kind::Level(level), index)?;
        if let Some((_, edge)) = self.edge.iter().find(|(edge, _)| *edge == place) {
            return Ok(Arc::clone(edge));
        }
        if let Some((_, tile)) = self.last[usize::from(level)].as_ref().filter(|(last, _)| *last == index) {
            return Ok(Arc::clone(tile));
        }
        let parent = self.tile(level + 1, index / u64::from(FULL))?;
        let hashes: Arc<[Hash]> = self.hashes(place)?.into();
        if parent.get((index % u64::from(FULL)) as usize) != Some(&tree_hash(&hashes)) {
            return Err(TileError::Changed(place.path()));
        }
        self.last[usize::from(level)] = Some((index, Arc::clone(&hashes)));
        Ok(hashes)
    }

    fn place(&self, kind: Kind, index: u64) -> Result<Place, TileError> {
        let past = TileError::Past { size: self.size, asked: index.saturating_mul(FULL.into()) };
        path::place(self.size, kind, index).ok_or(past)
    }

    /// The hashes in a file, not compared with anything yet.
    fn hashes(&self, place: Place) -> Result<Vec<Hash>, TileError> {
        let (octets, exact) = self.read(place)?;
        let (hashes, rest) = octets.as_chunks::<{ Hash::LENGTH }>();
        let width = usize::from(if exact { place.width } else { FULL });
        let whole = rest.is_empty() && hashes.len() == width;
        let first = hashes.get(..place.width.into()).filter(|_| whole);
        let first = first.ok_or_else(|| TileError::Length(place.path()))?;
        Ok(first.iter().map(|hash| Hash(*hash)).collect())
    }

    /// Reads a file; where a partial one is gone, the full one that took its place (C2SP tlog-tiles, "Partial Tiles"), and
    /// says whether it was the very one.
    fn read(&self, place: Place) -> Result<(Vec<u8>, bool), TileError> {
        let absent = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        let read = match self.files.read(&place.path()) {
            Err(error) if absent(&error) && place.width < FULL => {
                self.files.read(&place.full_path()).map(|octets| (octets, false))
            }
            read => read.map(|octets| (octets, true)),
        };
        read.map_err(|source| match absent(&source) {
            true => TileError::Missing(place.path()),
            false => TileError::Disk { path: place.path(), source },
        })
    }
}

/// Compares entries with their hashes and says how many octets they took.
fn compare(octets: &[u8], hashes: &[Hash]) -> Result<usize, fn(String) -> TileError> {
    let mut entries = bundle::entries(octets);
    let mut length = 0;
    for hash in hashes {
        let entry = entries.next().flatten().ok_or(TileError::Length as fn(_) -> _)?;
        if leaf_hash(entry) != *hash {
            return Err(TileError::Changed);
        }
        length += 2 + entry.len();
    }
    Ok(length)
}

/// The root over the partial tiles of each level, lowest first.
pub(super) fn edge_root<'a>(upwards: impl Iterator<Item = &'a [Hash]>) -> Hash {
    let root = upwards
        .filter(|hashes| !hashes.is_empty())
        .fold(None, |right: Option<Hash>, hashes| Some(edge_tile(hashes, right)));
    root.unwrap_or_else(|| tree_hash(&[]))
}

/// The subtree over a partial tile and what is right of it, which is less than one of its hashes covers.
fn edge_tile(hashes: &[Hash], right: Option<Hash>) -> Hash {
    let mut root = right;
    let mut rest = hashes;
    while !rest.is_empty() {
        let last = 1 << rest.len().trailing_zeros();
        let (left, block) = rest.split_at(rest.len() - last);
        let block = tree_hash(block);
        root = Some(root.map_or(block, |right| node_hash(&block, &right)));
        rest = left;
    }
    root.unwrap_or_else(|| tree_hash(&[]))
}
