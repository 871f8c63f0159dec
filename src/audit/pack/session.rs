//! The answer once more, from the records that the pack shows: what the officers told must follow from them.

use crate::{
    case::{Moment, Told},
    content::{Body, Content},
    entry::Clock,
    leaf::Header,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use varco_policy::{PassId, Slot, pass::EndCause};

/// Heartbeats this far from the time asked about say how right the clock was.
pub const BEATS: SignedDuration = SignedDuration::from_mins(11);

/// What was opened of a site's log, by sequence.
pub type Opened = BTreeMap<u64, (Header, Content)>;

/// Why an answer does not follow.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NoAnswer {
    /// A record is not what it stands for.
    #[error("record {0} does not belong to the answer")]
    Stray(u64),
    /// A record that another names.
    #[error("record {0} belongs to the answer and is not there")]
    Missing(u64),
}

/// The sessions of a site that held the slot, as far as its records say so, earliest first, and their slots.
///
/// # Errors
/// When a record names one that is not there, or none names it.
pub fn sessions(opened: &Opened, moment: &Moment) -> Result<Vec<(Told, Slot)>, NoAnswer> {
    let mut told = BTreeMap::<PassId, (Told, Slot)>::new();
    let mut used = Vec::new();
    for (sequence, (header, content)) in opened {
        match &content.body {
            Body::Lent { pass, slot, connection } => {
                let (_, named) = opened.get(connection).ok_or(NoAnswer::Missing(*connection))?;
                if !slot.covers(moment.address, moment.port) {
                    return Err(NoAnswer::Stray(*sequence));
                }
                let records = vec![*connection, *sequence];
                used.extend(&records);
                let Body::Began { pass: same, subject, until } = &named.body else {
                    return Err(NoAnswer::Stray(*connection));
                };
                if same != pass {
                    return Err(NoAnswer::Stray(*connection));
                }
                let (site, subject, ended) = (header.site.clone(), subject.clone(), "open".to_owned());
                let (from, clock) = (header.at, content.clock);
                let begun = Told { site, pass: *pass, subject, from, until: *until, ended, clock, records };
                told.insert(*pass, (begun, *slot));
            }
            Body::Ended { pass, cause } => {
                let (session, _) = told.get_mut(pass).ok_or(NoAnswer::Stray(*sequence))?;
                used.push(*sequence);
                end(session, (*sequence, header.at), *cause, content.clock);
            }
            _ => {}
        }
    }
    if let Some(stray) = opened.keys().find(|sequence| !used.contains(sequence)) {
        return Err(NoAnswer::Stray(*stray));
    }
    let mut sessions: Vec<_> = told.into_values().collect();
    sessions.sort_by_key(|(session, _)| session.from);
    Ok(sessions)
}

/// The first end counts.
fn end(session: &mut Told, (sequence, at): (u64, Timestamp), cause: EndCause, clock: Option<Clock>) {
    session.records.push(sequence);
    if session.ended == "open" {
        let cause = serde_json::to_value(cause).ok();
        session.ended = cause.and_then(|c| c.as_str().map(str::to_owned)).unwrap_or_default();
        session.until = at;
        session.clock = session.clock.into_iter().chain(clock).reduce(Clock::worse);
    }
}

/// Whether a session held the slot within the tolerance, with a clock that may have been as far off as it said.
pub fn is_within(session: &Told, moment: &Moment, site: Clock) -> bool {
    let off = session.clock.map_or(site, |own| own.worse(site)).off();
    let (first, last) = moment.window();
    let from = session.from.saturating_sub(off).unwrap_or(Timestamp::MIN);
    from <= last && session.until.saturating_add(off).unwrap_or(Timestamp::MAX) >= first
}

/// Whether a heartbeat of this instant tells of the time asked about.
pub fn is_beat(at: Timestamp, moment: &Moment) -> bool {
    let (first, last) = moment.window();
    let first = first.saturating_sub(BEATS).unwrap_or(Timestamp::MIN);
    (first..=last.saturating_add(BEATS).unwrap_or(Timestamp::MAX)).contains(&at)
}
