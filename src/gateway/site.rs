//! The heart of the gateway: which device may be online, decided without I/O.
//!
//! `Site::handle(event, now)` returns the effects that the event loop performs in order. The law of order:
//!
//! | way in | way out |
//! |---|---|
//! | 1. a slot is lent | 1. the mark "leaving" is recorded (it does not hold up step 2) |
//! | 2. the start is recorded durably | 2. the kernel expels and flushes the flows |
//! | 3. the kernel admits | 3. the end is recorded durably |
//! | 4. the portal says "online" | 4. the slot rests in quarantine |
//!
//! A step that fails:
//! * *2 in, failed, not persisted*: no admission. The end is recorded too; the store has no such pass and writes nothing.
//! * *2 in, failed, persisted*: no admission. The same end is recorded; the store has the pass and closes it.
//! * *3 in, failed or unanswered*: the kernel may hold the device or not, so it is expelled, then the end is recorded.
//! * *1 out, failed*: the expulsion goes on. A crash before step 3 would then admit the pass again until its time.
//! * *2 out, failed*: asked again until the enforcer has done it; the kernel's own timeout ends the pass meanwhile.
//! * *3 out, failed, persisted or not*: recorded again until it succeeds; the store ignores the end of a pass that is
//!   not open. The slot stays lent until then, and nobody new is admitted.
//! * *crash anywhere*: what is on record as open is asked for again; what is marked leaving, or is past its time, takes
//!   the way out from step 2.

mod enter;
mod held;
mod kernel;
mod leave;
mod people;
mod rates;
mod records;
pub mod shares;
pub mod speeds;
#[cfg(test)]
mod tests;
mod words;

use held::{Phase, Stage, Table};
use jiff::{SignedDuration, Timestamp};
use kernel::Link;
pub use people::Known;
use people::People;
use rates::Rates;
use records::Records;
use shares::Sharing;
use std::collections::BTreeMap;
use varco_policy::{
    Device, GuestHosts, Limits, Pass, Schedule, Shares,
    pass::{EndCause, Sid},
    slot::SlotPool,
};
pub use words::{Answer, Change, Effect, Event, Login, Status, Terms, Ticket, Used};

/// What the site's settings say about passes.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Addresses that a guest's device may have.
    pub hosts: GuestHosts,
    /// Length of a pass.
    pub length: SignedDuration,
    /// A pass without packets from the device for this long ends.
    pub idle: SignedDuration,
    /// When the site is open.
    pub schedule: Schedule,
    /// What a person may use in a day, and how many may be in at once.
    pub limits: Limits,
    /// Shares of the lanes.
    pub shares: Shares,
}

impl Rules {
    /// The rules in a site's settings.
    pub fn of(site: &varco_policy::Site) -> Self {
        Self {
            hosts: site.guest_hosts(),
            length: site.passes.length,
            idle: site.passes.idle,
            schedule: site.schedule(),
            limits: site.limits,
            shares: site.shares(),
        }
    }

    /// Whether this can be a guest's device. The enforcer refuses a whole request for one that cannot, so none may come
    /// to it: those who ask beside it would be refused as well.
    fn is_a_guest(&self, device: Device) -> bool {
        let octets = device.mac.octets();
        self.hosts.have(device.address) && octets != [0; 6] && octets[0] & 1 == 0
    }
}

/// Passes of a site, from login to the recorded end.
#[derive(Debug)]
pub struct Site {
    rules: Rules,
    pool: SlotPool,
    table: Table,
    waiting: Vec<enter::Waiting>,
    people: People,
    rates: Rates,
    link: Link,
    records: Records,
    sharing: Sharing,
    /// Logins that providers ended lately: an admission on its way must not come after its end.
    ended: BTreeMap<Sid, Timestamp>,
    /// The newest instant on record.
    newest: Timestamp,
    out: Vec<Effect>,
}

impl Site {
    /// A site that takes up the passes found open on record; the second of each pair is the cause of a pass that was
    /// already leaving. Slots of the pool that these passes or the resting slots hold are taken out of it.
    pub fn resume(rules: Rules, pool: SlotPool, open: Vec<(Pass, Option<EndCause>)>, now: Timestamp) -> Self {
        let mut site = Self {
            sharing: Sharing::new(rules.shares),
            rules,
            pool,
            table: Table::default(),
            waiting: Vec::new(),
            people: People::default(),
            rates: Rates::default(),
            link: Link::default(),
            records: Records::default(),
            ended: BTreeMap::new(),
            newest: Timestamp::MIN,
            out: Vec::new(),
        };
        for (pass, leaving) in open {
            site.take_up(pass, leaving, now);
        }
        site
    }

    /// As it is, knowing the newest instant on record: while the clock is behind it nobody new is admitted.
    #[must_use]
    pub fn not_before(self, newest: Timestamp) -> Self {
        Self { newest, ..self }
    }

    /// Decides what follows from an event.
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        self.begin_day(now);
        match event {
            Event::LoggedIn(login) => self.log_in(login, now),
            Event::LogOut { device, ticket } => self.log_out(device, ticket, now),
            Event::ProviderLogOut { person, session, ticket } => {
                self.provider_log_out(&person, session.as_ref(), ticket, now);
            }
            Event::Expel { pass, ticket } => self.expel(pass, ticket, now),
            Event::Recorded(changes) => self.recorded(&changes, now),
            Event::RecordFailed(changes) => self.record_failed(&changes, now),
            Event::Rate { pass, rate, ticket } => self.rate(pass, rate, ticket),
            Event::EnforcerBack => self.enforcer_back(),
            Event::EnforcerLost => self.enforcer_lost(now),
            Event::Answered(reply) => self.answered(reply, now),
            Event::Shares(ask, ticket) => self.shares_asked(ask, ticket, now),
            Event::Tick => {}
        }
        self.expire(now);
        self.expire_trial(now);
        self.retry_records(now);
        self.save_used(now);
        self.pump(now);
        std::mem::take(&mut self.out)
    }

    /// When [`Event::Tick`] is due at the latest, if nothing else happens.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let table = [self.table.first_expiry(), self.people.day_ends(), self.sharing.until()];
        let ways = [self.records.retry_at(), self.link.next_ask()];
        table.into_iter().chain(ways).flatten().min()
    }

    /// What the status pages show. Names nobody.
    pub fn status(&self) -> Status {
        Status {
            online: self.table.count(Stage::Online),
            slots_lent: self.pool.lent(),
            slots_total: self.pool.total(),
            generation: self.link.generation(),
            enforcer_ready: self.link.is_ready(),
            recording: !self.records.failing(),
            measured: self.link.measured().cloned(),
            shares: Some(self.sharing.now()),
            rates: self.link.rates().to_vec(),
        }
    }

    /// The day that is being counted, where the site limits what a person uses of it.
    pub fn day(&self) -> Option<jiff::civil::Date> {
        self.people.day()
    }

    /// Every pass that is online, for the portal after a restart and for operators.
    pub fn online(&self) -> impl Iterator<Item = &Pass> {
        self.table.online().map(|held| &held.pass)
    }

    fn take_up(&mut self, pass: Pass, leaving: Option<EndCause>, now: Timestamp) {
        let slot_is_ours = self.pool.restore(pass.slot);
        let cause = match leaving {
            Some(cause) => Some(cause),
            None if pass.until <= now => Some(self.reason(&pass)),
            None if !self.rules.is_a_guest(pass.device) => Some(EndCause::Expelled),
            None => (!slot_is_ours).then_some(EndCause::Expelled),
        };
        let (id, ends) = (pass.id, self.reason(&pass));
        let phase = cause.map_or(Phase::Online, Phase::Leaving);
        self.table.insert(held::Held::taken_up(pass, phase, ends, now));
        if phase == Phase::Online {
            self.show(id, now);
        }
    }
}
