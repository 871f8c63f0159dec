//! Why records cannot be read.

use crate::{
    index::{Gone, IndexError},
    journal::JournalError,
    leaf::NotALeaf,
    tlog::{BadCheckpoint, BadNote, TileError},
};
use jiff::Timestamp;

/// Why the records cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// The database.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The log folder.
    #[error(transparent)]
    Tiles(#[from] TileError),
    /// The index.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The checkpoint.
    #[error("checkpoint: {0}")]
    Note(#[from] BadNote),
    /// The checkpoint cannot be read, or is none.
    #[error("the log folder has no checkpoint that can be read: {0}")]
    Checkpoint(String),
    /// The checkpoint is not signed by the log's key.
    #[error("checkpoint: {0}")]
    NotSigned(BadCheckpoint),
    /// Nobody said whose signature is looked for.
    #[error(
        "there is a log folder: give --vkey with the log's public key, from somebody else than its keeper"
    )]
    Unverified,
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
    /// The entries of the time asked about are not there any more.
    #[error("records below {below} have expired, and what they would answer is gone{}", said_after(before.as_ref()))]
    Gone {
        /// Those below this.
        below: u64,
        /// When the first one after them is of.
        before: Option<Timestamp>,
    },
}

fn said_after(at: Option<&Timestamp>) -> String {
    at.map_or_else(String::new, |at| format!("; the first one that is there is of {at}"))
}

impl From<Gone> for RecordsError {
    fn from(Gone { below, before }: Gone) -> Self {
        Self::Gone { below, before }
    }
}
