//! The line shaped by our queues, next to two classes made by hand.

use super::{
    forward,
    load::{Load, Streams},
    report::{Aim, Chapter, Figure, Unit},
    scenario::Bench,
    varco::Varco,
    world::{self, SERVER, World},
};
use anyhow::Result;
use varco_policy::Rate;

const MBIT: u64 = 1_000_000;

/// Runs it.
///
/// # Errors
/// When something of it cannot be made.
pub fn run(bench: &Bench, chapter: &mut Chapter) -> Result<()> {
    for mbit in bench.some(&[100, 1_000, 5_000, 10_000], 2) {
        let rate = Rate::from_bits(mbit * MBIT);
        let (ours, byhand) = (World::open()?, World::open()?);
        byhand.masquerade_guests()?;
        byhand.two_classes(rate)?;
        let mut varco = Varco::start(&ours, &bench.programs, rate, 10)?;
        varco.admit(0..10)?;
        let (mut a, mut b) = (Load::serve(&ours.wan)?, Load::serve(&byhand.wan)?);
        for (down, word) in [(true, "down"), (false, "up")] {
            let streams = Streams { down, each: 8 };
            let left = a.group(&ours.guests, SERVER, &[world::guest(0)], streams)?;
            let right = b.group(&byhand.guests, SERVER, &[world::guest(0)], streams)?;
            let pairs =
                bench.pairs(|| forward::once(&left, bench.time), || forward::once(&right, bench.time))?;
            let name = format!("{rate} {word}");
            chapter.figures.push(Figure::pairs(name, Unit::Bits, &pairs, Some(Aim::AtLeast(990))));
        }
    }
    chapter
        .notes
        .push("One guest with 8 TCP streams; both with burst and quantum fitted to the rate.".into());
    Ok(())
}
