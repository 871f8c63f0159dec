//! What follows from recording, done or failed.

use super::{
    Site,
    held::{Phase, Stage},
    words::{Answer, Change},
};
use jiff::{SignedDuration, Timestamp};
use varco_policy::{PassId, pass::EndCause};

/// How long after a failure ends are recorded again.
const RETRY: SignedDuration = SignedDuration::from_secs(5);

/// Whether records can be written.
#[derive(Debug, Default)]
pub struct Records {
    failed: bool,
    retry_at: Option<Timestamp>,
}

impl Records {
    /// The last attempt failed: nobody new is admitted until one succeeds.
    pub const fn failing(&self) -> bool {
        self.failed
    }

    pub const fn retry_at(&self) -> Option<Timestamp> {
        self.retry_at
    }
}

impl Site {
    pub(super) fn recorded(&mut self, changes: &[Change], now: Timestamp) {
        self.newest = self.newest.max(now);
        for change in changes {
            match change {
                Change::Started(pass) => self.start_is_durable(pass),
                Change::Ended { pass, .. } => self.end_is_durable(*pass, now),
                Change::Shares { step, shares, .. } => self.shares_recorded(*step, *shares),
                Change::Rated { pass, rate } => self.rate_is_durable(*pass, *rate),
                Change::Leaving { .. }
                | Change::Reconciled { .. }
                | Change::Used { .. }
                | Change::Day(_)
                | Change::SharesTold(_) => {}
            }
        }
        // It works again: what could not be recorded before is due now.
        self.records.retry_at = self.records.failed.then_some(now);
    }

    pub(super) fn record_failed(&mut self, changes: &[Change], now: Timestamp) {
        let retry_at = now.saturating_add(RETRY).unwrap_or(Timestamp::MAX);
        self.records = Records { failed: true, retry_at: Some(retry_at) };
        for change in changes {
            match change {
                Change::Started(pass) => self.start_failed(pass.id, now),
                Change::Shares { step, .. } => self.shares_not_recorded(*step, now),
                Change::Rated { pass, .. } => self.rate_failed(*pass),
                Change::Used { person, .. } => self.people.unsaved(person),
                _ => {}
            }
        }
        self.turn_away_waiting(Answer::RecordsFailed, now);
    }

    /// Records again the ends that could not be recorded; with none, the next login is the next attempt.
    pub(super) fn retry_records(&mut self, now: Timestamp) {
        if self.records.retry_at.is_none_or(|at| at > now) {
            return;
        }
        self.records.retry_at = None;
        let ended: Vec<_> = self.table.at(Stage::Ended).collect();
        let shares = self.retry_shares();
        self.records.failed = shares || !ended.is_empty();
        for id in ended {
            self.record_end(id);
        }
    }

    /// The start may be durable or not, so the end is recorded as well: the store closes the pass if it has it.
    fn start_failed(&mut self, id: PassId, now: Timestamp) {
        let Some(held) = self.table.get_mut(id).filter(|held| held.phase() == Phase::Recording) else {
            return;
        };
        let ticket = held.entering.take();
        self.table.move_to(id, Phase::Ended { cause: EndCause::Expelled, at: now, freed: now });
        if let Some(ticket) = ticket {
            self.answer(ticket, Answer::RecordsFailed);
        }
    }
}
