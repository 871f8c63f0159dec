//! The live chart of the demo: what a guest and the office get while both want all of it.

use crate::start::say;
use anyhow::{Context, Result};
use std::{
    cell::RefCell,
    process::{Child, Command},
    thread::sleep,
    time::{Duration, Instant},
};
use varco_policy::Rate;

/// How often the chart has a row.
const ROW: Duration = Duration::from_millis(500);
/// Rows of each of the three phases.
const ROWS: usize = 9;
/// Rows at the start of a phase that are not judged: TCP finds its rate.
const SETTLING: usize = 4;
/// Characters of a full bar.
const WIDTH: u64 = 30;

/// A counter of bytes on a host, read by a command.
#[derive(Debug)]
pub struct Meter {
    command: RefCell<Command>,
}

impl Meter {
    /// A meter that runs `command`, which prints the counter.
    pub fn new(command: Command) -> Self {
        Self { command: RefCell::new(command) }
    }

    fn read(&self) -> Result<u64> {
        let said = self.command.borrow_mut().output()?.stdout;
        String::from_utf8(said)?.trim().parse().context("not a counter")
    }
}

/// Mean rates in bit/s, each over the settled rows of a phase.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// The guest, with the office idle.
    pub guest_alone: u64,
    /// The guest, beside the office.
    pub guest_beside: u64,
    /// The office, beside the guest.
    pub office: u64,
    /// The guest, after the office has stopped.
    pub guest_again: u64,
}

/// Draws while the guest downloads all the time and the office in the second of three phases.
///
/// # Errors
/// When a download cannot start or a counter cannot be read.
pub fn draw(
    line: Rate,
    guest: &Meter,
    office: &Meter,
    guest_starts: impl Fn() -> Result<Child>,
    office_starts: impl Fn() -> Result<Child>,
) -> Result<Seen> {
    let chart = Chart { line, guest, office };
    let mut downloading = guest_starts()?;
    let alone = chart.phase("office idle")?;
    let mut working = office_starts()?;
    let beside = chart.phase("office busy")?;
    end(&mut working)?;
    let again = chart.phase("office idle")?;
    end(&mut downloading)?;
    Ok(Seen { guest_alone: alone.0, guest_beside: beside.0, office: beside.1, guest_again: again.0 })
}

fn end(child: &mut Child) -> Result<()> {
    child.kill()?;
    child.wait()?;
    Ok(())
}

struct Chart<'a> {
    line: Rate,
    guest: &'a Meter,
    office: &'a Meter,
}

impl Chart<'_> {
    /// Draws the rows of a phase; the mean rates of guest and office once settled.
    fn phase(&self, name: &str) -> Result<(u64, u64)> {
        let mut settled = (now(), self.guest.read()?, self.office.read()?);
        let mut last = settled;
        for row in 0..ROWS {
            sleep(ROW);
            let next = (now(), self.guest.read()?, self.office.read()?);
            let (guest, office) = rates(last, next);
            say(&format!("    {name}  guest {}  office {}\n", self.bar(guest), self.bar(office)))?;
            last = next;
            if row + 1 == SETTLING {
                settled = next;
            }
        }
        Ok(rates(settled, last))
    }

    fn bar(&self, rate: u64) -> String {
        let filled = (rate * WIDTH / self.line.bits().max(1)).min(WIDTH);
        let text = "█".repeat(usize::try_from(filled).unwrap_or(0));
        format!("{text:<30} {:>4} Mbit/s", rate / 1_000_000)
    }
}

type Sample = (Instant, u64, u64);

fn rates(from: Sample, to: Sample) -> (u64, u64) {
    let millis = u64::try_from((to.0 - from.0).as_millis()).unwrap_or(u64::MAX).max(1);
    let rate = |before: u64, after: u64| after.saturating_sub(before) * 8 * 1000 / millis;
    (rate(from.1, to.1), rate(from.2, to.2))
}

#[expect(clippy::disallowed_methods, reason = "the edge: a rate needs the time between two readings")]
fn now() -> Instant {
    Instant::now()
}
