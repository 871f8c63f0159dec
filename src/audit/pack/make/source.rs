//! A log's folder that proofs are made from.

use super::NoPack;
use crate::tlog::{Files as _, Folder, Signed, TileError, Tiles, VerifierKey, proof::Proof, prune};
use std::path::{Path, PathBuf};

/// Reads a checkpoint of a log.
pub(super) fn signed(folder: &Path, name: &str, key: &VerifierKey) -> Result<Signed, NoPack> {
    let note = Folder::new(folder).read(name).map_err(|error| NoPack::File(folder.join(name), error))?;
    Signed::verify(&note, key).map_err(|error| NoPack::Checkpoint(folder.join(name), error))
}

/// A log that proofs are made from.
pub(super) struct Source {
    pub folder: PathBuf,
    pub note: String,
    pub tiles: Tiles<Folder>,
    pub minimum: u64,
}

impl Source {
    /// At a checkpoint that is one of its files.
    pub fn open(folder: &Path, name: &str, key: &VerifierKey) -> Result<Self, NoPack> {
        Self::at(folder, &signed(folder, name, key)?)
    }

    /// At a checkpoint that was verified.
    pub fn at(folder: &Path, signed: &Signed) -> Result<Self, NoPack> {
        let files = Folder::new(folder);
        let minimum = prune::minimum(&files);
        let tiles = Tiles::open(files, signed).map_err(|error| NoPack::Tiles(folder.to_owned(), error))?;
        Ok(Self { folder: folder.to_owned(), note: signed.note().to_owned(), tiles, minimum })
    }

    pub fn failed(&self) -> impl Fn(TileError) -> NoPack + use<> {
        let folder = self.folder.clone();
        move |error| NoPack::Tiles(folder.clone(), error)
    }

    pub fn leaf(&mut self, index: u64) -> Result<Vec<u8>, NoPack> {
        let (mut found, failed) = (Vec::new(), self.failed());
        self.tiles.leaves(index..index + 1, |_, entry| found = entry.to_vec()).map_err(failed)?;
        Ok(found)
    }

    pub fn proof(&mut self, index: u64) -> Result<Proof, NoPack> {
        let (entry, failed) = (self.leaf(index)?, self.failed());
        let path = self.tiles.inclusion(index).map_err(failed)?;
        Ok(Proof { index, entry, path, checkpoint: self.note.clone() })
    }
}
