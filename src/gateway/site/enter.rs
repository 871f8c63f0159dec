//! The way in.

use super::{
    Site,
    held::{Held, Phase},
    words::{Answer, Change, Effect, Login},
};
use jiff::{SignedDuration, Timestamp};
use varco_policy::{Pass, Slot, pass::EndCause};

/// How far the clock may be set back, by a time server, before it is taken for wrong: a record of a time that has been
/// before could not be told from the one that stands there.
const CLOCK_STEP: SignedDuration = SignedDuration::from_mins(1);

/// A login that waits until the passes it replaces have ended; its slot is already lent.
#[derive(Debug)]
pub struct Waiting {
    login: Login,
    slot: Slot,
}

impl Site {
    pub(super) fn log_in(&mut self, login: Login, now: Timestamp) {
        if let Some(refusal) = self.refusal(&login, now) {
            return self.answer(login.ticket, refusal);
        }
        let Some(slot) = self.pool.lend(now) else {
            return self.answer(login.ticket, Answer::NoSlot);
        };
        self.overtake_waiting(&login, now);
        for id in self.table.conflicting(login.device) {
            let same = self.table.get(id).is_some_and(|held| held.pass.device == login.device);
            self.leave(id, if same { EndCause::Replaced } else { EndCause::Moved }, None);
        }
        self.waiting.push(Waiting { login, slot });
        self.begin_waiting(now);
    }

    /// Starts every waiting login that nothing stands in the way of any more.
    pub(super) fn begin_waiting(&mut self, now: Timestamp) {
        for waiting in std::mem::take(&mut self.waiting) {
            if self.table.conflicting(waiting.login.device).is_empty() {
                self.begin(waiting, now);
            } else {
                self.waiting.push(waiting);
            }
        }
    }

    /// Nobody waits any more: each is told `why`, and the slots rest.
    pub(super) fn turn_away_waiting(&mut self, why: Answer, now: Timestamp) {
        for waiting in std::mem::take(&mut self.waiting) {
            self.turn_away(&waiting, why, now);
        }
    }

    /// Passes whose start is durable are admitted next.
    pub(super) fn start_is_durable(&mut self, pass: &Pass) {
        if let Some(held) = self.table.get_mut(pass.id).filter(|held| held.phase == Phase::Recording) {
            held.phase = Phase::Recorded;
        }
    }

    /// The kernel has admitted these.
    pub(super) fn admitted(&mut self, passes: &[(varco_policy::PassId, u32)], now: Timestamp) {
        for (id, seconds) in passes {
            let Some(held) = self.table.get_mut(*id) else { continue };
            held.confirmed(now, *seconds);
            held.active = now;
            if held.phase != Phase::Admitting {
                continue;
            }
            held.phase = Phase::Online;
            self.out.push(Effect::Show(held.pass.clone()));
            if let Some(ticket) = held.entering.take() {
                self.out.push(Effect::Answer(ticket, Answer::Online(held.pass.until)));
            }
        }
    }

    fn refusal(&self, login: &Login, now: Timestamp) -> Option<Answer> {
        if !self.rules.is_a_guest(login.device) {
            Some(Answer::NotAGuest)
        } else if !self.link.is_ready() {
            Some(Answer::GateDown)
        } else if self.records.failing() {
            Some(Answer::RecordsFailed)
        } else if now.saturating_add(CLOCK_STEP).is_ok_and(|latest| latest < self.newest) {
            Some(Answer::ClockWrong)
        } else {
            None
        }
    }

    /// A newer login of the same device, or with its address, takes the place of one that still waits.
    fn overtake_waiting(&mut self, newer: &Login, now: Timestamp) {
        for waiting in std::mem::take(&mut self.waiting) {
            let older = waiting.login.device;
            if older.mac == newer.device.mac || older.address == newer.device.address {
                self.turn_away(&waiting, Answer::Overtaken, now);
            } else {
                self.waiting.push(waiting);
            }
        }
    }

    fn turn_away(&mut self, waiting: &Waiting, why: Answer, now: Timestamp) {
        self.pool.give_back(waiting.slot, now);
        self.answer(waiting.login.ticket, why);
    }

    fn begin(&mut self, waiting: Waiting, now: Timestamp) {
        let Waiting { login: Login { device, subject, pass: id, ticket }, slot } = waiting;
        let until = now.saturating_add(self.rules.length).unwrap_or(Timestamp::MAX);
        let pass = Pass { id, subject, device, slot, since: now, until };
        self.out.push(Effect::Record(Change::Started(pass.clone())));
        self.table.insert(Held::begun(pass, ticket));
    }
}
