//! What the kernel holds and has counted, in the words of the protocol.

use crate::{
    classes::{self, Counted, Load},
    elements,
    exec::ExecError,
    flows,
    gate::{Key, Seen, SetName},
    queues::{Class, GARDEN, IFB, Minor},
};
use std::{
    collections::{BTreeMap, HashMap},
    net::Ipv4Addr,
};
use varco_policy::{
    Lane, Site, Slot,
    wire::{Direction, LaneUsage, Measured, PassUsage, PortsInUse},
};

/// All passes and lanes. Generation and heals are not the kernel's to know.
///
/// # Errors
/// When the gate or the queues are not there.
pub fn kernel(site: &Site) -> Result<Measured, ExecError> {
    let leaf = classes::leaf(IFB, GARDEN)?.unwrap_or_default();
    Ok(Measured { passes: passes()?, lanes: lanes(site)?, leaf, ..Measured::default() })
}

fn passes() -> Result<Vec<PassUsage>, ExecError> {
    let down: HashMap<Key, Seen> = elements::read_set(SetName::PassDown)?.into_iter().collect();
    let usage = |(key, up): (Key, Seen)| {
        let Key::Device(device) = key else { return None };
        let down = down.get(&Key::Address(device.address)).copied().unwrap_or_default();
        Some(PassUsage {
            device,
            seconds: up.seconds.unwrap_or_default(),
            up_packets: up.packets,
            up_bytes: up.bytes,
            down_packets: down.packets,
            down_bytes: down.bytes,
        })
    };
    Ok(elements::read_set(SetName::PassUp)?.into_iter().filter_map(usage).collect())
}

/// Every lane in both directions, at the same cost with one pass and with 10,000.
///
/// # Errors
/// When the queues are not there.
pub fn lanes(site: &Site) -> Result<Vec<LaneUsage>, ExecError> {
    let mut lanes = of_tree(site.interfaces.wan.as_str(), Direction::Up)?;
    lanes.extend(of_tree(IFB, Direction::Down)?);
    Ok(lanes)
}

/// The guests' class is above others and does not count what they have dropped and hold back: that is what the tree has,
/// less the other lanes'. So a packet of no lane that the full direct queue dropped is counted as the guests'.
fn of_tree(dev: &str, direction: Direction) -> Result<Vec<LaneUsage>, ExecError> {
    let missing = || ExecError::Unreadable { program: "the network", what: format!("the queues of {dev}") };
    let mut of_guests = classes::whole(dev)?.ok_or_else(missing)?;
    let mut lanes = Vec::new();
    for lane in Lane::ALL {
        let Counted { class, mut load, .. } = classes::one(dev, Minor::of(lane))?.ok_or_else(missing)?;
        if lane == Lane::Guest {
            (load.drops, load.backlog) = (of_guests.drops, of_guests.backlog);
        } else {
            of_guests.drops = of_guests.drops.saturating_sub(load.drops);
            of_guests.backlog = of_guests.backlog.saturating_sub(load.backlog);
        }
        lanes.push(usage(lane, direction, class, load));
    }
    Ok(lanes)
}

const fn usage(lane: Lane, direction: Direction, class: Class, load: Load) -> LaneUsage {
    let Load { bytes, packets, drops, overlimits, backlog } = load;
    let (guaranteed, ceiling) = (class.rate, class.ceil);
    LaneUsage { lane, direction, bytes, packets, drops, overlimits, backlog, guaranteed, ceiling }
}

/// The ports of its slot that a guest uses, a bit each: a thousand connections of each of 10,000 guests are not kept.
type Used = HashMap<Ipv4Addr, Vec<u64>>;

/// How many of its ports each of these slots uses now.
///
/// # Errors
/// When conntrack cannot be listed.
pub fn ports(site: &Site, slots: &BTreeMap<Ipv4Addr, Slot>) -> Result<PortsInUse, ExecError> {
    let used = flows::fold(&site.guest, |used: &mut Used, guest, public| {
        if let Some(slot) = slots.get(&guest) {
            mark(used.entry(guest).or_default(), *slot, public);
        }
    })?;
    Ok(count(slots, &used))
}

/// However many flows to however many hosts use it, it is one port.
fn mark(used: &mut Vec<u64>, slot: Slot, (address, port): (Ipv4Addr, u16)) {
    if !slot.covers(address, port) {
        return;
    }
    let at = usize::from(port - slot.first_port);
    used.resize(used.len().max(at / 64 + 1), 0);
    if let Some(word) = used.get_mut(at / 64) {
        *word |= 1 << (at % 64);
    }
}

fn count(slots: &BTreeMap<Ipv4Addr, Slot>, used: &Used) -> PortsInUse {
    let mut ports = PortsInUse::default();
    for (guest, slot) in slots {
        let size = u32::from(slot.last_port.saturating_sub(slot.first_port)) + 1;
        let used: u32 = used.get(guest).into_iter().flatten().map(|word| word.count_ones()).sum();
        ports.most = ports.most.max(u16::try_from(used).unwrap_or(u16::MAX));
        let eighth = (used * 8).div_ceil(size).saturating_sub(1);
        if let Some(passes) = usize::try_from(eighth).ok().and_then(|at| ports.eighths.get_mut(at)) {
            *passes += 1;
        }
    }
    ports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_counted_by_eighths_of_a_slot() {
        let public = Ipv4Addr::new(198, 18, 0, 3);
        let guest = |n| Ipv4Addr::new(10, 64, 0, n);
        let slot = |n: u16| Slot { address: public, first_port: 1024 + n * 512, last_port: 1535 + n * 512 };
        let slots = (0..4).map(|n| (guest(n), slot(n.into()))).collect();
        let mut used = Used::new();
        // The last one's flows leave from another's ports: they are not its own. The first one's ports are used twice.
        for (n, from, flows) in [(0, 0, 64), (0, 0, 64), (1, 1, 65), (2, 2, 512), (3, 0, 9)] {
            for k in 0..flows {
                mark(used.entry(guest(n)).or_default(), slot(n.into()), (public, slot(from).first_port + k));
            }
        }
        assert_eq!(count(&slots, &used), PortsInUse { eighths: [2, 1, 0, 0, 0, 0, 0, 1], most: 512 });
    }
}
