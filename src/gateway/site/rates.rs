//! A pass's own rate: recorded, then told to the enforcer. Its flows go on.

use super::{
    Site,
    held::Phase,
    words::{Answer, Change, Effect, Ticket},
};
use std::collections::BTreeMap;
use varco_policy::{PassId, Rate, wire::PassRate};

/// Who waits for which pass.
pub type Asked = BTreeMap<PassId, Vec<Ticket>>;

/// Rates on their way.
#[derive(Debug, Default)]
pub struct Rates {
    /// Being recorded.
    recording: Asked,
    /// On record; the enforcer is to be told.
    due: Asked,
}

impl Site {
    pub(super) fn rate(&mut self, pass: PassId, rate: Option<Rate>, ticket: Ticket) {
        if !self.table.get(pass).is_some_and(|held| held.phase().is_alive()) {
            return self.answer(ticket, Answer::NoPass);
        }
        self.rates.recording.entry(pass).or_default().push(ticket);
        self.out.push(Effect::Record(Change::Rated { pass, rate }));
    }

    /// It is on record, so it holds from now on, after a restart too.
    pub(super) fn rate_is_durable(&mut self, pass: PassId, rate: Option<Rate>) {
        let tickets = self.rates.recording.remove(&pass).unwrap_or_default();
        if let Some(held) = self.table.get_mut(pass) {
            held.rate = rate;
        }
        if self.link.is_connected() {
            self.rates.due.entry(pass).or_default().extend(tickets);
        } else {
            self.answer_all(tickets, Answer::RateLater);
        }
    }

    pub(super) fn rate_failed(&mut self, pass: PassId) {
        let tickets = self.rates.recording.remove(&pass).unwrap_or_default();
        self.answer_all(tickets, Answer::RecordsFailed);
    }

    /// What the enforcer is to be told, about the passes that it has admitted.
    pub(super) fn rates_due(&mut self) -> Option<(Asked, Vec<PassRate>)> {
        let (mut asked, mut rates) = (Asked::new(), Vec::new());
        for (id, tickets) in std::mem::take(&mut self.rates.due) {
            match self.table.get(id).map(|held| (held.phase(), held)) {
                Some((Phase::Online, held)) => {
                    rates.push(PassRate { device: held.pass.device, rate: held.rate });
                    asked.insert(id, tickets);
                }
                Some((phase, _)) if phase.is_alive() => drop(self.rates.due.insert(id, tickets)),
                _ => self.answer_all(tickets, Answer::NoPass),
            }
        }
        (!rates.is_empty()).then_some((asked, rates))
    }

    pub(super) fn rates_set(&mut self, asked: Asked) {
        asked.into_values().for_each(|tickets| self.answer_all(tickets, Answer::RateSet));
    }

    /// Not done: asked again, when the whole state has been applied.
    pub(super) fn rates_still_due(&mut self, asked: Asked) {
        for (id, tickets) in asked {
            self.rates.due.entry(id).or_default().extend(tickets);
        }
    }

    /// The enforcer went away; it gets the rates with the whole state when it is back.
    pub(super) fn rates_later(&mut self, asked: Asked) {
        self.rates_still_due(asked);
        let due = std::mem::take(&mut self.rates.due);
        due.into_values().for_each(|tickets| self.answer_all(tickets, Answer::RateLater));
    }

    /// The enforcer does not allow it.
    pub(super) fn rates_refused(&mut self, asked: Asked) {
        asked.into_values().for_each(|tickets| self.answer_all(tickets, Answer::GateDown));
    }

    fn answer_all(&mut self, tickets: Vec<Ticket>, answer: Answer) {
        tickets.into_iter().for_each(|ticket| self.answer(ticket, answer));
    }
}
