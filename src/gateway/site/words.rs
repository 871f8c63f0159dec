//! What happens to a site, and what it wants done.

use super::shares::{SharesAnswer, SharesAsk, SharesNow, Told};
use super::speeds::LaneRate;
use jiff::Timestamp;
use varco_audit::SharesStep;
use varco_policy::{
    Device, Pass, PassId, Shares, Slot, Subject,
    pass::EndCause,
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
    /// The identifier that the pass will have. Random, so it comes from outside.
    pub pass: PassId,
    /// Who waits for the answer.
    pub ticket: Ticket,
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
    /// An operator ends a pass.
    Expel {
        /// The pass.
        pass: PassId,
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
    Show(Pass),
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
