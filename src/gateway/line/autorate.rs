//! Following what a varying line carries. Decides without I/O; time is what has passed since the start of the program.
//!
//! The idea is that of sqm-autorate and cake-autorate: a queue that is not ours shows as delay, so the line is shaped to
//! less while there is delay, and to more while it is full without. An echo does not tell which direction is late;
//! the one that is loaded is held to be. Two departures:
//! - a line that collapses carries far less than it is shaped to and so does not look loaded by the measure of its
//!   shape; when no direction does, the one that carries more of its least is held to be late, from an eighth of it;
//! - what it is cut to is a part of what it carried, not of what it was shaped to: two steps instead of twenty.

use super::probe::Told;
use std::{collections::VecDeque, time::Duration};
use varco_policy::{Rate, wire::Capacity};

/// So many of the last [`WINDOW`] rounds must be late: a radio link delays single packets.
const LATE: usize = 2;
const WINDOW: usize = 4;
/// After a cut the queue has this long to drain before the next one.
const REST: Duration = Duration::from_millis(500);
/// How often an idle line moves towards its base, by 1/64.
const DECAY: Duration = Duration::from_secs(1);
/// For so long after a cut the line is raised with care from 7/8 of what it carried then.
const REMEMBERED: Duration = Duration::from_secs(15);
/// A line that falls together is loaded until then.
const LATELY: Duration = Duration::from_secs(2);
/// Less than its least, or no answer, for this long is an alarm, which ends when there was no cause for as long.
const CALM: Duration = Duration::from_secs(10);
/// Causes that are closer together are one.
const APART: Duration = Duration::from_secs(3);

/// What a direction of the line may be shaped to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The least it carries.
    pub least: Rate,
    /// The most.
    pub most: Rate,
}

/// One direction. Rates in bit/s.
#[derive(Debug)]
struct Steer {
    least: u64,
    most: u64,
    rate: u64,
    /// What it carried when it was cut, and when.
    full: Option<(u64, Duration)>,
}

impl Steer {
    fn new(bounds: Bounds) -> Self {
        let (least, most) = (bounds.least.bits(), bounds.most.bits());
        let mut steer = Self { least, most: most.max(least), rate: 0, full: None };
        steer.rate = steer.base();
        steer
    }

    /// Where an idle line returns to: the middle. Lower, and the office itself would have to wait for the line to open;
    /// higher, and the first lesson would meet a queue.
    const fn base(&self) -> u64 {
        self.least + (self.most - self.least) / 2
    }

    const fn is_loaded(&self, achieved: u64) -> bool {
        achieved > self.rate / 4 * 3
    }

    const fn could_be_full(&self, achieved: u64) -> bool {
        achieved > self.least / 8
    }

    /// What is carried as a part of the least, comparable between directions.
    fn busy(&self, achieved: u64) -> u128 {
        u128::from(achieved) * u128::from(u32::MAX) / u128::from(self.least.max(1))
    }

    fn set(&mut self, wanted: u64) {
        self.rate = wanted.clamp(self.least, self.most);
    }

    /// Gives whether it was at its least already and carried less still.
    fn cut(&mut self, now: Duration, achieved: u64, sharply: bool) -> bool {
        let carried = self.rate.min(achieved);
        let short = self.rate == self.least && carried < self.least / 20 * 19;
        self.full = Some((carried, now));
        self.set(if sharply { carried / 4 * 3 } else { carried / 10 * 9 });
        short
    }

    /// By 1/16, with care by 1/64.
    fn raise(&mut self, now: Duration, with_care: bool) {
        let near =
            |(full, when): (u64, Duration)| now.saturating_sub(when) < REMEMBERED && self.rate > full / 8 * 7;
        let part = if with_care || self.full.is_some_and(near) { 64 } else { 16 };
        self.set(self.rate.saturating_add(self.rate / part));
    }

    fn decay(&mut self) {
        let (step, base) = (self.rate / 64 + 1, self.base());
        let nearer = if self.rate > base {
            self.rate.saturating_sub(step).max(base)
        } else {
            self.rate.saturating_add(step).min(base)
        };
        self.set(nearer);
    }
}

/// Both directions of a varying line.
#[derive(Debug)]
pub struct Autorate {
    up: Steer,
    down: Steer,
    /// Delay added, in microseconds, above which a round is late.
    threshold: u32,
    late: VecDeque<bool>,
    answered: bool,
    /// When a direction was last loaded.
    loaded: Option<Duration>,
    rests_until: Duration,
    decays_at: Duration,
    /// Since when the line has carried less than its least, and when it last did.
    short: Option<(Duration, Duration)>,
    last_answer: Duration,
    alarm: bool,
}

impl Autorate {
    /// Starts at the base of each direction.
    pub fn new(up: Bounds, down: Bounds, added_delay: Duration) -> Self {
        Self {
            up: Steer::new(up),
            down: Steer::new(down),
            threshold: u32::try_from(added_delay.as_micros()).unwrap_or(u32::MAX),
            late: VecDeque::with_capacity(WINDOW),
            answered: false,
            loaded: None,
            rests_until: Duration::ZERO,
            decays_at: Duration::ZERO,
            short: None,
            last_answer: Duration::ZERO,
            alarm: false,
        }
    }

    /// What the line is to be shaped to: always within the bounds.
    pub const fn capacity(&self) -> Capacity {
        Capacity { up: Rate::from_bits(self.up.rate), down: Rate::from_bits(self.down.rate) }
    }

    /// Whether the line carries less than its least, or nothing at all: the guarantees may not hold.
    pub const fn is_alarmed(&self) -> bool {
        self.alarm
    }

    /// Takes what a round has told and what the line has carried since the round before.
    pub fn step(&mut self, now: Duration, told: Told, achieved: Capacity) {
        let added = match told {
            Told::Added(added) => added,
            // Without a single answer yet, the hosts may be wrong or closed: nothing is known of the line.
            Told::Lost if !self.answered => return,
            // Silence on a line that was neither late nor loaded is the hosts', or the line is down: nothing to cut.
            Told::Lost if !self.was_full(now) => return self.watch(now, told),
            Told::Lost => u32::MAX,
        };
        self.answered = true;
        self.watch(now, told);
        if self.up.is_loaded(achieved.up.bits()) || self.down.is_loaded(achieved.down.bits()) {
            self.loaded = Some(now);
        }
        let is_late = added > self.threshold;
        if self.late.len() == WINDOW {
            self.late.pop_front();
        }
        self.late.push_back(is_late);
        if self.late.iter().filter(|late| **late).count() >= LATE {
            self.cut(now, added, achieved);
        } else if !is_late {
            self.open(now, added, achieved);
        }
    }

    fn was_full(&self, now: Duration) -> bool {
        let lately = self.loaded.is_some_and(|when| now.saturating_sub(when) < LATELY);
        lately || self.late.back().is_some_and(|late| *late)
    }

    fn watch(&mut self, now: Duration, told: Told) {
        if told == Told::Lost {
            if now.saturating_sub(self.last_answer) > CALM {
                (self.alarm, self.short) = (true, Some((self.last_answer, now)));
            }
        } else {
            self.last_answer = now;
        }
        self.alarm &= self.short.is_some_and(|(_, last)| now.saturating_sub(last) <= CALM);
    }

    fn fell_short(&mut self, now: Duration) {
        let same = self.short.filter(|(_, last)| now.saturating_sub(*last) <= APART);
        let since = same.map_or(now, |(since, _)| since);
        self.short = Some((since, now));
        self.alarm |= now.saturating_sub(since) >= CALM;
    }

    fn cut(&mut self, now: Duration, added: u32, achieved: Capacity) {
        if now < self.rests_until {
            return;
        }
        let (up, down) = (achieved.up.bits(), achieved.down.bits());
        let late = self.late_directions(up, down);
        let sharply = added / 4 > self.threshold;
        let short_up = late.0 && self.up.cut(now, up, sharply);
        let short_down = late.1 && self.down.cut(now, down, sharply);
        if late.0 || late.1 {
            self.rests_until = now + REST;
            self.late.clear();
        }
        if short_up || short_down {
            self.fell_short(now);
        }
    }

    fn late_directions(&self, up: u64, down: u64) -> (bool, bool) {
        let loaded = (self.up.is_loaded(up), self.down.is_loaded(down));
        if loaded != (false, false) {
            return loaded;
        }
        let busier_up = self.up.busy(up) > self.down.busy(down);
        (busier_up && self.up.could_be_full(up), !busier_up && self.down.could_be_full(down))
    }

    /// Nothing is late: what is loaded may carry more, what is idle goes back to its base.
    fn open(&mut self, now: Duration, added: u32, achieved: Capacity) {
        let with_care = added > self.threshold / 2;
        let decays = now >= self.decays_at;
        if decays {
            self.decays_at = now + DECAY;
        }
        for (steer, achieved) in [(&mut self.up, achieved.up), (&mut self.down, achieved.down)] {
            match steer.is_loaded(achieved.bits()) {
                true => steer.raise(now, with_care),
                false if decays => steer.decay(),
                false => {}
            }
        }
    }
}

/// Whether the enforcer is to be told: a change of more than 1 % in a direction.
pub fn differ(told: Capacity, now: Capacity) -> bool {
    let far = |a: Rate, b: Rate| a.bits().abs_diff(b.bits()) > a.bits() / 100;
    far(told.up, now.up) || far(told.down, now.down)
}

#[cfg(test)]
mod tests;
