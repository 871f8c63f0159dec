//! What a change of the site does to the tables, and the entry that goes on record with it.

use super::{StoreError, device_key, shares, usage};
use crate::site::Change;
use jiff::Timestamp;
use rusqlite::Transaction;
use varco_audit::Entry;
use varco_policy::{Device, Pass, PassId, Rate, Slot, pass::EndCause};

/// Changes the tables; the entry to append, or `None` when nothing changed.
pub fn write(
    transaction: &Transaction<'_>,
    site: &str,
    change: &Change,
    now: Timestamp,
) -> Result<Option<Entry>, StoreError> {
    let site = site.to_owned();
    Ok(match change {
        Change::Started(pass) => {
            let device = device_key::hash(transaction, pass.device.mac, now)?;
            start(transaction, pass)?.then(|| started(site, pass, device))
        }
        Change::Leaving { pass, cause } => {
            mark(transaction, *pass, *cause)?;
            None
        }
        Change::Ended { pass, slot, at, freed, cause } => {
            let entry = Entry::Ended { at: *at, site, pass: *pass, slot: *slot, cause: *cause };
            end(transaction, *pass, *slot, *freed)?.then_some(entry)
        }
        Change::Reconciled { at, missing, unknown } => {
            Some(Entry::Reconciled { at: *at, site, missing: *missing, unknown: *unknown })
        }
        Change::Shares { at, step, by, shares } => {
            let entry = Entry::Shares { at: *at, site, step: *step, by: by.clone(), shares: *shares };
            shares::step(transaction, *step, shares)?.then_some(entry)
        }
        Change::SharesTold(told) => {
            shares::told(transaction, told)?;
            None
        }
        Change::Used { person, used, counted } => {
            usage::write(transaction, person, used, counted)?;
            None
        }
        Change::Day(day) => {
            usage::forget_before(transaction, &day.to_string())?;
            None
        }
        Change::Rated { pass, rate } => {
            set_rate(transaction, *pass, *rate)?;
            None
        }
    })
}

fn started(site: String, pass: &Pass, device: String) -> Entry {
    let Pass { id, subject, slot, since, until, device: Device { .. }, session: _ } = pass.clone();
    Entry::Started { at: since, site, pass: id, subject, device, slot, until }
}

fn start(transaction: &Transaction<'_>, pass: &Pass) -> Result<bool, StoreError> {
    let mut insert =
        transaction.prepare_cached("INSERT INTO pass (id, body) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
    Ok(insert.execute((pass.id.to_string(), serde_json::to_string(pass)?))? == 1)
}

fn mark(transaction: &Transaction<'_>, pass: PassId, cause: EndCause) -> Result<(), StoreError> {
    let mut update = transaction.prepare_cached("UPDATE pass SET leaving = ?2 WHERE id = ?1")?;
    update.execute((pass.to_string(), serde_json::to_string(&cause)?))?;
    Ok(())
}

fn set_rate(transaction: &Transaction<'_>, pass: PassId, rate: Option<Rate>) -> Result<(), StoreError> {
    let rate = rate.map(|rate| serde_json::to_string(&rate)).transpose()?;
    transaction
        .prepare_cached("UPDATE pass SET rate = ?2 WHERE id = ?1")?
        .execute((pass.to_string(), rate))?;
    Ok(())
}

fn end(
    transaction: &Transaction<'_>,
    pass: PassId,
    slot: Slot,
    freed: Timestamp,
) -> Result<bool, StoreError> {
    let was_open =
        transaction.prepare_cached("DELETE FROM pass WHERE id = ?1")?.execute([pass.to_string()])? == 1;
    let mut rest =
        transaction.prepare_cached("INSERT OR REPLACE INTO resting (slot, freed) VALUES (?1, ?2)")?;
    rest.execute((serde_json::to_string(&slot)?, freed.as_millisecond()))?;
    Ok(was_open)
}
