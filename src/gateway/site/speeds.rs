//! How fast each lane is now, from two measurements.

use jiff::SignedDuration;
use varco_policy::{
    Lane, Rate,
    wire::{Direction, LaneUsage},
};

/// How fast a lane was, between the last two measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneRate {
    /// The lane.
    pub lane: Lane,
    /// Seen from the building.
    pub direction: Direction,
    /// Bits per second, on average.
    pub rate: Rate,
}

/// The rates of lanes that had sent `before` and have sent `now`, so much later. Counters that went back count from zero:
/// the queues were set up anew.
pub fn between(before: &[LaneUsage], now: &[LaneUsage], later: SignedDuration) -> Vec<LaneRate> {
    let millis = u64::try_from(later.as_millis()).unwrap_or(0).max(1);
    let rate = |usage: &LaneUsage| {
        let same = |old: &&LaneUsage| (old.lane, old.direction) == (usage.lane, usage.direction);
        let old = before.iter().find(same)?.bytes;
        let sent = usage.bytes.checked_sub(old).unwrap_or(usage.bytes);
        let rate = Rate::from_bits(sent.saturating_mul(8_000) / millis);
        Some(LaneRate { lane: usage.lane, direction: usage.direction, rate })
    };
    now.iter().filter_map(rate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(lane: Lane, bytes: u64) -> LaneUsage {
        let rate = Rate::from_bits(1);
        let direction = Direction::Up;
        let (packets, drops, overlimits, backlog) = (0, 0, 0, 0);
        let (guaranteed, ceiling) = (rate, rate);
        LaneUsage { lane, direction, bytes, packets, drops, overlimits, backlog, guaranteed, ceiling }
    }

    #[test]
    fn a_rate_is_what_was_sent_in_the_time() {
        let five = SignedDuration::from_secs(5);
        let before = [usage(Lane::Office, 1_000), usage(Lane::Guest, 9_000)];
        let now = [usage(Lane::Office, 626_000), usage(Lane::Guest, 5_000), usage(Lane::Critical, 7)];
        let rates: Vec<_> = between(&before, &now, five).iter().map(|r| (r.lane, r.rate.bits())).collect();
        assert_eq!(rates, [(Lane::Office, 1_000_000), (Lane::Guest, 8_000)]);
        assert!(between(&before, &now, SignedDuration::ZERO).len() == 2, "no division by nothing");
    }
}
