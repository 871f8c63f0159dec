//! The passes in hand and where each stands on its way. What is asked at every event is found without looking at each
//! pass: the table keeps them by phase, by person and by time.

use super::words::Ticket;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use varco_policy::{Device, Pass, PassId, Rate, Subject, pass::EndCause, wire::KernelPass};

/// Where a pass stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Its start is being recorded.
    Recording,
    /// Its start is durable; the enforcer is to be asked.
    Recorded,
    /// The enforcer has been asked to admit it.
    Admitting,
    /// Admitted.
    Online,
    /// To be expelled.
    Leaving(EndCause),
    /// The enforcer has been asked to expel it.
    Expelling(EndCause),
    /// The kernel has let go; its end is to be recorded.
    Ended {
        /// Why.
        cause: EndCause,
        /// When the kernel had let go.
        at: Timestamp,
        /// When that was certain.
        freed: Timestamp,
    },
}

/// A phase without what goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Recording,
    Recorded,
    Admitting,
    Online,
    Leaving,
    Expelling,
    Ended,
}

impl Phase {
    const fn stage(self) -> Stage {
        match self {
            Self::Recording => Stage::Recording,
            Self::Recorded => Stage::Recorded,
            Self::Admitting => Stage::Admitting,
            Self::Online => Stage::Online,
            Self::Leaving(_) => Stage::Leaving,
            Self::Expelling(_) => Stage::Expelling,
            Self::Ended { .. } => Stage::Ended,
        }
    }

    /// Its end has not begun.
    pub fn is_alive(self) -> bool {
        self.stage() <= Stage::Online
    }
}

/// A pass in hand.
#[derive(Debug)]
pub struct Held {
    pub pass: Pass,
    phase: Phase,
    /// Why it ends when its time is over.
    pub ends: EndCause,
    /// Its own rate, where it has one.
    pub rate: Option<Rate>,
    /// Who waits to be online.
    pub entering: Option<Ticket>,
    /// Who waits for the end.
    pub leaving: Vec<Ticket>,
    /// When the kernel's own timeout fires at the latest.
    pub lets_go: Timestamp,
    /// Packets from the device when last measured.
    pub up_packets: u64,
    /// When that number last changed.
    pub active: Timestamp,
    /// The kernel's bytes, both directions added, that the person has been charged for.
    pub counted: u64,
}

impl Held {
    pub fn begun(pass: Pass, ends: EndCause, ticket: Ticket) -> Self {
        let active = pass.since;
        Self { entering: Some(ticket), active, ..Self::taken_up(pass, Phase::Recording, ends, active) }
    }

    pub fn taken_up(pass: Pass, phase: Phase, ends: EndCause, now: Timestamp) -> Self {
        Self {
            lets_go: pass.until,
            pass,
            phase,
            ends,
            rate: None,
            entering: None,
            leaving: Vec::new(),
            up_packets: 0,
            active: now,
            counted: 0,
        }
    }

    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// The pass as the kernel should hold it; `None` when less than a second is left.
    pub fn for_kernel(&self, now: Timestamp) -> Option<KernelPass> {
        let seconds = u32::try_from(self.pass.left(now).as_secs()).ok()?.min(86_400);
        let Pass { device, slot, .. } = self.pass;
        (seconds > 0).then_some(KernelPass { device, slot, seconds, rate: self.rate })
    }

    /// Notes that the kernel has confirmed `seconds` from now.
    pub fn confirmed(&mut self, now: Timestamp, seconds: u32) {
        let lets_go =
            now.saturating_add(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(Timestamp::MAX);
        self.lets_go = self.lets_go.max(lets_go);
    }

    /// The bytes since the last measurement. A kernel that has counted less than before has begun again.
    pub fn moved(&mut self, counter: u64) -> u64 {
        let moved = counter.checked_sub(self.counted).unwrap_or(counter);
        self.counted = counter;
        moved
    }
}

/// All passes in hand; no two share a hardware address or an IPv4 address.
#[derive(Debug, Default)]
pub struct Table {
    passes: BTreeMap<PassId, Held>,
    by_mac: BTreeMap<varco_policy::Mac, PassId>,
    by_address: BTreeMap<std::net::Ipv4Addr, PassId>,
    by_stage: BTreeMap<Stage, BTreeSet<PassId>>,
    /// With the beginning of each pass, so that the oldest comes first.
    by_person: BTreeMap<Subject, BTreeSet<(Timestamp, PassId)>>,
    expiry: BTreeSet<(Timestamp, PassId)>,
}

impl Table {
    pub fn insert(&mut self, held: Held) {
        let id = held.pass.id;
        self.by_mac.insert(held.pass.device.mac, id);
        self.by_address.insert(held.pass.device.address, id);
        self.by_stage.entry(held.phase.stage()).or_default().insert(id);
        self.by_person.entry(held.pass.subject.clone()).or_default().insert((held.pass.since, id));
        if held.phase.is_alive() {
            self.expiry.insert((held.pass.until, id));
        }
        self.passes.insert(id, held);
    }

    pub fn remove(&mut self, id: PassId) -> Option<Held> {
        let held = self.passes.remove(&id)?;
        self.by_mac.retain_unless(held.pass.device.mac, id);
        self.by_address.retain_unless(held.pass.device.address, id);
        self.by_stage.entry(held.phase.stage()).or_default().remove(&id);
        if let Some(all) = self.by_person.get_mut(&held.pass.subject) {
            all.remove(&(held.pass.since, id));
            if all.is_empty() {
                self.by_person.remove(&held.pass.subject);
            }
        }
        self.expiry.remove(&(held.pass.until, id));
        Some(held)
    }

    /// The pass goes on to another phase. Once its end has begun, its time no longer matters.
    pub fn move_to(&mut self, id: PassId, phase: Phase) {
        let Some(held) = self.passes.get_mut(&id) else { return };
        self.by_stage.entry(held.phase.stage()).or_default().remove(&id);
        self.by_stage.entry(phase.stage()).or_default().insert(id);
        held.phase = phase;
        if !phase.is_alive() {
            self.expiry.remove(&(held.pass.until, id));
        }
    }

    /// The pass ends earlier than was thought.
    pub fn shorten(&mut self, id: PassId, until: Timestamp, ends: EndCause) {
        let Some(held) = self.passes.get_mut(&id) else { return };
        if self.expiry.remove(&(held.pass.until, id)) {
            self.expiry.insert((until, id));
        }
        (held.pass.until, held.ends) = (until, ends);
    }

    /// How many passes are in hand, from the beginning to the durable end.
    pub fn len(&self) -> usize {
        self.passes.len()
    }

    pub fn get(&self, id: PassId) -> Option<&Held> {
        self.passes.get(&id)
    }

    pub fn get_mut(&mut self, id: PassId) -> Option<&mut Held> {
        self.passes.get_mut(&id)
    }

    /// The pass of exactly this device.
    pub fn of_device(&self, device: Device) -> Option<&Held> {
        self.get(*self.by_mac.get(&device.mac)?).filter(|held| held.pass.device == device)
    }

    /// The same, to change it.
    pub fn of_device_mut(&mut self, device: Device) -> Option<&mut Held> {
        self.passes.get_mut(self.by_mac.get(&device.mac)?).filter(|held| held.pass.device == device)
    }

    /// Passes that a login of this device cannot stand beside: the same hardware address, or the same IPv4 address.
    pub fn conflicting(&self, device: Device) -> BTreeSet<PassId> {
        let both = [self.by_mac.get(&device.mac), self.by_address.get(&device.address)];
        both.into_iter().flatten().copied().collect()
    }

    /// The passes of a person, oldest first.
    pub fn of_person(&self, person: &Subject) -> impl Iterator<Item = &Held> {
        let all = self.by_person.get(person);
        all.into_iter().flatten().filter_map(|(_, id)| self.passes.get(id))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Held> {
        self.passes.values()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Held> {
        self.passes.values_mut()
    }

    pub fn online(&self) -> impl Iterator<Item = &Held> {
        self.at(Stage::Online).filter_map(|id| self.get(id))
    }

    /// How many passes are at this stage.
    pub fn count(&self, stage: Stage) -> usize {
        self.by_stage.get(&stage).map_or(0, BTreeSet::len)
    }

    /// The identifiers of the passes at this stage.
    pub fn at(&self, stage: Stage) -> impl Iterator<Item = PassId> {
        self.by_stage.get(&stage).into_iter().flatten().copied()
    }

    /// How many passes are online and stay so for `time`.
    pub fn lasting(&self, time: SignedDuration, now: Timestamp) -> usize {
        let end = now.saturating_add(time).unwrap_or(Timestamp::MAX);
        let soon = self.expiry.iter().take_while(|(until, _)| *until < end);
        let online = |id: &PassId| self.get(*id).is_some_and(|held| held.phase == Phase::Online);
        self.count(Stage::Online).saturating_sub(soon.filter(|(_, id)| online(id)).count())
    }

    /// The pass that expires first among those whose end has not begun.
    pub fn first_expiry(&self) -> Option<Timestamp> {
        self.expiry.first().map(|(until, _)| *until)
    }

    /// Takes the next pass that has expired by `now`.
    pub fn next_expired(&mut self, now: Timestamp) -> Option<PassId> {
        let (until, id) = *self.expiry.first()?;
        (until <= now).then(|| self.expiry.pop_first()).flatten();
        (until <= now).then_some(id)
    }
}

/// Removal of an index entry only while it still points at the pass removed.
trait RetainUnless<K> {
    fn retain_unless(&mut self, key: K, id: PassId);
}

impl<K: Ord> RetainUnless<K> for BTreeMap<K, PassId> {
    fn retain_unless(&mut self, key: K, id: PassId) {
        if self.get(&key) == Some(&id) {
            self.remove(&key);
        }
    }
}
