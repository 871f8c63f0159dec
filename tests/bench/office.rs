//! What the office keeps while guests flood, and what guests get of the rest.

use super::{
    forward::{SETTLING, once},
    load::{Group, Load, Streams},
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
    for percent in bench.some(&[100, 98, 95, 92, 90, 85], 1) {
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

impl Case {
    fn run(self, bench: &Bench, chapter: &mut Chapter) -> Result<()> {
        let world = if self.upstream { World::behind_line(self.rate)? } else { World::open()? };
        world.offload(false)?;
        let mut varco = Varco::start(&world, &bench.programs, self.shaped, self.guests)?;
        varco.admit(0..self.guests)?;
        let lab = Flooded::open(&world, self)?;
        let (mut pairs, mut reached, mut back) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..bench.runs {
            let alone = lab.look(&world, bench.time)?;
            // Without datagrams, which are not counted and leave a guest's own streams nothing.
            reached.push((once(&lab.guests[0], bench.time)?, alone[0]));
            lab.flood(true);
            sleep(SETTLING * 3);
            back.push(lab.back(alone[0]));
            let beside = lab.look(&world, bench.time)?;
            lab.flood(false);
            lab.guests.iter().for_each(|group| group.quiet());
            pairs.push((beside, alone));
        }
        self.tell(chapter, &pairs, &reached, &back);
        Ok(())
    }

    fn tell(self, chapter: &mut Chapter, pairs: &[(Seen, Seen)], reached: &[(u64, u64)], back: &[u64]) {
        let percent = self.shaped.bits() * 100 / self.rate.bits().max(1);
        let place = if self.upstream {
            format!("behind {} at {percent} %", self.rate)
        } else {
            format!("{} here", self.rate)
        };
        let of = |what: usize| -> Vec<_> { pairs.iter().map(|(a, b)| (a[what], b[what])).collect() };
        let latency = if self.upstream { Aim::Above(5 * MILLISECOND) } else { Aim::AtMost(1_100) };
        let parts = [
            ("office down", Unit::Bits, Some(Aim::AtLeast(990))),
            ("office up", Unit::Bits, Some(Aim::AtLeast(990))),
            ("ping p50", Unit::Nanoseconds, None),
            ("ping p99", Unit::Nanoseconds, Some(latency)),
        ];
        for (number, (word, unit, aim)) in parts.into_iter().enumerate() {
            let name = format!("{place}, {} guests: {word}", self.guests);
            chapter.figures.push(Figure::pairs(name, unit, &of(number), aim));
        }
        let name = format!("{place}, {} guests: guests, office idle", self.guests);
        chapter.figures.push(Figure::pairs(name, Unit::Bits, reached, Some(Aim::AtLeast(970))));
        let name = format!("{place}, {} guests: office has its band back after", self.guests);
        chapter.figures.push(Figure::alone(
            name,
            Unit::Nanoseconds,
            back,
            Some(Aim::Under(100 * MILLISECOND + 1)),
        ));
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
        let what = Datagrams { size: 1_400, pace: Some(case.rate.bits() / 10 * 12) };
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
