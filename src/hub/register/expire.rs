//! The end of what the register keeps: a login after 24 to 25 months, a refusal after half a year.
//!
//! No clock alone destroys anything. The time that counts is the hub's clock or the latest instant that a login on record
//! has the signature of, whichever is earlier: a provider's answer agrees with our clock to within minutes, and of a card it
//! is the hour of its issuer's word (the list of revocations, or the trust list, of some hours or days ago). So a clock that
//! jumps ahead confirms nothing and one that falls behind only waits. A hub that nobody logs in at destroys nothing; its
//! operator does (OPERATING.md).
//!
//! Order for a month: the key, then the rows and the persons who have no login left. A stop in between leaves rows
//! without key, which the next round removes.

use super::{Register, RegisterError, day, month::Month};
use rusqlite::{Transaction, TransactionBehavior, params};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// How often expiry is looked at.
const INTERVAL: Duration = Duration::from_secs(3600);
/// How long a refusal is kept, in seconds: 184 days.
const REFUSAL_LIVES: i64 = 184 * 24 * 3600;
/// How many rows one transaction removes, so that no login waits long.
const AT_ONCE: i64 = if cfg!(test) { 2 } else { 500 };

/// What one round destroyed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Destroyed {
    /// Months whose key was here.
    pub months: BTreeSet<Month>,
    /// Logins.
    pub logins: u64,
    /// Persons who had no other login.
    pub persons: u64,
}

impl Register {
    /// Destroys what is over. `now` is the clock, in Unix seconds; see the module for what it is worth.
    ///
    /// # Errors
    /// When a key or a row cannot be removed; what is left goes in the next round.
    pub fn expire(&self, now: i64) -> Result<Destroyed, RegisterError> {
        let Some(time) = self.confirmed_time(now)? else { return Ok(Destroyed::default()) };
        let oldest = Month::of(time).oldest_kept();
        let mut destroyed = Destroyed::default();
        for month in self.sealer.months.months()?.into_iter().filter(|month| *month < oldest) {
            self.sealer.months.destroy(month)?;
            self.note(month, time, 0)?;
            destroyed.months.insert(month);
        }
        while self.remove_some(oldest, time, &mut destroyed)? {}
        self.db().execute("DELETE FROM refusal WHERE day < ?1", [day(time.saturating_sub(REFUSAL_LIVES))])?;
        if destroyed.logins > 0 {
            // What was removed is in the write-ahead log still.
            self.db().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        }
        Ok(destroyed)
    }

    /// The time that the newest login confirms, and never later than `now`; `None` before the first login.
    ///
    /// # Errors
    /// When the register cannot be read.
    pub fn confirmed_time(&self, now: i64) -> Result<Option<i64>, RegisterError> {
        let newest: Option<i64> =
            self.db().query_row("SELECT max(min(at, response_issued)) FROM authentication", [], |row| {
                row.get(0)
            })?;
        Ok(newest.map(|newest| newest.min(now)))
    }

    /// Removes some logins of months before `oldest`; `false` when there are none.
    fn remove_some(&self, oldest: Month, at: i64, destroyed: &mut Destroyed) -> Result<bool, RegisterError> {
        let db = self.db();
        let transaction = Transaction::new_unchecked(&db, TransactionBehavior::Immediate)?;
        let rows: Vec<(Month, String)> = transaction
            .prepare_cached(
                "DELETE FROM authentication
                 WHERE number IN (SELECT number FROM authentication WHERE month < ?1 LIMIT ?2)
                 RETURNING month, person",
            )?
            .query_map(params![oldest.to_string(), AT_ONCE], |row| {
                let month: String = row.get(0)?;
                Ok((month.parse().unwrap_or(oldest), row.get(1)?))
            })?
            .collect::<Result<_, _>>()?;
        for (month, person) in &rows {
            note(&transaction, *month, at, 1)?;
            destroyed.persons += transaction
                .prepare_cached(
                    "DELETE FROM person WHERE id = ?1
                     AND NOT EXISTS (SELECT 1 FROM authentication WHERE person = ?1)",
                )?
                .execute([person])? as u64;
        }
        transaction.commit()?;
        destroyed.logins += rows.len() as u64;
        Ok(!rows.is_empty())
    }

    /// Keeps that a month was destroyed, for who asks where it is.
    fn note(&self, month: Month, at: i64, logins: i64) -> Result<(), RegisterError> {
        Ok(note(&self.db(), month, at, logins)?)
    }
}

fn note(db: &rusqlite::Connection, month: Month, at: i64, logins: i64) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO destroyed VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET logins = logins + ?3",
    )?
    .execute(params![month.to_string(), at, logins])
    .map(drop)
}

/// Expires at the start and every hour, for as long as the program runs.
pub async fn watch(register: Arc<Register>) {
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        ticks.tick().await;
        let (register, now) = (Arc::clone(&register), crate::app::now().as_second());
        match actix_web::web::block(move || register.expire(now)).await {
            Ok(Ok(destroyed)) if destroyed == Destroyed::default() => {}
            Ok(Ok(Destroyed { months, logins, persons })) => {
                let months: Vec<_> = months.iter().map(ToString::to_string).collect();
                tracing::info!(keys = months.join(" "), logins, persons, "the register has expired");
            }
            Ok(Err(error)) => tracing::error!(%error, "what is over in the register was not destroyed"),
            Err(_) => return,
        }
    }
}
