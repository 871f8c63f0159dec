//! `varco-bench`: each figure is a ratio within one run, of Varco and of what it is compared with, in network
//! namespaces of its own. Never a test: `make bench`.

mod admit;
mod cards;
mod fairness;
mod forward;
mod host;
mod load;
mod machine;
mod office;
mod peers;
mod probes;
mod records;
mod report;
mod scenario;
mod shaped;
mod space;
mod stats;
mod storage;
mod udp;
mod varco;
mod world;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use report::Chapter;
use scenario::{Bench, Scenario};
use std::{fmt::Write, fs, path::PathBuf, process::ExitCode, time::Duration};
use varco_tests::{lab, start};

#[derive(Parser)]
#[command(name = "varco-bench", about = "Measures Varco, next to what it is compared with.")]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(flatten)]
    asked: Asked,
    #[command(subcommand)]
    order: Option<Order>,
}

#[derive(Args, Clone)]
struct Asked {
    /// The scenarios to run; all where none is named.
    names: Vec<String>,
    /// Name the scenarios.
    #[arg(long)]
    list: bool,
    /// How many times each pair is measured: 1 to 100.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=100))]
    runs: u8,
    /// Milliseconds of one measurement.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(100..=60_000))]
    millis: u32,
    /// A few cases of each, measured once and briefly: to see that it works. Its figures mean nothing.
    #[arg(long)]
    quick: bool,
    /// Folder of Varco's programs, instead of the one that holds varco-bench.
    #[arg(long)]
    programs: Option<PathBuf>,
    /// Write the report there too, as Markdown.
    #[arg(long)]
    out: Option<PathBuf>,
}

#[derive(Subcommand, Clone)]
enum Order {
    #[command(hide = true)]
    Inside(Asked),
    #[command(hide = true)]
    Keep,
    #[command(hide = true)]
    LendUsers { process: i32 },
}

fn main() -> ExitCode {
    start::coded(|arguments: Arguments| match arguments.order {
        None if arguments.asked.list => list().map(|()| ExitCode::SUCCESS),
        None => {
            scenario::named(&arguments.asked.names)?;
            space::apart(&std::env::args().skip(1).collect::<Vec<_>>())
        }
        Some(Order::Inside(asked)) => measure(&asked),
        Some(Order::Keep) => space::keep().map(|()| ExitCode::SUCCESS),
        Some(Order::LendUsers { process }) => lab::space::lend_users(process).map(|()| ExitCode::SUCCESS),
    })
}

fn list() -> Result<()> {
    scenario::ALL.iter().try_for_each(|s| start::say(&format!("{:<10}{}\n", s.name, s.about)))
}

/// A scenario that fails is told and does not keep the others from running.
fn measure(asked: &Asked) -> Result<ExitCode> {
    space::settle()?;
    let bench = bench(asked)?;
    let (mut text, mut code) = (heading(asked)?, ExitCode::SUCCESS);
    for scenario in scenario::named(&asked.names)? {
        let (chapter, failed) = chapter(&bench, scenario);
        start::say(&chapter)?;
        text.push_str(&chapter);
        if failed {
            code = ExitCode::FAILURE;
        }
        if let Some(out) = &asked.out {
            fs::write(out, &text).with_context(|| out.display().to_string())?;
        }
    }
    Ok(code)
}

fn bench(asked: &Asked) -> Result<Bench> {
    let beside = || Ok::<_, anyhow::Error>(std::env::current_exe()?.with_file_name(""));
    let (runs, millis) = if asked.quick { (1, 200) } else { (asked.runs.into(), asked.millis.into()) };
    Ok(Bench {
        runs,
        time: Duration::from_millis(millis),
        quick: asked.quick,
        programs: std::path::absolute(asked.programs.clone().map_or_else(beside, Ok)?)?,
    })
}

fn chapter(bench: &Bench, scenario: Scenario) -> (String, bool) {
    tracing::info!(scenario = scenario.name, "measuring");
    let (name, about) = (scenario.name.to_owned(), scenario.about.to_owned());
    let mut chapter = Chapter { name, about, ..Chapter::default() };
    let outcome = (scenario.run)(bench, &mut chapter);
    if let Err(error) = &outcome {
        chapter.notes.push(format!("Not measured to the end: {error:#}."));
    }
    (format!("{chapter}\n"), outcome.is_err())
}

/// The command and the machine, so that a reader can repeat it.
fn heading(asked: &Asked) -> Result<String> {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let (cpus, date) = (std::thread::available_parallelism()?, today());
    let mut command = "make bench".to_owned();
    if !asked.names.is_empty() || asked.quick {
        command = format!("varco-bench {}", asked.names.join(" "));
    }
    let mut text = format!("# Benchmarks\n\nMeasured on {date} with `{command}`");
    let runs = if asked.quick { 1 } else { asked.runs };
    write!(text, ", {runs} runs of each pair, on Linux {} with {cpus} processors.\n\n", kernel.trim())?;
    text.push_str(
        "Everything runs in network namespaces of one machine, the load too, so the ratio is what counts: Varco and what \
         it is compared with are measured in turn in one run, and the median of the ratios is given. A bar reaches the \
         mark `|` where both are equal.\n\n",
    );
    Ok(text)
}

#[expect(clippy::disallowed_methods, reason = "the edge: a report has the day it was made")]
fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}
