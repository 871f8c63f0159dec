//! What the kernel holds and has counted, in the words of the protocol.

use crate::{
    exec::ExecError,
    gate::{Actual, Key, Seen, SetName},
    nft,
    queues::{self, GARDEN, IFB, Minor},
    tc,
};
use varco_policy::{
    Lane, Site,
    wire::{Direction, LaneUsage, Measured, PassUsage},
};

/// All passes and lanes. Generation and heals are not the kernel's to know.
///
/// # Errors
/// When the gate or the queues are not there.
pub fn kernel(site: &Site) -> Result<Measured, ExecError> {
    let queues = tc::read(&site.interfaces.wan, &queues::inward(site))?;
    let mut lanes = lanes(site.interfaces.wan.as_str(), Direction::Up)?;
    lanes.extend(self::lanes(IFB, Direction::Down)?);
    let leaf = queues.down.leaves.get(&GARDEN).cloned().unwrap_or_default();
    Ok(Measured { passes: passes(&nft::read()?), lanes, leaf, ..Measured::default() })
}

fn passes(actual: &Actual) -> Vec<PassUsage> {
    let usage = |((set, key), up): (&(SetName, Key), &Seen)| {
        let (SetName::PassUp, Key::Device(device)) = (set, key) else { return None };
        let down =
            actual.get(&(SetName::PassDown, Key::Address(device.address))).copied().unwrap_or_default();
        Some(PassUsage {
            device: *device,
            seconds: up.seconds.unwrap_or_default(),
            up_packets: up.packets,
            up_bytes: up.bytes,
            down_packets: down.packets,
            down_bytes: down.bytes,
        })
    };
    actual.iter().filter_map(usage).collect()
}

fn lanes(dev: &str, direction: Direction) -> Result<Vec<LaneUsage>, ExecError> {
    let classes = tc::classes(dev)?;
    let of_lane = |lane: Lane| {
        let class = classes.iter().find(|c| c.minor == Minor::of(lane))?;
        // A class above others counts what they have carried, but not what they dropped and hold back.
        let below = || classes.iter().filter(move |c| lane == Lane::Guest && c.minor.is_of_guests());
        Some(LaneUsage {
            lane,
            direction,
            bytes: class.bytes,
            packets: class.packets,
            drops: class.drops + below().map(|c| c.drops).sum::<u64>(),
            overlimits: class.overlimits + below().map(|c| c.overlimits).sum::<u64>(),
            backlog: class.backlog + below().map(|c| c.backlog).sum::<u64>(),
            guaranteed: class.class.rate,
            ceiling: class.class.ceil,
        })
    };
    Ok(Lane::ALL.into_iter().filter_map(of_lane).collect())
}
