//! Octets of a log folder and of an index of it.

use super::flows::compressed;
use anyhow::{Context, Result, ensure};
use std::{collections::BTreeMap, fs, path::Path, process::Command};
use varco_audit::tlog::{Files as _, Folder, Kind, Place};

/// A log at an instant, or what it grew by between two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grown {
    /// How many leaves.
    pub leaves: u64,
    /// Octets of the entry bundles.
    pub entries: u64,
    /// Octets of the tiles of hashes.
    pub hashes: u64,
    /// Octets of the file that `varco-audit index` makes.
    pub index: u64,
    /// The bundles one after the other.
    bundles: Vec<u8>,
}

impl Grown {
    /// Measures a log that nobody writes to meanwhile.
    ///
    /// # Errors
    /// When the folder cannot be read or not indexed.
    pub fn of(log: &Path, programs: &Path) -> Result<Self> {
        let folder = Folder::new(log);
        // What a tile was before it grew is no part of the log any more.
        let mut widest = BTreeMap::<(Kind, u64), Place>::new();
        for place in folder.paths()?.iter().filter_map(|path| Place::parse(path)) {
            let there = widest.entry((place.kind, place.index)).or_insert(place);
            *there = Place { width: there.width.max(place.width), ..place };
        }
        let mut grown = Self::default();
        for place in widest.values() {
            let octets = folder.read(&place.path())?;
            let length = u64::try_from(octets.len())?;
            if place.kind == Kind::Entries {
                grown.leaves += u64::from(place.width);
                grown.entries += length;
                grown.bundles.extend_from_slice(&octets);
            } else {
                grown.hashes += length;
            }
        }
        grown.index = index(log, programs)?;
        Ok(grown)
    }

    /// What came after `before`: a log only grows at its end.
    pub fn since(&self, before: &Self) -> Self {
        Self {
            leaves: self.leaves - before.leaves,
            entries: self.entries - before.entries,
            hashes: self.hashes - before.hashes,
            index: self.index - before.index,
            bundles: self.bundles[before.bundles.len()..].to_vec(),
        }
    }

    /// All of it.
    pub const fn octets(&self) -> u64 {
        self.entries + self.hashes + self.index
    }

    /// The same with the entries compressed by gzip; hashes are random octets, and an index is a database that is in use.
    pub fn compressed(&self) -> u64 {
        compressed(&self.bundles) + self.hashes + self.index
    }
}

/// Octets of an index that is made anew.
fn index(log: &Path, programs: &Path) -> Result<u64> {
    let file = log.with_extension("index");
    let mut audit = Command::new(programs.join("varco-audit"));
    let done = audit.args(["index", "--log"]).arg(log).arg("--out").arg(&file).output()?;
    ensure!(done.status.success(), "varco-audit index: {}", String::from_utf8_lossy(&done.stderr));
    let octets = fs::metadata(&file).context("the index")?.len();
    fs::remove_file(&file)?;
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_after_is_the_difference() {
        let log = |leaves, entries, hashes, index, bundles: &[u8]| Grown {
            leaves,
            entries,
            hashes,
            index,
            bundles: bundles.to_vec(),
        };
        let (before, after) = (log(2, 6, 64, 4096, b"ab"), log(6, 18, 192, 8192, b"abcdef"));
        let since = after.since(&before);
        assert_eq!(since, log(4, 12, 128, 4096, b"cdef"));
        assert_eq!(since.octets(), 12 + 128 + 4096);
    }
}
