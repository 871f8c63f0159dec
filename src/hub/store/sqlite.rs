//! The login state in the hub's own SQLite file.

use super::{Entry, Kept, Kind, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS login_state (
        kind    TEXT NOT NULL,
        key     TEXT NOT NULL,
        value   TEXT NOT NULL,
        expires INTEGER NOT NULL,
        PRIMARY KEY (kind, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS login_state_by_end ON login_state (expires);
    CREATE INDEX IF NOT EXISTS login_state_by_kind ON login_state (kind, expires);
";

/// How many entries of a kind are kept; the ones that end first make room. Anybody on the guest network may begin logins, 5 kB
/// each at most, and the disk is also the register's and the records'. A card's result has up to 115 kB (the answer about its
/// revocation), lives for a minute, and takes the card of a recognised authority.
pub(super) const MOST: i64 = if cfg!(test) { 40 } else { 20_000 };

const MAKE_ROOM: &str = "
    DELETE FROM login_state WHERE kind = ?1 AND key IN (
        SELECT key FROM login_state WHERE kind = ?1 ORDER BY expires
        LIMIT max(0, (SELECT count(*) FROM login_state WHERE kind = ?1) + 1 - ?2))";

/// The embedded store.
#[derive(Debug, Clone)]
pub struct Sqlite(Arc<Mutex<Connection>>);

impl Sqlite {
    /// Opens the file, or makes it. What it holds may be lost, so a commit does not wait for the disk.
    ///
    /// # Errors
    /// When the file cannot be opened or is not a database.
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(file)?;
        connection.busy_timeout(Duration::from_secs(3))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        // It shares the file with the register: what a login said does not stay in free pages.
        connection.pragma_update(None, "secure_delete", "ON")?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    pub(super) async fn put(&self, entry: Entry, value: String, now: i64) -> Result<(), StoreError> {
        self.run(move |db| {
            db.prepare_cached("DELETE FROM login_state WHERE expires <= ?1")?.execute([now])?;
            db.prepare_cached(MAKE_ROOM)?.execute(params![entry.kind.name(), MOST])?;
            db.prepare_cached("INSERT OR REPLACE INTO login_state VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![entry.kind.name(), entry.key, value, entry.expires])
                .map(drop)
        })
        .await
    }

    pub(super) async fn take(&self, kind: Kind, key: String) -> Result<Option<Kept>, StoreError> {
        self.run(move |db| {
            db.prepare_cached(
                "DELETE FROM login_state WHERE kind = ?1 AND key = ?2 RETURNING value, expires",
            )?
            .query_row([kind.name(), &key], kept)
            .optional()
        })
        .await
    }

    pub(super) async fn peek(&self, kind: Kind, key: String) -> Result<Option<Kept>, StoreError> {
        self.run(move |db| {
            db.prepare_cached("SELECT value, expires FROM login_state WHERE kind = ?1 AND key = ?2")?
                .query_row([kind.name(), &key], kept)
                .optional()
        })
        .await
    }

    pub(super) async fn check(&self) -> Result<(), StoreError> {
        self.run(|db| db.query_row("SELECT count(*) FROM login_state WHERE kind = ''", [], |_| Ok(()))).await
    }

    async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let connection = Arc::clone(&self.0);
        actix_web::web::block(move || work(&connection.lock().unwrap_or_else(PoisonError::into_inner)))
            .await
            .map_err(|_| StoreError::Stopping)?
            .map_err(StoreError::Sqlite)
    }
}

fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    Ok(Kept { value: row.get(0)?, expires: row.get(1)? })
}
