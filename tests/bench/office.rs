//! What the office keeps while guests flood, and what guests get of the rest.

use super::{
    forward::{SETTLING, once},
    load::{Group, Load, Streams},
    machine::Machine,
    report::{Aim, Chapter, Figure, Unit},
    scenario::Bench,
    stats,
    udp::{Datagrams, Flood},
    varco::Varco,
    world::{self, OFFICE, SERVER, World},
};
use anyhow::{Context, Result};
use std::{sync::Arc, thread::sleep, time::Duration};
use varco_policy::Rate;

const MBIT: u64 = 1_000_000;
const MILLISECOND: u64 = 1_000_000;
/// Above this the processors here cannot make single packets of a flood as fast as the line: they come put together, as
/// network cards do it.
const PUT_TOGETHER: Rate = Rate::from_bits(500 * MBIT);
/// Datagrams that are given to the kernel at once then.
const TOGETHER: usize = 40;
/// Samples of 10 ms in which the office asks for its band again.
const SAMPLES: usize = 60;
const SAMPLE: Duration = Duration::from_millis(10);

/// Runs it.
///
/// # Errors
/// When something of it cannot be made.
pub fn at_100_mbit(bench: &Bench, chapter: &mut Chapter) -> Result<()> {
    at(100, bench, chapter)
}

/// As [`at_100_mbit`], on a line of 1 Gbit/s.
///
/// # Errors
/// When something of it cannot be made.
pub fn at_1_gbit(bench: &Bench, chapter: &mut Chapter) -> Result<()> {
    at(1_000, bench, chapter)
}

fn at(mbit: u64, bench: &Bench, chapter: &mut Chapter) -> Result<()> {
    let rate = Rate::from_bits(mbit * MBIT);
    for guests in bench.some(&[1, 50], 1) {
        let case = Case { rate, shaped: rate, guests: *guests, upstream: false };
        case.run(bench, chapter)?;
    }
    let percents: &[u64] = if rate > PUT_TOGETHER { &[90, 85] } else { &[100, 95, 90, 85] };
    for percent in bench.some(percents, 1) {
        let shaped = Rate::from_bits(rate.bits() / 100 * percent);
        let guests = if bench.quick { 2 } else { 50 };
        Case { rate, shaped, guests, upstream: true }.run(bench, chapter)?;
    }
    chapter.notes.push(
        "Each guest has 8 TCP streams up and 8 down; all together send datagrams of 1.2 times the line up, and down where \
         the line's end is here. Datagrams that nobody asked for cannot be refused before the line: where its end is \
         upstream they are not part of the flood. The buffer there holds 1,000 packets each way."
            .into(),
    );
    Ok(())
}

#[derive(Debug, Clone, Copy)]
struct Case {
    rate: Rate,
    shaped: Rate,
    guests: usize,
    upstream: bool,
}

/// What one side of a pair has: down, up, ping p50, ping p99.
type Seen = [u64; 4];

/// What the runs of a case have shown.
#[derive(Debug, Default)]
struct Shown {
    /// Beside the flood, and alone.
    pairs: Vec<(Seen, Seen)>,
    /// What guests reach of an idle line, and the office.
    reached: Vec<(u64, u64)>,
    /// Nanoseconds until the office has its band back.
    back: Vec<u64>,
    /// What the machine did beside the flood: idle, lost.
    machine: Vec<(u64, u64)>,
}

impl Case {
    fn run(self, bench: &Bench, chapter: &mut Chapter) -> Result<()> {
        let world = if self.upstream { World::behind_line(self.rate)? } else { World::open()? };
        world.offload(self.put_together())?;
        let mut varco = Varco::start(&world, &bench.programs, self.shaped, self.guests)?;
        varco.admit(0..self.guests)?;
        let lab = Flooded::open(&world, self)?;
        let mut shown = Shown::default();
        for _ in 0..bench.runs {
            let alone = lab.look(&world, bench.time)?;
            // Without datagrams, which are not counted and leave a guest's own streams nothing.
            shown.reached.push((once(&lab.guests[0], bench.time)?, alone[0]));
            let before = Machine::now()?;
            lab.flood(true);
            sleep(SETTLING * 3);
            shown.back.push(lab.back(alone[0]));
            let beside = lab.look(&world, bench.time)?;
            lab.flood(false);
            shown.machine.push(Machine::now()?.since(before));
            lab.guests.iter().for_each(|group| group.quiet());
            shown.pairs.push((beside, alone));
        }
        self.tell(chapter, &shown);
        Ok(())
    }

    fn put_together(self) -> bool {
        self.rate > PUT_TOGETHER
    }

    fn tell(self, chapter: &mut Chapter, shown: &Shown) {
        let percent = self.shaped.bits() * 100 / self.rate.bits().max(1);
        let place = if self.upstream {
            format!("behind {} at {percent} %", self.rate)
        } else {
            format!("{} here", self.rate)
        };
        let name = |word: &str| format!("{place}, {} guests: {word}", self.guests);
        let of = |what: usize| -> Vec<_> { shown.pairs.iter().map(|(a, b)| (a[what], b[what])).collect() };
        let latency = if self.upstream { Aim::Above(5 * MILLISECOND) } else { Aim::AtMost(1_100) };
        let parts = [
            ("office down", Unit::Bits, Some(Aim::AtLeast(990))),
            ("office up", Unit::Bits, Some(Aim::AtLeast(990))),
            ("ping p50", Unit::Nanoseconds, None),
            ("ping p99", Unit::Nanoseconds, Some(latency)),
        ];
        for (number, (word, unit, aim)) in parts.into_iter().enumerate() {
            chapter.figures.push(Figure::pairs(name(word), unit, &of(number), aim));
        }
        let (idle, lost): (Vec<_>, Vec<_>) = shown.machine.iter().copied().unzip();
        let (back, soon) = (&shown.back, Some(Aim::Under(100 * MILLISECOND + 1)));
        let reached = Some(Aim::AtLeast(970));
        chapter.figures.extend([
            Figure::pairs(name("guests, office idle"), Unit::Bits, &shown.reached, reached),
            Figure::alone(name("office has its band back after"), Unit::Nanoseconds, back, soon),
            Figure::alone(name("processors idle"), Unit::Thousandths, &idle, None),
            Figure::alone(name("lost by the machine"), Unit::Packets, &lost, None),
        ]);
    }
}

struct Flooded {
    office: [Arc<Group>; 2],
    guests: [Arc<Group>; 2],
    datagrams: Vec<Flood>,
    _load: Load,
}

impl Flooded {
    fn open(world: &World, case: Case) -> Result<Self> {
        let members: Vec<_> = (0..case.guests).map(world::guest).collect();
        let mut load = Load::serve(&world.wan)?;
        let mut office = |down| load.group(&world.office, SERVER, &[OFFICE], Streams { down, each: 4 });
        let office = [office(true)?, office(false)?];
        let mut guests = |down| load.group(&world.guests, SERVER, &members, Streams { down, each: 8 });
        let guests = [guests(true)?, guests(false)?];
        let together = if case.put_together() { TOGETHER } else { 1 };
        let what = Datagrams { size: 1_400, pace: Some(case.rate.bits() / 10 * 12), together };
        let mut datagrams = vec![Flood::up(&world.guests, &world.wan, SERVER, &members, what)?];
        if !case.upstream {
            datagrams.push(Flood::down(&world.guests, &world.wan, SERVER, &members, what)?);
        }
        Ok(Self { office, guests, datagrams, _load: load })
    }

    fn flood(&self, on: bool) {
        self.guests.iter().for_each(|group| group.set(on));
        self.datagrams.iter().for_each(|flood| flood.set(on));
    }

    fn look(&self, world: &World, time: Duration) -> Result<Seen> {
        let (down, up) = (once(&self.office[0], time)?, once(&self.office[1], time)?);
        let count = (time.as_millis() / 5).max(20).to_string();
        let said =
            world.office.run("ping", &["-n", "-i", "0.005", "-c", &count, "-W", "2", &SERVER.to_string()])?;
        let times = times(&said).context("no answer to a ping")?;
        Ok([down, up, stats::percentile(&times, 50), stats::percentile(&times, 99)])
    }

    /// Nanoseconds until the office has nine tenths of its band, once it asks; half a second and more where it never has.
    fn back(&self, alone: u64) -> u64 {
        let office = &self.office[0];
        let mut samples = Vec::new();
        office.set(true);
        let mut before = office.total();
        for _ in 0..SAMPLES {
            sleep(SAMPLE);
            let total = office.total();
            samples.push(total - before);
            before = total;
        }
        office.quiet();
        let found = stats::recovered(&samples, 5, alone / 8 / 100, 900).unwrap_or(SAMPLES);
        // Not before the end of its sample.
        (found as u64 + 1) * 10 * MILLISECOND
    }
}

/// The times in what `ping` says, in nanoseconds.
fn times(said: &str) -> Option<Vec<u64>> {
    let one = |line: &str| {
        let (whole, part) = line.split_once("time=")?.1.split(' ').next()?.split_once('.')?;
        let part = format!("{part:0<6}");
        Some(whole.parse::<u64>().ok()? * MILLISECOND + part.get(..6)?.parse::<u64>().ok()?)
    };
    let whole = |line: &str| {
        let text = line.split_once("time=")?.1.split(' ').next()?;
        text.parse::<u64>().ok().map(|millis| millis * MILLISECOND)
    };
    let all: Vec<_> = said.lines().filter_map(|line| one(line).or_else(|| whole(line))).collect();
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pings_are_read_in_nanoseconds() {
        let said =
            "64 bytes from 198.18.0.1: icmp_seq=1 ttl=63 time=0.045 ms\n64 bytes: time=102 ms\n\n1 packets\n";
        assert_eq!(times(said), Some(vec![45_000, 102_000_000]));
        assert_eq!(times("100% packet loss"), None);
    }
}
