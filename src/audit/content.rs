//! What is inside the leaves of an entry: one for each class that it belongs to, so that each class ends on its own day.
//!
//! | entry | leaves |
//! |---|---|
//! | a pass begins | R2a pass, subject, until; R2b pass, slot, marked with the slot's tag; R3 pass, keyed hash of the device |
//! | a pass ends | R2a pass, cause, marked with the slot's tag |
//! | shares | R4 |
//! | resumed, reconciled | R5, clear |
//! | heartbeat, day | R6, clear |
//! | the hub: a login in its register | R1, clear: the digest of the sealed row |
//! | the hub: a copy of a gateway's log | R5, clear: the checkpoint |
//! | the hub: a step of a case | R4, marked with the case |
//! | the hub: a view of its console | R4 |

mod text;

pub use text::NotAContent;

use crate::{
    case::{CaseId, Outcome, Step},
    class::Class,
    entry::{Clock, Entry, SharesStep},
};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use varco_policy::{PassId, Shares, Slot, Subject, pass::EndCause};

/// The content of a leaf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// What is recorded.
    pub body: Body,
    /// The error of the clock, where the record is marked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
}

/// What a leaf records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Body {
    /// R2a: a pass begins.
    Began {
        /// The pass.
        pass: PassId,
        /// The citizen, as the site knows them.
        subject: Subject,
        /// When the kernel ends it at the latest.
        until: Timestamp,
    },
    /// R2a: a pass has ended.
    Ended {
        /// The pass.
        pass: PassId,
        /// Why.
        cause: EndCause,
    },
    /// R2b: a slot is lent.
    Lent {
        /// To this pass.
        pass: PassId,
        /// The slot.
        slot: Slot,
        /// Sequence of the leaf that says whose pass it is.
        connection: u64,
    },
    /// R2b: the key of the tags from here on, base64url.
    TagKey {
        /// 32 octets.
        key: String,
    },
    /// R3: the device of a pass.
    Device {
        /// The pass.
        pass: PassId,
        /// Keyed hash of its hardware address.
        device: String,
    },
    /// R4: a change of shares.
    Shares {
        /// Which step.
        step: SharesStep,
        /// Who; `None` for the command line or for nobody.
        by: Option<Subject>,
        /// The shares from then on.
        shares: Shares,
    },
    /// R5: the program started.
    Resumed {
        /// Open passes that it took up.
        open: u32,
    },
    /// R5: kernel and records differed.
    Reconciled {
        /// Passes on record that the kernel did not hold.
        missing: u32,
        /// Passes in the kernel that were not on record.
        unknown: u32,
    },
    /// R6: the program lives.
    Heartbeat {
        /// Open passes.
        open: u32,
        /// The estimated error of the clock.
        clock: Clock,
    },
    /// R6: sums of a day of the site's time zone.
    Day {
        /// The day.
        day: Date,
        /// How many passes began.
        began: u64,
        /// How many ended, by cause; a cause that is not there ended none.
        ended: BTreeMap<EndCause, u64>,
    },

    // The hub's own.
    /// R1: a login is in the register, which keeps what is sealed of it.
    Registered {
        /// SHA-256 over the octets of the sealed row, base64url.
        digest: String,
    },
    /// R5: the hub has a copy of a gateway's log, whole and durable.
    Copied {
        /// The gateway's signed checkpoint, the whole note.
        checkpoint: String,
    },

    // Steps of a case, at the hub: R4, each marked with the case.
    /// A request came.
    Asked {
        /// The case.
        case: CaseId,
        /// The requester.
        by: String,
        /// The whole request, in which the question is sealed.
        request: String,
    },
    /// The approver allowed it.
    Allowed {
        /// The case.
        case: CaseId,
        /// The approver.
        by: String,
        /// The whole approval.
        approval: String,
    },
    /// The approver refused it.
    Refused {
        /// The case.
        case: CaseId,
        /// The approver.
        by: String,
        /// The whole refusal.
        refusal: String,
    },
    /// The answer came. What it says of sessions is not kept.
    Answered {
        /// The case.
        case: CaseId,
        /// The approver.
        by: String,
        /// What came of it.
        outcome: Outcome,
        /// How many sessions or steps it tells.
        count: u32,
        /// SHA-256 over the answer, 64 hexadecimal digits.
        digest: String,
    },
    /// Somebody is about to look up in the register who the answer is about.
    Named {
        /// The case.
        case: CaseId,
        /// The user of the hub's machine who asked.
        by: String,
        /// SHA-256 over the answer, 64 hexadecimal digits.
        digest: String,
    },

    /// Records of a case were frozen, or for longer.
    Held {
        /// The case.
        case: CaseId,
        /// The requester and the approver.
        by: [String; 2],
        /// Until when.
        until: Timestamp,
        /// How many records.
        records: u32,
        /// SHA-256 of the hold, 64 hexadecimal digits.
        digest: String,
    },
    /// They are frozen no longer, and what opened them was destroyed.
    Released {
        /// The case.
        case: CaseId,
        /// The requester and the approver.
        by: [String; 2],
        /// SHA-256 of what both signed of it, 64 hexadecimal digits.
        digest: String,
    },

    /// R5: two persons destroyed what opened a class in a period.
    Expired {
        /// The class, as a header has it.
        class: String,
        /// The period, as a header has it.
        period: String,
        /// The requester and the approver.
        by: [String; 2],
        /// Sealed private halves that went.
        keys: u64,
        /// Whether that was before its time.
        early: bool,
        /// SHA-256 of what both signed, 64 hexadecimal digits.
        statement: String,
    },

    /// R4, at the hub: somebody is about to see a page of the console.
    Viewed {
        /// Who, as the console knows them: pairwise, it says nothing elsewhere.
        by: String,
        /// What they are there.
        roles: Vec<String>,
        /// The address of the page.
        what: String,
    },
}

impl Body {
    /// The class that it belongs to.
    pub const fn class(&self) -> Class {
        match self {
            Self::Began { .. } | Self::Ended { .. } => Class::R2a,
            Self::Lent { .. } | Self::TagKey { .. } => Class::R2b,
            Self::Device { .. } => Class::R3,
            Self::Shares { .. }
            | Self::Asked { .. }
            | Self::Allowed { .. }
            | Self::Refused { .. }
            | Self::Answered { .. }
            | Self::Named { .. }
            | Self::Viewed { .. }
            | Self::Held { .. }
            | Self::Released { .. } => Class::R4,
            Self::Resumed { .. } | Self::Reconciled { .. } | Self::Copied { .. } | Self::Expired { .. } => {
                Class::R5
            }
            Self::Heartbeat { .. } | Self::Day { .. } => Class::R6,
            Self::Registered { .. } => Class::R1,
        }
    }

    /// The step of a case that it records.
    pub const fn case(&self) -> Option<(Step, CaseId)> {
        match self {
            Self::Asked { case, .. } => Some((Step::Asked, *case)),
            Self::Allowed { case, .. } => Some((Step::Allowed, *case)),
            Self::Refused { case, .. } => Some((Step::Refused, *case)),
            Self::Answered { case, .. } => Some((Step::Answered, *case)),
            Self::Named { case, .. } => Some((Step::Named, *case)),
            Self::Held { case, .. } => Some((Step::Held, *case)),
            Self::Released { case, .. } => Some((Step::Released, *case)),
            _ => None,
        }
    }
}

/// The bodies of an entry, the first of which becomes leaf `first`, each with the slot by whose tag it is found.
pub fn bodies(entry: &Entry, first: u64) -> Vec<(Body, Option<Slot>)> {
    let body = match entry.clone() {
        Entry::Started { pass, subject, device, slot, until, .. } => {
            return vec![
                (Body::Began { pass, subject, until }, None),
                (Body::Lent { pass, slot, connection: first }, Some(slot)),
                (Body::Device { pass, device }, None),
            ];
        }
        Entry::Ended { pass, slot, cause, .. } => return vec![(Body::Ended { pass, cause }, Some(slot))],
        Entry::Resumed { open, .. } => Body::Resumed { open },
        Entry::Reconciled { missing, unknown, .. } => Body::Reconciled { missing, unknown },
        Entry::Shares { step, by, shares, .. } => Body::Shares { step, by, shares },
        Entry::Heartbeat { open, clock, .. } => Body::Heartbeat { open, clock },
        Entry::Day { day, began, ended, .. } => Body::Day { day, began, ended },
    };
    vec![(body, None)]
}

/// Puts entries together again from the contents of all leaves, in order: whoever may open every class sees what was
/// recorded as it was.
#[derive(Debug, Default)]
pub struct Joined {
    began: Option<(Subject, Timestamp)>,
    lent: BTreeMap<PassId, Slot>,
}

impl Joined {
    /// Takes the next leaf; the entry that it completes.
    pub fn take(&mut self, at: Timestamp, site: &str, body: Body) -> Option<Entry> {
        let site = site.to_owned();
        match body {
            Body::Began { subject, until, .. } => self.began = Some((subject, until)),
            Body::Ended { pass, cause } => {
                let slot = *self.lent.get(&pass)?;
                return Some(Entry::Ended { at, site, pass, slot, cause });
            }
            Body::Lent { pass, slot, .. } => drop(self.lent.insert(pass, slot)),
            Body::Device { pass, device } => {
                let ((subject, until), slot) = (self.began.take()?, *self.lent.get(&pass)?);
                return Some(Entry::Started { at, site, pass, subject, device, slot, until });
            }
            Body::Shares { step, by, shares } => return Some(Entry::Shares { at, site, step, by, shares }),
            Body::Resumed { open } => return Some(Entry::Resumed { at, site, open }),
            Body::Reconciled { missing, unknown } => {
                return Some(Entry::Reconciled { at, site, missing, unknown });
            }
            Body::Heartbeat { open, clock } => return Some(Entry::Heartbeat { at, site, open, clock }),
            Body::Day { day, began, ended } => return Some(Entry::Day { at, site, day, began, ended }),
            // The key of the tags, and what the hub records.
            _ => {}
        }
        None
    }
}
