//! `evidence.db`: the minutes, kept for 13 months. A file of its own: what becomes of it touches no record and
//! no pass.
//!
//! Write-ahead log with `synchronous = NORMAL`: a loss of power may take the last minutes, never the file. That is enough
//! for evidence of what was lent, of which a gap is shown as a gap; records of who (`site.db`) are synced one by one.

use super::minute::{COLUMNS, Minute, SQL};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use rusqlite::{Connection, OpenFlags, params_from_iter};
use std::{
    collections::VecDeque,
    fs::OpenOptions,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Version of the table; raised with every change of it.
const VERSION: i64 = 1;
/// Minutes that wait for a disk that cannot be written; the oldest are given up.
const WAITING: usize = 60;
/// How long a minute is kept.
const MONTHS: i32 = 13;

/// Why the evidence cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The database failed: disk full, damaged, locked.
    #[error("evidence.db: {0}")]
    Database(#[from] rusqlite::Error),
    /// The file cannot be made.
    #[error("evidence.db: {0}")]
    File(#[from] std::io::Error),
    /// The database was written by a newer version.
    #[error("evidence.db is of version {0}, this program knows up to {VERSION}")]
    Newer(i64),
}

/// Where it is.
pub fn file(state: &Path) -> PathBuf {
    state.join("evidence.db")
}

/// The minutes on disk, and those that wait for it.
#[derive(Debug)]
pub struct Ledger {
    file: PathBuf,
    connection: Option<Connection>,
    waiting: VecDeque<Minute>,
    pruned: i64,
}

impl Ledger {
    /// The ledger in folder `state`. Nothing is opened before the first minute.
    pub fn new(state: &Path) -> Self {
        Self { file: file(state), connection: None, waiting: VecDeque::new(), pruned: 0 }
    }

    /// Writes a minute, and those that could not be written before. Of two with the same begin, as after the clock was set
    /// back, the first stays.
    ///
    /// # Errors
    /// When it cannot be written; it is tried again with the next.
    pub fn keep(&mut self, minute: Minute) -> Result<(), LedgerError> {
        if self.waiting.len() == WAITING {
            self.waiting.pop_front();
        }
        let at = i64::try_from(minute.at).unwrap_or(i64::MAX);
        self.waiting.push_back(minute);
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => open(&self.file)?,
        };
        // After an error the file is opened anew: it may have been replaced.
        write(&mut connection, &self.waiting)?;
        self.waiting.clear();
        if at / 86_400 != self.pruned {
            prune(&connection, at)?;
            self.pruned = at / 86_400;
        }
        self.connection = Some(connection);
        Ok(())
    }

    /// Limits the size of the database, to see what a full disk does.
    #[cfg(test)]
    pub(crate) fn limit_pages(&self, pages: i64) {
        self.connection.as_ref().unwrap().pragma_update(None, "max_page_count", pages).unwrap();
    }
}

fn open(file: &Path) -> Result<Connection, LedgerError> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(file)?;
    let connection = Connection::open(file)?;
    connection.busy_timeout(std::time::Duration::from_secs(2))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    check_version(&connection)?;
    let columns: Vec<_> = COLUMNS.iter().zip(SQL).map(column).collect();
    connection
        .execute_batch(&format!("CREATE TABLE IF NOT EXISTS minute ({}) STRICT", columns.join(", ")))?;
    connection.pragma_update(None, "user_version", VERSION)?;
    Ok(connection)
}

/// A column as the table is made with it: names of this program, never what somebody wrote.
fn column((name, sql): (&&str, &&str)) -> String {
    if *name == "at" { "at INTEGER PRIMARY KEY".to_owned() } else { format!("{name} {sql}") }
}

fn check_version(connection: &Connection) -> Result<(), LedgerError> {
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > VERSION { Err(LedgerError::Newer(found)) } else { Ok(()) }
}

fn write(connection: &mut Connection, minutes: &VecDeque<Minute>) -> Result<(), LedgerError> {
    let transaction = connection.transaction()?;
    {
        let places = vec!["?"; COLUMNS.len()].join(", ");
        let sql = format!("INSERT OR IGNORE INTO minute ({}) VALUES ({places})", COLUMNS.join(", "));
        let mut insert = transaction.prepare_cached(&sql)?;
        for minute in minutes {
            // SQLite's numbers have a sign.
            let signed = |known: u64| i64::try_from(known).unwrap_or(i64::MAX);
            insert.execute(params_from_iter(minute.values().into_iter().map(|value| value.map(signed))))?;
        }
    }
    Ok(transaction.commit()?)
}

fn prune(connection: &Connection, at: i64) -> Result<(), LedgerError> {
    let now = Timestamp::from_second(at).unwrap_or(Timestamp::MIN).to_zoned(TimeZone::UTC);
    let oldest = now.saturating_sub(MONTHS.months()).timestamp().as_second();
    connection.execute("DELETE FROM minute WHERE at < ?1", [oldest])?;
    Ok(())
}

/// Reads the minutes from `from` to before `to`, in order, those that are there: a minute that is not was not measured.
///
/// # Errors
/// When there is no such file yet, or it is damaged or newer.
pub fn read(
    state: &Path,
    from: Timestamp,
    to: Timestamp,
    mut each: impl FnMut(Minute) -> bool,
) -> Result<(), LedgerError> {
    let connection = Connection::open_with_flags(file(state), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(std::time::Duration::from_secs(2))?;
    check_version(&connection)?;
    let sql = format!("SELECT {} FROM minute WHERE at >= ?1 AND at < ?2 ORDER BY at", COLUMNS.join(", "));
    let mut select = connection.prepare(&sql)?;
    let mut rows = select.query([from.as_second(), to.as_second()])?;
    while let Some(row) = rows.next()? {
        let values = (0..COLUMNS.len()).map(|at| row.get::<_, Option<i64>>(at));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        let unsigned = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
        if Minute::from_values(values.into_iter().map(unsigned)).is_some_and(|minute| !each(minute)) {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
