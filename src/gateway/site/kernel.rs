//! The other side: what the enforcer is asked, one request at a time, and what follows from its answers.

use super::{
    Site,
    held::{Phase, Stage},
    rates::Asked,
    shares::{PlanFor, SharesAnswer},
    speeds::{self, LaneRate},
    words::{Answer, Change, Effect},
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use varco_policy::{
    PassId, Subject,
    pass::EndCause,
    wire::{Desired, Measured, Refusal, Reply, Request},
};

/// How often the kernel is measured and compared with the records, in seconds: up to some 1,500 passes, and at 10,000
/// and more. In between it is in proportion, so that measuring takes the same part of the time.
const MEASURE_EVERY: (usize, usize) = (5, 30);
/// Passes for each second between two measurements.
const MEASURED_IN_A_SECOND: usize = 333;
/// How many passes are admitted or expelled in one request, so that when all leave at once, at closing time, nobody else
/// waits for all of them.
const BATCH: usize = 1000;
/// How long the enforcer is left alone after it refused.
const PAUSE: SignedDuration = SignedDuration::from_secs(2);

/// What is known of the enforcer.
#[derive(Debug, Default)]
pub struct Link {
    connected: bool,
    /// Whether it has been measured since it is connected, so that our generation is above its own.
    greeted: bool,
    /// Whether it holds the desired state, as far as we know.
    applied: bool,
    in_flight: Option<Flight>,
    paused_until: Option<Timestamp>,
    measure_at: Option<Timestamp>,
    generation: u64,
    measured: Option<Measured>,
    measured_at: Option<Timestamp>,
    rates: Vec<LaneRate>,
    /// The last difference recorded, so that one that lasts is recorded once.
    difference: (u32, u32),
}

/// What the enforcer has been asked and not yet answered.
#[derive(Debug)]
pub(super) enum Flight {
    Measure,
    Plan(PlanFor),
    Apply(Vec<(PassId, u32)>),
    Admit(Vec<(PassId, u32)>),
    Expel(Vec<PassId>),
    Limit(Asked),
}

impl Link {
    pub const fn is_connected(&self) -> bool {
        self.connected
    }

    /// It answers and holds the desired state: new guests can be admitted.
    pub const fn is_ready(&self) -> bool {
        self.connected && self.greeted && self.applied
    }

    pub const fn generation(&self) -> u64 {
        self.generation
    }

    pub const fn measured(&self) -> Option<&Measured> {
        self.measured.as_ref()
    }

    pub fn rates(&self) -> &[LaneRate] {
        &self.rates
    }

    /// When it should be asked next.
    pub fn next_ask(&self) -> Option<Timestamp> {
        let idle = self.connected && self.in_flight.is_none();
        idle.then(|| self.paused_until.or(self.measure_at)).flatten()
    }

    fn next_generation(&mut self) -> u64 {
        // An enforcer that is at the end of the numbers takes the last one again.
        self.generation = self.generation.saturating_add(1);
        self.generation
    }
}

impl Site {
    pub(super) fn enforcer_back(&mut self) {
        let Link { generation, difference, .. } = self.link;
        self.link = Link { connected: true, generation, difference, ..Link::default() };
    }

    pub(super) fn enforcer_lost(&mut self, now: Timestamp) {
        let Link { generation, difference, ref mut in_flight, .. } = self.link;
        let in_flight = in_flight.take();
        self.link = Link { generation, difference, ..Link::default() };
        let (limited, planned) = match in_flight {
            Some(Flight::Limit(asked)) => (asked, None),
            Some(Flight::Plan(what)) => (Asked::new(), Some(what)),
            _ => (Asked::new(), None),
        };
        self.rates_later(limited);
        let coming: Vec<_> = self.table.at(Stage::Recorded).chain(self.table.at(Stage::Admitting)).collect();
        coming.into_iter().for_each(|id| self.not_admitted(id, now));
        let going: Vec<_> = self.table.at(Stage::Expelling).collect();
        going.into_iter().for_each(|id| self.not_expelled(id));
        for held in self.table.iter_mut() {
            let tickets = std::mem::take(&mut held.leaving);
            self.out.extend(tickets.into_iter().map(|t| Effect::Answer(t, Answer::EndsLater)));
        }
        self.turn_away_waiting(Answer::GateDown, now);
        if let Some(PlanFor::Page(ticket)) = planned {
            self.out.push(Effect::AnswerShares(ticket, SharesAnswer::GateDown));
        }
        self.shares_lost(now);
    }

    pub(super) fn answered(&mut self, reply: Reply, now: Timestamp) {
        let Some(flight) = self.link.in_flight.take() else { return };
        match (flight, reply) {
            (Flight::Measure, Reply::Measured(measured)) => self.compare(measured, now),
            (Flight::Apply(passes), Reply::Done { .. }) => {
                self.link.applied = true;
                self.applied(&passes, now);
                self.shares_in_force(now);
            }
            (Flight::Admit(passes), Reply::Done { .. }) => self.admitted(&passes, now),
            (Flight::Expel(ids), Reply::Done { .. }) => self.expelled(&ids, now),
            (Flight::Plan(what), Reply::Planned(lines)) => self.planned(what, lines, now),
            (Flight::Plan(what), Reply::Refused(refusal)) => self.not_planned(what, &refusal),
            (Flight::Limit(asked), Reply::Done { .. }) => self.rates_set(asked),
            (flight, Reply::Refused(refusal)) => self.refused(flight, &refusal, now),
            (flight, _) => self.refused(flight, &Refusal::Kernel(String::new()), now),
        }
    }

    /// Asks the enforcer the next thing, if it is free. Those who leave go before those who come.
    pub(super) fn pump(&mut self, now: Timestamp) {
        if !self.link.connected || self.link.in_flight.is_some() {
            return;
        }
        if self.link.paused_until.is_some_and(|until| until > now) {
            return;
        }
        self.link.paused_until = None;
        let (flight, request) = if !self.link.greeted {
            (Flight::Measure, Request::Measure)
        } else if !self.link.applied {
            self.apply(now)
        } else if let Some(next) = self.expel_next() {
            next
        } else if self.sharing.is_due() {
            self.apply(now)
        } else if let Some(next) =
            self.admit_next(now).or_else(|| self.limit_next()).or_else(|| self.next_plan())
        {
            next
        } else if self.link.measure_at.is_none_or(|at| at <= now) {
            (Flight::Measure, Request::Measure)
        } else {
            return;
        };
        self.link.in_flight = Some(flight);
        self.out.push(Effect::Ask(request));
    }

    fn apply(&mut self, now: Timestamp) -> (Flight, Request) {
        let kept = self.table.online().filter_map(|held| Some((held.pass.id, held.for_kernel(now)?)));
        let (ids, passes): (Vec<_>, Vec<_>) = kept.map(|(id, k)| ((id, k.seconds), k)).unzip();
        let generation = self.link.next_generation();
        let (shares, trial) = self.shares_for_kernel(now);
        (Flight::Apply(ids), Request::Apply(Desired { generation, shares, trial, passes }))
    }

    fn expel_next(&mut self) -> Option<(Flight, Request)> {
        let ids: Vec<_> = self.table.at(Stage::Leaving).take(BATCH).collect();
        let mut devices = Vec::new();
        for id in &ids {
            let Some(held) = self.table.get(*id) else { continue };
            devices.push(held.pass.device);
            if let Phase::Leaving(cause) = held.phase() {
                self.table.move_to(*id, Phase::Expelling(cause));
            }
        }
        let request = |generation| Request::Expel { generation, devices };
        (!ids.is_empty()).then(|| (Flight::Expel(ids), request(self.link.next_generation())))
    }

    fn admit_next(&mut self, now: Timestamp) -> Option<(Flight, Request)> {
        let due = self.table.at(Stage::Recorded).take(BATCH);
        let due = due.filter_map(|id| Some((id, self.table.get(id)?.for_kernel(now)?)));
        let (ids, passes): (Vec<_>, Vec<_>) = due.map(|(id, pass)| ((id, pass.seconds), pass)).unzip();
        ids.iter().for_each(|(id, _)| self.table.move_to(*id, Phase::Admitting));
        let request = |generation| Request::Admit { generation, passes };
        (!ids.is_empty()).then(|| (Flight::Admit(ids), request(self.link.next_generation())))
    }

    fn limit_next(&mut self) -> Option<(Flight, Request)> {
        let (asked, rates) = self.rates_due()?;
        let generation = self.link.next_generation();
        Some((Flight::Limit(asked), Request::Limit { generation, rates }))
    }

    fn applied(&mut self, passes: &[(PassId, u32)], now: Timestamp) {
        for (id, seconds) in passes {
            if let Some(held) = self.table.get_mut(*id) {
                held.confirmed(now, *seconds);
            }
        }
    }

    fn refused(&mut self, flight: Flight, refusal: &Refusal, now: Timestamp) {
        self.link.paused_until = now.saturating_add(PAUSE).ok();
        match refusal {
            Refusal::Stale { in_force, .. } => {
                self.link.generation = self.link.generation.max(*in_force);
                self.link.applied = false;
            }
            Refusal::Kernel(_) | Refusal::NothingInForce => self.link.applied = false,
            Refusal::NotAllowed(_) => {}
        }
        match flight {
            Flight::Admit(passes) => passes.iter().for_each(|(id, _)| self.not_admitted(*id, now)),
            Flight::Expel(ids) => ids.iter().for_each(|id| self.not_expelled(*id)),
            Flight::Limit(asked) if matches!(refusal, Refusal::NotAllowed(_)) => self.rates_refused(asked),
            Flight::Limit(asked) => self.rates_still_due(asked),
            Flight::Apply(_) => self.shares_refused(refusal, now),
            // A plan that is refused is no fault of the enforcer's; this is an answer that makes no sense.
            Flight::Plan(what) => self.not_planned(what, refusal),
            Flight::Measure => {}
        }
    }

    /// Who waits is told; the kernel may hold the device all the same when it was asked, so it is expelled.
    fn not_admitted(&mut self, id: PassId, now: Timestamp) {
        let Some(held) = self.table.get_mut(id) else { return };
        let phase = held.phase();
        if let Some(ticket) = held.entering.take() {
            self.answer(ticket, Answer::GateDown);
        }
        match phase {
            Phase::Recorded => self.has_ended(id, EndCause::Expelled, now, now),
            Phase::Admitting => self.leave(id, EndCause::Expelled, None, now),
            _ => {}
        }
    }

    fn not_expelled(&mut self, id: PassId) {
        if let Some(Phase::Expelling(cause)) = self.table.get(id).map(|held| held.phase()) {
            self.table.move_to(id, Phase::Leaving(cause));
        }
    }

    /// Compares kernel and records, judges who is idle, and counts what each person has moved.
    fn compare(&mut self, mut measured: Measured, now: Timestamp) {
        self.link.greeted = true;
        self.link.measure_at = now.saturating_add(measure_after(measured.passes.len())).ok();
        self.link.generation = self.link.generation.max(measured.generation.unwrap_or(0));
        let seen = self.look_at(&measured, now);
        let difference = seen.difference;
        if difference != (0, 0) || measured.generation.is_none() {
            self.link.applied = false;
        }
        if difference != (0, 0) && difference != self.link.difference {
            let (missing, unknown) = difference;
            self.out.push(Effect::Record(Change::Reconciled { at: now, missing, unknown }));
        }
        self.link.difference = difference;
        seen.idle.into_iter().for_each(|id| self.leave(id, EndCause::Idle, None, now));
        self.judge_volume(&seen.moved, now);
        self.trial_measured(measured.trial, now);
        // Only what names nobody is kept for the pages.
        measured.passes.clear();
        if let Some((old, at)) = self.link.measured.as_ref().zip(self.link.measured_at) {
            self.link.rates = speeds::between(&old.lanes, &measured.lanes, now.duration_since(at));
        }
        self.link.measured_at = Some(now);
        self.link.measured = Some(measured);
    }

    /// One look at every pass that the kernel holds. Missing are passes on record that it lacks, unknown those it holds
    /// that are not on record. A pass with less than two seconds left may be gone already.
    fn look_at(&mut self, measured: &Measured, now: Timestamp) -> Seen {
        let (mut seen, mut found, mut unknown) = (Seen::default(), 0, 0);
        let lasting = SignedDuration::from_secs(2);
        for usage in &measured.passes {
            let Some(held) = self.table.of_device_mut(usage.device) else {
                unknown += 1;
                continue;
            };
            let moved = held.moved(usage.up_bytes.saturating_add(usage.down_bytes));
            if moved > 0 && self.people.moved(&held.pass.subject, moved).is_some() {
                seen.moved.insert(held.pass.subject.clone());
            }
            if held.phase() != Phase::Online {
                continue;
            }
            found += usize::from(held.pass.left(now) >= lasting);
            if held.up_packets != usage.up_packets {
                (held.up_packets, held.active) = (usage.up_packets, now);
            } else if now.duration_since(held.active) >= self.rules.idle {
                seen.idle.push(held.pass.id);
            }
        }
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let missing = self.table.lasting(lasting, now).saturating_sub(found);
        seen.difference = (number(missing), number(unknown));
        seen
    }
}

/// What a measurement shows.
#[derive(Debug, Default)]
struct Seen {
    difference: (u32, u32),
    idle: Vec<PassId>,
    moved: BTreeSet<Subject>,
}

fn measure_after(passes: usize) -> SignedDuration {
    let (least, most) = MEASURE_EVERY;
    let seconds = (passes / MEASURED_IN_A_SECOND).clamp(least, most);
    SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))
}
