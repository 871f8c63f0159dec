//! Rows come and go.

use crate::index::{IndexError, Noted, Portion, Row, WEEK_MS, hour_of};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::{collections::BTreeMap, ops::Range};

/// Entries whose rows are removed in a transaction.
const CHUNK: u64 = 65_536;

pub fn put(db: &Transaction<'_>, origin: &str, portion: &Portion) -> Result<(), IndexError> {
    let Portion { entries, minimum, rows, root } = portion;
    db.prepare_cached(
        "INSERT INTO log (origin, size, minimum, root) VALUES (?1, 0, 0, ?2) ON CONFLICT DO NOTHING",
    )?
    .execute((origin, &root.0[..]))?;
    let (log, size, known): (i64, u64, u64) = db
        .prepare_cached("SELECT id, size, minimum FROM log WHERE origin = ?1")?
        .query_row([origin], |row| Ok((row.get(0)?, number(row.get(1)?), number(row.get(2)?))))?;
    if size < entries.start {
        return Err(IndexError::Gap { size, first: entries.start });
    }
    // Another writer was here: it put the same.
    if size >= entries.end {
        return Ok(());
    }
    let least = size.max(known);
    insert(db, log, rows.iter().filter(|row| row.sequence >= least))?;
    db.prepare_cached("UPDATE log SET size = ?2, minimum = ?3, root = ?4 WHERE id = ?1")?.execute((
        log,
        entries.end.cast_signed(),
        known.max(*minimum).cast_signed(),
        &root.0[..],
    ))?;
    Ok(())
}

fn insert<'a>(db: &Transaction<'_>, log: i64, rows: impl Iterator<Item = &'a Row>) -> Result<(), IndexError> {
    let mut leaf = db.prepare_cached("INSERT INTO leaf VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let mut tag = db.prepare_cached("INSERT INTO tag VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let mut mark = db.prepare_cached("INSERT INTO mark VALUES (?1, ?2, ?3, ?4)")?;
    let mut hours = Hours::new();
    for row in rows {
        let sequence = row.sequence.cast_signed();
        leaf.execute((log, sequence, row.class, row.at, row.period))?;
        match &row.noted {
            Noted::Nothing => {}
            Noted::Tag(number) => {
                tag.execute((log, row.at.div_euclid(WEEK_MS), number, row.at, sequence))?;
            }
            Noted::Text(text) => {
                mark.execute((log, text, sequence, row.at))?;
            }
        }
        let (leaves, last) = hours.entry((hour_of(row.at), row.class)).or_default();
        (*leaves, *last) = (*leaves + 1, sequence);
    }
    count(db, log, &hours)
}

/// How many leaves of each class, and the last of them.
type Hours = BTreeMap<(i64, u8), (i64, i64)>;

/// Adds to the sums. What is removed comes before what stays, so that the last stays the last.
fn count(db: &Transaction<'_>, log: i64, hours: &Hours) -> Result<(), IndexError> {
    let mut add = db.prepare_cached(
        "INSERT INTO hour VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET leaves = leaves + excluded.leaves, last = max(last, excluded.last)",
    )?;
    for ((hour, class), (leaves, last)) in hours {
        add.execute((log, hour, class, leaves, last))?;
    }
    Ok(())
}

pub fn forget(db: &mut Connection, log: i64, below: u64) -> Result<(), IndexError> {
    loop {
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let minimum = "SELECT minimum FROM log WHERE id = ?1";
        let first: u64 = transaction.query_row(minimum, [log], |row| row.get(0).map(number))?;
        if first >= below {
            drop(transaction);
            // What was deleted is in the write-ahead log still; where somebody reads it now, until the next call.
            return Ok(db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))?);
        }
        let next = below.min(first.saturating_add(CHUNK));
        remove(&transaction, log, first..next)?;
        transaction.execute("UPDATE log SET minimum = ?2 WHERE id = ?1", (log, next.cast_signed()))?;
        transaction.commit()?;
    }
}

fn remove(db: &Transaction<'_>, log: i64, entries: Range<u64>) -> Result<(), IndexError> {
    let of = (log, entries.start.cast_signed(), entries.end.cast_signed());
    let within = "log = ?1 AND sequence >= ?2 AND sequence < ?3";
    let mut hours = Hours::new();
    let mut select = db.prepare_cached(&format!("SELECT at, class FROM leaf WHERE {within}"))?;
    let mut rows = select.query(of)?;
    let (mut first, mut last) = (i64::MAX, i64::MIN);
    while let Some(row) = rows.next()? {
        let at: i64 = row.get(0)?;
        hours.entry((hour_of(at), row.get(1)?)).or_default().0 -= 1;
        (first, last) = (first.min(at), last.max(at));
    }
    let weeks = (first.div_euclid(WEEK_MS), last.div_euclid(WEEK_MS));
    db.prepare_cached(&format!("DELETE FROM tag WHERE {within} AND week BETWEEN ?4 AND ?5"))?
        .execute((of.0, of.1, of.2, weeks.0, weeks.1))?;
    for table in ["leaf", "mark"] {
        db.prepare_cached(&format!("DELETE FROM {table} WHERE {within}"))?.execute(of)?;
    }
    count(db, log, &hours)?;
    db.prepare_cached("DELETE FROM hour WHERE log = ?1 AND leaves <= 0")?.execute([log])?;
    Ok(())
}

pub fn clear(db: &mut Connection, log: i64) -> Result<(), IndexError> {
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for table in ["leaf", "tag", "mark", "hour"] {
        transaction.execute(&format!("DELETE FROM {table} WHERE log = ?1"), [log])?;
    }
    transaction.execute("DELETE FROM log WHERE id = ?1", [log])?;
    Ok(transaction.commit()?)
}

/// A number that is never less than 0.
pub fn number(number: i64) -> u64 {
    number.cast_unsigned()
}
