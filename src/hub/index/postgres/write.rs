//! Rows come and go. Who writes rows of a log holds its row in `log` until the commit.

use super::{failed, read::number};
use std::collections::BTreeMap;
use tokio_postgres::{Client, Transaction};
use varco_audit::index::{IndexError, Noted, Portion, Row, WEEK_MS, hour_of};

/// Entries whose rows are removed in a transaction.
const CHUNK: u64 = 65_536;

/// How many leaves of each class, and the last of them.
type Hours = BTreeMap<(i32, i16), (i64, i64)>;

pub async fn put(client: &mut Client, origin: &str, portion: &Portion) -> Result<(), IndexError> {
    let Portion { entries, minimum, rows, root } = portion;
    let db = client.transaction().await.map_err(failed)?;
    let root = &root.0[..];
    let insert = "INSERT INTO varco_index.log (origin, size, minimum, root) VALUES ($1, 0, 0, $2) ON CONFLICT DO NOTHING";
    db.execute(insert, &[&origin, &root]).await.map_err(failed)?;
    let held = "SELECT id, size, minimum FROM varco_index.log WHERE origin = $1 FOR UPDATE";
    let held = db.query_one(held, &[&origin]).await.map_err(failed)?;
    let (log, size, known): (i32, u64, u64) = (held.get(0), number(held.get(1)), number(held.get(2)));
    if size < entries.start {
        return Err(IndexError::Gap { size, first: entries.start });
    }
    // Another hub was here: it put the same.
    if size >= entries.end {
        return Ok(());
    }
    let least = size.max(known);
    let new: Vec<_> = rows.iter().filter(|row| row.sequence >= least).collect();
    leaves(&db, log, &new).await?;
    tags(&db, log, &new).await?;
    marks(&db, log, &new).await?;
    count(
        &db,
        log,
        &hours(new.iter().map(|row| ((row.at, i16::from(row.class)), (1, row.sequence.cast_signed())))),
    )
    .await?;
    let (end, known) = (entries.end.cast_signed(), known.max(*minimum).cast_signed());
    let update = "UPDATE varco_index.log SET size = $2, minimum = $3, root = $4 WHERE id = $1";
    db.execute(update, &[&log, &end, &known, &root]).await.map_err(failed)?;
    db.commit().await.map_err(failed)
}

async fn leaves(db: &Transaction<'_>, log: i32, rows: &[&Row]) -> Result<(), IndexError> {
    let sequences: Vec<_> = rows.iter().map(|row| row.sequence.cast_signed()).collect();
    let classes: Vec<_> = rows.iter().map(|row| i16::from(row.class)).collect();
    let instants: Vec<_> = rows.iter().map(|row| row.at).collect();
    let periods: Vec<_> = rows.iter().map(|row| row.period).collect();
    let insert = "INSERT INTO varco_index.leaf (log, sequence, class, at, period)
        SELECT $1, * FROM unnest($2::bigint[], $3::smallint[], $4::bigint[], $5::integer[])";
    db.execute(insert, &[&log, &sequences, &classes, &instants, &periods]).await.map_err(failed).map(drop)
}

async fn tags(db: &Transaction<'_>, log: i32, rows: &[&Row]) -> Result<(), IndexError> {
    let (mut weeks, mut tags, mut instants, mut sequences) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        if let Noted::Tag(tag) = row.noted {
            weeks.push(short(row.at.div_euclid(WEEK_MS)));
            tags.push(tag);
            instants.push(row.at);
            sequences.push(row.sequence.cast_signed());
        }
    }
    let insert = "INSERT INTO varco_index.tag (log, week, tag, at, sequence)
        SELECT $1, * FROM unnest($2::integer[], $3::bigint[], $4::bigint[], $5::bigint[])";
    db.execute(insert, &[&log, &weeks, &tags, &instants, &sequences]).await.map_err(failed).map(drop)
}

async fn marks(db: &Transaction<'_>, log: i32, rows: &[&Row]) -> Result<(), IndexError> {
    let (mut texts, mut instants, mut sequences) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        if let Noted::Text(text) = &row.noted {
            texts.push(text);
            instants.push(row.at);
            sequences.push(row.sequence.cast_signed());
        }
    }
    let insert = "INSERT INTO varco_index.mark (log, text, at, sequence)
        SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::bigint[])";
    db.execute(insert, &[&log, &texts, &instants, &sequences]).await.map_err(failed).map(drop)
}

fn hours(rows: impl Iterator<Item = ((i64, i16), (i64, i64))>) -> Hours {
    let mut hours = Hours::new();
    for ((at, class), (more, sequence)) in rows {
        let (leaves, last) = hours.entry((short(hour_of(at)), class)).or_default();
        (*leaves, *last) = (*leaves + more, sequence.max(*last));
    }
    hours
}

/// Hours and weeks since 1970 are far from the ends of these.
fn short(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Adds to the sums. What is removed comes before what stays, so that the last stays the last.
async fn count(db: &Transaction<'_>, log: i32, hours: &Hours) -> Result<(), IndexError> {
    let (of, classes): (Vec<_>, Vec<_>) = hours.keys().copied().unzip();
    let (leaves, lasts): (Vec<_>, Vec<_>) = hours.values().copied().unzip();
    let add = "INSERT INTO varco_index.hour AS h (log, hour, class, leaves, last)
        SELECT $1, * FROM unnest($2::integer[], $3::smallint[], $4::bigint[], $5::bigint[])
        ON CONFLICT (log, hour, class) DO UPDATE
            SET leaves = h.leaves + excluded.leaves, last = greatest(h.last, excluded.last)";
    db.execute(add, &[&log, &of, &classes, &leaves, &lasts]).await.map_err(failed).map(drop)
}

/// Removes some of the rows below; whether there are more.
pub async fn forget(client: &mut Client, origin: &str, below: u64) -> Result<bool, IndexError> {
    let db = client.transaction().await.map_err(failed)?;
    let held = "SELECT id, minimum FROM varco_index.log WHERE origin = $1 FOR UPDATE";
    let Some(held) = db.query_opt(held, &[&origin]).await.map_err(failed)? else { return Ok(false) };
    let (log, first): (i32, u64) = (held.get(0), number(held.get(1)));
    if first >= below {
        return Ok(false);
    }
    let next = below.min(first.saturating_add(CHUNK));
    let past = next.cast_signed();
    let delete = "DELETE FROM varco_index.leaf WHERE log = $1 AND sequence < $2 RETURNING at, class";
    let gone = db.query(delete, &[&log, &past]).await.map_err(failed)?;
    let instants = || gone.iter().map(|row| row.get::<_, i64>(0));
    if let (Some(first), Some(last)) = (instants().min(), instants().max()) {
        let weeks = [first, last].map(|at| short(at.div_euclid(WEEK_MS)));
        let delete =
            "DELETE FROM varco_index.tag WHERE log = $1 AND week BETWEEN $3 AND $4 AND sequence < $2";
        db.execute(delete, &[&log, &past, &weeks[0], &weeks[1]]).await.map_err(failed)?;
    }
    let delete = "DELETE FROM varco_index.mark WHERE log = $1 AND sequence < $2";
    db.execute(delete, &[&log, &past]).await.map_err(failed)?;
    count(&db, log, &hours(gone.iter().map(|row| ((row.get(0), row.get(1)), (-1, 0))))).await?;
    db.execute("DELETE FROM varco_index.hour WHERE log = $1 AND leaves <= 0", &[&log])
        .await
        .map_err(failed)?;
    let update = "UPDATE varco_index.log SET minimum = $2 WHERE id = $1";
    db.execute(update, &[&log, &past]).await.map_err(failed)?;
    db.commit().await.map_err(failed)?;
    Ok(next < below)
}

pub async fn clear(client: &mut Client, origin: &str) -> Result<(), IndexError> {
    let db = client.transaction().await.map_err(failed)?;
    let held = "SELECT id FROM varco_index.log WHERE origin = $1 FOR UPDATE";
    let Some(held) = db.query_opt(held, &[&origin]).await.map_err(failed)? else { return Ok(()) };
    let log: i32 = held.get(0);
    for table in ["leaf", "tag", "mark", "hour"] {
        let delete = format!("DELETE FROM varco_index.{table} WHERE log = $1");
        db.execute(&delete, &[&log]).await.map_err(failed)?;
    }
    db.execute("DELETE FROM varco_index.log WHERE id = $1", &[&log]).await.map_err(failed)?;
    db.commit().await.map_err(failed)
}
