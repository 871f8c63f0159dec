//! Guests with one stream and guests with many get the same.

use super::{
    forward::SETTLING,
    load::Load,
    report::{Aim, Chapter, Figure, Unit},
    scenario::Bench,
    stats,
    varco::Varco,
    world::{self, SERVER, World},
};
use anyhow::Result;
use std::thread::sleep;
use varco_policy::Rate;

/// Streams of each guest, again and again.
const STREAMS: [usize; 7] = [64, 1, 2, 4, 8, 16, 32];
const LINE: Rate = Rate::from_bits(200_000_000);

/// Runs it.
///
/// # Errors
/// When something of it cannot be made.
pub fn run(bench: &Bench, chapter: &mut Chapter) -> Result<()> {
    for count in bench.some(&[2, 10, 50], 2) {
        let world = World::open()?;
        world.offload(false)?;
        let mut varco = Varco::start(&world, &bench.programs, LINE, *count)?;
        varco.admit(0..*count)?;
        let mut load = Load::serve(&world.wan)?;
        for (down, word) in [(true, "down"), (false, "up")] {
            let members: Vec<_> =
                (0..*count).map(|n| (world::guest(n), STREAMS.get(n % 7).copied().unwrap_or(1))).collect();
            let group = load.uneven(&world.guests, SERVER, &members, down)?;
            let mut samples = Vec::new();
            for _ in 0..bench.runs {
                group.set(true);
                sleep(SETTLING * 3);
                let before = group.received();
                sleep(bench.time * 2);
                let got: Vec<_> =
                    group.received().iter().zip(before).map(|(after, was)| after - was).collect();
                samples.push(stats::jain(&got));
                group.quiet();
            }
            let name = format!("{count} guests, {word}");
            chapter.figures.push(Figure::alone(name, Unit::Thousandths, &samples, Some(Aim::AtLeast(980))));
        }
    }
    chapter
        .notes
        .push(format!("Jain's index on a line of {LINE}; guests have 64, 1, 2, 4, 8, 16, 32, 64… streams."));
    Ok(())
}
