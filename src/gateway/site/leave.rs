//! The way out.

use super::{
    Site,
    held::Phase,
    words::{Answer, Change, Effect, Ticket},
};
use jiff::{SignedDuration, Timestamp};
use varco_policy::{
    Device, PassId, Subject,
    pass::{EndCause, Sid},
};

/// How long an ended login is remembered: longer than one takes from the hub to here.
const REMEMBERED: SignedDuration = SignedDuration::from_mins(10);

impl Site {
    /// The passes of this login (of each login of the person, without one) take the way out.
    pub(super) fn provider_log_out(
        &mut self,
        person: &Subject,
        sid: Option<&Sid>,
        ticket: Ticket,
        now: Timestamp,
    ) {
        if let Some(sid) = sid {
            self.ended.retain(|_, at| now.duration_since(*at) < REMEMBERED);
            self.ended.insert(sid.clone(), now);
        }
        self.turn_away_login(person, sid, now);
        let alive = self.table.of_person(person).filter(|held| held.phase().is_alive());
        let meant = alive.filter(|held| {
            sid.is_none_or(|sid| held.pass.session.as_ref().is_some_and(|session| session.sid == *sid))
        });
        let ids: Vec<_> = meant.map(|held| held.pass.id).collect();
        let Some((last, others)) = ids.split_last() else {
            return self.answer(ticket, Answer::NoPass);
        };
        for id in others {
            self.leave(*id, EndCause::ProviderLoggedOut, None, now);
        }
        self.leave(*last, EndCause::ProviderLoggedOut, Some(ticket), now);
    }

    pub(super) fn log_out(&mut self, device: Device, ticket: Ticket, now: Timestamp) {
        match self.table.of_device(device).map(|held| held.pass.id) {
            Some(id) => self.leave(id, EndCause::LoggedOut, Some(ticket), now),
            None => self.answer(ticket, Answer::NoPass),
        }
    }

    pub(super) fn expel(&mut self, pass: PassId, ticket: Ticket, now: Timestamp) {
        match self.table.get(pass) {
            Some(_) => self.leave(pass, EndCause::Expelled, Some(ticket), now),
            None => self.answer(ticket, Answer::NoPass),
        }
    }

    /// Passes whose time is over take the way out.
    pub(super) fn expire(&mut self, now: Timestamp) {
        while let Some(id) = self.table.next_expired(now) {
            let ends = self.table.get(id).map_or(EndCause::Expired, |held| held.ends);
            self.leave(id, ends, None, now);
        }
    }

    /// A pass takes the way out, unless it is on it already. `ticket` is answered when the kernel has let go, or at once
    /// when there is no enforcer to ask.
    pub(super) fn leave(&mut self, id: PassId, cause: EndCause, ticket: Option<Ticket>, now: Timestamp) {
        let connected = self.link.is_connected();
        let Some(held) = self.table.get_mut(id) else { return };
        let gone = matches!(held.phase(), Phase::Ended { .. });
        match ticket {
            Some(ticket) if gone => self.out.push(Effect::Answer(ticket, Answer::Ended)),
            Some(ticket) if !connected => self.out.push(Effect::Answer(ticket, Answer::EndsLater)),
            Some(ticket) => held.leaving.push(ticket),
            None => {}
        }
        if !held.phase().is_alive() {
            return;
        }
        if let Some(entering) = held.entering.take() {
            self.out.push(Effect::Answer(entering, Answer::Overtaken));
        }
        let (was, person) = (held.phase(), held.pass.subject.clone());
        self.out.push(Effect::Hide(held.pass.device));
        self.table.move_to(id, Phase::Leaving(cause));
        if was == Phase::Online {
            self.goes_offline(&person, now);
        }
        if cause != EndCause::Expired {
            self.out.push(Effect::Record(Change::Leaving { pass: id, cause }));
        }
    }

    /// The kernel has let go of these and their flows are flushed.
    pub(super) fn expelled(&mut self, ids: &[PassId], now: Timestamp) {
        for id in ids {
            let Some(held) = self.table.get_mut(*id) else { continue };
            let Phase::Expelling(cause) = held.phase() else { continue };
            let at = match cause {
                EndCause::Expired | EndCause::Closed | EndCause::Spent if held.pass.until <= now => {
                    now.min(held.lets_go.max(held.pass.until))
                }
                _ => now,
            };
            let tickets = std::mem::take(&mut held.leaving);
            self.has_ended(*id, cause, at, now);
            for ticket in tickets {
                self.answer(ticket, Answer::Ended);
            }
        }
    }

    /// The kernel does not hold this pass: its end is recorded next.
    pub(super) fn has_ended(&mut self, id: PassId, cause: EndCause, at: Timestamp, freed: Timestamp) {
        self.table.move_to(id, Phase::Ended { cause, at, freed });
        self.record_end(id);
    }

    /// Its end is durable: the slot rests, and who waited for the device's place may come in.
    pub(super) fn end_is_durable(&mut self, id: PassId, now: Timestamp) {
        if !self.table.get(id).is_some_and(|held| matches!(held.phase(), Phase::Ended { .. })) {
            return;
        }
        if let Some(held) = self.table.remove(id) {
            self.pool.give_back(held.pass.slot, now);
            self.begin_waiting(now);
        }
    }

    pub(super) fn record_end(&mut self, id: PassId) {
        let Some(held) = self.table.get(id) else { return };
        if let Phase::Ended { cause, at, freed } = held.phase() {
            let change = Change::Ended { pass: id, slot: held.pass.slot, at, freed, cause };
            self.out.push(Effect::Record(change));
        }
    }

    pub(super) fn answer(&mut self, ticket: Ticket, answer: Answer) {
        self.out.push(Effect::Answer(ticket, answer));
    }
}
