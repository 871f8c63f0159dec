//! Class R3 of the records: a device is a keyed hash of its hardware address. The key is the site's and the day's own;
//! once it is deleted nobody can tell which device it was.

use super::StoreError;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use rusqlite::{OptionalExtension, Transaction};
use varco_policy::Mac;

/// A session of at most 24 hours, that began at the end of the key's day, and 24 hours after it.
const KEPT: SignedDuration = SignedDuration::from_hours(48);

/// How much of the hash is kept: 128 bits.
const LENGTH: usize = 16;

/// The hash of a hardware address with today's key (UTC), which is made when it is the first of the day.
pub fn hash(transaction: &Transaction<'_>, mac: Mac, now: Timestamp) -> Result<String, StoreError> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &todays(transaction, now)?);
    let tag = hmac::sign(&key, &mac.octets());
    Ok(URL_SAFE_NO_PAD.encode(&tag.as_ref()[..LENGTH]))
}

fn todays(transaction: &Transaction<'_>, now: Timestamp) -> Result<Vec<u8>, StoreError> {
    let today = day(now);
    let found = transaction
        .prepare_cached("SELECT key FROM device_key WHERE day = ?1")?
        .query_row([&today], |row| row.get(0))
        .optional()?;
    match found {
        Some(key) => Ok(key),
        None => make(transaction, &today, now),
    }
}

fn make(transaction: &Transaction<'_>, today: &str, now: Timestamp) -> Result<Vec<u8>, StoreError> {
    let mut key = vec![0; 32];
    SystemRandom::new().fill(&mut key).map_err(|_| StoreError::NoRandomness)?;
    transaction.execute("INSERT INTO device_key (day, key) VALUES (?1, ?2)", (today, &key))?;
    let oldest = day(now.saturating_sub(KEPT).unwrap_or(Timestamp::MIN));
    transaction.execute("DELETE FROM device_key WHERE day < ?1", [oldest])?;
    Ok(key)
}

fn day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).date().to_string()
}
