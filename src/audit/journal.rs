//! The leaves in a site's database: those that are not yet in the log folder. The caller owns the connection, so that
//! leaves and the state that depends on them become durable in one transaction, or not at all.

use crate::{entry::Entry, keys::KeyError, seal::SealError};
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction};
use std::path::Path;

/// Why the journal could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The database failed: disk full, damaged, locked, not a database.
    #[error("the records cannot be read or written: {0}")]
    Database(#[from] rusqlite::Error),
    /// A record of an older version is damaged.
    #[error("record {sequence} is damaged: {source}")]
    Entry {
        /// Its place among them.
        sequence: u64,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A value that cannot be written as JSON.
    #[error("cannot be written: {0}")]
    Json(#[from] serde_json::Error),
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Sealing.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// No random bytes.
    #[error("the kernel gave no random bytes")]
    NoRandomness,
}

/// How far the journal is. One row, changed in the transaction of the leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Sequence of the next leaf.
    pub next: u64,
    /// The newest instant on record.
    pub newest: Option<Timestamp>,
    /// The week's key of tags. It goes with the week.
    pub tags: Option<(String, Vec<u8>)>,
}

/// Makes the journal's tables if they are not there.
///
/// # Errors
/// When the database fails.
pub fn create(connection: &Connection) -> Result<(), JournalError> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS leaf (
           sequence INTEGER PRIMARY KEY CHECK (sequence >= 0),
           body BLOB NOT NULL
         ) STRICT;
         CREATE TABLE IF NOT EXISTS place (
           id INTEGER PRIMARY KEY CHECK (id = 1),
           next INTEGER NOT NULL CHECK (next >= 0),
           newest TEXT,
           week TEXT,
           tags BLOB
         ) STRICT;
         CREATE TRIGGER IF NOT EXISTS leaf_is_append_only BEFORE UPDATE ON leaf
         BEGIN SELECT RAISE(ABORT, 'records are never changed'); END;
         CREATE TRIGGER IF NOT EXISTS place_never_goes_back BEFORE UPDATE ON place WHEN new.next < old.next
         BEGIN SELECT RAISE(ABORT, 'records are never taken back'); END;",
    )?;
    Ok(())
}

/// How far the journal is.
///
/// # Errors
/// When the database fails.
pub fn place(connection: &Connection) -> Result<Place, JournalError> {
    let mut select = connection.prepare_cached("SELECT next, newest, week, tags FROM place")?;
    let row = |row: &rusqlite::Row<'_>| {
        let newest: Option<String> = row.get(1)?;
        let (week, tags): (Option<String>, Option<Vec<u8>>) = (row.get(2)?, row.get(3)?);
        let next = row.get::<_, i64>(0)?.unsigned_abs();
        Ok(Place { next, newest: newest.and_then(|text| text.parse().ok()), tags: week.zip(tags) })
    };
    Ok(select.query_row((), row).optional()?.unwrap_or_default())
}

/// Notes how far the journal is.
///
/// # Errors
/// When the database fails, or it would go back.
pub fn set_place(transaction: &Transaction<'_>, place: &Place) -> Result<(), JournalError> {
    let (week, tags) = place.tags.as_ref().map(|(week, tags)| (week, tags)).unzip();
    transaction
        .prepare_cached(
            "INSERT INTO place (id, next, newest, week, tags) VALUES (1, ?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET next = ?1, newest = ?2, week = ?3, tags = ?4",
        )?
        .execute((number(place.next), place.newest.map(|at| at.to_string()), week, tags))?;
    Ok(())
}

/// Adds a leaf.
///
/// # Errors
/// When the database fails.
pub fn insert(transaction: &Transaction<'_>, sequence: u64, leaf: &[u8]) -> Result<(), JournalError> {
    let mut insert = transaction.prepare_cached("INSERT INTO leaf (sequence, body) VALUES (?1, ?2)")?;
    insert.execute((number(sequence), leaf))?;
    Ok(())
}

/// At most `count` leaves in order, from the first that is `from` or later.
///
/// # Errors
/// When the database fails.
pub fn leaves(connection: &Connection, from: u64, count: u32) -> Result<Vec<(u64, Vec<u8>)>, JournalError> {
    let mut select = connection
        .prepare_cached("SELECT sequence, body FROM leaf WHERE sequence >= ?1 ORDER BY sequence LIMIT ?2")?;
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?));
    let rows = select.query_map((number(from), count), row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Removes the leaves below `size`, which are elsewhere, `most` at a time: a transaction stays short.
///
/// # Errors
/// When the database fails.
pub fn prune(transaction: &Transaction<'_>, size: u64, most: u32) -> Result<usize, JournalError> {
    let mut delete = transaction
        .prepare_cached("DELETE FROM leaf WHERE sequence < min(?1, (SELECT min(sequence) FROM leaf) + ?2)")?;
    Ok(delete.execute((number(size), most))?)
}

/// The first `count` records that an older version wrote in clear, with their numbers; nothing where there are none.
///
/// # Errors
/// When the database fails or a record is damaged.
pub fn plain(connection: &Connection, count: u32) -> Result<Vec<(u64, Entry)>, JournalError> {
    let there = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'record'";
    if connection.query_row(there, (), |row| row.get::<_, i64>(0))? == 0 {
        return Ok(Vec::new());
    }
    let mut select = connection.prepare("SELECT sequence, body FROM record ORDER BY sequence LIMIT ?1")?;
    let rows = select.query_map([count], |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?)))?;
    rows.map(|row| {
        let (sequence, body): (u64, String) = row?;
        let entry = serde_json::from_str(&body);
        entry.map(|entry| (sequence, entry)).map_err(|source| JournalError::Entry { sequence, source })
    })
    .collect()
}

/// Removes the records in clear up to this number, which are sealed leaves now.
///
/// # Errors
/// When the database fails.
pub fn forget_plain(transaction: &Transaction<'_>, sequence: u64) -> Result<(), JournalError> {
    transaction.execute("DELETE FROM record WHERE sequence <= ?1", [number(sequence)])?;
    Ok(())
}

/// Opens a site's database for reading only: the live one, or a copy, which may be where nothing can be written.
///
/// # Errors
/// When there is no such database, or it cannot be read where it is.
pub fn open_read_only(path: &Path) -> Result<Connection, JournalError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    let tried = connection.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(()));
    match (tried, unchanging(path)) {
        (Err(_), Some(uri)) => Ok(Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?),
        (tried, _) => Ok(tried.map(|()| connection)?),
    }
}

/// The address under which SQLite reads a copy without making files beside it. It then ignores a `-wal`, so there
/// is such an address only where none holds anything.
fn unchanging(path: &Path) -> Option<String> {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    if std::fs::metadata(wal).is_ok_and(|wal| wal.len() > 0) {
        return None;
    }
    let plain = path.to_str()?.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    Some(format!("file:{plain}?immutable=1"))
}

fn number(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}
