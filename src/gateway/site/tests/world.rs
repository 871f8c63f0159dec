//! A world around the site: a store that can fail before or after it has written, a kernel, and an enforcer that can be
//! lost before or after it has done what it was asked. It checks the law of order as it goes.

mod kernel;
mod store;
mod words;

use super::super::{
    shares::{SharesAnswer, SharesAsk},
    *,
};
use super::line::Line;
use std::{collections::BTreeMap, net::Ipv4Addr};
use varco_audit::SharesStep;
use varco_policy::{
    Device, Lane, Mac, PassId, Rate, Slot, Subject,
    lane::{Lanes, Share},
    pass::{Session, Sid},
    wire::{Refusal, Reply, Request},
};
use words::{brief, brief_event};

pub const QUARANTINE: SignedDuration = SignedDuration::from_mins(10);
pub const LENGTH: SignedDuration = SignedDuration::from_hours(1);
const ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 3);

/// How the next recording goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    Good,
    FailedNotPersisted,
    FailedPersisted,
}

/// How the enforcer deals with the request it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Done,
    LostBefore,
    LostAfter,
    Refused,
}

pub struct World {
    pub site: Site,
    pub rules: Rules,
    pub now: Timestamp,
    pub disk: Disk,
    pub asked: Option<Request>,
    /// When.
    asked_at: Timestamp,
    pub answers: Vec<(u64, Answer)>,
    pub transcript: Vec<String>,
    pub kernel: BTreeMap<Device, (Slot, Timestamp)>,
    pub up_packets: u64,
    /// What the kernel has counted for each pass that it holds.
    pub bytes: BTreeMap<Device, u64>,
    pub kernel_rates: BTreeMap<Device, Option<Rate>>,
    pub connected: bool,
    pub kernel_generation: Option<u64>,
    open: BTreeMap<PassId, (Pass, Option<EndCause>)>,
    resting: BTreeMap<Slot, Timestamp>,
    /// What is on record of the day that is counted.
    pub used: BTreeMap<Subject, Used>,
    counted: BTreeMap<PassId, u64>,
    rates: BTreeMap<PassId, Option<Rate>>,
    pub shown: BTreeMap<Device, (Timestamp, Terms)>,
    pub started: BTreeMap<PassId, Slot>,
    pub ended: BTreeMap<PassId, (Timestamp, EndCause)>,
    pub line: Line,
    pub told: Vec<(u64, SharesAnswer)>,
    pub refuses_plans: bool,
    serial: u64,
    /// Questions of the gateway's life before.
    asked_before: u64,
}

pub fn rules() -> Rules {
    let rate = |mbit: u64| varco_policy::Rate::from_bits(mbit * 1_000_000);
    let share = Share { guaranteed: rate(1), ceiling: rate(100) };
    let lanes = Lanes { critical: share, office: share, guest: share };
    assert_eq!(Lane::ALL.len(), 3);
    Rules {
        hosts: varco_policy::GuestHosts::new(
            vec!["10.64.0.0/24".parse().unwrap()],
            vec![[10, 64, 0, 1].into()],
        ),
        length: LENGTH,
        idle: SignedDuration::from_mins(30),
        schedule: Schedule::new(jiff::tz::TimeZone::UTC, None),
        limits: Limits::default(),
        shares: Shares { up: lanes, down: lanes },
    }
}

pub fn device(n: u8) -> Device {
    Device { address: [10, 64, 0, 10 + n].into(), mac: Mac::new([2, 0, 0, 0, 0, n]) }
}

pub fn person(n: u8) -> Subject {
    Subject::try_from(format!("person-{n}")).unwrap()
}

pub fn id(n: u64) -> PassId {
    PassId(uuid::Uuid::from_u64_pair(0, n))
}

impl World {
    /// A site that has just started, with an enforcer that has just started as well.
    pub fn new() -> Self {
        Self::with(rules())
    }

    /// The same with other rules.
    pub fn with(rules: Rules) -> Self {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let pool = SlotPool::new(&[ADDRESS], 1024, QUARANTINE);
        Self {
            site: Site::resume(rules.clone(), pool, Vec::new(), now).knowing(Known::default(), now),
            rules,
            now,
            disk: Disk::Good,
            asked: None,
            asked_at: now,
            answers: Vec::new(),
            transcript: Vec::new(),
            kernel: BTreeMap::new(),
            up_packets: 0,
            bytes: BTreeMap::new(),
            kernel_rates: BTreeMap::new(),
            connected: false,
            kernel_generation: None,
            open: BTreeMap::new(),
            resting: BTreeMap::new(),
            used: BTreeMap::new(),
            counted: BTreeMap::new(),
            rates: BTreeMap::new(),
            shown: BTreeMap::new(),
            started: BTreeMap::new(),
            ended: BTreeMap::new(),
            line: Line::new(),
            told: Vec::new(),
            refuses_plans: false,
            serial: 0,
            asked_before: 0,
        }
    }

    /// A site whose enforcer has been measured and holds the desired state.
    pub fn ready() -> Self {
        Self::ready_with(rules())
    }

    /// The same with other rules.
    pub fn ready_with(rules: Rules) -> Self {
        let mut world = Self::with(rules);
        world.connect();
        world.settle();
        world.transcript.clear();
        world
    }

    pub fn connect(&mut self) {
        if !self.connected {
            self.connected = true;
            self.tell(Event::EnforcerBack);
        }
    }

    /// A person of their own on each device.
    pub fn log_in(&mut self, device: Device) -> PassId {
        self.log_in_as(device, device.mac.octets()[5])
    }

    pub fn log_in_as(&mut self, device: Device, who: u8) -> PassId {
        self.log_in_by(device, who, None)
    }

    /// The same by a login that the hub names.
    pub fn log_in_by(&mut self, device: Device, who: u8, session: Option<Session>) -> PassId {
        self.serial += 1;
        let (subject, pass, ticket) = (person(who), id(self.serial), Ticket(self.serial));
        let used = self.used.get(&subject).copied();
        self.tell(Event::LoggedIn(Login { device, subject, session, pass, used, ticket }));
        pass
    }

    pub fn rate(&mut self, pass: PassId, rate: Option<Rate>) -> u64 {
        self.serial += 1;
        self.tell(Event::Rate { pass, rate, ticket: Ticket(self.serial) });
        self.serial
    }

    pub fn log_out(&mut self, device: Device) {
        self.serial += 1;
        self.tell(Event::LogOut { device, ticket: Ticket(self.serial) });
    }

    /// The provider ends a login of a person; the number of the question.
    pub fn provider_log_out(&mut self, who: u8, session: Option<Sid>) -> u64 {
        self.serial += 1;
        self.tell(Event::ProviderLogOut { person: person(who), session, ticket: Ticket(self.serial) });
        self.serial
    }

    pub fn expel(&mut self, pass: PassId) {
        self.serial += 1;
        self.tell(Event::Expel { pass, ticket: Ticket(self.serial) });
    }

    /// Asks about the shares; the number of the question.
    pub fn ask(&mut self, ask: SharesAsk) -> u64 {
        self.serial += 1;
        self.tell(Event::Shares(ask, Ticket(self.serial)));
        self.serial
    }

    pub fn wait(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
        let now = self.now;
        self.line.pass(now);
        self.kernel.retain(|_, (_, until)| *until > now);
        self.forget_counters();
        self.tell(Event::Tick);
    }

    /// The enforcer answers all that it is asked.
    pub fn settle(&mut self) {
        for _ in 0..50 {
            if self.asked.is_none() {
                return;
            }
            self.enforce(Fate::Done);
        }
        panic!("the site asks for ever");
    }

    pub fn enforce(&mut self, fate: Fate) {
        let Some(request) = self.asked.take() else { return };
        let event = match fate {
            Fate::LostBefore => self.lose(),
            Fate::Refused => Event::Answered(Reply::Refused(Refusal::Kernel("no".into()))),
            Fate::Done => Event::Answered(self.perform(request)),
            Fate::LostAfter => {
                self.perform(request);
                self.lose()
            }
        };
        self.tell(event);
    }

    /// The enforcer's process ends and comes back: the kernel keeps what it held.
    pub fn restart_enforcer(&mut self) {
        self.kernel_generation = None;
        self.line.restart();
        if self.connected {
            self.asked = None;
            let lost = self.lose();
            self.tell(lost);
        }
        self.connect();
    }

    /// The gateway is killed and comes back: only what is durable is left of it.
    pub fn restart_gateway(&mut self) {
        self.restart_gateway_after(Timestamp::MIN);
    }

    /// The same with something on record of that instant.
    pub fn restart_gateway_after(&mut self, newest: Timestamp) {
        let mut pool = SlotPool::new(&[ADDRESS], 1024, QUARANTINE);
        let mut resting: Vec<_> = self.resting.iter().map(|(slot, at)| (*at, *slot)).collect();
        resting.sort();
        resting.iter().for_each(|(at, slot)| pool.rest(*slot, *at));
        let open: Vec<_> = self.open.values().cloned().collect();
        let rate = |id: &PassId| self.rates.get(id).copied().flatten();
        let counted = |id: &PassId| self.counted.get(id).copied().unwrap_or(0);
        let used = |pass: &Pass| Some((pass.subject.clone(), *self.used.get(&pass.subject)?));
        let known = Known {
            used: open.iter().filter_map(|(pass, _)| used(pass)).collect(),
            passes: self.open.keys().map(|id| (*id, rate(id), counted(id))).collect(),
        };
        if self.line.trial.is_some() {
            self.line.write(SharesStep::TakenBack, self.line.confirmed);
        }
        self.shown.clear();
        self.asked_before = self.serial;
        let site = Site::resume(self.rules.clone(), pool, open, self.now).not_before(newest);
        self.site = site.knowing(known, self.now).with_shares(self.line.confirmed);
        (self.asked, self.connected) = (None, false);
        self.tell(Event::Tick);
    }

    fn lose(&mut self) -> Event {
        self.connected = false;
        Event::EnforcerLost
    }

    /// As the event loop does it: what a round records is one transaction, the rest follows.
    pub fn tell(&mut self, event: Event) {
        let mut events = vec![event];
        for _ in 0..100 {
            let Some(event) = events.pop() else { return };
            self.transcript.push(format!("> {}", brief_event(&event)));
            let (mut changes, mut rest) = (Vec::new(), Vec::new());
            for effect in self.site.handle(event, self.now) {
                self.transcript.push(format!("  {}", brief(&effect)));
                match effect {
                    Effect::Record(change) => changes.push(change),
                    other => rest.push(other),
                }
            }
            if !changes.is_empty() {
                events.push(self.record(changes));
            }
            rest.into_iter().for_each(|effect| self.follow(effect));
        }
        panic!("the site never comes to rest");
    }

    fn follow(&mut self, effect: Effect) {
        match effect {
            Effect::Ask(request) => {
                assert!(self.connected, "asked without a connection");
                if let Request::Apply(desired) = &request {
                    self.line.asked(desired);
                }
                assert!(self.asked.replace(request).is_none(), "asked twice");
                self.asked_at = self.now;
            }
            Effect::Answer(ticket, answer) => {
                assert!(self.answers.iter().all(|(t, _)| *t != ticket.0), "answered twice");
                self.answers.push((ticket.0, answer));
            }
            Effect::AnswerShares(ticket, answer) => {
                assert!(self.told.iter().all(|(t, _)| *t != ticket.0), "told twice");
                self.told.push((ticket.0, answer));
            }
            Effect::Show(pass, terms) => drop(self.shown.insert(pass.device, (pass.until, terms))),
            Effect::Left(left) => {
                for (device, bytes) in left {
                    if let Some((_, terms)) = self.shown.get_mut(&device) {
                        terms.bytes = Some(bytes);
                    }
                }
            }
            Effect::Hide(device) => drop(self.shown.remove(&device)),
            Effect::Record(_) => {}
        }
    }

    pub fn answer_of(&self, pass: PassId) -> Option<Answer> {
        let ticket = pass.0.as_u64_pair().1;
        self.answers.iter().find(|(t, _)| *t == ticket).map(|(_, answer)| *answer)
    }

    /// Every question that was asked since the last restart of the gateway has its answer.
    pub fn waits_for_nobody(&self) -> bool {
        let answered = |n: u64| {
            self.answers.iter().any(|(ticket, _)| *ticket == n) || self.told.iter().any(|(t, _)| *t == n)
        };
        (self.asked_before..self.serial).all(|n| answered(n + 1))
    }

    pub fn text(&self) -> String {
        self.transcript.join("\n")
    }
}
