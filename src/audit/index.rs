//! The index: where in which log a leaf is, by what its header says in clear. It makes a look-up read a handful of leaves.
//!
//! It is never a source of truth: it says where to look, and whoever looks compares the leaf with the tree. It holds no body
//! and nothing that the log folders do not, is made from them at any time ([`fill`]), and then is what it was: of each log the
//! same size, rows and sums. Entries below a log's minimum index, whose bundles have been pruned (`tlog/prune.rs`), have no
//! rows in either: [`fill`] removes those that it put before. The minimum is kept, so that no question about that time is
//! answered with "nobody".
//!
//! Two stores keep rows: a file of SQLite ([`Sqlite`], the auditor's and the hub's), and PostgreSQL in the hub.

mod count;
mod fill;
mod row;
mod sqlite;

pub use count::{Month, Silence, by_day, by_month, silences};
pub use fill::{Filled, fill, step};
pub use row::{Noted, Portion, Row, Span, WEEK_MS, class_of, code, hour_of, instant, tag_number};
pub use sqlite::Sqlite;

use crate::{
    class::Class,
    leaf::NotALeaf,
    tag::Tag,
    tlog::{Hash, TileError},
};
use jiff::Timestamp;
use std::ops::Range;

/// Why the index cannot be read or filled.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The file of SQLite.
    #[error("the index cannot be read or written: {0}")]
    Database(#[from] rusqlite::Error),
    /// The server.
    #[error("the server of the index: {0}")]
    Server(Box<dyn std::error::Error + Send + Sync>),
    /// It was made by another version of this program, or is something else.
    #[error("the index has version {0}, which this program does not know: remove it and make it anew")]
    Version(i64),
    /// The log it is made of.
    #[error(transparent)]
    Tiles(#[from] TileError),
    /// An entry of the log.
    #[error("entry {0}: {1}")]
    Leaf(u64, NotALeaf),
    /// An entry of the log says that it is another.
    #[error("entry {index} says that it is {says}")]
    Place {
        /// Its place.
        index: u64,
        /// Its sequence.
        says: u64,
    },
    /// The log was exchanged since it was indexed.
    #[error("the index is of another history of {0} than the log's: make it anew")]
    Other(String),
    /// Rows come that do not follow those that are there.
    #[error("the index has {size} entries of the log, and rows come from {first} on")]
    Gap {
        /// Entries that it has.
        size: u64,
        /// The first that comes.
        first: u64,
    },
}

/// How far a log is indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Which log.
    pub origin: String,
    /// Entries of it that were indexed, from the first on.
    pub size: u64,
    /// Entries below have been pruned, and have no rows.
    pub minimum: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

/// A leaf with a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The mark as its header has it.
    pub text: String,
    /// Its index.
    pub sequence: u64,
    /// When, to the millisecond.
    pub at: Timestamp,
}

/// Entries that are in the tree and were pruned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// Those below this.
    pub below: u64,
    /// The time of the first one after them; `None` where none is.
    pub before: Option<Timestamp>,
}

/// How many leaves of a class an hour has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// When the hour begins, of UTC.
    pub hour: Timestamp,
    /// The class.
    pub class: Class,
    /// How many.
    pub leaves: u64,
}

impl Count {
    /// From what a store keeps: hours since 1970 and the number of a class.
    pub fn of(hour: i64, class: u8, leaves: i64) -> Option<Self> {
        let hour = Timestamp::from_second(hour.checked_mul(3600)?).ok()?;
        Some(Self { hour, class: class_of(class)?, leaves: u64::try_from(leaves).ok()? })
    }
}

/// What keeps rows. Calls wait for the disk or the server. Where several writers fill the same log, each row comes in once.
pub trait Rows: Send {
    /// How far a log is; `None` for one that was never filled.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn place(&mut self, origin: &str) -> Result<Option<Place>, IndexError>;

    /// All logs, by origin.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn places(&mut self) -> Result<Vec<Place>, IndexError>;

    /// Takes the next rows and the new size, together or not at all. What is there already is left out.
    ///
    /// # Errors
    /// When rows are missing before them or the store fails.
    fn put(&mut self, origin: &str, portion: &Portion) -> Result<(), IndexError>;

    /// Removes the rows of the entries below a log's minimum index, and notes it.
    ///
    /// # Errors
    /// When the store fails; then call it again.
    fn forget(&mut self, origin: &str, below: u64) -> Result<(), IndexError>;

    /// Removes all of a log, so that it is filled anew.
    ///
    /// # Errors
    /// When the store fails.
    fn clear(&mut self, origin: &str) -> Result<(), IndexError>;

    /// The leaves with one of these tags in that time, among `entries`, in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn tagged(
        &mut self,
        origin: &str,
        tags: &[Tag],
        span: Span,
        entries: Range<u64>,
    ) -> Result<Vec<u64>, IndexError>;

    /// Whether there is any leaf with a tag in that time, among `entries`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn has_tags(&mut self, origin: &str, span: Span, entries: Range<u64>) -> Result<bool, IndexError>;

    /// The leaves whose mark begins so, in order: `tagkey`, `asked:`, `held:0123…`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn marked(&mut self, origin: &str, begins: &str) -> Result<Vec<Marked>, IndexError>;

    /// The leaves of a class in that time, in order of time. From R4 on by an index; the others are walked to.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn of_class(
        &mut self,
        origin: &str,
        class: Class,
        span: Span,
    ) -> Result<Vec<(u64, Timestamp)>, IndexError>;

    /// How many leaves of each class each hour of that time has, in order of time and class. Hours without are left out.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn counts(&mut self, origin: &str, span: Span) -> Result<Vec<Count>, IndexError>;

    /// The time of the last leaf that is indexed.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn newest(&mut self, origin: &str) -> Result<Option<Timestamp>, IndexError>;

    /// The entries that were pruned; `None` where none was.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn gone(&mut self, origin: &str) -> Result<Option<Gone>, IndexError>;
}
