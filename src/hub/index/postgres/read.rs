//! Questions.

use super::failed;
use jiff::Timestamp;
use std::ops::Range;
use tokio_postgres::{Client, Row, types::ToSql};
use varco_audit::{
    class::Class,
    index::{Count, Gone, IndexError, Marked, Place, Span, code, instant, tag_number},
    tag::Tag,
    tlog::Hash,
};

type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Statements are prepared by the server for each call: a look-up asks a handful of questions.
async fn rows(client: &Client, text: &str, values: Values<'_>) -> Result<Vec<Row>, IndexError> {
    client.query(text, values).await.map_err(failed)
}

pub async fn places(client: &Client, of: Option<&str>) -> Result<Vec<Place>, IndexError> {
    let text = "SELECT origin, size, minimum, root FROM varco_index.log WHERE $1::text IS NULL OR origin = $1 ORDER BY origin";
    let place = |row: &Row| {
        let root: &[u8] = row.get(3);
        let root = root.try_into().map_err(|_| IndexError::Server("a root is no hash".into()))?;
        Ok(Place {
            origin: row.get(0),
            size: number(row.get(1)),
            minimum: number(row.get(2)),
            root: Hash(root),
        })
    };
    rows(client, text, &[&of]).await?.iter().map(place).collect()
}

pub async fn tagged(
    client: &Client,
    origin: &str,
    tags: &[Tag],
    (span, entries): (Span, Range<u64>),
) -> Result<Vec<u64>, IndexError> {
    let text = "SELECT DISTINCT sequence FROM varco_index.tag
        WHERE log = (SELECT id FROM varco_index.log WHERE origin = $1) AND week BETWEEN $2::bigint AND $3::bigint
          AND tag = ANY ($4) AND at BETWEEN $5 AND $6 AND sequence >= $7 AND sequence < $8 ORDER BY sequence";
    let tags: Vec<_> = tags.iter().map(|tag| tag_number(*tag)).collect();
    let ((from, to), (first, last)) = (span.weeks(), span.milliseconds());
    let (start, end) = (signed(entries.start), signed(entries.end));
    let found = rows(client, text, &[&origin, &from, &to, &tags, &first, &last, &start, &end]).await?;
    Ok(found.iter().map(|row| number(row.get(0))).collect())
}

pub async fn has_tags(
    client: &Client,
    origin: &str,
    (span, entries): (Span, Range<u64>),
) -> Result<bool, IndexError> {
    // Tags of a week are many: they are looked at only where an hour has any leaf so late.
    let text = "SELECT EXISTS (SELECT FROM varco_index.hour
        WHERE log = (SELECT id FROM varco_index.log WHERE origin = $1) AND hour BETWEEN $2::bigint AND $3::bigint AND last >= $4)";
    let ((from, to), start) = (span.hours(), signed(entries.start));
    if !rows(client, text, &[&origin, &from, &to, &start]).await?.iter().any(|row| row.get(0)) {
        return Ok(false);
    }
    let text = "SELECT EXISTS (SELECT FROM varco_index.tag
        WHERE log = (SELECT id FROM varco_index.log WHERE origin = $1) AND week BETWEEN $2::bigint AND $3::bigint
          AND at BETWEEN $4 AND $5 AND sequence >= $6 AND sequence < $7)";
    let ((from, to), (first, last)) = (span.weeks(), span.milliseconds());
    let end = signed(entries.end);
    let found = rows(client, text, &[&origin, &from, &to, &first, &last, &start, &end]).await?;
    Ok(found.iter().any(|row| row.get(0)))
}

pub async fn marked(client: &Client, origin: &str, begins: &str) -> Result<Vec<Marked>, IndexError> {
    let text = "SELECT text, sequence, at FROM varco_index.mark
        WHERE log = (SELECT id FROM varco_index.log WHERE origin = $1) AND text >= $2 AND starts_with(text, $2)
        ORDER BY sequence";
    let marked =
        |row: &Row| Marked { text: row.get(0), sequence: number(row.get(1)), at: instant(row.get(2)) };
    Ok(rows(client, text, &[&origin, &begins]).await?.iter().map(marked).collect())
}

pub async fn of_class(
    client: &Client,
    origin: &str,
    class: Class,
    span: Span,
) -> Result<Vec<(u64, Timestamp)>, IndexError> {
    // The partial index is for a statement that says its condition.
    let few = if code(class) >= 40 { "AND class >= 40" } else { "" };
    let text = format!(
        "SELECT sequence, at FROM varco_index.leaf
         WHERE log = (SELECT id FROM varco_index.log WHERE origin = $1) AND class = $2 AND at BETWEEN $3 AND $4 {few}
         ORDER BY at, sequence"
    );
    let (first, last) = span.milliseconds();
    let found = rows(client, &text, &[&origin, &i16::from(code(class)), &first, &last]).await?;
    Ok(found.iter().map(|row| (number(row.get(0)), instant(row.get(1)))).collect())
}

pub async fn counts(client: &Client, origin: &str, span: Span) -> Result<Vec<Count>, IndexError> {
    let text = "SELECT hour::bigint, class, leaves FROM varco_index.hour
        WHERE log = (SELECT id FROM varco_index.log WHERE origin = $1) AND hour BETWEEN $2::bigint AND $3::bigint
        ORDER BY hour, class";
    let (first, last) = span.hours();
    let count = |row: &Row| Count::of(row.get(0), u8::try_from(row.get::<_, i16>(1)).ok()?, row.get(2));
    Ok(rows(client, text, &[&origin, &first, &last]).await?.iter().filter_map(count).collect())
}

pub async fn newest(client: &Client, origin: &str) -> Result<Option<Timestamp>, IndexError> {
    let text = "SELECT at FROM varco_index.leaf
        WHERE log = (SELECT id FROM varco_index.log WHERE origin = $1) ORDER BY sequence DESC LIMIT 1";
    Ok(rows(client, text, &[&origin]).await?.first().map(|row| instant(row.get(0))))
}

pub async fn gone(client: &Client, origin: &str) -> Result<Option<Gone>, IndexError> {
    let text = "SELECT minimum, (SELECT at FROM varco_index.leaf WHERE log = id ORDER BY sequence LIMIT 1)
        FROM varco_index.log WHERE origin = $1 AND minimum > 0";
    let gone =
        |row: &Row| Gone { below: number(row.get(0)), before: row.get::<_, Option<i64>>(1).map(instant) };
    Ok(rows(client, text, &[&origin]).await?.first().map(gone))
}

/// A number that is never less than 0.
pub fn number(number: i64) -> u64 {
    number.cast_unsigned()
}

/// The end of a range may be past every number that a row has.
fn signed(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}
