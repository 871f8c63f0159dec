//! Who looked at what. A page with personal data is in the hub's log before it is answered; what is sealed there to two
//! persons is kept here too, in the same transaction, so that it can be overseen day by day; it goes with its class (`expiry.rs`).

use super::{Console, block, session::Visitor};
use crate::{
    app::{self, Hub},
    database,
    log::HubLogError,
};
use actix_web::web::{self, Data};
use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use std::sync::{Mutex, MutexGuard, PoisonError};
use varco_audit::content::Body;
use varco_templates::console::Trouble;

/// What was looked at, by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its entry in the hub's log.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// Who, as the console knows them.
    pub by: String,
    /// What they were, separated by commas.
    pub roles: String,
    /// The address of the page.
    pub what: String,
}

/// The table in `hub.db`.
#[derive(Debug)]
pub struct Views(Mutex<Connection>);

impl Views {
    /// That of this hub.
    ///
    /// # Errors
    /// When the database fails.
    pub fn open(hub: &Hub) -> rusqlite::Result<Self> {
        let db = database::connect(&hub.settings.state.join("hub.db"))?;
        db.execute_batch(TABLE)?;
        Ok(Self(Mutex::new(db)))
    }

    /// Records a view, here and in the log; durable when it returns.
    ///
    /// # Errors
    /// When it is not on the disk: then the page must not be shown.
    pub fn record(
        &self,
        hub: &Hub,
        visitor: &Visitor,
        what: &str,
        now: Timestamp,
    ) -> Result<u64, HubLogError> {
        let roles: Vec<_> = visitor.roles.iter().map(|role| role.name().to_owned()).collect();
        let joined = roles.join(", ");
        let body = Body::Viewed { by: visitor.who.clone(), roles, what: what.to_owned() };
        let db = self.db();
        let transaction = Transaction::new_unchecked(&db, TransactionBehavior::Immediate)?;
        let note = |transaction: &Transaction<'_>, leaf: u64| {
            transaction.execute(
                "INSERT INTO viewed (sequence, at, by, roles, what) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![leaf.cast_signed(), now.as_second(), visitor.who, joined, what],
            )?;
            Ok(())
        };
        Ok(hub.log.journal().commit_with(transaction, &[body], now, note)?)
    }

    /// What was seen in this time, the newest first, `most` at most.
    ///
    /// # Errors
    /// When the database fails.
    pub fn seen(&self, from: Timestamp, to: Timestamp, most: u32) -> rusqlite::Result<Vec<Seen>> {
        let db = self.db();
        let mut select = db.prepare_cached(
            "SELECT sequence, at, by, roles, what FROM viewed
             WHERE at >= ?1 AND at < ?2 ORDER BY sequence DESC LIMIT ?3",
        )?;
        let rows = select.query_map(params![from.as_second(), to.as_second(), most], |row| {
            Ok(Seen {
                sequence: row.get::<_, i64>(0)?.cast_unsigned(),
                at: Timestamp::from_second(row.get(1)?).unwrap_or(Timestamp::MIN),
                by: row.get(2)?,
                roles: row.get(3)?,
                what: row.get(4)?,
            })
        })?;
        rows.collect()
    }

    /// Removes what is over; how many there were.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget(&self, is_over: impl Fn(Timestamp) -> bool) -> rusqlite::Result<usize> {
        let db = self.db();
        let mut select = db.prepare("SELECT at FROM viewed ORDER BY at")?;
        let rows = select.query_map([], |row| row.get::<_, i64>(0))?;
        let over = |at: &i64| Timestamp::from_second(*at).is_ok_and(&is_over);
        let last = rows.map_while(Result::ok).take_while(over).last();
        last.map_or(Ok(0), |last| db.execute("DELETE FROM viewed WHERE at <= ?1", [last]))
    }

    fn db(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records a view of this visitor, off the threads that answer: its entry.
///
/// # Errors
/// The page to show in its place, when it is not on the disk.
pub async fn record(console: &Data<Console>, visitor: &Visitor, what: String) -> Result<u64, Trouble> {
    let (console, visitor, now) = (console.clone(), visitor.clone(), app::now());
    let done = web::block(move || console.views.record(&console.hub, &visitor, &what, now)).await;
    match done {
        Ok(Ok(sequence)) => Ok(sequence),
        Ok(Err(error)) => {
            tracing::error!(%error, "a view cannot be recorded: the page stays closed");
            Err(Trouble::NotRecorded)
        }
        Err(_) => Err(Trouble::NotRecorded),
    }
}

/// Reads what a page shows, once it is on record that this visitor looks.
///
/// # Errors
/// The page to show in its place.
pub async fn read<T: Send + 'static>(
    console: &Data<Console>,
    visitor: &Visitor,
    what: impl Into<String>,
    read: impl FnOnce(&Console) -> anyhow::Result<T> + Send + 'static,
) -> Result<T, Trouble> {
    record(console, visitor, what.into()).await?;
    block(console, read).await
}

const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS viewed (
        sequence INTEGER PRIMARY KEY,
        at       INTEGER NOT NULL,
        by       TEXT NOT NULL,
        roles    TEXT NOT NULL,
        what     TEXT NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS viewed_by_time ON viewed (at);";
