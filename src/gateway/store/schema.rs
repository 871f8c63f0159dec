//! The tables of `site.db`.

use super::StoreError;
use rusqlite::Connection;
use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt, path::Path};
use varco_audit::journal;

/// Version of the tables and of what is in them; raised with every change. 3: a pass may say the login it came from.
/// 4: records are sealed leaves; `store::take_over` seals those of older versions. 5: the sums of the day.
const VERSION: i64 = 5;

/// How long a transaction waits for another program's.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(2);

/// What `file` and other tools show for the file: "Varc".
const APPLICATION: i64 = 0x5661_7263;

/// Opens the database, sets how durable it is, and makes the tables it lacks.
pub fn open(path: &Path) -> Result<Connection, StoreError> {
    private(path)?;
    let connection = Connection::open(path)?;
    // FULL: a commit in the write-ahead log is synced before it returns. secure_delete: the addresses of a device
    // do not stay in free pages after its pass.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.busy_timeout(PATIENCE)?;
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > VERSION {
        return Err(StoreError::Newer { found, known: VERSION });
    }
    journal::create(&connection)?;
    connection.pragma_update(None, "application_id", APPLICATION)?;
    raise(&connection, found)?;
    Ok(connection)
}

/// Brings the tables from version `found` (0 for none) to ours, whole or not at all.
fn raise(connection: &Connection, found: i64) -> Result<(), StoreError> {
    let transaction = connection.unchecked_transaction()?;
    if found == 1 {
        transaction.execute_batch(FROM_1)?;
    }
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(transaction.commit()?)
}

/// Makes the file, readable by us only, if it is not there: it holds the addresses of devices. SQLite gives its journal
/// the same mode.
fn private(path: &Path) -> std::io::Result<()> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path).map(drop)
}

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS pass (
      id TEXT PRIMARY KEY,
      body TEXT NOT NULL,
      leaving TEXT,
      counted INTEGER NOT NULL DEFAULT 0,
      rate TEXT
    ) STRICT;
    CREATE TABLE IF NOT EXISTS resting (
      slot TEXT PRIMARY KEY,
      freed INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS shares (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      confirmed TEXT NOT NULL,
      trial TEXT,
      told TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS device_key (
      day TEXT PRIMARY KEY,
      key BLOB NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS usage (
      day TEXT NOT NULL,
      person BLOB NOT NULL,
      time INTEGER NOT NULL,
      bytes INTEGER NOT NULL,
      counted_to INTEGER NOT NULL,
      PRIMARY KEY (day, person)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS usage_key (
      day TEXT PRIMARY KEY,
      key BLOB NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS day (
      day TEXT PRIMARY KEY,
      began INTEGER NOT NULL,
      ended TEXT NOT NULL
    ) STRICT;";

/// What version 2 has more in tables that version 1 had.
const FROM_1: &str = "
    ALTER TABLE pass ADD COLUMN counted INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE pass ADD COLUMN rate TEXT;";
