//! A site's leaves in order, from where they are: the log folder, and `site.db` for those that are not in it yet.
//! Whatever comes from the folder was compared with the root of its checkpoint; whose signature that is, `varco-audit
//! verify` says.

use crate::{
    journal::{self, JournalError},
    leaf::{Leaf, NotALeaf},
    tlog::{BadNote, Checkpoint, Files, Folder, Note, TileError, Tiles},
};
use rusqlite::Connection;
use std::{io::ErrorKind, path::Path};

/// Leaves read from the database at a time.
const CHUNK: u32 = 512;

/// Why the records cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The database.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The log folder.
    #[error(transparent)]
    Tiles(#[from] TileError),
    /// The checkpoint.
    #[error("checkpoint: {0}")]
    Note(#[from] BadNote),
    /// The checkpoint cannot be read, or is none.
    #[error("the log folder has no checkpoint that can be read: {0}")]
    Checkpoint(String),
    /// A leaf.
    #[error("record {0}: {1}")]
    Leaf(u64, NotALeaf),
    /// A record was removed.
    #[error("record {expected} is missing: the next one is {found}")]
    Gap {
        /// The number that should come.
        expected: u64,
        /// The number that comes.
        found: u64,
    },
}

/// The leaves.
pub struct Records {
    tiles: Option<Tiles<Folder>>,
    size: u64,
    journal: Option<Connection>,
    /// How many leaves there are by the database.
    next: u64,
}

impl Records {
    /// Opens a log folder, a site's database, or both.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn open(log: Option<&Path>, database: Option<&Path>) -> Result<Self, RecordsError> {
        // The database first, and as it is now: what it no longer holds is in the folder then.
        let journal = database.map(journal::open_read_only).transpose()?;
        let mut next = 0;
        if let Some(journal) = &journal {
            journal.execute_batch("BEGIN").map_err(JournalError::from)?;
            next = journal::place(journal)?.next;
        }
        let tiles = match log.map(tiles).transpose()?.flatten() {
            None if journal.is_none() => return Err(RecordsError::Checkpoint("there is none".into())),
            tiles => tiles,
        };
        let size = tiles.as_ref().map_or(0, Tiles::size);
        Ok(Self { tiles, size, journal, next })
    }

    /// Reads every leaf in order.
    ///
    /// # Errors
    /// When one is damaged or missing, or what `each` says.
    pub fn each<E: From<RecordsError>>(
        &mut self,
        mut each: impl FnMut(&Leaf<'_>, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut outcome = Ok(());
        let mut take = |index: u64, octets: &[u8]| {
            if outcome.is_ok() {
                outcome = read(index, octets).map_err(E::from).and_then(|leaf| each(&leaf, octets));
            }
        };
        if let Some(tiles) = &mut self.tiles {
            tiles.leaves(0..self.size, &mut take).map_err(RecordsError::from)?;
        }
        let mut from = self.size;
        while let Some(journal) = &self.journal {
            let leaves = journal::leaves(journal, from, CHUNK).map_err(RecordsError::from)?;
            for (sequence, octets) in &leaves {
                if *sequence != from {
                    return Err(RecordsError::Gap { expected: from, found: *sequence }.into());
                }
                take(*sequence, octets);
                from += 1;
            }
            if leaves.is_empty() {
                break;
            }
        }
        match outcome {
            Ok(()) if from < self.next => Err(RecordsError::Gap { expected: from, found: self.next }.into()),
            outcome => outcome,
        }
    }

    /// One leaf.
    ///
    /// # Errors
    /// When it is damaged or missing.
    pub fn leaf(&mut self, sequence: u64) -> Result<Vec<u8>, RecordsError> {
        let mut found = None;
        if let Some(tiles) = self.tiles.as_mut().filter(|_| sequence < self.size) {
            tiles.leaves(sequence..sequence + 1, |_, octets| found = Some(octets.to_vec()))?;
        } else if let Some(journal) = &self.journal {
            let first = journal::leaves(journal, sequence, 1)?.into_iter().next();
            found = first.filter(|(number, _)| *number == sequence).map(|(_, octets)| octets);
        }
        found.ok_or(RecordsError::Gap { expected: sequence, found: self.size })
    }
}

/// The tree in a folder; `None` where there is no checkpoint yet.
fn tiles(folder: &Path) -> Result<Option<Tiles<Folder>>, RecordsError> {
    let files = Folder::new(folder);
    let note = match files.read("checkpoint") {
        Ok(note) => Note::parse(&note)?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(RecordsError::Checkpoint(error.to_string())),
    };
    let checkpoint = Checkpoint::parse(&note.text);
    let checkpoint = checkpoint.ok_or_else(|| RecordsError::Checkpoint("it is damaged".into()))?;
    Ok(Some(Tiles::open(files, &checkpoint)?))
}

/// A leaf that says the place at which it is.
fn read(index: u64, octets: &[u8]) -> Result<Leaf<'_>, RecordsError> {
    let leaf = Leaf::read(octets).map_err(|error| RecordsError::Leaf(index, error))?;
    match leaf.header.sequence {
        found if found != index => Err(RecordsError::Gap { expected: index, found }),
        _ => Ok(leaf),
    }
}
