//! A site that has been there for years: before the gateway's first start its journal has records of three years ago, all of
//! whose classes are over.

use super::{keys, plan::Plan, state::Lab};
use anyhow::{Context, Result};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use std::{fs, path::Path};
use uuid::Uuid;
use varco_audit::{
    Clock, Entry,
    expiry::Kept,
    journal,
    recorder::{Now, Recorder},
    week::{Length, Period},
};
use varco_policy::{PassId, Slot, Subject, pass::EndCause};

/// Sessions, which come first.
const SESSIONS: u32 = 12;
/// Heartbeats after them: with the sessions' leaves more than two bundles.
const BEATS: u32 = 560;

/// The address that was lent.
pub const ADDRESS: [u8; 4] = [203, 0, 113, 77];

/// The week in which it was.
pub fn week() -> Period {
    Period::of(Length::Week, then())
}

#[expect(clippy::disallowed_methods, reason = "the lab's programs read this clock")]
fn then() -> Timestamp {
    let years_ago = Timestamp::now().to_zoned(TimeZone::UTC).saturating_sub(3.years()).timestamp();
    let week = Period::of(Length::Week, years_ago);
    let noon = week.first().to_zoned(TimeZone::UTC).map_or(years_ago, |monday| monday.timestamp());
    noon.saturating_add(12.hours()).unwrap_or(noon)
}

/// The pass of a session.
pub fn pass(number: u32) -> PassId {
    PassId(Uuid::from_u128(0xc0ff_ee00_0000_4000_8000_0000_0000_0000 + u128::from(number)))
}

/// The subject of its citizen.
pub fn subject(number: u32) -> String {
    format!("subject-of-then-{number}-known-value")
}

/// The device.
pub fn device(number: u32) -> String {
    format!("device-of-then-{number}-known-value")
}

/// Seals them to keys of then, which the ceremony has too, and puts them into the gateway's journal.
///
/// # Errors
/// When a key cannot be made or the database cannot be written.
pub fn make(lab: &Lab, plan: &Plan, programs: &Path) -> Result<()> {
    let given = lab.path("history-keys");
    keys::of_week(lab, programs, &week().to_string(), &given)?;
    fs::create_dir_all(lab.path("gateway"))?;
    let mut db = rusqlite::Connection::open(lab.path("gateway/site.db")).context("site.db")?;
    // As the gateway opens it: what is deleted is not left in its pages.
    db.pragma_update(None, "secure_delete", "ON")?;
    journal::create(&db)?;
    let then = then();
    let mut recorder = Recorder::open(&given, &plan.name, Kept::default(), then)?;
    let transaction = db.transaction()?;
    for entry in entries(&plan.name, then)? {
        let now = Now { at: entry.at(), clock: Clock::WithinMs(20) };
        recorder.append(&transaction, std::slice::from_ref(&entry), now)?;
    }
    Ok(transaction.commit()?)
}

fn entries(site: &str, then: Timestamp) -> Result<Vec<Entry>> {
    let mut all = Vec::new();
    let mut at = then;
    for number in 0..SESSIONS {
        let slot = Slot { address: ADDRESS.into(), first_port: 1024, last_port: 1535 };
        let (site, pass) = (site.to_owned(), pass(number));
        let until = at.saturating_add(4.hours())?;
        let (subject, device) = (Subject::try_from(subject(number))?, device(number));
        all.push(Entry::Started { at, site: site.clone(), pass, subject, device, slot, until });
        at = at.saturating_add(1.minute())?;
        all.push(Entry::Ended { at, site, pass, slot, cause: EndCause::LoggedOut });
        at = at.saturating_add(12.minutes())?;
    }
    for _ in 0..BEATS {
        at = at.saturating_add(1.second())?;
        all.push(Entry::Heartbeat { at, site: site.to_owned(), open: 0, clock: Clock::WithinMs(20) });
    }
    Ok(all)
}
