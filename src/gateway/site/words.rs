//! What happens to a site, and what it wants done.

use super::shares::{SharesAnswer, SharesAsk, SharesNow, Told};
use super::speeds::LaneRate;
use jiff::{SignedDuration, Timestamp, civil::Date};
use varco_audit::SharesStep;
use varco_policy::{
    Device, Pass, PassId, Rate, Shares, Slot, Subject,
    pass::{EndCause, Session, Sid},
    wire::{Measured, Reply, Request},
};

/// Number of a question that somebody waits to have answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// A citizen has logged in at the hub.
#[derive(Debug, Clone)]
pub struct Login {
    /// From this device.
    pub device: Device,
    /// As this person.
    pub subject: Subject,
    /// By this login at the hub, where it names it.
    pub session: Option<Session>,
    /// The identifier that the pass will have. Random, so it comes from outside.
    pub pass: PassId,
    /// What the person has used of the day by the records, for a site that does not know it any more.
    pub used: Option<Used>,
    /// Who waits for the answer.
    pub ticket: Ticket,
}

/// What a person has used of a day, with all devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// The day, in the site's time zone.
    pub day: Date,
    /// Time online.
    pub time: SignedDuration,
    /// Bytes in both directions.
    pub bytes: u64,
    /// Counted up to then.
    pub to: Timestamp,
}

/// What a pass is bound by, for the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Why it ends when its time is over: [`EndCause::Expired`], [`EndCause::Closed`] or [`EndCause::Spent`].
    pub ends: EndCause,
    /// When the person's time of the day would be used up; `None` where the site has no such limit.
    pub spends: Option<Timestamp>,
    /// Bytes that the person has left of the day; `None` where the site has no such limit.
    pub bytes: Option<u64>,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A citizen has logged in.
    LoggedIn(Login),
    /// A citizen wants to leave.
    LogOut {
        /// Their device.
        device: Device,
        /// Who waits for the answer.
        ticket: Ticket,
    },
    /// The identity provider has ended a login.
    ProviderLogOut {
        /// Whose.
        person: Subject,
        /// Which; `None` for each of that person.
        session: Option<Sid>,
        /// Who waits for the answer.
        ticket: Ticket,
    },
    /// An operator ends a pass.
    Expel {
        /// The pass.
        pass: PassId,
        /// Who waits for the answer.
        ticket: Ticket,
    },
    /// An operator gives a pass another rate.
    Rate {
        /// The pass.
        pass: PassId,
        /// What it may reach in each direction; `None` for what the site allows.
        rate: Option<Rate>,
        /// Who waits for the answer.
        ticket: Ticket,
    },
    /// These changes are durable.
    Recorded(Vec<Change>),
    /// The store failed while it recorded these. They may be durable or not.
    RecordFailed(Vec<Change>),
    /// The enforcer can be asked.
    EnforcerBack,
    /// The enforcer went away; what it was asked last was done or not.
    EnforcerLost,
    /// The enforcer's answer to what it was asked last.
    Answered(Reply),
    /// Somebody asks about the shares, or for a change of them.
    Shares(SharesAsk, Ticket),
    /// Time has passed.
    Tick,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Make it durable, then say [`Event::Recorded`] or [`Event::RecordFailed`].
    Record(Change),
    /// Ask the enforcer, then say [`Event::Answered`] or [`Event::EnforcerLost`]. Never two at a time.
    Ask(Request),
    /// The portal may say that this device is online.
    Show(Pass, Terms),
    /// These devices are online still, and this is what their persons have left of the day, in bytes.
    Left(Vec<(Device, u64)>),
    /// The portal must not say so any more.
    Hide(Device),
    /// Answer who waits.
    Answer(Ticket, Answer),
    /// Answer who waits about the shares.
    AnswerShares(Ticket, SharesAnswer),
}

/// A change of what is on record. Recording one twice is the same as once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A pass begins.
    Started(Pass),
    /// A pass is about to be expelled: after a crash it is not admitted again.
    Leaving {
        /// The pass.
        pass: PassId,
        /// Why.
        cause: EndCause,
    },
    /// A pass has ended.
    Ended {
        /// The pass.
        pass: PassId,
        /// Its slot, which rests from `freed` on.
        slot: Slot,
        /// When the kernel had let go.
        at: Timestamp,
        /// When the kernel had confirmed it and the flows were flushed.
        freed: Timestamp,
        /// Why.
        cause: EndCause,
    },
    /// Kernel and records differed.
    Reconciled {
        /// When it was seen.
        at: Timestamp,
        /// Passes on record that the kernel did not hold.
        missing: u32,
        /// Passes in the kernel that were not on record.
        unknown: u32,
    },
    /// A change of shares went a step further.
    Shares {
        /// When.
        at: Timestamp,
        /// Which step.
        step: SharesStep,
        /// Who; `None` for the command line, or for nobody.
        by: Option<Subject>,
        /// On trial, confirmed, or in force again.
        shares: Shares,
    },
    /// What `site.toml` says of the line has changed.
    SharesTold(Told),
    /// A person has used this much of the day.
    Used {
        /// The person.
        person: Subject,
        /// In all.
        used: Used,
        /// Up to which of the kernel's bytes each of the person's passes is counted in it.
        counted: Vec<(PassId, u64)>,
    },
    /// A day has begun: what was used on earlier ones is forgotten.
    Day(Date),
    /// A pass has another rate.
    Rated {
        /// The pass.
        pass: PassId,
        /// The rate; `None` for what the site allows.
        rate: Option<Rate>,
    },
}

/// What who waits is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Online until then.
    Online(Timestamp),
    /// Every slot is lent or rests.
    NoSlot,
    /// The record could not be written.
    RecordsFailed,
    /// The enforcer does not answer or refused.
    GateDown,
    /// The site is closed.
    Closed {
        /// When it opens again, if within a year.
        opens: Option<Timestamp>,
    },
    /// The person's time or volume of the day is used up.
    Spent {
        /// When they can come again, if within a year.
        anew: Option<Timestamp>,
    },
    /// As many guests are in as the site lets in at once.
    Full,
    /// The clock is behind what is on record already.
    ClockWrong,
    /// The pass was ended before it was admitted, by a newer login or an operator.
    Overtaken,
    /// The address is not a guest's.
    NotAGuest,
    /// The pass has ended and its flows are cut.
    Ended,
    /// The pass ends as soon as the enforcer answers again, or at its time.
    EndsLater,
    /// There is no such pass.
    NoPass,
    /// The pass has its new rate.
    RateSet,
    /// The new rate is recorded; it holds when the enforcer answers again.
    RateLater,
}

/// What the status pages show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Passes online.
    pub online: usize,
    /// Slots lent now.
    pub slots_lent: usize,
    /// Slots of the site.
    pub slots_total: usize,
    /// Number of the last state asked for.
    pub generation: u64,
    /// Whether the enforcer answers and holds the desired state.
    pub enforcer_ready: bool,
    /// Whether records can be written.
    pub recording: bool,
    /// The last measurement, without its passes.
    pub measured: Option<Measured>,
    /// The shares of the lanes; `None` before the site has started.
    pub shares: Option<SharesNow>,
    /// How fast the lanes are.
    pub rates: Vec<LaneRate>,
}
