//! `site.db`: the passes that are open, the slots that rest, and the sealed leaves that are not in the log folder yet, in
//! one SQLite database, so that a record and the state that goes with it become durable in one transaction.
//!
//! Commit order: leaves and tables are written in one transaction with `synchronous = FULL`; when `commit` returns
//! `Ok` the write-ahead log has been synced. When it returns an error the changes may be durable or not, and recording
//! them again is safe: a start that is there already, a mark or an end of a pass that is not open write nothing.
//!
//! What is committed is acknowledged. The log folder follows (`varco_audit::keeper`); rows go only when the leaves are there.

mod change;
mod day;
mod device_key;
mod schema;
mod shares;
#[cfg(test)]
pub(crate) mod tests;
mod usage;

use crate::site::{Change, Known, Used};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use rusqlite::{Connection, Row, Transaction, types::Type};
use std::{fs::File, path::Path, sync::Arc, time::Duration};
use varco_audit::{
    Entry,
    journal::{self, JournalError},
    keeper::{Progress, clock::ClockWatch},
    recorder::{Now, Recorder},
    tlog,
};
use varco_policy::{Pass, Slot, Subject, pass::EndCause};

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed: disk full, damaged, locked.
    #[error("site.db: {0}")]
    Database(#[from] rusqlite::Error),
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The folder or the lock file cannot be used.
    #[error("{0}")]
    Folder(#[from] std::io::Error),
    /// Another gateway uses the folder.
    #[error("another varco-gateway uses this folder")]
    InUse,
    /// The database was written by a newer version.
    #[error("site.db is of version {found}, this program knows up to {known}")]
    Newer {
        /// Version of the database.
        found: i64,
        /// Version of the program.
        known: i64,
    },
    /// No random bytes for the day's key.
    #[error("the kernel gave no random bytes")]
    NoRandomness,
    /// A value that cannot be written as JSON.
    #[error("cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// What was found on record at the start.
#[derive(Debug, Default)]
pub struct Kept {
    /// Open passes, and the cause of those that were leaving.
    pub open: Vec<(Pass, Option<EndCause>)>,
    /// Slots that rest, and since when.
    pub resting: Vec<(Slot, Timestamp)>,
    /// The newest instant on record.
    pub newest: Option<Timestamp>,
    /// What else is known of the open passes.
    pub known: Known,
}

/// How often a heartbeat is recorded.
const HEARTBEAT: SignedDuration = SignedDuration::from_mins(5);
/// How many records of an older version are sealed in one transaction.
const TAKEN_OVER: u32 = 500;

/// The records of a site.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    recorder: Recorder,
    quarantine: SignedDuration,
    zone: TimeZone,
    clock: Arc<ClockWatch>,
    progress: Arc<Progress>,
    beat: Option<Timestamp>,
    /// What was deleted since the write-ahead log was emptied must not stay in it.
    deleted: bool,
    /// Somebody read the database when it was to be emptied.
    again: bool,
    /// Held as long as the store is open.
    _lock: File,
}

impl Store {
    /// Opens or makes `site.db` in `folder`, alone. Nothing is recorded in it before it is known where the log is
    /// ([`Self::continue_after`], [`Self::take_over`]).
    ///
    /// # Errors
    /// When the folder cannot be used, another gateway uses it, or the database is damaged or newer.
    pub fn open(folder: &Path, recorder: Recorder, quarantine: SignedDuration) -> Result<Self, StoreError> {
        let lock = File::options().create(true).append(true).open(folder.join("lock"))?;
        tlog::lock_alone(&lock).map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => StoreError::InUse,
            std::fs::TryLockError::Error(error) => StoreError::Folder(error),
        })?;
        let connection = schema::open(&folder.join("site.db"))?;
        let (clock, progress) = (Arc::default(), Arc::<Progress>::default());
        progress.committed(journal::place(&connection)?.next);
        let (zone, beat, deleted, again, _lock) = (TimeZone::UTC, None, true, false, lock);
        let mut store =
            Self { connection, recorder, quarantine, zone, clock, progress, beat, deleted, again, _lock };
        store.forget_for_good();
        Ok(store)
    }

    /// The same store, which asks this clock how right it is and tells that log what is to be integrated.
    #[must_use]
    pub fn with(self, clock: Arc<ClockWatch>, progress: Arc<Progress>) -> Self {
        progress.committed(self.progress.next());
        progress.least(self.progress.at_least());
        Self { clock, progress, ..self }
    }

    /// The same store, whose days are those of this time zone.
    #[must_use]
    pub fn in_zone(self, zone: TimeZone) -> Self {
        Self { zone, ..self }
    }

    /// How many leaves were ever recorded.
    pub fn next(&self) -> u64 {
        self.progress.next()
    }

    /// The log folder has this many leaves already: the next record comes after them, in a new or restored database too.
    ///
    /// # Errors
    /// When the database fails.
    pub fn continue_after(&mut self, size: u64) -> Result<(), StoreError> {
        self.progress.least(size);
        let transaction = begin(&mut self.connection, &self.progress)?;
        let next = journal::place(&transaction)?.next;
        transaction.commit()?;
        self.progress.committed(next);
        Ok(())
    }

    /// Seals what an older version recorded in clear. Called when it is known where the log is, before anything else is
    /// recorded.
    ///
    /// # Errors
    /// When the database fails or nothing can be sealed.
    pub fn take_over(&mut self, now: Timestamp) -> Result<(), StoreError> {
        take_over(&mut self.connection, &mut self.recorder, now)?;
        self.progress.committed(journal::place(&self.connection)?.next);
        self.forget_for_good();
        Ok(())
    }

    /// Reads what was open, and records that the program has taken it up.
    ///
    /// # Errors
    /// When the database fails or a row is damaged.
    pub fn resume(&mut self, now: Timestamp) -> Result<Kept, StoreError> {
        let newest = journal::place(&self.connection)?.newest;
        let open = self.open_passes()?;
        let known = self.known(&open)?;
        let kept = Kept { open, resting: self.resting()?, newest, known };
        let open = u32::try_from(kept.open.len()).unwrap_or(u32::MAX);
        self.append(Entry::Resumed { at: now, site: self.recorder.site().to_owned(), open }, now)?;
        Ok(kept)
    }

    /// Makes the changes durable, all or none.
    ///
    /// # Errors
    /// When the database fails; the changes may be durable all the same.
    pub fn commit(&mut self, changes: &[Change], now: Timestamp) -> Result<(), StoreError> {
        let tags = journal::place(&self.connection)?.tags;
        let transaction = begin(&mut self.connection, &self.progress)?;
        let mut entries = Vec::new();
        for change in changes {
            entries.extend(change::write(&transaction, self.recorder.site(), change, now)?);
        }
        day::count(&transaction, now.to_zoned(self.zone.clone()).date(), &entries)?;
        let clock = self.clock.error(now);
        self.recorder.append(&transaction, &entries, Now { at: now, clock })?;
        let rested = now.saturating_sub(self.quarantine).unwrap_or(Timestamp::MIN);
        let rested = transaction
            .prepare_cached("DELETE FROM resting WHERE freed < ?1")?
            .execute([rested.as_millisecond()])?;
        let other_tags = journal::place(&transaction)?.tags != tags;
        self.progress.commit(transaction)?;
        let ended = changes.iter().any(|change| matches!(change, Change::Ended { .. }));
        self.deleted |= ended || rested > 0 || other_tags;
        if changes.iter().any(|change| matches!(change, Change::Day(_))) {
            self.forget_for_good();
        }
        Ok(())
    }

    /// What is due from time to time: a heartbeat, and what was deleted leaves the write-ahead log.
    ///
    /// # Errors
    /// When the heartbeat cannot be recorded; it is tried again when the next one is due.
    pub fn keep_up(&mut self, open: usize, now: Timestamp) -> Result<(), StoreError> {
        let due = |beat: Timestamp| now.duration_since(beat).abs() >= HEARTBEAT;
        if !self.beat.is_none_or(due) {
            if self.again {
                self.forget_for_good();
            }
            return Ok(());
        }
        self.beat = Some(now);
        self.progress.late(!self.recorder.late(now).is_empty());
        if self.deleted {
            self.forget_for_good();
        }
        let (open, clock) = (u32::try_from(open).unwrap_or(u32::MAX), self.clock.error(now));
        let site = self.recorder.site().to_owned();
        self.append(Entry::Heartbeat { at: now, site, open, clock }, now)
    }

    /// Appends an entry, and the sums of the days that are over.
    fn append(&mut self, entry: Entry, now: Timestamp) -> Result<(), StoreError> {
        let clock = self.clock.error(now);
        let tags = journal::place(&self.connection)?.tags;
        let transaction = begin(&mut self.connection, &self.progress)?;
        let today = now.to_zoned(self.zone.clone()).date();
        let mut entries = vec![entry];
        entries.extend(day::over(&transaction, self.recorder.site(), today, now)?);
        self.recorder.append(&transaction, &entries, Now { at: now, clock })?;
        let other_tags = journal::place(&transaction)?.tags != tags;
        self.progress.commit(transaction)?;
        self.deleted |= other_tags;
        Ok(())
    }

    /// What is on record of the shares; `None` before the first start.
    ///
    /// # Errors
    /// When the database fails or the row is damaged.
    pub fn shares(&self) -> Result<Option<crate::site::shares::Kept>, StoreError> {
        shares::read(&self.connection)
    }

    /// What a person has used of a day.
    ///
    /// # Errors
    /// When the database fails.
    pub fn used(&self, person: &Subject, day: Date) -> Result<Option<Used>, StoreError> {
        usage::read(&self.connection, person, day)
    }

    /// Forgets what everybody has used: the site limits it no more.
    ///
    /// # Errors
    /// When the database fails.
    pub fn forget_usage(&mut self) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        let some = usage::forget_all(&transaction)?;
        transaction.commit()?;
        if some {
            self.forget_for_good();
        }
        Ok(())
    }

    /// What was deleted is still in the write-ahead log, until that is emptied. Somebody who reads the database now
    /// prevents it; then it is tried at every tick.
    fn forget_for_good(&mut self) {
        // Nobody who is admitted waits for a reader.
        let _ = self.connection.busy_timeout(Duration::ZERO);
        let busy = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0));
        let _ = self.connection.busy_timeout(schema::PATIENCE);
        let told = std::mem::replace(&mut self.again, !matches!(busy, Ok(0)));
        match busy {
            Ok(0) => self.deleted = false,
            Ok::<i64, _>(_) if !told => {
                tracing::info!("records are being read: the log of changes is emptied later");
            }
            Err(error) if !told => tracing::warn!(%error, "the log of changes was not emptied"),
            _ => {}
        }
    }

    fn known(&self, open: &[(Pass, Option<EndCause>)]) -> Result<Known, StoreError> {
        let mut known = Known::default();
        if let Some(day) = usage::last_day(&self.connection)? {
            for (pass, _) in open {
                let used = usage::read(&self.connection, &pass.subject, day)?;
                known.used.extend(used.map(|used| (pass.subject.clone(), used)));
            }
        }
        let mut select = self.connection.prepare("SELECT body, rate, counted FROM pass")?;
        let rows = select.query_map((), |row| {
            let (pass, counted): (Pass, i64) = (json(row, 0)?, row.get(2)?);
            Ok((pass.id, optional_json(row, 1)?, counted.unsigned_abs()))
        })?;
        known.passes = rows.collect::<Result<_, _>>()?;
        Ok(known)
    }

    fn open_passes(&self) -> Result<Vec<(Pass, Option<EndCause>)>, StoreError> {
        let mut select = self.connection.prepare("SELECT body, leaving FROM pass ORDER BY id")?;
        let rows = select.query_map((), |row| Ok((json(row, 0)?, optional_json(row, 1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn resting(&self) -> Result<Vec<(Slot, Timestamp)>, StoreError> {
        let mut select = self.connection.prepare("SELECT slot, freed FROM resting ORDER BY freed")?;
        let rows = select.query_map((), |row| {
            let freed = Timestamp::from_millisecond(row.get(1)?).unwrap_or(Timestamp::MAX);
            Ok((json(row, 0)?, freed))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Puts something in the way of the log folder.
    #[cfg(test)]
    pub(crate) fn spoil_log(&self) {
        let database = Path::new(self.connection.path().unwrap());
        std::fs::write(database.with_file_name("log"), "").unwrap();
    }

    /// Limits the size of the database, to see what a full disk does.
    #[cfg(test)]
    pub(crate) fn limit_pages(&self, pages: i64) {
        self.connection.pragma_update(None, "max_page_count", pages).unwrap();
    }
}

/// Begins a transaction in which the next number is none that the log has given already.
fn begin<'c>(connection: &'c mut Connection, progress: &Progress) -> Result<Transaction<'c>, StoreError> {
    let transaction = connection.transaction()?;
    progress.begin(&transaction)?;
    Ok(transaction)
}

/// Seals what an older version recorded in clear, some at a time: a start that is cut goes on where it was. What is
/// sealed is deleted in the same transaction.
fn take_over(connection: &mut Connection, recorder: &mut Recorder, now: Timestamp) -> Result<(), StoreError> {
    let mut sealed = 0;
    loop {
        let transaction = connection.transaction()?;
        let records = journal::plain(&transaction, TAKEN_OVER)?;
        let Some((last, _)) = records.last() else { break };
        let last = *last;
        sealed += records.len();
        recorder.take_over(&transaction, records.into_iter().map(|(_, entry)| entry), now)?;
        journal::forget_plain(&transaction, last)?;
        transaction.commit()?;
    }
    connection.execute_batch("DROP TABLE IF EXISTS record")?;
    if sealed > 0 {
        tracing::info!(sealed, "records of the older version are sealed now");
    }
    Ok(())
}

fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text)
        .map_err(|e| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(e)))
}

fn optional_json<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<Option<T>> {
    match row.get_ref(column)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => json(row, column).map(Some),
    }
}
