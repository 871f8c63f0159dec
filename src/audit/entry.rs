//! The entries of a site's records: who held which slot from when to when, and what happened to the site. No name, no
//! address of a device, no destination: there is no field for them. `content.rs` says which leaves an entry becomes.

use jiff::{SignedDuration, Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use varco_policy::{PassId, Shares, Slot, Subject, pass::EndCause};

/// One entry. Instants are UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Entry {
    /// A pass begins. Durable before the kernel lets the device in.
    Started {
        /// When it was recorded.
        at: Timestamp,
        /// The site.
        site: String,
        /// The pass.
        pass: PassId,
        /// The citizen, as this site knows them: pairwise, it names nobody.
        subject: Subject,
        /// Keyed hash of the hardware address (class R3), the key of which lives one day.
        device: String,
        /// The public address and ports lent.
        slot: Slot,
        /// When the kernel ends it at the latest, even with every program dead.
        until: Timestamp,
    },
    /// A pass has ended: the kernel has let go of it and its flows are flushed.
    Ended {
        /// When the kernel had let go.
        at: Timestamp,
        /// The site.
        site: String,
        /// The pass.
        pass: PassId,
        /// The slot given back.
        slot: Slot,
        /// Why.
        cause: EndCause,
    },
    /// The program that records has started: what was open then is told apart from what it opened itself.
    Resumed {
        /// When.
        at: Timestamp,
        /// The site.
        site: String,
        /// How many passes were still open and were kept.
        open: u32,
    },
    /// Kernel and records differed and were brought together again.
    Reconciled {
        /// When.
        at: Timestamp,
        /// The site.
        site: String,
        /// Passes on record that the kernel did not hold.
        missing: u32,
        /// Passes in the kernel that were not on record.
        unknown: u32,
    },
    /// The shares of the lanes were changed, or a change was taken back.
    Shares {
        /// When.
        at: Timestamp,
        /// The site.
        site: String,
        /// Which step of the change.
        step: SharesStep,
        /// Who: the pairwise subject of an admin; `None` for the command line on the router, or for the time that was
        /// over.
        by: Option<Subject>,
        /// The shares from now on.
        shares: Shares,
    },
    /// The program lives, and this is how right its clock is.
    Heartbeat {
        /// When.
        at: Timestamp,
        /// The site.
        site: String,
        /// How many passes are open.
        open: u32,
        /// The estimated error of the clock.
        clock: Clock,
    },
    /// What a day of the site was, in sums that name nobody. Where there are several of one day, they add up.
    Day {
        /// When it was recorded: after the day's end.
        at: Timestamp,
        /// The site.
        site: String,
        /// The day, in the site's time zone.
        day: Date,
        /// How many passes began.
        began: u64,
        /// How many ended, by cause; a cause that is not there ended none.
        ended: BTreeMap<EndCause, u64>,
    },
}

/// The estimated error of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// Nobody has said.
    Unknown,
    /// At most this many milliseconds.
    WithinMs(u64),
}

impl Clock {
    /// Records made with more than this are marked, in milliseconds.
    pub const MARKED_ABOVE: u64 = 500;

    /// The greater of two errors; that of which nobody said anything is the greatest.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        match (self, other) {
            (Self::WithinMs(one), Self::WithinMs(other)) => Self::WithinMs(one.max(other)),
            _ => Self::Unknown,
        }
    }

    /// How far off it may have been. Of which nobody said anything: the least time that a slot rests between two persons, so that a
    /// doubt shows as an ambiguous answer and not as a wrong one.
    pub fn off(self) -> SignedDuration {
        match self {
            Self::Unknown => SignedDuration::from_mins(2),
            Self::WithinMs(ms) => SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX)),
        }
    }

    /// Itself where a record made with it is marked.
    pub const fn doubtful(self) -> Option<Self> {
        match self {
            Self::WithinMs(ms) if ms <= Self::MARKED_ABOVE => None,
            doubtful => Some(doubtful),
        }
    }
}

/// A step in a change of shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SharesStep {
    /// In force on trial; `shares` are the new ones.
    Tried,
    /// Confirmed.
    Confirmed,
    /// Taken back, by the admin or because nobody confirmed in time; `shares` are the old ones again.
    TakenBack,
}

impl Entry {
    /// When it was recorded.
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Started { at, .. }
            | Self::Ended { at, .. }
            | Self::Resumed { at, .. }
            | Self::Reconciled { at, .. }
            | Self::Shares { at, .. }
            | Self::Heartbeat { at, .. }
            | Self::Day { at, .. } => *at,
        }
    }
}
