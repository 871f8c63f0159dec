//! The index in a file of SQLite.
//!
//! | table | a row | octets of one |
//! |---|---|---|
//! | `log` | a log: origin, size, minimum index, root | |
//! | `leaf` | a leaf: log, sequence, class, instant, period | 22 |
//! | `tag` | a leaf with a tag: log, week, tag, instant, sequence | 27 |
//! | `mark` | a leaf with another mark | |
//! | `hour` | how many leaves of a class an hour has, and the last of them | |
//!
//! Tags are random; those of one week lie together, so that what comes in touches that week's pages and no others.

mod read;
mod write;

use super::{Count, Gone, IndexError, Marked, Place, Portion, Rows, Span};
use crate::{class::Class, tag::Tag};
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior};
use std::{ops::Range, path::Path, time::Duration};

/// `PRAGMA user_version`.
const VERSION: i64 = 2;
/// "varc" in ASCII: what tells an index from another file of SQLite.
const APPLICATION: i64 = 0x7661_7263;
/// How long it waits for another that writes.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pages of 4 kB in memory, as SQLite counts them: 64 MB.
const CACHE_KIB: i64 = -65_536;

const SCHEMA: &str = "
    CREATE TABLE log (
        id INTEGER PRIMARY KEY, origin TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, minimum INTEGER NOT NULL,
        root BLOB NOT NULL
    ) STRICT;
    CREATE TABLE leaf (
        log INTEGER NOT NULL, sequence INTEGER NOT NULL, class INTEGER NOT NULL, at INTEGER NOT NULL, period INTEGER,
        PRIMARY KEY (log, sequence)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX leaf_of_few ON leaf (log, class, at) WHERE class >= 40;
    CREATE TABLE tag (
        log INTEGER NOT NULL, week INTEGER NOT NULL, tag INTEGER NOT NULL, at INTEGER NOT NULL, sequence INTEGER NOT NULL,
        PRIMARY KEY (log, week, tag, at, sequence)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE mark (
        log INTEGER NOT NULL, text TEXT NOT NULL, sequence INTEGER NOT NULL, at INTEGER NOT NULL,
        PRIMARY KEY (log, text, sequence)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE hour (
        log INTEGER NOT NULL, hour INTEGER NOT NULL, class INTEGER NOT NULL, leaves INTEGER NOT NULL,
        last INTEGER NOT NULL, PRIMARY KEY (log, hour, class)
    ) STRICT, WITHOUT ROWID;";

/// A file.
#[derive(Debug)]
pub struct Sqlite(Connection);

impl Sqlite {
    /// Opens a file, or makes it.
    ///
    /// # Errors
    /// When it cannot be opened or made, or is no index of this version.
    pub fn open(file: &Path) -> Result<Self, IndexError> {
        Self::of(Connection::open(file)?)
    }

    /// Opens a file that is there, for reading.
    ///
    /// # Errors
    /// When there is none, or it is no index of this version.
    pub fn open_read_only(file: &Path) -> Result<Self, IndexError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags)?;
        connection.busy_timeout(PATIENCE)?;
        match version(&connection)? {
            VERSION => Ok(Self(connection)),
            other => Err(IndexError::Version(other)),
        }
    }

    /// One that goes with the value: on the disk, where it is large.
    ///
    /// # Errors
    /// When there is no room.
    pub fn temporary() -> Result<Self, IndexError> {
        Self::of(Connection::open("")?)
    }

    fn of(mut connection: Connection) -> Result<Self, IndexError> {
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "cache_size", CACHE_KIB)?;
        // A loss of power takes the last portions, which are filled again.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        // What was pruned is not left in free pages.
        connection.pragma_update(None, "secure_delete", "ON")?;
        connection.set_prepared_statement_cache_capacity(32);
        match version(&connection)? {
            VERSION => {}
            0 => create(&mut connection)?,
            other => return Err(IndexError::Version(other)),
        }
        Ok(Self(connection))
    }

    fn log(&self, origin: &str) -> Result<Option<i64>, IndexError> {
        let mut select = self.0.prepare_cached("SELECT id FROM log WHERE origin = ?1")?;
        Ok(select.query_row([origin], |row| row.get(0)).optional()?)
    }
}

/// Makes the tables; another may be at it too.
fn create(connection: &mut Connection) -> Result<(), IndexError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match version(&transaction)? {
        VERSION => return Ok(()),
        0 if is_empty(&transaction)? => {}
        other => return Err(IndexError::Version(other)),
    }
    transaction.execute_batch(SCHEMA)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    Ok(transaction.commit()?)
}

fn version(connection: &Connection) -> Result<i64, IndexError> {
    let version = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    match application {
        APPLICATION | 0 => Ok(version),
        other => Err(IndexError::Version(other)),
    }
}

fn is_empty(connection: &Connection) -> Result<bool, IndexError> {
    Ok(connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get::<_, i64>(0))? == 0)
}

impl Rows for Sqlite {
    fn place(&mut self, origin: &str) -> Result<Option<Place>, IndexError> {
        Ok(read::places(&self.0, Some(origin))?.pop())
    }

    fn places(&mut self) -> Result<Vec<Place>, IndexError> {
        read::places(&self.0, None)
    }

    fn put(&mut self, origin: &str, portion: &Portion) -> Result<(), IndexError> {
        let transaction = self.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
        write::put(&transaction, origin, portion)?;
        Ok(transaction.commit()?)
    }

    fn forget(&mut self, origin: &str, below: u64) -> Result<(), IndexError> {
        let Some(log) = self.log(origin)? else { return Ok(()) };
        write::forget(&mut self.0, log, below)
    }

    fn clear(&mut self, origin: &str) -> Result<(), IndexError> {
        let Some(log) = self.log(origin)? else { return Ok(()) };
        write::clear(&mut self.0, log)
    }

    fn tagged(
        &mut self,
        origin: &str,
        tags: &[Tag],
        span: Span,
        entries: Range<u64>,
    ) -> Result<Vec<u64>, IndexError> {
        let Some(log) = self.log(origin)? else { return Ok(Vec::new()) };
        read::tagged(&self.0, log, tags, (span, entries))
    }

    fn has_tags(&mut self, origin: &str, span: Span, entries: Range<u64>) -> Result<bool, IndexError> {
        let Some(log) = self.log(origin)? else { return Ok(false) };
        read::has_tags(&self.0, log, (span, entries))
    }

    fn marked(&mut self, origin: &str, begins: &str) -> Result<Vec<Marked>, IndexError> {
        let Some(log) = self.log(origin)? else { return Ok(Vec::new()) };
        read::marked(&self.0, log, begins)
    }

    fn of_class(
        &mut self,
        origin: &str,
        class: Class,
        span: Span,
    ) -> Result<Vec<(u64, Timestamp)>, IndexError> {
        let Some(log) = self.log(origin)? else { return Ok(Vec::new()) };
        read::of_class(&self.0, log, class, span)
    }

    fn counts(&mut self, origin: &str, span: Span) -> Result<Vec<Count>, IndexError> {
        let Some(log) = self.log(origin)? else { return Ok(Vec::new()) };
        read::counts(&self.0, log, span)
    }

    fn newest(&mut self, origin: &str) -> Result<Option<Timestamp>, IndexError> {
        let Some(log) = self.log(origin)? else { return Ok(None) };
        read::newest(&self.0, log)
    }

    fn gone(&mut self, origin: &str) -> Result<Option<Gone>, IndexError> {
        let Some(log) = self.log(origin)? else { return Ok(None) };
        read::gone(&self.0, log)
    }
}
