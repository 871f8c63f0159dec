//! `hub.db`: register, journal of the log, login state. Each part has its own tables and its own connection.

use rusqlite::Connection;
use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt, path::Path, time::Duration};

/// Makes the file, readable by us only, if it is not there; SQLite gives its journal the same mode.
///
/// # Errors
/// When it cannot be made.
pub fn private_file(path: &Path) -> std::io::Result<()> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path).map(drop)
}

/// A connection whose commits are on the disk when they return.
///
/// # Errors
/// When the file cannot be opened or is not a database.
pub fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open(file)?;
    db.busy_timeout(Duration::from_secs(3))?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    // FULL: a commit is on the disk when it returns. secure_delete: what has expired does not stay in free pages.
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "secure_delete", "ON")?;
    db.pragma_update(None, "foreign_keys", "ON")?;
    Ok(db)
}
