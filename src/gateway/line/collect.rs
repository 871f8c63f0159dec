//! Collects a minute. Decides without I/O.

use super::{
    minute::Minute,
    probe::Told,
    waiting::{Fared, Second},
};
use crate::site::Status;
use std::time::Duration;
use varco_policy::{
    Rate,
    wire::{Capacity, PortsInUse},
};

/// The minute under way.
#[derive(Debug, Default)]
pub struct Collector {
    minute: Minute,
    delays: Vec<u32>,
    ports: Option<PortsInUse>,
}

impl Collector {
    /// A second has been observed, with the line shaped to `line`.
    pub fn second(&mut self, second: &Second, line: Capacity, alarmed: bool) {
        let minute = &mut self.minute;
        let millis = u64::try_from(second.length.as_millis()).unwrap_or(u64::MAX);
        minute.observed_ms += millis;
        for (lane, direction, bytes, drops) in &second.lanes {
            let (all_bytes, all_drops) = minute.lane_mut(*lane, *direction);
            *all_bytes = all_bytes.saturating_add(*bytes);
            *all_drops = all_drops.saturating_add(*drops);
        }
        minute.line_up_bytes = minute.line_up_bytes.saturating_add(bytes_in(line.up, second.length));
        minute.line_down_bytes = minute.line_down_bytes.saturating_add(bytes_in(line.down, second.length));
        let [up, down] = second.office;
        let spent = |it: bool| if it { millis } else { 0 };
        minute.office_waited_up_ms += spent(up == Fared::Waited);
        minute.office_waited_down_ms += spent(down == Fared::Waited);
        let waited = up == Fared::Waited || down == Fared::Waited;
        minute.office_waited_ms += spent(waited);
        minute.office_full_ms += spent(!waited && (up == Fared::Full || down == Fared::Full));
        minute.alarm_ms += spent(alarmed);
    }

    /// The site's passes and slots now.
    pub fn status(&mut self, status: &Status) {
        let most = |before: u64, now: usize| before.max(now as u64);
        self.minute.passes = most(self.minute.passes, status.online);
        self.minute.slots_lent = most(self.minute.slots_lent, status.slots_lent);
        self.minute.slots_total = most(0, status.slots_total);
    }

    /// A round of the probe.
    pub fn told(&mut self, told: Told) {
        self.minute.probes += 1;
        match told {
            Told::Added(micros) => self.delays.push(micros),
            Told::Lost => self.minute.probes_lost += 1,
        }
    }

    /// Ports in use now; those when one pass used most are kept.
    pub fn ports(&mut self, ports: PortsInUse) {
        if self.ports.is_none_or(|before| ports.most >= before.most) {
            self.ports = Some(ports);
        }
    }

    /// Ends the minute that began at `at`, in seconds since 1970, and begins the next. `None` when nothing is known of it.
    pub fn close_minute(&mut self, at: u64) -> Option<Minute> {
        let Self { mut minute, mut delays, ports } = std::mem::take(self);
        if minute.observed_ms == 0 && minute.probes == 0 {
            return None;
        }
        minute.at = at;
        delays.sort_unstable();
        minute.delay_p50_us = percentile(&delays, 50);
        minute.delay_p99_us = percentile(&delays, 99);
        minute.delay_max_us = percentile(&delays, 100);
        if let Some(PortsInUse { eighths: [a, b, c, d, e, f, g, h], most }) = ports {
            let known = |count: u32| Some(u64::from(count));
            (minute.passes_by_ports_1, minute.passes_by_ports_2) = (known(a), known(b));
            (minute.passes_by_ports_3, minute.passes_by_ports_4) = (known(c), known(d));
            (minute.passes_by_ports_5, minute.passes_by_ports_6) = (known(e), known(f));
            (minute.passes_by_ports_7, minute.passes_by_ports_8) = (known(g), known(h));
            minute.ports_most = Some(u64::from(most));
        }
        Some(minute)
    }
}

fn bytes_in(rate: Rate, length: Duration) -> u64 {
    let bytes = u128::from(rate.bits()) * length.as_micros() / 8_000_000;
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// The value that so many percent of the sorted ones do not exceed (nearest rank).
pub fn percentile(sorted: &[u32], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).map(|value| u64::from(*value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use varco_policy::{Lane, wire::Direction};

    fn line() -> Capacity {
        Capacity { up: Rate::from_bits(8_000_000), down: Rate::from_bits(80_000_000) }
    }

    fn second(up: Fared, down: Fared) -> Second {
        let lanes = vec![(Lane::Guest, Direction::Down, 4_000_000, 2), (Lane::Office, Direction::Up, 10, 0)];
        Second { length: Duration::from_millis(1_000), lanes, office: [up, down] }
    }

    #[test]
    fn a_minute_is_the_sum_of_its_seconds() {
        let mut collector = Collector::default();
        for (up, down) in [
            (Fared::Well, Fared::Well),
            (Fared::Waited, Fared::Full),
            (Fared::Waited, Fared::Waited),
            (Fared::Well, Fared::Full),
        ] {
            collector.second(&second(up, down), line(), up == Fared::Waited);
        }
        let minute = collector.close_minute(600).unwrap();
        assert_eq!((minute.at, minute.observed_ms, minute.alarm_ms), (600, 4_000, 2_000));
        assert_eq!((minute.guest_down_bytes, minute.guest_down_drops), (16_000_000, 8));
        assert_eq!((minute.line_up_bytes, minute.line_down_bytes), (4_000_000, 40_000_000));
        assert_eq!((minute.office_waited_ms, minute.office_full_ms), (2_000, 1_000));
        assert_eq!((minute.office_waited_up_ms, minute.office_waited_down_ms), (2_000, 1_000));
        assert_eq!(collector.close_minute(660), None, "the next begins with nothing");
    }

    #[test]
    fn delays_are_ranked_and_ports_are_those_of_the_busiest_moment() {
        let mut collector = Collector::default();
        (1..=200).for_each(|micros| collector.told(Told::Added(micros)));
        collector.told(Told::Lost);
        collector.ports(PortsInUse { eighths: [5, 0, 0, 0, 0, 0, 0, 1], most: 400 });
        collector.ports(PortsInUse { eighths: [6, 0, 0, 0, 0, 0, 0, 0], most: 20 });
        let minute = collector.close_minute(0).unwrap();
        let delays = (minute.delay_p50_us, minute.delay_p99_us, minute.delay_max_us);
        assert_eq!(delays, (Some(100), Some(198), Some(200)));
        assert_eq!((minute.probes, minute.probes_lost), (201, 1));
        assert_eq!((minute.passes_by_ports_1, minute.passes_by_ports_8), (Some(5), Some(1)));
        assert_eq!(minute.ports_most, Some(400));
    }

    #[test]
    fn what_was_not_measured_is_not_zero() {
        let mut collector = Collector::default();
        collector.second(&second(Fared::Well, Fared::Well), line(), false);
        let minute = collector.close_minute(0).unwrap();
        assert_eq!((minute.delay_max_us, minute.ports_most), (None, None));
    }
}
