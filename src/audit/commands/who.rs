//! `varco-audit who`: which pass used a public address and port at an instant.

use super::{
    print,
    source::{Source, failed},
};
use jiff::{SignedDuration, Timestamp};
use std::{fmt::Write as _, net::Ipv4Addr, process::ExitCode};
use varco_audit::{
    Clock,
    who::{Holder, Question, instant, search},
};

/// Nobody held the slot.
const EXIT_NOBODY: u8 = 2;
/// More than one pass held the slot within the tolerance.
const EXIT_AMBIGUOUS: u8 = 3;

/// Which pass used a public address and port at an instant.
#[derive(Debug, clap::Args)]
pub struct Who {
    #[command(flatten)]
    source: Source,
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
}

impl Who {
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let Self { ip, port, at, tolerance, .. } = *self;
        let question = Question { address: ip, port, at, tolerance };
        let holders = match self.source.ask(|records, opener| search(records, opener, question))? {
            Ok(holders) => holders,
            Err(error) => return failed(error),
        };
        print(&if self.json { serde_json::to_string_pretty(&holders)? + "\n" } else { text(&holders)? })?;
        Ok(match holders.len() {
            0 => ExitCode::from(EXIT_NOBODY),
            1 => ExitCode::SUCCESS,
            _ => ExitCode::from(EXIT_AMBIGUOUS),
        })
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
        writeln!(text, "from     {}\nuntil    {}\nended    {}", h.from, h.until, cause(h)?)?;
        match h.clock {
            None => {}
            Some(Clock::Unknown) => writeln!(text, "clock    nobody knew how right it was")?,
            Some(Clock::WithinMs(ms)) => writeln!(text, "clock    may have been {ms} ms off")?,
        }
        if h.not_in_log {
            writeln!(text, "log      not in the log yet: signed by nobody, no evidence")?;
        }
        text.push('\n');
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
