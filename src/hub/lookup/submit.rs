//! Taking documents: which, of whom, in which order.

use super::{Lookup, table};
use crate::log::{HubLog, HubLogError};
use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};
use rusqlite::{Transaction, TransactionBehavior};
use std::fmt::Write as _;
use varco_audit::{
    case::{Answer, Approval, BadDocument, CaseId, Document, Refusal as Refused, Request, Signed, Step},
    content::Body,
    holder::People,
    keys::KeyError,
};

/// The largest document, in octets.
pub const MOST: usize = 256 * 1024;
/// A document that is older is not taken: 30 days.
pub const OLDEST: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How far an officer's clock may be ahead.
const AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// What was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The case.
    pub case: CaseId,
    /// Which step of it.
    pub step: Step,
}

/// Why nothing was taken, given or named.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The settings have no table for it.
    #[error("this hub takes no look-ups: hub.toml has no [lookup]")]
    Off,
    /// It is none of the documents of a case.
    #[error("this is no request, approval, refusal or answer")]
    NoDocument,
    /// It is too large.
    #[error("this is larger than any document of a case")]
    TooLarge,
    /// It is written or signed wrongly.
    #[error(transparent)]
    Document(#[from] BadDocument),
    /// It is too old.
    #[error("it is of {0}: what is older than 30 days is asked anew")]
    Old(Timestamp),
    /// It is of a time to come.
    #[error("it is of {0}, which is still to come: look at the officer's clock")]
    Future(Timestamp),
    /// The case is not known here.
    #[error("case {0} is not known here: its request comes first")]
    Unknown(CaseId),
    /// That was done.
    #[error("case {0} was {1} already")]
    Twice(CaseId, Step),
    /// It comes before its turn.
    #[error("case {0} is not {1}")]
    NotYet(CaseId, Step),
    /// The holders' folder.
    #[error("lookup.holders: {0}")]
    People(#[from] KeyError),
    /// The log or the database.
    #[error(transparent)]
    Log(#[from] HubLogError),
}

/// Takes a document, by its first line.
pub fn submit(lookup: &Lookup, log: &HubLog, octets: &[u8], now: Timestamp) -> Result<Taken, Refusal> {
    if octets.len() > MOST {
        return Err(Refusal::TooLarge);
    }
    let people = lookup.people()?;
    let first = octets.split(|octet| *octet == b'\n').next().unwrap_or_default();
    let is = |format: &str| first == format.as_bytes();
    if is(Request::FORMAT) {
        ask(lookup, log, &Signed::read(octets, &people)?, now)
    } else if is(Approval::FORMAT) {
        allow(lookup, log, &Signed::read(octets, &people)?, now)
    } else if is(Refused::FORMAT) {
        refuse(lookup, log, &Signed::read(octets, &people)?, now)
    } else if is(Answer::FORMAT) {
        answer(lookup, log, octets, &people, now)
    } else {
        Err(Refusal::NoDocument)
    }
}

fn ask(lookup: &Lookup, log: &HubLog, request: &Signed<Request>, now: Timestamp) -> Result<Taken, Refusal> {
    fresh(request.at, now)?;
    let case = request.case_id();
    let body = Body::Asked { case, by: request.by.clone(), request: request.note().to_owned() };
    record(lookup, log, (case, Step::Asked), body, now, |tx| {
        // The same text signed once more is the same question.
        if table::was_asked(tx, &request.commitment)? {
            return Err(Refusal::Twice(case, Step::Asked));
        }
        Ok(table::ask(tx, case, (&request.commitment, &request.by, request.note()))?)
    })
}

fn allow(
    lookup: &Lookup,
    log: &HubLog,
    approval: &Signed<Approval>,
    now: Timestamp,
) -> Result<Taken, Refusal> {
    let (case, by, note) = (approval.case, &approval.by, approval.note());
    let body = Body::Allowed { case, by: by.clone(), approval: note.to_owned() };
    record(lookup, log, (case, Step::Allowed), body, now, |tx| {
        undecided(tx, case, approval.at, now)?;
        Ok(table::decide(tx, case, by, note)?)
    })
}

fn refuse(
    lookup: &Lookup,
    log: &HubLog,
    refusal: &Signed<Refused>,
    now: Timestamp,
) -> Result<Taken, Refusal> {
    let (case, by, note) = (refusal.case, &refusal.by, refusal.note());
    let body = Body::Refused { case, by: by.clone(), refusal: note.to_owned() };
    record(lookup, log, (case, Step::Refused), body, now, |tx| {
        undecided(tx, case, refusal.at, now)?;
        Ok(table::decide(tx, case, by, note)?)
    })
}

/// A case waits for a decision: asked, and lately.
fn undecided(tx: &Transaction<'_>, case: CaseId, at: Timestamp, now: Timestamp) -> Result<(), Refusal> {
    let known = table::known(tx, case)?.ok_or(Refusal::Unknown(case))?.case;
    if let Some(decided) = known.decided {
        return Err(Refusal::Twice(case, if decided.allowed { Step::Allowed } else { Step::Refused }));
    }
    fresh(known.asked, now)?;
    fresh(at, now)
}

fn answer(
    lookup: &Lookup,
    log: &HubLog,
    octets: &[u8],
    people: &People,
    now: Timestamp,
) -> Result<Taken, Refusal> {
    let answer = Signed::<Answer>::read(octets, people)?;
    let (case, by, outcome, count) = (answer.case, answer.by.clone(), answer.outcome, answer.count());
    let digest = hex(octets);
    let body = Body::Answered { case, by, outcome, count, digest: digest.clone() };
    record(lookup, log, (case, Step::Answered), body, now, |tx| {
        let known = table::known(tx, case)?.ok_or(Refusal::Unknown(case))?.case;
        if known.answered.is_some() {
            return Err(Refusal::Twice(case, Step::Answered));
        }
        if !known.decided.is_some_and(|decided| decided.allowed) {
            return Err(Refusal::NotYet(case, Step::Allowed));
        }
        fresh(answer.at, now)?;
        Ok(table::answer(tx, case, (outcome, count, &digest))?)
    })
}

/// Records that somebody is about to look in the register: only what was answered so.
pub fn name(
    lookup: &Lookup,
    log: &HubLog,
    (case, by, digest): (CaseId, String, String),
    now: Timestamp,
) -> Result<Taken, Refusal> {
    let body = Body::Named { case, by, digest: digest.clone() };
    record(lookup, log, (case, Step::Named), body, now, |tx| {
        let known = table::known(tx, case)?.ok_or(Refusal::Unknown(case))?;
        if !known.case.decided.is_some_and(|decided| decided.allowed) {
            return Err(Refusal::NotYet(case, Step::Allowed));
        }
        if known.answer.is_none_or(|answer| answer != digest) {
            return Err(Refusal::NotYet(case, Step::Answered));
        }
        Ok(())
    })
}

/// The row and the leaf that speaks of it are one transaction.
fn record(
    lookup: &Lookup,
    log: &HubLog,
    (case, step): (CaseId, Step),
    body: Body,
    now: Timestamp,
    change: impl FnOnce(&Transaction<'_>) -> Result<(), Refusal>,
) -> Result<Taken, Refusal> {
    let db = lookup.db();
    let tx = Transaction::new_unchecked(&db, TransactionBehavior::Immediate)?;
    change(&tx)?;
    let noted = |tx: &Transaction<'_>, leaf| Ok(table::step(tx, case, step, now, leaf)?);
    log.journal().commit_with(tx, &[body], now, noted).map_err(HubLogError::from)?;
    Ok(Taken { case, step })
}

fn fresh(at: Timestamp, now: Timestamp) -> Result<(), Refusal> {
    let age = now.duration_since(at);
    if age > OLDEST {
        return Err(Refusal::Old(at));
    }
    if age < -AHEAD { Err(Refusal::Future(at)) } else { Ok(()) }
}

/// SHA-256, 64 hexadecimal digits.
pub fn hex(octets: &[u8]) -> String {
    digest(&SHA256, octets).as_ref().iter().fold(String::new(), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}
