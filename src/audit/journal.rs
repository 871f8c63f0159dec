//! The journal of entries in a site's database. The caller owns the connection, so that an entry and the state that
//! depends on it become durable in one transaction, or not at all.

use crate::entry::Entry;
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, Transaction};
use std::path::Path;

/// Why the journal could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The database failed: disk full, damaged, locked, not a database.
    #[error("the records cannot be read or written: {0}")]
    Database(#[from] rusqlite::Error),
    /// An entry is not one that this version knows.
    #[error("record {sequence} is damaged or of a newer version: {source}")]
    Entry {
        /// Its place in the journal.
        sequence: u64,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A sequence number is missing: an entry was removed.
    #[error("record {expected} is missing: the next one is {found}")]
    Gap {
        /// The number that should come.
        expected: u64,
        /// The number that comes.
        found: u64,
    },
}

/// Makes the journal's table if it is not there.
///
/// # Errors
/// When the database fails.
pub fn create(connection: &Connection) -> Result<(), JournalError> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS record (
           sequence INTEGER PRIMARY KEY CHECK (sequence > 0),
           at TEXT NOT NULL,
           body TEXT NOT NULL
         ) STRICT;
         CREATE TRIGGER IF NOT EXISTS record_is_append_only BEFORE UPDATE ON record
         BEGIN SELECT RAISE(ABORT, 'records are never changed'); END;",
    )?;
    Ok(())
}

/// Appends entries with contiguous sequence numbers. Durable when the caller's transaction has committed.
///
/// # Errors
/// When the database fails; the transaction must then be rolled back.
pub fn append(transaction: &Transaction<'_>, entries: &[Entry]) -> Result<(), JournalError> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO record (sequence, at, body) VALUES ((SELECT coalesce(max(sequence), 0) + 1 FROM record), ?1, ?2)",
    )?;
    for entry in entries {
        let body =
            serde_json::to_string(entry).map_err(|source| JournalError::Entry { sequence: 0, source })?;
        insert.execute((entry.at().to_string(), body))?;
    }
    Ok(())
}

/// The newest instant on record, to the second; `None` when nothing is.
///
/// # Errors
/// When the database fails.
pub fn newest(connection: &Connection) -> Result<Option<Timestamp>, JournalError> {
    let newest: Option<String> = connection.query_row("SELECT max(at) FROM record", (), |row| row.get(0))?;
    Ok(newest.and_then(|text| text.parse().ok()))
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

/// Reads every entry in order, calling `each` with its sequence number.
///
/// # Errors
/// When the database fails, an entry is damaged, or one is missing between two others.
pub fn read(connection: &Connection, mut each: impl FnMut(u64, Entry)) -> Result<(), JournalError> {
    let mut select = connection.prepare("SELECT sequence, body FROM record ORDER BY sequence")?;
    let mut rows = select.query(())?;
    let mut expected = None;
    while let Some(row) = rows.next()? {
        let sequence: u64 = row.get::<_, i64>(0)?.unsigned_abs();
        if let Some(expected) = expected.filter(|e| *e != sequence) {
            return Err(JournalError::Gap { expected, found: sequence });
        }
        let body: String = row.get(1)?;
        each(
            sequence,
            serde_json::from_str(&body).map_err(|source| JournalError::Entry { sequence, source })?,
        );
        expected = Some(sequence + 1);
    }
    Ok(())
}
