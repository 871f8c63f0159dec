//! What the machine itself did meanwhile: load and router share its processors, so a figure is of the router only while
//! they have time left.

use super::stats;
use anyhow::{Context, Result};
use std::fs;

/// Counters of the whole machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    idle: u64,
    all: u64,
    lost: u64,
}

impl Machine {
    /// As they are now.
    ///
    /// # Errors
    /// When the kernel does not show them.
    pub fn now() -> Result<Self> {
        let (time, packets) =
            (fs::read_to_string("/proc/stat")?, fs::read_to_string("/proc/net/softnet_stat")?);
        let (idle, all) = times(&time).context("/proc/stat")?;
        Ok(Self { idle, all, lost: lost(&packets).context("/proc/net/softnet_stat")? })
    }

    /// Thousandths of the processors' time that were idle since then, and packets that the kernel dropped between two
    /// interfaces because it did not come to them: before any queue of the router's.
    pub fn since(self, before: Self) -> (u64, u64) {
        (stats::ratio(self.idle - before.idle, self.all - before.all), self.lost - before.lost)
    }
}

/// Ticks idle and all: user, nice, system, idle, waiting, interrupts, soft interrupts, stolen.
fn times(text: &str) -> Option<(u64, u64)> {
    let ticks = text.lines().next()?.strip_prefix("cpu ")?.split_whitespace().take(8);
    let ticks: Vec<u64> = ticks.map(str::parse).collect::<Result<_, _>>().ok()?;
    Some((ticks.get(3)? + ticks.get(4)?, ticks.iter().sum()))
}

/// The second number of each processor's line: dropped, since its backlog was full.
fn lost(text: &str) -> Option<u64> {
    text.lines().map(|line| u64::from_str_radix(line.split(' ').nth(1)?, 16).ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_and_subtracted() {
        assert_eq!(times("cpu  10 1 9 70 10 0 0 0 0 0\ncpu0 1 1\n"), Some((80, 100)));
        assert_eq!(times("cpu0 1 1 1 1 1\n"), None);
        assert_eq!(lost("0000ffff 00000010 0\n00000001 00000001 0\n"), Some(17));
        let before = Machine { idle: 0, all: 0, lost: 1 };
        assert_eq!(Machine { idle: 80, all: 100, lost: 18 }.since(before), (800, 17));
    }
}
