//! Slots: the public IPv4 address and block of source ports lent with a pass.
//!
//! "Who used address A, port P at time T" is answered from the records of slots alone, without a log of
//! flows. So a slot is lent to one pass at a time, and rests in quarantine before it is lent again.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::Ipv4Addr,
};

/// A public IPv4 address and a block of its source ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Public IPv4 address.
    pub address: Ipv4Addr,
    /// First source port.
    pub first_port: u16,
    /// Last source port, included.
    pub last_port: u16,
}

impl Slot {
    /// Whether the slot covers this address and port.
    pub fn covers(&self, address: Ipv4Addr, port: u16) -> bool {
        self.address == address && (self.first_port..=self.last_port).contains(&port)
    }
}

/// Lowest port lent: those below are the well-known ones (RFC 6335).
pub const FIRST_PORT: u16 = 1024;

/// The sizes a block may have: each divides the 64,512 ports of an address without rest.
pub const SIZES: [u16; 3] = [256, 512, 1024];

/// Slots in the order in which they came, each found without looking at the others: a restart takes thousands out.
#[derive(Debug, Clone, Default)]
struct Queue {
    order: BTreeMap<u64, Slot>,
    places: BTreeMap<Slot, u64>,
    next: u64,
}

impl Queue {
    fn push(&mut self, slot: Slot) {
        self.order.insert(self.next, slot);
        self.places.insert(slot, self.next);
        self.next += 1;
    }

    fn pop(&mut self) -> Option<Slot> {
        let (_, slot) = self.order.pop_first()?;
        self.places.remove(&slot);
        Some(slot)
    }

    fn remove(&mut self, slot: Slot) -> bool {
        self.places.remove(&slot).is_some_and(|place| self.order.remove(&place).is_some())
    }

    fn len(&self) -> usize {
        self.order.len()
    }
}

/// All slots of a site: free, lent, or in quarantine.
#[derive(Debug, Clone)]
pub struct SlotPool {
    free: Queue,
    lent: BTreeSet<Slot>,
    quarantined: VecDeque<(Timestamp, Slot)>,
    quarantine: SignedDuration,
}

impl SlotPool {
    /// A pool of blocks of `size` ports (one of [`SIZES`]) on each address, quarantined for `quarantine`.
    pub fn new(addresses: &[Ipv4Addr], size: u16, quarantine: SignedDuration) -> Self {
        let starts = || (FIRST_PORT..=u16::MAX).step_by(usize::from(size.max(1)));
        let block = |address, first_port: u16| Slot {
            address,
            first_port,
            last_port: first_port.saturating_add(size - 1),
        };
        let mut free = Queue::default();
        addresses.iter().flat_map(|a| starts().map(move |p| block(*a, p))).for_each(|slot| free.push(slot));
        Self { free, lent: BTreeSet::new(), quarantined: VecDeque::new(), quarantine }
    }

    /// Lends the slot that has rested longest; `None` when every one is lent or in quarantine.
    pub fn lend(&mut self, now: Timestamp) -> Option<Slot> {
        self.release(now);
        let slot = self.free.pop()?;
        self.lent.insert(slot);
        Some(slot)
    }

    /// Takes back a slot: it rests before it is lent again. A slot that was not lent is left as it is.
    pub fn give_back(&mut self, slot: Slot, now: Timestamp) {
        if self.lent.remove(&slot) {
            self.quarantined.push_back((now.saturating_add(self.quarantine).unwrap_or(Timestamp::MAX), slot));
        }
    }

    /// After a restart: marks the slot of a pass that is still open. `false` when the site's settings no
    /// longer hold this slot, or it is lent already.
    pub fn restore(&mut self, slot: Slot) -> bool {
        self.free.remove(slot) && self.lent.insert(slot)
    }

    /// After a restart: puts a slot that was in use until `ended` back into its quarantine.
    pub fn rest(&mut self, slot: Slot, ended: Timestamp) {
        if self.restore(slot) {
            self.give_back(slot, ended);
        }
    }

    /// How many slots are lent now.
    pub fn lent(&self) -> usize {
        self.lent.len()
    }

    /// How many slots the site has.
    pub fn total(&self) -> usize {
        self.free.len() + self.lent.len() + self.quarantined.len()
    }

    fn release(&mut self, now: Timestamp) {
        while let Some((_, slot)) = self.quarantined.pop_front_if(|(until, _)| *until <= now) {
            self.free.push(slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 18, 1, 1);
    const TEN_MINUTES: SignedDuration = SignedDuration::from_mins(10);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn an_address_holds_126_blocks_of_512_ports() {
        let mut pool = SlotPool::new(&[ADDRESS], 512, TEN_MINUTES);
        assert_eq!(pool.total(), 126);
        let slots: Vec<_> = std::iter::from_fn(|| pool.lend(at(0))).collect();
        assert_eq!(slots.len(), 126);
        assert_eq!((slots[0].first_port, slots[0].last_port), (1024, 1535));
        assert_eq!((slots[125].first_port, slots[125].last_port), (65024, 65535));
    }

    #[test]
    fn a_slot_rests_before_it_is_lent_again() {
        let mut pool = SlotPool::new(&[ADDRESS], 1024, TEN_MINUTES);
        let all: Vec<_> = std::iter::from_fn(|| pool.lend(at(0))).collect();
        pool.give_back(all[5], at(100));
        assert_eq!(pool.lend(at(699)), None);
        assert_eq!(pool.lend(at(700)), Some(all[5]));
    }

    #[test]
    fn a_restart_keeps_lent_and_resting_slots() {
        let mut before = SlotPool::new(&[ADDRESS], 512, TEN_MINUTES);
        let (open, ended) = (before.lend(at(0)).unwrap(), before.lend(at(0)).unwrap());
        let mut after = SlotPool::new(&[ADDRESS], 512, TEN_MINUTES);
        assert!(after.restore(open) && !after.restore(open));
        after.rest(ended, at(50));
        let lent: Vec<_> = std::iter::from_fn(|| after.lend(at(60))).collect();
        assert_eq!(lent.len(), 124);
        assert!(!lent.contains(&open) && !lent.contains(&ended));
    }

    proptest! {
        #[test]
        fn no_slot_has_two_holders(steps in proptest::collection::vec((any::<bool>(), 0usize..8, 0i64..900), 1..200)) {
            let mut pool = SlotPool::new(&[ADDRESS], 1024, TEN_MINUTES);
            let (mut held, mut last_end, mut clock) = (Vec::new(), std::collections::BTreeMap::new(), 0);
            for (lend, which, wait) in steps {
                clock += wait;
                if lend {
                    if let Some(slot) = pool.lend(at(clock)) {
                        prop_assert!(!held.contains(&slot));
                        prop_assert!(last_end.get(&slot).is_none_or(|end| clock - end >= 600));
                        held.push(slot);
                    }
                } else if !held.is_empty() {
                    let slot = held.remove(which % held.len());
                    last_end.insert(slot, clock);
                    pool.give_back(slot, at(clock));
                }
                prop_assert_eq!(pool.total(), 63);
                prop_assert_eq!(pool.lent(), held.len());
            }
        }
    }
}
