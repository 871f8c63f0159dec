//! The bounds hold whatever comes; a modelled line is followed.

use super::*;
use proptest::prelude::*;

const MBIT: u64 = 1_000_000;
const TICK: Duration = Duration::from_millis(10);
const ROUND: u32 = 20;

fn rate(mbit: u64) -> Rate {
    Rate::from_bits(mbit * MBIT)
}

fn mast() -> Autorate {
    let up = Bounds { least: rate(10), most: rate(100) };
    let down = Bounds { least: rate(50), most: rate(600) };
    Autorate::new(up, down, Duration::from_millis(15))
}

/// The downlink of a mast: a deep queue before a radio whose capacity varies, and citizens who want all of it.
struct Line {
    autorate: Autorate,
    now: Duration,
    queue: u64,
    delivered: u64,
}

#[derive(Debug)]
struct Seen {
    /// Part of the capacity used, in percent.
    used: u64,
    /// Delay added in each tick, in milliseconds, sorted.
    delays: Vec<u64>,
}

impl Seen {
    fn percentile(&self, percent: usize) -> u64 {
        self.delays[(self.delays.len() - 1) * percent / 100]
    }
}

impl Line {
    fn new() -> Self {
        Self { autorate: mast(), now: Duration::ZERO, queue: 0, delivered: 0 }
    }

    /// Bits in a tick.
    fn in_tick(mbit: u64) -> u64 {
        mbit * MBIT / 100
    }

    /// One tick of a line of `capacity` Mbit/s while `wanted` Mbit/s are asked for; gives the delay in milliseconds.
    fn tick(&mut self, capacity: u64, wanted: u64) -> u64 {
        let shaped = self.autorate.capacity().down.bits() / 100;
        // The provider's queue: 100 ms of the line at its best, a second when it carries a tenth.
        self.queue = (self.queue + shaped.min(Self::in_tick(wanted))).min(60 * MBIT);
        let sent = self.queue.min(Self::in_tick(capacity));
        self.queue -= sent;
        self.delivered += sent;
        self.now += TICK;
        self.queue * 1000 / (capacity * MBIT)
    }

    fn run(&mut self, seconds: u32, capacity: u64, wanted: u64) -> Seen {
        let (mut delays, mut carried, mut late) = (Vec::new(), 0, VecDeque::from([0; 3]));
        for tick in 1..=seconds * 100 {
            let delay = self.tick(capacity, wanted);
            delays.push(delay);
            if tick % ROUND == 0 {
                // What an echo tells is three ticks old.
                let told = match late[0] {
                    delay if delay > 1_000 => Told::Lost,
                    delay => Told::Added(u32::try_from(delay * 1_000).unwrap()),
                };
                let achieved = Capacity {
                    up: Rate::from_bits(MBIT),
                    down: Rate::from_bits(self.delivered * 100 / u64::from(ROUND)),
                };
                carried += self.delivered;
                self.delivered = 0;
                self.autorate.step(self.now, told, achieved);
            }
            late.pop_front();
            late.push_back(delay);
        }
        delays.sort_unstable();
        Seen { used: carried * 100 / (u64::from(seconds) * capacity * MBIT), delays }
    }

    fn down(&self) -> u64 {
        self.autorate.capacity().down.bits() / MBIT
    }
}

#[test]
fn a_line_of_600_then_60_then_300_is_followed() {
    let mut line = Line::new();
    for (capacity, settling) in [(600, 15), (60, 15), (300, 30)] {
        line.run(settling, capacity, 1_000);
        let seen = line.run(60, capacity, 1_000);
        assert!(seen.used >= 85, "{capacity}: {}% used", seen.used);
        assert!(seen.percentile(50) <= 15, "{capacity}: half of the time {} ms", seen.percentile(50));
        assert!(seen.percentile(99) <= 60, "{capacity}: 1% of the time {} ms", seen.percentile(99));
        assert!(!line.autorate.is_alarmed(), "{capacity}");
    }
}

#[test]
fn a_collapse_is_met_within_seconds() {
    let mut line = Line::new();
    line.run(20, 600, 1_000);
    line.run(3, 60, 1_000);
    assert!(line.down() <= 60, "{}", line.down());
}

#[test]
fn an_idle_line_goes_back_to_the_middle() {
    let mut line = Line::new();
    line.run(20, 600, 1_000);
    assert!(line.down() > 500, "{}", line.down());
    line.run(120, 600, 5);
    assert_eq!(line.autorate.capacity(), mast().capacity());
    line.run(20, 60, 1_000);
    line.run(120, 60, 5);
    assert_eq!(line.autorate.capacity(), mast().capacity());
}

#[test]
fn below_its_least_it_alarms_and_goes_no_lower() {
    let mut line = Line::new();
    line.run(20, 600, 1_000);
    line.run(30, 20, 1_000);
    assert_eq!((line.down(), line.autorate.is_alarmed()), (50, true));
    line.run(60, 300, 1_000);
    assert!(!line.autorate.is_alarmed());
}

#[test]
fn a_dead_line_is_an_alarm() {
    let mut autorate = mast();
    let nothing = Capacity { up: Rate::from_bits(0), down: Rate::from_bits(0) };
    autorate.step(Duration::ZERO, Told::Added(0), nothing);
    let mut at = |tenths: u64, told| {
        autorate.step(Duration::from_millis(tenths * 100), told, nothing);
        autorate.is_alarmed()
    };
    assert!(!at(99, Told::Lost) && at(101, Told::Lost), "after ten seconds");
    assert!(at(110, Told::Added(0)) && !at(202, Told::Added(0)), "ten seconds after it came back");
}

#[test]
fn delay_without_load_is_somebody_elses() {
    let mut autorate = mast();
    let before = autorate.capacity();
    let idle = Capacity { up: Rate::from_bits(1_000), down: Rate::from_bits(1_000) };
    for n in 0..100 {
        autorate.step(Duration::from_millis(n * 200), Told::Added(90_000), idle);
    }
    assert_eq!((autorate.capacity(), autorate.is_alarmed()), (before, false));
}

#[test]
fn hosts_that_never_answered_change_nothing() {
    let mut autorate = mast();
    let before = autorate.capacity();
    let full = Capacity { up: rate(100), down: rate(600) };
    (0..100).for_each(|n| autorate.step(Duration::from_millis(n * 200), Told::Lost, full));
    assert_eq!(autorate.capacity(), before);
}

#[test]
fn hosts_that_fall_silent_on_a_quiet_line_change_nothing() {
    let mut autorate = mast();
    let before = autorate.capacity();
    let light = Capacity { up: rate(2), down: rate(10) };
    autorate.step(Duration::ZERO, Told::Added(0), light);
    (1..300).for_each(|n| autorate.step(Duration::from_millis(n * 200), Told::Lost, light));
    assert_eq!((autorate.capacity(), autorate.is_alarmed()), (before, true));
}

#[test]
fn a_single_late_packet_changes_nothing() {
    let mut autorate = mast();
    let down = autorate.capacity().down;
    for n in 0..40 {
        let added = if n % 4 == 0 { 80_000 } else { 10_000 };
        autorate.step(Duration::from_millis(n * 200), Told::Added(added), autorate.capacity());
    }
    assert!(autorate.capacity().down > down, "it still opens");
}

#[test]
fn the_enforcer_is_told_of_more_than_one_percent() {
    let at = |up, down| Capacity { up: Rate::from_bits(up), down: Rate::from_bits(down) };
    assert!(!differ(at(1_000, 1_000), at(1_010, 990)));
    assert!(differ(at(1_000, 1_000), at(1_011, 1_000)) && differ(at(1_000, 1_000), at(1_000, 989)));
}

proptest! {
    #[test]
    fn the_bounds_are_never_left(
        least in 1_u64..1 << 40,
        more in 0_u64..1 << 40,
        steps in prop::collection::vec((0_u64..2_000, prop::option::of(any::<u32>()), any::<u64>(), any::<u64>()), 0..200),
    ) {
        let bounds = Bounds { least: Rate::from_bits(least), most: Rate::from_bits(least + more) };
        let mut autorate = Autorate::new(bounds, bounds, Duration::from_millis(15));
        let mut now = Duration::ZERO;
        for (later, added, up, down) in steps {
            now += Duration::from_millis(later);
            // Half of the time what a real line could carry.
            let achieved = Capacity { up: Rate::from_bits(up), down: Rate::from_bits(down % (2 * (least + more))) };
            autorate.step(now, added.map_or(Told::Lost, Told::Added), achieved);
            let Capacity { up, down } = autorate.capacity();
            prop_assert!((bounds.least..=bounds.most).contains(&up) && (bounds.least..=bounds.most).contains(&down));
        }
    }
}
