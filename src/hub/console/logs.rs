//! The logs that are here: the hub's own and the copies of the gateways'. Everything is read through the checkpoint that
//! the log's own key has signed; what calls this waits for the disk.

use super::Console;
use jiff::Timestamp;
use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    time::SystemTime,
};
use varco_audit::{
    leaf::{HUB, Leaf},
    tlog::{Folder, Signed, TileError, Tiles, VerifierKey, proof::Proof},
};

/// A log.
#[derive(Debug)]
pub struct Known {
    /// What it is called here: the gateway, or `@hub`.
    pub name: String,
    /// What verifies it.
    pub key: VerifierKey,
    /// Its folder.
    pub folder: PathBuf,
}

/// The hub's own log.
pub fn own(console: &Console) -> Known {
    let log = &console.hub.log;
    Known { name: HUB.to_owned(), key: log.key().clone(), folder: log.folder().to_owned() }
}

/// Every log, the hub's first.
pub fn all(console: &Console) -> Vec<Known> {
    let copies = console.hub.mirrors.all().map(|(name, key, folder)| Known {
        name: name.to_owned(),
        key: key.clone(),
        folder: folder.to_owned(),
    });
    std::iter::once(own(console)).chain(copies).collect()
}

impl Known {
    /// Whether it is the hub's own.
    pub fn is_own(&self) -> bool {
        self.name == HUB
    }

    /// Which log, as its checkpoints name it.
    pub fn origin(&self) -> &str {
        self.key.name()
    }

    /// How many entries its newest checkpoint has; none where nothing ever came.
    ///
    /// # Errors
    /// As [`Self::signed`].
    pub fn size(&self) -> anyhow::Result<u64> {
        let came = self.folder.join("checkpoint").try_exists()?;
        if came { Ok(self.signed()?.size) } else { Ok(0) }
    }

    /// Its newest checkpoint.
    ///
    /// # Errors
    /// When it cannot be read or is not this log's.
    pub fn signed(&self) -> anyhow::Result<Signed> {
        Ok(Signed::verify(&fs::read(self.folder.join("checkpoint"))?, &self.key)?)
    }

    /// When a file of the folder was written.
    pub fn written(&self, file: &str) -> Option<Timestamp> {
        written(&self.folder.join(file))
    }

    /// Its tree, verified from the checkpoint down.
    ///
    /// # Errors
    /// When a file is not what was signed.
    pub fn tiles(&self) -> anyhow::Result<(Signed, Tiles<Folder>)> {
        let signed = self.signed()?;
        let tiles = Tiles::open(Folder::new(&self.folder), &signed)?;
        Ok((signed, tiles))
    }

    /// These entries, in this order; those that are not in the checkpoint, or were pruned, are left out.
    ///
    /// # Errors
    /// As [`Self::tiles`], and when one is no leaf.
    pub fn entries(&self, sequences: &[u64]) -> anyhow::Result<Vec<Vec<u8>>> {
        if self.size()? == 0 {
            return Ok(Vec::new());
        }
        let (signed, mut tiles) = self.tiles()?;
        let mut found = Vec::new();
        for sequence in sequences.iter().copied().filter(|sequence| *sequence < signed.size) {
            let read =
                tiles.leaves(sequence..sequence.saturating_add(1), |_, leaf| found.push(leaf.to_vec()));
            match read {
                Err(TileError::Disk { source, .. }) if source.kind() == ErrorKind::NotFound => {}
                read => read?,
            }
        }
        for entry in &found {
            Leaf::read(entry)?;
        }
        Ok(found)
    }

    /// The proof of an entry, of the checkpoint as the folder has it: with the cosignatures that stand there.
    ///
    /// # Errors
    /// As [`Self::tiles`], and when there is no such entry.
    pub fn prove(&self, sequence: u64) -> anyhow::Result<Proof> {
        let (signed, mut tiles) = self.tiles()?;
        let (path, mut entry) = (tiles.inclusion(sequence)?, Vec::new());
        tiles.leaves(sequence..sequence.saturating_add(1), |_, leaf| entry = leaf.to_vec())?;
        Ok(Proof { index: sequence, entry, path, checkpoint: signed.note().to_owned() })
    }
}

/// When a file was written.
pub fn written(path: &Path) -> Option<Timestamp> {
    let at = fs::metadata(path).ok()?.modified().ok()?;
    let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Timestamp::from_second(i64::try_from(since.as_secs()).ok()?).ok()
}
