//! What the line's threads let the pages know.

use super::waiting::{Fared, Second};
use crate::line::probe::Told;
use std::sync::{PoisonError, RwLock};
use varco_policy::wire::{Capacity, LaneUsage, PortsInUse};

/// Upper bounds of the histogram of delays, in microseconds.
pub const DELAYS: [u32; 11] =
    [500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 50_000, 100_000, 200_000, 500_000];

/// Counted since the start of the program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Milliseconds in which the office waited: towards the Internet, from the Internet.
    pub waited_ms: [u64; 2],
    /// Milliseconds in which it was full, in either direction, and waited in none.
    pub full_ms: u64,
    /// Milliseconds observed.
    pub observed_ms: u64,
    /// Milliseconds of alarm.
    pub alarm_ms: u64,
    /// Rounds of the probe that were answered, by delay added: up to each of [`DELAYS`] and not the one before; above.
    pub delays: [u64; DELAYS.len() + 1],
    /// The sum of the delays added, in microseconds.
    pub delay_us: u64,
    /// Rounds that no host answered.
    pub lost: u64,
}

impl Counts {
    pub(super) fn second(&mut self, second: &Second, alarmed: bool) {
        let millis = u64::try_from(second.length.as_millis()).unwrap_or(u64::MAX);
        let spent = |it: bool| if it { millis } else { 0 };
        self.observed_ms += millis;
        for (waited, fared) in self.waited_ms.iter_mut().zip(second.office) {
            *waited += spent(fared == Fared::Waited);
        }
        let waited = second.office.contains(&Fared::Waited);
        self.full_ms += spent(!waited && second.office.contains(&Fared::Full));
        self.alarm_ms += spent(alarmed);
    }

    pub(super) fn told(&mut self, told: Told) {
        match told {
            Told::Lost => self.lost += 1,
            Told::Added(micros) => {
                let place = DELAYS.iter().position(|bound| micros <= *bound).unwrap_or(DELAYS.len());
                self.delays[place] += 1;
                self.delay_us += u64::from(micros);
            }
        }
    }
}

/// The line now.
#[derive(Debug, Clone, Default)]
pub struct Now {
    /// The lanes when they were last looked at; empty when the enforcer did not answer.
    pub lanes: Vec<LaneUsage>,
    /// What the line is shaped to.
    pub line: Option<Capacity>,
    /// Whether it carries less than its least.
    pub alarm: bool,
    /// Ports in use when they were last looked at.
    pub ports: Option<PortsInUse>,
    /// Counted since the start.
    pub counts: Counts,
    /// Why the evidence cannot be written.
    pub fault: Option<String>,
}

/// The line now, for the pages.
#[derive(Debug, Default)]
pub struct Live(RwLock<Now>);

impl Live {
    /// What is known.
    pub fn now(&self) -> Now {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn change(&self, how: impl FnOnce(&mut Now)) {
        how(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}
