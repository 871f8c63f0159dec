//! Pruning (C2SP tlog-tiles, "Pruning"): bundles of entries that are over go, every tile of hashes stays, so that every root
//! and every proof of before can still be made and verified.
//!
//! Which index is the least that is still there stands in the file `pruned`, a signed note of its own kind, by the log's key
//! or, in a copy, by its keeper's:
//!
//! ```text
//! varco-pruned/1
//! <origin>
//! <minimum index>
//! <instant>
//! ```
//!
//! Order of [`prune`]:
//!
//! 1. `pruned` with the new minimum index: written beside, fsync, renamed, the folder synced. **This is the commit**: from here
//!    on nobody misses what is below it.
//! 2. Bundles below it are removed, partial ones of earlier sizes too, then their folders synced.
//!
//! A stop within 1 leaves the old minimum or the new one, and every bundle. A stop within 2 leaves bundles that are said to be
//! gone: each call removes those first, so the next one goes on, and a loss of power brings back nothing for longer.

use super::{
    disk::{Disk, Files},
    note::{BadNote, Note, NoteKey, VerifierKey},
    path::{FULL, Kind, Place},
    tiles::{TileError, Tiles},
};
use jiff::Timestamp;
use std::io;

/// Where it stands which entries are gone.
pub const PRUNED: &str = "pruned";
/// First line of the note.
const FORMAT: &str = "varco-pruned/1";

/// What a log's keeper says is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pruned {
    /// The log.
    pub origin: String,
    /// Its minimum index: entries below may be gone. A multiple of 256.
    pub below: u64,
    /// When it was decided, by the keeper's clock.
    pub at: Timestamp,
}

/// Why nothing was pruned, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// The disk.
    #[error("bundles that are over cannot be removed: {0}")]
    Disk(#[from] io::Error),
    /// The tree.
    #[error(transparent)]
    Tiles(#[from] TileError),
    /// What stands there is not by the key, or of another log.
    #[error("pruned: {0}")]
    Note(#[from] BadNote),
    /// What was asked for would take the newest bundle, or give back what is gone.
    #[error("entries below {asked} cannot go: the log has {size}, and {gone} of them are gone")]
    Asked {
        /// The minimum index asked for.
        asked: u64,
        /// Entries of the log.
        size: u64,
        /// Its minimum index.
        gone: u64,
    },
}

impl Pruned {
    /// Reads the note; whose it is, [`Self::verify`] says.
    pub fn parse(note: &[u8]) -> Option<Self> {
        Self::of_text(&Note::parse(note).ok()?.text)
    }

    /// Verifies that it is by one of these keys and of this log.
    ///
    /// # Errors
    /// When it is malformed, of another log, or by none of the keys.
    pub fn verify<'a>(
        note: &[u8],
        origin: &str,
        keys: impl IntoIterator<Item = &'a VerifierKey>,
    ) -> Result<Self, BadNote> {
        let note = Note::parse(note)?;
        let mut outcome = Err(BadNote::Malformed);
        for key in keys {
            outcome = note.signed_by(key);
            if outcome.is_ok() {
                break;
            }
        }
        outcome?;
        Self::of_text(&note.text).filter(|pruned| pruned.origin == origin).ok_or(BadNote::Malformed)
    }

    fn of_text(text: &str) -> Option<Self> {
        let lines: Vec<_> = text.strip_suffix('\n')?.split('\n').collect();
        let [FORMAT, origin, below, at] = lines[..] else { return None };
        let pruned = Self { origin: origin.to_owned(), below: below.parse().ok()?, at: at.parse().ok()? };
        (pruned.text() == text && pruned.below.is_multiple_of(FULL.into())).then_some(pruned)
    }

    fn text(&self) -> String {
        format!("{FORMAT}\n{}\n{}\n{}\n", self.origin, self.below, self.at)
    }
}

/// What a folder says of its minimum index, by nobody's signature yet; 0 where it says nothing that can be read.
pub fn minimum(files: &impl Files) -> u64 {
    let note = files.read(PRUNED).ok().and_then(|note| Pruned::parse(&note));
    note.map_or(0, |pruned| pruned.below)
}

/// The minimum index that could be: the first bundle from `from` on of which some entry is not over, and never above
/// `limit`, nor beyond what the newest bundle begins with, which the next checkpoint is made upon. At most `most` bundles
/// are read.
///
/// # Errors
/// When a bundle or a tile cannot be read or was changed.
pub fn due<F: Files>(
    tiles: &mut Tiles<F>,
    (from, limit): (u64, u64),
    most: u64,
    mut is_over: impl FnMut(&[u8]) -> bool,
) -> Result<u64, TileError> {
    let full = u64::from(FULL);
    let end = (limit.min(tiles.size()) / full).min(tiles.bundles().saturating_sub(1));
    let first = from / full;
    for index in first..end.min(first.saturating_add(most)) {
        if !tiles.bundle(index)?.entries().all(&mut is_over) {
            return Ok(index * full);
        }
    }
    Ok(end.min(first.saturating_add(most)).max(first) * full)
}

/// Makes `below` the minimum index of the tree in this folder, and removes the bundles below it. How many files went. With
/// the minimum that it has already it removes what a stop left.
///
/// # Errors
/// When `below` is less than it was or takes the newest bundle, what stands there is not by `key`, or the disk fails.
pub fn prune(
    disk: &impl Disk,
    (origin, size): (&str, u64),
    below: u64,
    at: Timestamp,
    key: &NoteKey,
) -> Result<u64, PruneError> {
    let before = match disk.read(PRUNED) {
        Ok(note) => Pruned::verify(&note, origin, [key.verifier()])?.below,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error.into()),
    };
    let newest = size.saturating_sub(1) / u64::from(FULL) * u64::from(FULL);
    if below < before || below > newest || !below.is_multiple_of(FULL.into()) {
        return Err(PruneError::Asked { asked: below, size, gone: before });
    }
    if below > before {
        let pruned = Pruned { origin: origin.to_owned(), below, at };
        disk.make_folder("tmp")?;
        disk.write("tmp/pruned", key.sign(&pruned.text()).as_bytes())?;
        disk.rename("tmp/pruned", PRUNED)?;
        disk.sync_folder("")?;
    }
    Ok(remove(disk, below)?)
}

/// Step 2. A folder has up to a thousand bundles, and is read once.
fn remove(disk: &impl Disk, below: u64) -> io::Result<u64> {
    let mut removed = 0;
    let end = below / u64::from(FULL);
    for thousand in 0..end.div_ceil(1000) {
        let first = Place { kind: Kind::Entries, index: thousand * 1000, width: FULL }.path();
        let folder = first.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut here = 0;
        for name in disk.names(folder)? {
            let path = format!("{folder}/{name}");
            let (full, partial) = match path.strip_suffix(".p") {
                Some(full) => (full, true),
                None => (path.as_str(), false),
            };
            let place = Place::parse(full).filter(|place| place.kind == Kind::Entries && place.index < end);
            match place {
                Some(_) if partial => disk.remove_folder(&path)?,
                Some(_) => disk.remove(&path)?,
                None => continue,
            }
            here += 1;
        }
        if here > 0 {
            disk.sync_folder(folder)?;
        }
        removed += here;
    }
    Ok(removed)
}
