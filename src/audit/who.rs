//! The authorities' question: who used public address A, port P at instant T?
//!
//! The requester's key opens the week's key of tags, the tags find the attributions of the slot in the index, and only those
//! near the instant are read and opened, with the connections that they name.

use crate::{
    content::{Body, Content},
    entry::Clock,
    index::Span,
    leaf::{Leaf, NotALeaf},
    opener::{OpenError, Opener},
    records::{Records, RecordsError},
    tag::{Tag, TagKey},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::{collections::BTreeMap, net::Ipv4Addr};
use varco_policy::{PassId, Slot, Subject, pass::EndCause};

/// An instant, read only when it says which: with a UTC offset or `Z` (RFC 3339). A local time alone names two
/// instants in the night the clocks go back, and is refused rather than guessed.
///
/// # Errors
/// When the text is not a date and time, or has no offset.
pub fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| {
        format!(
            "`{text}` does not say which instant; write date, time and UTC offset: 2026-10-25T02:30:00+01:00"
        )
    })
}

/// The question.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// Public IPv4 address.
    pub address: Ipv4Addr,
    /// Source port at that address.
    pub port: u16,
    /// The instant.
    pub at: Timestamp,
    /// How far the asker's clock may be off, either way.
    pub tolerance: SignedDuration,
}

/// A pass that held the slot in the window asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// The pass.
    pub pass: PassId,
    /// The site.
    pub site: String,
    /// The citizen, as that site knows them.
    pub subject: Subject,
    /// The slot.
    pub slot: Slot,
    /// From.
    pub from: Timestamp,
    /// Until: recorded, or for a pass that is still open the latest the kernel keeps it.
    pub until: Timestamp,
    /// Why it ended; `None` while it is open or its end was never recorded.
    pub cause: Option<EndCause>,
    /// Ends recorded after the first, which counts: an old copy of `site.db` knew the pass as open and ended it again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ended_again: Vec<Timestamp>,
    /// The error of the clock, where begin or end are marked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
    /// Whether one of its records is in `site.db` alone: signed by nobody, so no evidence yet.
    pub not_in_log: bool,
}

/// Attributions this far from the window asked about are not opened: a pass lasts 24 hours at most.
const NEAR: SignedDuration = SignedDuration::from_hours(48);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum WhoError {
    /// The records.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// A leaf that would answer cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A leaf.
    #[error(transparent)]
    Leaf(#[from] NotALeaf),
}

impl WhoError {
    /// Whether nothing is wrong but that a key is not there, or that records have expired.
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Open(OpenError::NoKey { .. }) | Self::Records(RecordsError::Gone { .. }))
    }
}

/// Every pass that held the slot within the tolerance of the instant, earliest first. More than one is an ambiguous
/// answer. Where a record of that time cannot be opened there is no answer: not even "nobody".
///
/// # Errors
/// When records are missing or damaged, or a key is.
pub fn search(
    records: &mut Records,
    opener: &mut Opener,
    question: Question,
) -> Result<Vec<Holder>, WhoError> {
    let window = Window::of(&question);
    let mut found = Vec::new();
    for keyed in records.keyed(window.near())? {
        let octets = records.leaf(keyed.key)?;
        match tags_of(&Leaf::read(&octets)?, question, opener)? {
            Ok(tags) => found.extend(records.tagged(&keyed, &tags, window.near())?),
            // A key that is gone is no failure before a record of the time asked about needs it.
            Err(closed) => {
                let near = Span { last: window.last, ..window.near() };
                if records.has_tags(&keyed, near)? {
                    return Err(closed.into());
                }
            }
        }
    }
    let mut holders = BTreeMap::new();
    for sequence in found {
        let octets = records.leaf(sequence)?;
        attribute(records, opener, question, &octets, &mut holders)?;
    }
    let within = |h: &Holder| h.from <= window.last && h.until >= window.first;
    let mut holders: Vec<_> = holders.into_values().filter(within).collect();
    holders.sort_by_key(|holder| holder.from);
    Ok(holders)
}

/// From when to when.
#[derive(Debug, Clone, Copy)]
struct Window {
    first: Timestamp,
    last: Timestamp,
}

impl Window {
    fn of(question: &Question) -> Self {
        let Question { at, tolerance, .. } = *question;
        let first = at.saturating_sub(tolerance).unwrap_or(Timestamp::MIN);
        Self { first, last: at.saturating_add(tolerance).unwrap_or(Timestamp::MAX) }
    }

    /// Where attributions of passes that may have lasted until then are.
    fn near(self) -> Span {
        Span {
            first: self.first.saturating_sub(NEAR).unwrap_or(Timestamp::MIN),
            last: self.last.saturating_add(NEAR).unwrap_or(Timestamp::MAX),
        }
    }
}

/// The tags of the slot under the key in this leaf; or why it cannot be opened, where that is all that is wrong.
fn tags_of(
    leaf: &Leaf<'_>,
    question: Question,
    opener: &mut Opener,
) -> Result<Result<Vec<Tag>, OpenError>, WhoError> {
    let key = match opener.open(leaf) {
        Ok(Content { body: Body::TagKey { key }, .. }) => URL_SAFE_NO_PAD.decode(key).ok(),
        Ok(_) => None,
        Err(error @ OpenError::NoKey { .. }) => return Ok(Err(error)),
        Err(error) => return Err(error.into()),
    };
    let bad = || OpenError::Damaged(leaf.header.sequence, "it holds no key".into());
    let key = TagKey::new(&key.ok_or_else(bad)?);
    Ok(Ok(key.candidates(question.address, question.port)))
}

/// Opens an attribution and the connection that it names.
fn attribute(
    records: &mut Records,
    opener: &mut Opener,
    question: Question,
    octets: &[u8],
    holders: &mut BTreeMap<PassId, Holder>,
) -> Result<(), WhoError> {
    let leaf = Leaf::read(octets)?;
    let (at, site) = (leaf.header.at, leaf.header.site.clone());
    let Content { body, clock } = opener.open(&leaf)?;
    let (pass, slot, connection) = match body {
        Body::Lent { pass, slot, connection } | Body::Freed { pass, slot, connection } => {
            (pass, slot, connection)
        }
        _ => return Ok(()),
    };
    if !slot.covers(question.address, question.port) {
        return Ok(());
    }
    let named = records.leaf(connection)?;
    let not_in_log = [leaf.header.sequence, connection].iter().any(|sequence| !records.in_log(*sequence));
    match opener.open(&Leaf::read(&named)?)?.body {
        Body::Began { pass: same, subject, until } if same == pass => {
            let (cause, ended_again) = (None, Vec::new());
            let holder =
                Holder { pass, site, subject, slot, from: at, until, cause, ended_again, clock, not_in_log };
            holders.insert(pass, holder);
        }
        Body::Ended { pass: same, cause } if same == pass => match holders.get_mut(&pass) {
            Some(holder) if holder.cause.is_some() => holder.ended_again.push(at),
            Some(holder) => {
                (holder.until, holder.cause) = (at, Some(cause));
                holder.clock = holder.clock.or(clock);
                holder.not_in_log |= not_in_log;
            }
            None => {}
        },
        _ => return Err(OpenError::Damaged(connection, "it is of another pass".into()).into()),
    }
    Ok(())
}
