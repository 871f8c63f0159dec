//! The authorities' question: who used public address A, port P at instant T?

use crate::entry::Entry;
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
}

/// Collects the answer while the entries are read in order.
#[derive(Debug)]
pub struct Search {
    question: Question,
    holders: BTreeMap<PassId, Holder>,
}

impl Search {
    /// Starts with no answer.
    pub const fn new(question: Question) -> Self {
        Self { question, holders: BTreeMap::new() }
    }

    /// Takes the next entry.
    pub fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Started { at, site, pass, subject, slot, until, .. } => {
                if slot.covers(self.question.address, self.question.port) {
                    let holder = Holder { pass, site, subject, slot, from: at, until, cause: None };
                    self.holders.insert(pass, holder);
                }
            }
            Entry::Ended { at, pass, cause, .. } => {
                if let Some(holder) = self.holders.get_mut(&pass) {
                    (holder.until, holder.cause) = (at, Some(cause));
                }
            }
            Entry::Resumed { .. } | Entry::Reconciled { .. } | Entry::Shares { .. } => {}
        }
    }

    /// Every pass that held the slot within the tolerance of the instant, earliest first. More than one is an
    /// ambiguous answer.
    pub fn answer(self) -> Vec<Holder> {
        let Question { at, tolerance, .. } = self.question;
        let first = at.saturating_sub(tolerance).unwrap_or(Timestamp::MIN);
        let last = at.saturating_add(tolerance).unwrap_or(Timestamp::MAX);
        let within = |h: &Holder| h.from <= last && h.until >= first;
        let mut holders: Vec<_> = self.holders.into_values().filter(within).collect();
        holders.sort_by_key(|h| h.from);
        holders
    }
}
