//! `varco-audit`: what an auditor runs, offline, against a copy of a site's records.

use clap::{Parser, Subcommand};
use jiff::{SignedDuration, Timestamp};
use std::{
    fmt::Write as _,
    io::{ErrorKind, Write as _},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::ExitCode,
};
use varco_audit::{
    journal,
    shares::Step,
    who::{Holder, Question, Search, instant},
};
use varco_policy::config::EXIT_USAGE;

/// Nobody held the slot.
const EXIT_NOBODY: u8 = 2;
/// More than one pass held the slot within the tolerance.
const EXIT_AMBIGUOUS: u8 = 3;

/// Answers an auditor's questions from a site's records, offline.
///
/// Exit codes: 0 one answer, 1 the records cannot be read, 2 nobody, 3 more than one, 64 wrong arguments.
#[derive(Debug, Parser)]
#[command(name = "varco-audit", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Which pass used a public address and port at an instant.
    Who {
        /// A site's records: `site.db` or a copy of it.
        #[arg(long, default_value = "/var/lib/varco-gateway/site.db")]
        records: PathBuf,
        /// Public IPv4 address.
        #[arg(long)]
        ip: Ipv4Addr,
        /// Source port.
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
        port: u16,
        /// The instant, with UTC offset: 2026-10-25T02:30:00+01:00.
        #[arg(long, value_parser = instant)]
        at: Timestamp,
        /// How far the asker's clock may be off, either way, for example 5s.
        #[arg(long, default_value = "0s", value_parser = tolerance)]
        tolerance: SignedDuration,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Who set the shares of the lanes, what and when. A subject names somebody only in the hub's register.
    Shares {
        /// A site's records: `site.db` or a copy of it.
        #[arg(long, default_value = "/var/lib/varco-gateway/site.db")]
        records: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    match Arguments::try_parse() {
        Ok(arguments) => run(arguments.command).unwrap_or_else(|error| {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }),
        Err(error) => {
            let code = if error.use_stderr() { EXIT_USAGE } else { 0 };
            let _ = error.print();
            ExitCode::from(code)
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Who { records, ip, port, at, tolerance, json } => {
            who(&records, Question { address: ip, port, at, tolerance }, json)
        }
        Command::Shares { records, json } => shares(&records, json),
    }
}

fn shares(records: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let connection = journal::open_read_only(records)?;
    let mut steps = Vec::new();
    journal::read(&connection, |_, entry| steps.extend(Step::of(entry)))?;
    print(&if json { serde_json::to_string_pretty(&steps)? + "\n" } else { steps_text(&steps)? })?;
    Ok(ExitCode::SUCCESS)
}

/// A line for each step: when, what, who, and the rates that differ from before.
fn steps_text(steps: &[Step]) -> anyhow::Result<String> {
    let mut text = String::new();
    let mut before = None;
    for step in steps {
        let what = serde_json::to_value(step.step)?;
        let by = step.by.as_ref().map_or("-", |by| by.as_str());
        let changes = step.changes(before).join(", ");
        let changes = if changes.is_empty() { "the same shares" } else { &changes };
        writeln!(text, "{} {} by {by}: {changes}", step.at, what.as_str().unwrap_or_default())?;
        before = Some(&step.shares);
    }
    Ok(text)
}

fn who(records: &Path, question: Question, json: bool) -> anyhow::Result<ExitCode> {
    let mut search = Search::new(question);
    let connection = journal::open_read_only(records)?;
    journal::read(&connection, |_, entry| search.take(entry))?;
    let holders = search.answer();
    print(&if json { serde_json::to_string_pretty(&holders)? + "\n" } else { text(&holders)? })?;
    Ok(match holders.len() {
        0 => ExitCode::from(EXIT_NOBODY),
        1 => ExitCode::SUCCESS,
        _ => ExitCode::from(EXIT_AMBIGUOUS),
    })
}

/// Writes the answer. A reader who stops early, as `head` does, is no failure of the search.
fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn text(holders: &[Holder]) -> anyhow::Result<String> {
    let mut text = match holders.len() {
        0 => "nobody held this address and port at that instant\n".to_owned(),
        1 => String::new(),
        n => format!("ambiguous: {n} passes held this address and port within the tolerance\n"),
    };
    for h in holders {
        writeln!(text, "site     {}\npass     {}\nsubject  {}", h.site, h.pass, h.subject.as_str())?;
        writeln!(text, "slot     {} ports {}-{}", h.slot.address, h.slot.first_port, h.slot.last_port)?;
        writeln!(text, "from     {}\nuntil    {}\nended    {}\n", h.from, h.until, cause(h)?)?;
    }
    Ok(text)
}

fn cause(holder: &Holder) -> anyhow::Result<String> {
    match holder.cause {
        Some(cause) => Ok(serde_json::to_value(cause)?.as_str().unwrap_or_default().to_owned()),
        None => Ok("not yet, or its end was not recorded: `until` is the latest".to_owned()),
    }
}

fn tolerance(text: &str) -> Result<SignedDuration, String> {
    let hour = SignedDuration::from_hours(1);
    let parsed: SignedDuration =
        text.parse().map_err(|_| format!("`{text}` is not a duration; write 5s or 2m"))?;
    if (SignedDuration::ZERO..=hour).contains(&parsed) { Ok(parsed) } else { Err("give 0s to 1h".to_owned()) }
}
