//! The way in.

use super::{
    Site,
    held::{Held, Phase},
    words::{Answer, Change, Effect, Login},
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use varco_policy::{
    Device, Pass, PassId, Slot, Subject,
    pass::{EndCause, Sid},
};

/// How far the clock may be set back, by a time server, before it is taken for wrong: a record of a time that has been
/// before could not be told from the one that stands there.
const CLOCK_STEP: SignedDuration = SignedDuration::from_mins(1);

/// A login that waits until the passes it replaces have ended; its slot is already lent.
#[derive(Debug)]
pub struct Waiting {
    login: Login,
    slot: Slot,
    replaces: Vec<PassId>,
}

impl Waiting {
    /// It cannot stand beside a login of this device.
    fn conflicts(&self, device: Device) -> bool {
        let own = self.login.device;
        own.mac == device.mac || own.address == device.address
    }
}

impl Site {
    pub(super) fn log_in(&mut self, login: Login, now: Timestamp) {
        if let Some(refusal) = self.refusal(&login, now) {
            return self.answer(login.ticket, refusal);
        }
        self.meet(&login.subject, login.used, now);
        if let Err(refusal) = self.last_moment(&login.subject, now) {
            return self.answer(login.ticket, refusal);
        }
        let replaced = self.replaced_by(&login);
        if self.is_full(&login, replaced.len()) {
            return self.answer(login.ticket, Answer::Full);
        }
        let Some(slot) = self.pool.lend(now) else {
            return self.answer(login.ticket, Answer::NoSlot);
        };
        self.overtake_waiting(&login, now);
        for (id, cause) in &replaced {
            self.leave(*id, *cause, None, now);
        }
        self.waiting.push(Waiting { login, slot, replaces: replaced.into_keys().collect() });
        self.begin_waiting(now);
    }

    /// The passes that end before this login's begins, and why: those of its device or with its address, and the oldest
    /// of the person's, so that they hold no more than they may.
    fn replaced_by(&self, login: &Login) -> BTreeMap<PassId, EndCause> {
        let mut replaced = BTreeMap::new();
        for id in self.table.conflicting(login.device) {
            let same = self.table.get(id).is_some_and(|held| held.pass.device == login.device);
            replaced.insert(id, if same { EndCause::Replaced } else { EndCause::Moved });
        }
        let alive = self.table.of_person(&login.subject).filter(|held| held.phase().is_alive());
        let others: Vec<_> = alive.map(|held| held.pass.id).filter(|id| !replaced.contains_key(id)).collect();
        let waiting = self.waiting.iter().filter(|waiting| waiting.login.subject == login.subject);
        let waiting = waiting.filter(|waiting| !waiting.conflicts(login.device)).count();
        let too_many = (others.len() + waiting + 1).saturating_sub(self.passes_per_person());
        replaced.extend(others.into_iter().take(too_many).map(|id| (id, EndCause::Replaced)));
        replaced
    }

    fn passes_per_person(&self) -> usize {
        usize::try_from(self.rules.limits.passes_per_person).unwrap_or(usize::MAX)
    }

    fn is_full(&self, login: &Login, replaced: usize) -> bool {
        let Some(most) = self.rules.limits.guests else { return false };
        let waiting = self.waiting.iter().filter(|waiting| !waiting.conflicts(login.device)).count();
        (self.table.len() + waiting).saturating_sub(replaced) >= usize::try_from(most).unwrap_or(usize::MAX)
    }

    /// Who waits to come in.
    pub(super) fn waiting_persons(&self) -> impl Iterator<Item = Subject> {
        self.waiting.iter().map(|waiting| waiting.login.subject.clone())
    }

    /// Starts every waiting login that nothing stands in the way of any more.
    pub(super) fn begin_waiting(&mut self, now: Timestamp) {
        for waiting in std::mem::take(&mut self.waiting) {
            let free = waiting.replaces.iter().all(|id| self.table.get(*id).is_none());
            if free && self.table.conflicting(waiting.login.device).is_empty() {
                self.begin(waiting, now);
            } else {
                self.waiting.push(waiting);
            }
        }
    }

    /// Who waits with a login that has ended is not let in.
    pub(super) fn turn_away_login(&mut self, person: &Subject, sid: Option<&Sid>, now: Timestamp) {
        for waiting in std::mem::take(&mut self.waiting) {
            let own = waiting.login.session.as_ref().map(|session| &session.sid);
            if waiting.login.subject == *person && sid.is_none_or(|sid| own == Some(sid)) {
                self.turn_away(&waiting, Answer::Overtaken, now);
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
        if self.table.get(pass.id).is_some_and(|held| held.phase() == Phase::Recording) {
            self.table.move_to(pass.id, Phase::Recorded);
        }
    }

    /// The kernel has admitted these.
    pub(super) fn admitted(&mut self, passes: &[(varco_policy::PassId, u32)], now: Timestamp) {
        for (id, seconds) in passes {
            let Some(held) = self.table.get_mut(*id) else { continue };
            held.confirmed(now, *seconds);
            held.active = now;
            if held.phase() != Phase::Admitting {
                continue;
            }
            let (entering, until, person) =
                (held.entering.take(), held.pass.until, held.pass.subject.clone());
            self.table.move_to(*id, Phase::Online);
            self.came_online(&person, now);
            self.show(*id, now);
            if let Some(ticket) = entering {
                self.answer(ticket, Answer::Online(until));
            }
        }
    }

    /// The clock is behind what is on record: it has lost its time.
    pub(super) fn clock_is_behind(&self, now: Timestamp) -> bool {
        now.saturating_add(CLOCK_STEP).is_ok_and(|latest| latest < self.newest)
    }

    fn refusal(&self, login: &Login, now: Timestamp) -> Option<Answer> {
        if !self.rules.is_a_guest(login.device) {
            Some(Answer::NotAGuest)
        } else if !self.link.is_ready() {
            Some(Answer::GateDown)
        } else if self.records.failing() {
            Some(Answer::RecordsFailed)
        } else if self.clock_is_behind(now) {
            Some(Answer::ClockWrong)
        } else if login.session.as_ref().is_some_and(|session| self.ended.contains_key(&session.sid)) {
            Some(Answer::Overtaken)
        } else {
            None
        }
    }

    /// A newer login of the same device, or with its address, takes the place of one that still waits; so does one of a
    /// person of whom as many wait as may be in.
    fn overtake_waiting(&mut self, newer: &Login, now: Timestamp) {
        let (mut kept, mut persons) = (Vec::new(), 1);
        // The newest first, since the oldest give way.
        for waiting in std::mem::take(&mut self.waiting).into_iter().rev() {
            persons += usize::from(waiting.login.subject == newer.subject);
            let too_many = waiting.login.subject == newer.subject && persons > self.passes_per_person();
            if waiting.conflicts(newer.device) || too_many {
                self.turn_away(&waiting, Answer::Overtaken, now);
            } else {
                kept.push(waiting);
            }
        }
        kept.reverse();
        self.waiting = kept;
    }

    fn turn_away(&mut self, waiting: &Waiting, why: Answer, now: Timestamp) {
        self.pool.give_back(waiting.slot, now);
        self.answer(waiting.login.ticket, why);
    }

    fn begin(&mut self, waiting: Waiting, now: Timestamp) {
        let (until, ends) = match self.last_moment(&waiting.login.subject, now) {
            Ok(last) => last,
            // It closed, or the day was spent, while it waited.
            Err(why) => return self.turn_away(&waiting, why, now),
        };
        let Waiting { login: Login { device, subject, session, pass: id, ticket, .. }, slot, .. } = waiting;
        let pass = Pass { id, subject, device, slot, since: now, until, session };
        self.out.push(Effect::Record(Change::Started(pass.clone())));
        self.table.insert(Held::begun(pass, ends, ticket));
    }
}
