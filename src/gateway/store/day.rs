//! The sums of a day: how many passes began, how many ended and why. They are counted in the transaction that records a
//! beginning or an end, and recorded once the day is over in the transaction that forgets them: a restart neither loses
//! nor repeats one. A clock that was wrong for a while may make two records of one day, each of what it counted.

use super::{StoreError, json};
use jiff::{Timestamp, civil::Date};
use rusqlite::{OptionalExtension, Transaction};
use std::collections::BTreeMap;
use varco_audit::Entry;
use varco_policy::pass::EndCause;

/// How many passes ended, by cause.
type Ended = BTreeMap<EndCause, u64>;

/// Counts what begins and ends with these entries.
pub fn count(transaction: &Transaction<'_>, today: Date, entries: &[Entry]) -> Result<(), StoreError> {
    let began = entries.iter().filter(|entry| matches!(entry, Entry::Started { .. })).count();
    let ends = entries.iter().filter_map(|entry| match entry {
        Entry::Ended { cause, .. } => Some(*cause),
        _ => None,
    });
    let ends: Vec<_> = ends.collect();
    if began == 0 && ends.is_empty() {
        return Ok(());
    }
    let (known, mut ended) = read(transaction, today)?.unwrap_or_default();
    for cause in ends {
        *ended.entry(cause).or_default() += 1;
    }
    write(transaction, today, known.saturating_add(began as u64), &ended)
}

/// Takes the days that are over, as entries; and begins today, so that a day on which nobody came is told from one on
/// which the gateway did not run.
pub fn over(
    transaction: &Transaction<'_>,
    site: &str,
    today: Date,
    now: Timestamp,
) -> Result<Vec<Entry>, StoreError> {
    transaction
        .prepare_cached("INSERT OR IGNORE INTO day VALUES (?1, 0, '{}')")?
        .execute([today.to_string()])?;
    let mut take =
        transaction.prepare_cached("DELETE FROM day WHERE day < ?1 RETURNING day, began, ended")?;
    let rows = take.query_map([today.to_string()], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?.unsigned_abs(), json::<Ended>(row, 2)?))
    })?;
    let mut days: Vec<_> = rows.collect::<Result<_, _>>()?;
    days.sort_by(|(one, ..), (other, ..)| one.cmp(other));
    let entry = |(day, began, ended): (String, u64, Ended)| {
        let day = day.parse().ok()?;
        Some(Entry::Day { at: now, site: site.to_owned(), day, began, ended })
    };
    Ok(days.into_iter().filter_map(entry).collect())
}

fn read(transaction: &Transaction<'_>, day: Date) -> Result<Option<(u64, Ended)>, StoreError> {
    let mut select = transaction.prepare_cached("SELECT began, ended FROM day WHERE day = ?1")?;
    let row =
        select.query_row([day.to_string()], |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), json(row, 1)?)));
    Ok(row.optional()?)
}

fn write(transaction: &Transaction<'_>, day: Date, began: u64, ended: &Ended) -> Result<(), StoreError> {
    let began = i64::try_from(began).unwrap_or(i64::MAX);
    transaction.prepare_cached("INSERT OR REPLACE INTO day VALUES (?1, ?2, ?3)")?.execute((
        day.to_string(),
        began,
        serde_json::to_string(ended)?,
    ))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{
        Store,
        tests::{QUARANTINE, at, end, keys, pass, tempdir},
    };
    use super::*;
    use crate::site::Change;
    use jiff::tz::TimeZone;

    fn open(folder: &std::path::Path) -> Store {
        let store = Store::open(folder, keys::recorder(at(0)), QUARANTINE).unwrap();
        let mut store = store.in_zone(TimeZone::get("Europe/Rome").unwrap());
        store.take_over(at(0)).unwrap();
        store
    }

    /// The day, how many began, how many ended by cause.
    type Day = (String, u64, Vec<(EndCause, u64)>);

    fn days(folder: &std::path::Path) -> Vec<Day> {
        let days = keys::entries(folder).into_iter().filter_map(|entry| match entry {
            Entry::Day { day, began, ended, .. } => {
                Some((day.to_string(), began, ended.into_iter().collect()))
            }
            _ => None,
        });
        days.collect()
    }

    /// 12 January 1970, 13:46:40 UTC is the tests' beginning; 9 hours and 13 minutes later the day ends in Rome.
    #[test]
    fn a_day_is_recorded_once_after_its_end_whatever_restarts() {
        let folder = tempdir::Folder::new();
        let mut store = open(folder.path());
        store.commit(&[1, 2].map(|n| Change::Started(pass(n))), at(0)).unwrap();
        store.commit(&[Change::Started(pass(1))], at(1)).unwrap();
        store.keep_up(2, at(2)).unwrap();
        drop(store);
        let mut store = open(folder.path());
        store.commit(&[end(&pass(1), 60)], at(60)).unwrap();
        store.keep_up(1, at(9 * 3600)).unwrap();
        assert!(days(folder.path()).is_empty(), "22:46 UTC is still the twelfth in Rome");
        store.commit(&[end(&pass(2), 33_300)], at(33_300)).unwrap();
        drop(store);
        let mut store = open(folder.path());
        let first = ("1970-01-12".to_owned(), 2, vec![(EndCause::LoggedOut, 1)]);
        for _ in 0..2 {
            store.keep_up(0, at(34_000)).unwrap();
            store.resume(at(34_000)).unwrap();
            assert_eq!(days(folder.path()), std::slice::from_ref(&first));
        }
        // Two days later: the day of the late end, and none for the one on which the gateway did not run.
        store.keep_up(0, at(3 * 86_400)).unwrap();
        let second = ("1970-01-13".to_owned(), 0, vec![(EndCause::LoggedOut, 1)]);
        assert_eq!(days(folder.path()), [first, second]);
    }

    #[test]
    fn a_day_on_which_nobody_came_is_said() {
        let folder = tempdir::Folder::new();
        let mut store = open(folder.path());
        store.keep_up(0, at(0)).unwrap();
        store.keep_up(0, at(86_400)).unwrap();
        store.keep_up(0, at(172_800)).unwrap();
        let none = |day: &str| (day.to_owned(), 0, vec![]);
        assert_eq!(days(folder.path()), [none("1970-01-12"), none("1970-01-13")]);
    }
}
