//! The shares of the lanes: confirmed, or on trial until somebody confirms them.
//!
//! | a change | it is confirmed | it is taken back, by whoever, by time, or since something failed |
//! |---|---|---|
//! | 1. the enforcer says what it would do | 1. recorded durably | 1. the enforcer is asked for the confirmed shares |
//! | 2. the trial is recorded durably | 2. the enforcer is asked to keep them | 2. it is recorded |
//! | 3. the enforcer is asked to try | 3. answered | 3. answered when the enforcer has done it |
//! | 4. answered: on trial | | |
//!
//! Where the building's own lanes are concerned the confirmed shares are the safe side, so every doubt ends there:
//! * *1 of a change refused*: answered with the reason; nothing is recorded.
//! * *2 of a change failed, persisted or not*: nothing is tried. "Taken back" is recorded until that succeeds; the store
//!   writes nothing where it holds neither a trial nor other shares.
//! * *3 of a change refused or unanswered, the enforcer lost during a trial*: taken back.
//! * *1 of a confirmation failed, persisted or not*: not confirmed; taken back as above.
//! * *the gateway dies*: the enforcer goes back by itself. At the start a trial on record is recorded as taken back.
//! * *the enforcer dies*: it starts with what it is asked first, the confirmed shares.

mod resume;
mod words;

use super::{
    Site,
    kernel::Flight,
    words::{Change, Effect, Ticket},
};
use jiff::{SignedDuration, Timestamp};
pub use resume::{Kept, Told, take_up};
use std::collections::VecDeque;
use varco_audit::SharesStep;
use varco_policy::{
    Shares, Subject,
    wire::{Refusal, Request, Trial},
};
pub use words::{Attempt, Back, LONGEST_TRIAL, OnTrial, SharesAnswer, SharesAsk, SharesNow};

/// How many may wait to be told what a change would do.
const MOST_WAITING: usize = 8;

/// Where a change stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The enforcer is to say what it would do.
    Planning,
    /// Its trial is being recorded.
    Recording,
    /// The enforcer is to be asked to try it.
    Recorded,
    /// The enforcer has been asked to try it.
    Asked,
    /// On trial until then.
    InForce(Timestamp),
    /// Its confirmation is being recorded; time no longer matters.
    Confirming(Timestamp),
}

/// A change of shares on its way.
#[derive(Debug)]
struct Changing {
    attempt: Attempt,
    phase: Phase,
    /// Who waits to hear that it is on trial, or confirmed.
    ticket: Option<Ticket>,
}

/// What is wanted of the enforcer's plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanFor {
    /// To be shown.
    Page(Ticket),
    /// To try it next.
    Change,
}

/// The shares in hand.
#[derive(Debug)]
pub struct Sharing {
    confirmed: Shares,
    change: Option<Changing>,
    /// The enforcer does not know yet what the shares are now.
    due: bool,
    /// Taken back, and not on record yet.
    unrecorded: Option<Change>,
    /// Who waits for the enforcer, and what they are told when it has done it.
    waiting: Vec<(Ticket, SharesAnswer)>,
    /// The same, for what it has been asked.
    asked: Vec<(Ticket, SharesAnswer)>,
    plans: VecDeque<(Ticket, Shares)>,
    /// How the last trial ended, if not by confirmation.
    back: Option<(Timestamp, Back)>,
}

impl Sharing {
    /// These, and nothing on trial.
    pub const fn new(confirmed: Shares) -> Self {
        Self {
            confirmed,
            change: None,
            due: false,
            unrecorded: None,
            waiting: Vec::new(),
            asked: Vec::new(),
            plans: VecDeque::new(),
            back: None,
        }
    }

    /// The enforcer is to be told at once.
    pub const fn is_due(&self) -> bool {
        self.due
    }

    /// When the trial is over.
    pub fn until(&self) -> Option<Timestamp> {
        match self.change.as_ref()?.phase {
            Phase::InForce(until) => Some(until),
            _ => None,
        }
    }

    /// What the pages show.
    pub fn now(&self) -> SharesNow {
        let trial = self.change.as_ref().and_then(|change| match change.phase {
            Phase::InForce(until) | Phase::Confirming(until) => {
                Some(OnTrial { shares: change.attempt.shares, until })
            }
            _ => None,
        });
        SharesNow { confirmed: self.confirmed, trial, back: self.back.clone() }
    }

    fn is_unrecorded(&self) -> bool {
        self.unrecorded.is_some()
    }
}

impl Site {
    /// As it is, with the shares that are confirmed on record instead of the settings' own.
    #[must_use]
    pub fn with_shares(self, confirmed: Shares) -> Self {
        Self { sharing: Sharing::new(confirmed), ..self }
    }

    pub(super) fn shares_asked(&mut self, ask: SharesAsk, ticket: Ticket, now: Timestamp) {
        match ask {
            SharesAsk::Plan(shares) => self.plan(shares, ticket),
            SharesAsk::Try(attempt) => self.try_shares(attempt, ticket),
            SharesAsk::Confirm(by) => self.confirm(by, ticket, now),
            SharesAsk::TakeBack(by) => self.take_back_asked(by, ticket, now),
        }
    }

    fn plan(&mut self, shares: Shares, ticket: Ticket) {
        let room = self.sharing.plans.len() < MOST_WAITING;
        if self.link.is_ready() && room {
            self.sharing.plans.push_back((ticket, shares));
        } else {
            self.tell(ticket, SharesAnswer::GateDown);
        }
    }

    fn try_shares(&mut self, attempt: Attempt, ticket: Ticket) {
        let refusal = if self.sharing.change.is_some() {
            Some(SharesAnswer::OtherTrial)
        } else if attempt.from != self.sharing.confirmed {
            Some(SharesAnswer::Changed)
        } else if attempt.shares == self.sharing.confirmed {
            Some(SharesAnswer::Same)
        } else if !self.link.is_ready() {
            Some(SharesAnswer::GateDown)
        } else if self.records.failing() {
            Some(SharesAnswer::RecordsFailed)
        } else {
            None
        };
        match refusal {
            Some(refusal) => self.tell(ticket, refusal),
            None => {
                let (phase, ticket) = (Phase::Planning, Some(ticket));
                self.sharing.change = Some(Changing { attempt, phase, ticket });
            }
        }
    }

    fn confirm(&mut self, by: Option<Subject>, ticket: Ticket, now: Timestamp) {
        let Some(change) = self.sharing.change.as_mut() else {
            return self.tell(ticket, SharesAnswer::NoTrial);
        };
        let Phase::InForce(until) = change.phase else { return self.tell(ticket, SharesAnswer::NoTrial) };
        // In the instant in which it is over it is over: the enforcer may have gone back already.
        if until <= now {
            return self.tell(ticket, SharesAnswer::NoTrial);
        }
        (change.phase, change.ticket) = (Phase::Confirming(until), Some(ticket));
        let shares = change.attempt.shares;
        self.out.push(Effect::Record(Change::Shares { at: now, step: SharesStep::Confirmed, by, shares }));
    }

    fn take_back_asked(&mut self, by: Option<Subject>, ticket: Ticket, now: Timestamp) {
        if self.sharing.until().is_none() {
            return self.tell(ticket, SharesAnswer::NoTrial);
        }
        self.take_back(by, Back::Asked, now);
        self.sharing.waiting.push((ticket, SharesAnswer::TakenBack));
    }

    /// The confirmed shares are to be in force again, and on record.
    fn take_back(&mut self, by: Option<Subject>, why: Back, now: Timestamp) {
        self.let_go(by, why, now);
        self.record_taken_back();
    }

    /// As [`Self::take_back`], where the record cannot be written now.
    fn let_go(&mut self, by: Option<Subject>, why: Back, now: Timestamp) {
        self.sharing.due = true;
        let ticket = self.sharing.change.take().and_then(|change| change.ticket);
        if let Some(ticket) = ticket {
            self.tell(ticket, why.answer());
        }
        self.sharing.back = Some((now, why));
        let (step, shares) = (SharesStep::TakenBack, self.sharing.confirmed);
        self.sharing.unrecorded = Some(Change::Shares { at: now, step, by, shares });
    }

    fn record_taken_back(&mut self) {
        self.out.extend(self.sharing.unrecorded.clone().map(Effect::Record));
    }

    /// Nobody confirmed in time.
    pub(super) fn expire_trial(&mut self, now: Timestamp) {
        if self.sharing.until().is_some_and(|until| until <= now) {
            self.take_back(None, Back::TimeOver, now);
        }
    }

    /// The kernel is no longer on trial, as the enforcer says: its clock is the one that counts.
    pub(super) fn trial_measured(&mut self, left: Option<u32>, now: Timestamp) {
        if left.is_none() && self.sharing.until().is_some() {
            self.take_back(None, Back::TimeOver, now);
        }
    }

    /// What is recorded again once records can be written; whether there is any.
    pub(super) fn retry_shares(&mut self) -> bool {
        self.record_taken_back();
        self.sharing.is_unrecorded()
    }

    pub(super) fn shares_recorded(&mut self, step: SharesStep, shares: Shares) {
        let phase = self.sharing.change.as_ref().map(|change| change.phase);
        match (step, phase) {
            (SharesStep::Tried, Some(Phase::Recording)) => self.enter(Phase::Recorded, true),
            (SharesStep::Confirmed, Some(Phase::Confirming(_))) => {
                let ticket = self.sharing.change.take().and_then(|change| change.ticket);
                (self.sharing.confirmed, self.sharing.due, self.sharing.back) = (shares, true, None);
                self.sharing.waiting.extend(ticket.map(|ticket| (ticket, SharesAnswer::Confirmed)));
                if !self.link.is_connected() {
                    self.answer_waiting_later();
                }
            }
            (SharesStep::TakenBack, _) => self.sharing.unrecorded = None,
            // What was tried has been taken back meanwhile, and that is recorded next.
            _ => {}
        }
    }

    pub(super) fn shares_not_recorded(&mut self, step: SharesStep, now: Timestamp) {
        if step != SharesStep::TakenBack {
            self.let_go(None, Back::RecordsFailed, now);
        }
    }

    fn enter(&mut self, phase: Phase, due: bool) {
        if let Some(change) = self.sharing.change.as_mut() {
            change.phase = phase;
        }
        self.sharing.due |= due;
    }

    /// What the enforcer should be asked to plan next.
    pub(super) fn next_plan(&mut self) -> Option<(Flight, Request)> {
        let trying = self.sharing.change.as_ref().filter(|change| change.phase == Phase::Planning);
        let next = match trying {
            Some(change) => Some((PlanFor::Change, change.attempt.shares)),
            None => self.sharing.plans.pop_front().map(|(ticket, shares)| (PlanFor::Page(ticket), shares)),
        };
        next.map(|(what, shares)| (Flight::Plan(what), Request::Plan(shares)))
    }

    pub(super) fn planned(&mut self, what: PlanFor, lines: Vec<String>, now: Timestamp) {
        match what {
            PlanFor::Page(ticket) => self.tell(ticket, SharesAnswer::Planned(lines)),
            PlanFor::Change => self.record_trial(now),
        }
    }

    fn record_trial(&mut self, now: Timestamp) {
        let Some(change) = self.sharing.change.as_mut() else { return };
        change.phase = Phase::Recording;
        let Attempt { shares, by, .. } = change.attempt.clone();
        self.out.push(Effect::Record(Change::Shares { at: now, step: SharesStep::Tried, by, shares }));
    }

    pub(super) fn not_planned(&mut self, what: PlanFor, why: &Refusal) {
        let ticket = match what {
            PlanFor::Page(ticket) => Some(ticket),
            PlanFor::Change => self.sharing.change.take().and_then(|change| change.ticket),
        };
        if let Some(ticket) = ticket {
            self.tell(ticket, SharesAnswer::Refused(why.to_string()));
        }
    }

    /// The shares for the desired state; a trial that has been recorded begins now.
    pub(super) fn shares_for_kernel(&mut self, now: Timestamp) -> (Shares, Option<Trial>) {
        self.sharing.due = false;
        let waiting = std::mem::take(&mut self.sharing.waiting);
        self.sharing.asked.extend(waiting);
        let Some(change) = self.sharing.change.as_mut() else { return (self.sharing.confirmed, None) };
        let seconds = match change.phase {
            Phase::Recorded => {
                change.phase = Phase::Asked;
                Some(change.attempt.seconds)
            }
            Phase::InForce(until) | Phase::Confirming(until) => {
                u32::try_from(until.duration_since(now).as_secs()).ok().map(|left| left.max(1))
            }
            Phase::Planning | Phase::Recording | Phase::Asked => None,
        };
        let shares = change.attempt.shares;
        (self.sharing.confirmed, seconds.map(|seconds| Trial { shares, seconds }))
    }

    /// The enforcer holds what it was asked.
    pub(super) fn shares_in_force(&mut self, now: Timestamp) {
        for (ticket, answer) in std::mem::take(&mut self.sharing.asked) {
            self.tell(ticket, answer);
        }
        let Some(change) = self.sharing.change.as_mut().filter(|change| change.phase == Phase::Asked) else {
            return;
        };
        let lasts = SignedDuration::from_secs(i64::from(change.attempt.seconds));
        let until = now.saturating_add(lasts).unwrap_or(Timestamp::MAX);
        change.phase = Phase::InForce(until);
        let ticket = change.ticket.take();
        self.sharing.back = None;
        if let Some(ticket) = ticket {
            self.tell(ticket, SharesAnswer::OnTrial(until));
        }
    }

    /// The enforcer did not take the desired state. If there is something on trial in it, that goes.
    pub(super) fn shares_refused(&mut self, why: &Refusal, now: Timestamp) {
        let asked = std::mem::take(&mut self.sharing.asked);
        asked.into_iter().for_each(|(ticket, _)| self.tell(ticket, SharesAnswer::Later));
        let on_trial = |change: &Changing| matches!(change.phase, Phase::Asked | Phase::InForce(_));
        if self.sharing.change.as_ref().is_some_and(on_trial) {
            self.take_back(None, Back::Refused(why.to_string()), now);
        }
    }

    /// The enforcer went away: nobody is asked to plan, and what it tried is taken back when it is there again.
    pub(super) fn shares_lost(&mut self, now: Timestamp) {
        for (ticket, _) in std::mem::take(&mut self.sharing.plans) {
            self.tell(ticket, SharesAnswer::GateDown);
        }
        self.answer_waiting_later();
        match self.sharing.change.as_ref().map(|change| change.phase) {
            None | Some(Phase::Confirming(_)) => {}
            Some(Phase::Planning) => self.not_begun(),
            Some(Phase::Recording | Phase::Recorded | Phase::Asked | Phase::InForce(_)) => {
                self.take_back(None, Back::EnforcerLost, now);
            }
        }
    }

    fn not_begun(&mut self) {
        if let Some(ticket) = self.sharing.change.take().and_then(|change| change.ticket) {
            self.tell(ticket, SharesAnswer::GateDown);
        }
    }

    fn answer_waiting_later(&mut self) {
        let asked = std::mem::take(&mut self.sharing.asked);
        let waiting = std::mem::take(&mut self.sharing.waiting);
        asked.into_iter().chain(waiting).for_each(|(ticket, _)| self.tell(ticket, SharesAnswer::Later));
    }

    fn tell(&mut self, ticket: Ticket, answer: SharesAnswer) {
        self.out.push(Effect::AnswerShares(ticket, answer));
    }
}
