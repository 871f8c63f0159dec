//! Forwarding with a pass, at 10 to 10,000 passes, next to a plain router.

use super::{
    load::{Group, Load, Streams, bits_per_second, now},
    report::{Aim, Chapter, Figure, Unit},
    scenario::Bench,
    udp::{Datagrams, Flood},
    varco::Varco,
    world::{self, SERVER, World},
};
use anyhow::Result;
use std::{sync::Arc, thread::sleep, time::Duration};
use varco_policy::Rate;

const AIM: Option<Aim> = Some(Aim::AtLeast(980));
/// TCP finds its rate.
pub const SETTLING: Duration = Duration::from_millis(300);
/// Smallest frames: 18 octets of content.
const SMALL: Datagrams = Datagrams { size: 18, pace: None, together: 1 };

/// Runs it.
///
/// # Errors
/// When something of it cannot be made.
pub fn run(bench: &Bench, chapter: &mut Chapter) -> Result<()> {
    let (ours, plain) = (World::open()?, World::open()?);
    plain.masquerade_guests()?;
    for count in bench.some(&[10, 100, 1_000, 10_000], 2) {
        gate(bench, &ours, *count)?;
        let sides = Sides { ours: &ours, plain: &plain, passes: *count };
        for (offload, word) in [(true, "offload"), (false, "no offload")] {
            for world in [&ours, &plain] {
                world.offload(offload)?;
            }
            for streams in bench.some(&[1, 8], 1) {
                chapter.figures.push(sides.tcp(bench, *streams, word)?);
            }
        }
        chapter.figures.push(sides.udp(bench)?);
    }
    chapter
        .notes
        .push("Downloads over TCP; datagrams of 18 octets from the guest, counted where they arrive.".into());
    Ok(())
}

/// A gate with so many passes, and no queues. The enforcer has left, or it would bring them back.
fn gate(bench: &Bench, world: &World, passes: usize) -> Result<()> {
    let mut varco = Varco::start(world, &bench.programs, Rate::from_bits(100_000_000_000), passes)?;
    varco.admit(0..passes)?;
    varco.leave()?;
    world.router.tc("qdisc del dev wan0 root\nqdisc del dev br-guest clsact\nqdisc del dev off0 clsact\n")?;
    world.router.ip("link del ifb-varco\n")
}

struct Sides<'a> {
    ours: &'a World,
    plain: &'a World,
    passes: usize,
}

impl Sides<'_> {
    fn tcp(&self, bench: &Bench, each: usize, word: &str) -> Result<Figure> {
        let streams = Streams { down: true, each };
        let (mut a, mut b) = (Load::serve(&self.ours.wan)?, Load::serve(&self.plain.wan)?);
        let ours = a.group(&self.ours.guests, SERVER, &[world::guest(0)], streams)?;
        let plain = b.group(&self.plain.guests, SERVER, &[world::guest(0)], streams)?;
        let pairs = bench.pairs(|| once(&ours, bench.time), || once(&plain, bench.time))?;
        let name = format!("{} passes, TCP {each}, {word}", self.passes);
        Ok(Figure::pairs(name, Unit::Bits, &pairs, AIM))
    }

    fn udp(&self, bench: &Bench) -> Result<Figure> {
        let flood = |w: &World| Flood::up(&w.guests, &w.wan, SERVER, &[world::guest(0)], SMALL);
        let (ours, plain) = (flood(self.ours)?, flood(self.plain)?);
        let once = |flood: &Flood, world: &World| {
            flood.set(true);
            sleep(SETTLING);
            let (before, began) = (world.wan.packets("eth0")?, now());
            sleep(bench.time);
            let rate = bits_per_second(world.wan.packets("eth0")? - before, began.elapsed()) / 8;
            flood.set(false);
            sleep(Duration::from_millis(50));
            Ok(rate)
        };
        let pairs = bench.pairs(|| once(&ours, self.ours), || once(&plain, self.plain))?;
        Ok(Figure::pairs(format!("{} passes, small UDP", self.passes), Unit::EachSecond, &pairs, AIM))
    }
}

/// The rate of a group that has the line for itself.
///
/// # Errors
/// Never; so that it fits where others fail.
pub fn once(group: &Arc<Group>, time: Duration) -> Result<u64> {
    group.set(true);
    sleep(SETTLING);
    let rate = group.rate(time);
    group.quiet();
    Ok(rate)
}
