//! How long an evidence pack takes to verify, by both verifiers: `cargo bench -p varco-audit --bench pack`. The aim is a second.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock, prints, and fails where a step fails"
)]

#[path = "../tests/retention/case.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use the rest of it")]
mod case;
#[path = "../tests/site/mod.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod site;

use case::{ASKED, Case, python, verified};
use std::{
    fs,
    time::{Duration, Instant},
};
use varco_audit::pack::{Trust, verify};

/// Runs of each program.
const RUNS: usize = 21;

fn main() {
    let case = Case::site("bench-pack");
    let questions =
        [("one session", ASKED, &[][..]), ("two", "2026-11-20T09:45:00Z", &["--tolerance", "10m"])];
    for (what, instant, more) in questions {
        let pack = case.packed(&case.answered(1100, instant, more));
        let octets = fs::read(&pack).unwrap();
        println!("a pack of {what}, {} octets", octets.len());
        // The keys are those in the pack: where they come from costs nothing.
        report("in the process", || drop(verify(&octets, &Trust::default()).unwrap()));
        let trust = case.trust();
        report("varco-audit verify --pack", || assert!(verified(&pack, &trust).status.success()));
        report("varco_verify.py pack", || assert!(python(&pack, &trust).status.success()));
    }
}

/// The median and the longest of some runs.
fn report(what: &str, mut run: impl FnMut()) {
    let mut took: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let begun = Instant::now();
            run();
            begun.elapsed()
        })
        .collect();
    took.sort_unstable();
    println!(
        "  {what}: {} us in the median, {} at most",
        took[RUNS / 2].as_micros(),
        took[RUNS - 1].as_micros()
    );
}
