//! Questions.

use super::write::number;
use crate::{
    class::Class,
    index::{Count, Gone, IndexError, Marked, Place, Span, row},
    tag::Tag,
    tlog::Hash,
};
use jiff::Timestamp;
use rusqlite::Connection;
use std::ops::Range;

pub fn places(db: &Connection, of: Option<&str>) -> Result<Vec<Place>, IndexError> {
    let mut select = db.prepare_cached(
        "SELECT origin, size, minimum, root FROM log WHERE ?1 IS NULL OR origin = ?1 ORDER BY origin",
    )?;
    let place = |row: &rusqlite::Row<'_>| {
        Ok(Place {
            origin: row.get(0)?,
            size: number(row.get(1)?),
            minimum: number(row.get(2)?),
            root: Hash(row.get(3)?),
        })
    };
    Ok(select.query_map([of], place)?.collect::<Result<_, _>>()?)
}

pub fn tagged(
    db: &Connection,
    log: i64,
    tags: &[Tag],
    (span, entries): (Span, Range<u64>),
) -> Result<Vec<u64>, IndexError> {
    let mut select = db.prepare_cached(
        "SELECT sequence FROM tag WHERE log = ?1 AND week BETWEEN ?2 AND ?3 AND tag = ?4 AND at BETWEEN ?5 AND ?6",
    )?;
    let ((from, to), (first, last)) = (span.weeks(), span.milliseconds());
    let mut found = Vec::new();
    for tag in tags {
        let wanted = row::tag_number(*tag);
        let rows = select.query_map((log, from, to, wanted, first, last), |row| row.get(0))?;
        let rows = rows.collect::<Result<Vec<i64>, _>>()?;
        found.extend(rows.into_iter().map(number).filter(|sequence| entries.contains(sequence)));
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

pub fn has_tags(db: &Connection, log: i64, (span, entries): (Span, Range<u64>)) -> Result<bool, IndexError> {
    // Tags of a week are many: they are looked at only where an hour has any leaf so late.
    let mut select = db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM hour WHERE log = ?1 AND hour BETWEEN ?2 AND ?3 AND last >= ?4)",
    )?;
    let ((from, to), start) = (span.hours(), signed(entries.start));
    if !select.query_row((log, from, to, start), |row| row.get(0))? {
        return Ok(false);
    }
    let mut select = db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM tag WHERE log = ?1 AND week BETWEEN ?2 AND ?3 AND at BETWEEN ?4 AND ?5
           AND sequence >= ?6 AND sequence < ?7)",
    )?;
    let ((from, to), (first, last)) = (span.weeks(), span.milliseconds());
    let end = signed(entries.end);
    Ok(select.query_row((log, from, to, first, last, start, end), |row| row.get(0))?)
}

/// The end of a range may be past every number that a row has.
fn signed(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

pub fn marked(db: &Connection, log: i64, begins: &str) -> Result<Vec<Marked>, IndexError> {
    let mut select = db.prepare_cached(
        "SELECT text, sequence, at FROM mark
         WHERE log = ?1 AND text >= ?2 AND substr(text, 1, length(?2)) = ?2 ORDER BY sequence",
    )?;
    let marked = |row: &rusqlite::Row<'_>| {
        Ok(Marked { text: row.get(0)?, sequence: number(row.get(1)?), at: row::instant(row.get(2)?) })
    };
    Ok(select.query_map((log, begins), marked)?.collect::<Result<_, _>>()?)
}

pub fn of_class(
    db: &Connection,
    log: i64,
    class: Class,
    span: Span,
) -> Result<Vec<(u64, Timestamp)>, IndexError> {
    // SQLite takes a partial index only where the statement says its condition.
    let few = if row::code(class) >= 40 { "AND class >= 40" } else { "" };
    let mut select = db.prepare_cached(&format!(
        "SELECT sequence, at FROM leaf WHERE log = ?1 AND class = ?2 AND at BETWEEN ?3 AND ?4 {few} ORDER BY at, sequence"
    ))?;
    let (first, last) = span.milliseconds();
    let leaf = |row: &rusqlite::Row<'_>| Ok((number(row.get(0)?), row::instant(row.get(1)?)));
    Ok(select.query_map((log, row::code(class), first, last), leaf)?.collect::<Result<_, _>>()?)
}

pub fn counts(db: &Connection, log: i64, span: Span) -> Result<Vec<Count>, IndexError> {
    let mut select = db.prepare_cached(
        "SELECT hour, class, leaves FROM hour WHERE log = ?1 AND hour BETWEEN ?2 AND ?3 ORDER BY hour, class",
    )?;
    let (first, last) = span.hours();
    let rows = select.query_map((log, first, last), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let rows = rows.collect::<Result<Vec<(i64, u8, i64)>, _>>()?;
    Ok(rows.into_iter().filter_map(|(hour, class, leaves)| Count::of(hour, class, leaves)).collect())
}

pub fn newest(db: &Connection, log: i64) -> Result<Option<Timestamp>, IndexError> {
    let mut select =
        db.prepare_cached("SELECT at FROM leaf WHERE log = ?1 ORDER BY sequence DESC LIMIT 1")?;
    let mut rows = select.query_map([log], |row| row.get(0))?;
    Ok(rows.next().transpose()?.map(row::instant))
}

pub fn gone(db: &Connection, log: i64) -> Result<Option<Gone>, IndexError> {
    let mut select = db.prepare_cached(
        "SELECT minimum, (SELECT at FROM leaf WHERE log = ?1 ORDER BY sequence LIMIT 1) FROM log WHERE id = ?1",
    )?;
    let (below, before): (i64, Option<i64>) =
        select.query_row([log], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((below > 0).then(|| Gone { below: number(below), before: before.map(row::instant) }))
}
