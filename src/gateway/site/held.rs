//! The passes in hand and where each stands on its way.

use super::words::Ticket;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use varco_policy::{Device, Pass, PassId, pass::EndCause, wire::KernelPass};

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

/// A pass in hand.
#[derive(Debug)]
pub struct Held {
    pub pass: Pass,
    pub phase: Phase,
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
}

impl Held {
    pub fn begun(pass: Pass, ticket: Ticket) -> Self {
        let (lets_go, active) = (pass.until, pass.since);
        let phase = Phase::Recording;
        Self { pass, phase, entering: Some(ticket), leaving: Vec::new(), lets_go, up_packets: 0, active }
    }

    pub fn taken_up(pass: Pass, phase: Phase, now: Timestamp) -> Self {
        let lets_go = pass.until;
        Self { pass, phase, entering: None, leaving: Vec::new(), lets_go, up_packets: 0, active: now }
    }

    /// The pass as the kernel should hold it; `None` when less than a second is left.
    pub fn for_kernel(&self, now: Timestamp) -> Option<KernelPass> {
        let seconds = u32::try_from(self.pass.left(now).as_secs()).ok()?.min(86_400);
        (seconds > 0).then_some(KernelPass {
            device: self.pass.device,
            slot: self.pass.slot,
            seconds,
            rate: None,
        })
    }

    /// Notes that the kernel has confirmed `seconds` from now.
    pub fn confirmed(&mut self, now: Timestamp, seconds: u32) {
        let lets_go =
            now.saturating_add(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(Timestamp::MAX);
        self.lets_go = self.lets_go.max(lets_go);
    }
}

/// All passes in hand; no two share a hardware address or an IPv4 address.
#[derive(Debug, Default)]
pub struct Table {
    passes: BTreeMap<PassId, Held>,
    by_mac: BTreeMap<varco_policy::Mac, PassId>,
    by_address: BTreeMap<std::net::Ipv4Addr, PassId>,
    expiry: BTreeSet<(Timestamp, PassId)>,
}

impl Table {
    pub fn insert(&mut self, held: Held) {
        let id = held.pass.id;
        self.by_mac.insert(held.pass.device.mac, id);
        self.by_address.insert(held.pass.device.address, id);
        self.expiry.insert((held.pass.until, id));
        self.passes.insert(id, held);
    }

    pub fn remove(&mut self, id: PassId) -> Option<Held> {
        let held = self.passes.remove(&id)?;
        self.by_mac.retain_unless(held.pass.device.mac, id);
        self.by_address.retain_unless(held.pass.device.address, id);
        self.expiry.remove(&(held.pass.until, id));
        Some(held)
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

    /// Passes that a login of this device cannot stand beside: the same hardware address, or the same IPv4 address.
    pub fn conflicting(&self, device: Device) -> BTreeSet<PassId> {
        let both = [self.by_mac.get(&device.mac), self.by_address.get(&device.address)];
        both.into_iter().flatten().copied().collect()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Held> {
        self.passes.values()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Held> {
        self.passes.values_mut()
    }

    pub fn online(&self) -> impl Iterator<Item = &Held> {
        self.iter().filter(|held| held.phase == Phase::Online)
    }

    /// The identifiers of passes in a phase that `wanted` accepts.
    pub fn ids(&self, wanted: impl Fn(Phase) -> bool) -> Vec<PassId> {
        self.iter().filter(|held| wanted(held.phase)).map(|held| held.pass.id).collect()
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

    /// Its end has begun, so its time no longer matters.
    pub fn forget_expiry(&mut self, id: PassId) {
        if let Some(held) = self.passes.get(&id) {
            self.expiry.remove(&(held.pass.until, id));
        }
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
