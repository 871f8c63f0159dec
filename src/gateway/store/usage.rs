//! What each person has used of the day, so that a restart does not give it anew. A person is a keyed hash of their
//! subject; the key is the site's and the day's own. Rows and keys of earlier days are deleted: nobody can follow a
//! person from one day to the next by them.

use super::StoreError;
use crate::site::Used;
use jiff::{SignedDuration, Timestamp, civil::Date};
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use rusqlite::{Connection, OptionalExtension, Transaction};
use varco_policy::{PassId, Subject};

/// How much of the hash is kept: 128 bits.
const LENGTH: usize = 16;

/// Writes what the person has used in all, and how far each of their passes is counted in it.
pub fn write(
    transaction: &Transaction<'_>,
    person: &Subject,
    used: &Used,
    counted: &[(PassId, u64)],
) -> Result<(), StoreError> {
    let day = used.day.to_string();
    let key = match key_of(transaction, &day)? {
        Some(key) => key,
        None => make_key(transaction, &day)?,
    };
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO usage (day, person, time, bytes, counted_to) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((
            &day,
            hash(&key, person),
            millis(used.time),
            number(used.bytes),
            used.to.as_millisecond(),
        ))?;
    let mut update = transaction.prepare_cached("UPDATE pass SET counted = ?2 WHERE id = ?1")?;
    for (pass, bytes) in counted {
        update.execute((pass.to_string(), number(*bytes)))?;
    }
    Ok(())
}

/// Forgets the days before this one.
pub fn forget_before(transaction: &Transaction<'_>, day: &str) -> Result<(), StoreError> {
    transaction.execute("DELETE FROM usage WHERE day < ?1", [day])?;
    transaction.execute("DELETE FROM usage_key WHERE day < ?1", [day])?;
    Ok(())
}

/// Forgets every day; whether there was one.
pub fn forget_all(transaction: &Transaction<'_>) -> Result<bool, StoreError> {
    let rows = transaction.execute("DELETE FROM usage", ())?;
    let keys = transaction.execute("DELETE FROM usage_key", ())?;
    transaction.execute("UPDATE pass SET counted = 0", ())?;
    Ok(rows + keys > 0)
}

/// What the person has used of this day, if anything.
pub fn read(connection: &Connection, person: &Subject, day: Date) -> Result<Option<Used>, StoreError> {
    let text = day.to_string();
    let Some(key) = key_of(connection, &text)? else { return Ok(None) };
    let mut select = connection
        .prepare_cached("SELECT time, bytes, counted_to FROM usage WHERE day = ?1 AND person = ?2")?;
    let row = select.query_row((text, hash(&key, person)), |row| {
        Ok(Used {
            day,
            time: SignedDuration::from_millis(row.get(0)?),
            bytes: row.get::<_, i64>(1)?.unsigned_abs(),
            to: Timestamp::from_millisecond(row.get(2)?).unwrap_or(Timestamp::MIN),
        })
    });
    Ok(row.optional()?)
}

/// The last day that was counted.
pub fn last_day(connection: &Connection) -> Result<Option<Date>, StoreError> {
    let text: Option<String> =
        connection.query_row("SELECT max(day) FROM usage_key", (), |row| row.get(0))?;
    Ok(text.and_then(|text| text.parse().ok()))
}

fn key_of(connection: &Connection, day: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let mut select = connection.prepare_cached("SELECT key FROM usage_key WHERE day = ?1")?;
    Ok(select.query_row([day], |row| row.get(0)).optional()?)
}

fn make_key(transaction: &Transaction<'_>, day: &str) -> Result<Vec<u8>, StoreError> {
    let mut key = vec![0; 32];
    SystemRandom::new().fill(&mut key).map_err(|_| StoreError::NoRandomness)?;
    transaction.execute("INSERT INTO usage_key (day, key) VALUES (?1, ?2)", (day, &key))?;
    forget_before(transaction, day)?;
    Ok(key)
}

fn hash(key: &[u8], person: &Subject) -> Vec<u8> {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), person.as_str().as_bytes());
    tag.as_ref()[..LENGTH].to_vec()
}

fn millis(time: SignedDuration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn number(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
