//! `who` and `shares`: what the records answer to those who may open them.

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use std::{
    fmt::Write as _,
    io::{ErrorKind, Write as _},
    net::Ipv4Addr,
    path::PathBuf,
    process::ExitCode,
};
use varco_audit::{
    Clock,
    class::Class,
    holder::HolderKey,
    keys::KeyFolder,
    opener::{OpenError, Opener},
    records::{Records, RecordsError},
    shares::Step,
    tlog::TileError,
    who::{Holder, Question, WhoError, instant, search},
};

/// Nobody held the slot.
const EXIT_NOBODY: u8 = 2;
/// More than one pass held the slot within the tolerance.
const EXIT_AMBIGUOUS: u8 = 3;
/// A record that would answer cannot be opened with the keys given.
const EXIT_CLOSED: u8 = 4;
/// A log that grows while it is read is read again.
const TRIES: u32 = 3;

/// Where the records are, and who opens them.
#[derive(Debug, Args)]
pub struct Source {
    /// A site's database, `site.db` or a copy of it: what is not in the log folder yet. Without --log and --records
    /// that of the gateway on this machine.
    #[arg(long)]
    records: Option<PathBuf>,
    /// The log folder; without it, `log` beside the database.
    #[arg(long)]
    log: Option<PathBuf>,
    /// The folder of the weeks' keys.
    #[arg(long, default_value = "/etc/varco/log-keys")]
    keys: PathBuf,
    /// A holder's own key file: one of the requester and one of the approver.
    #[arg(long = "holder")]
    holders: Vec<PathBuf>,
}

impl Source {
    fn records(&self) -> Result<Records, RecordsError> {
        let here = PathBuf::from("/var/lib/varco-gateway/site.db");
        let database = match (&self.records, &self.log) {
            (None, None) => Some(here),
            (records, _) => records.clone(),
        };
        let beside = || Some(database.as_ref()?.parent()?.join("log"));
        Records::open(self.log.clone().or_else(beside).as_deref(), database.as_deref())
    }

    fn opener(&self) -> anyhow::Result<Opener> {
        let holders = self.holders.iter().map(|path| HolderKey::read(path)).collect::<Result<_, _>>()?;
        Ok(Opener::new(KeyFolder::at(&self.keys), holders))
    }

    /// Asks, and again where a part of a growing log was exchanged meanwhile.
    fn ask<T>(
        &self,
        mut ask: impl FnMut(&mut Records, &mut Opener) -> Result<T, WhoError>,
    ) -> anyhow::Result<Result<T, WhoError>> {
        let mut opener = self.opener()?;
        let mut once = || ask(&mut self.records()?, &mut opener);
        let mut outcome = once();
        for _ in 1..TRIES {
            if !matches!(&outcome, Err(WhoError::Records(RecordsError::Tiles(TileError::Missing(_))))) {
                break;
            }
            outcome = once();
        }
        Ok(outcome)
    }
}

/// Arguments of `who`.
#[derive(Debug, Args)]
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

/// Arguments of `shares`.
#[derive(Debug, Args)]
pub struct Shares {
    #[command(flatten)]
    source: Source,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Which pass used an address and a port.
pub fn who(arguments: &Who) -> anyhow::Result<ExitCode> {
    let Who { source, ip, port, at, tolerance, json } = arguments;
    let question = Question { address: *ip, port: *port, at: *at, tolerance: *tolerance };
    let holders = match source.ask(|records, opener| search(records, opener, question))? {
        Ok(holders) => holders,
        Err(error) => return failed(error),
    };
    print(&if *json { serde_json::to_string_pretty(&holders)? + "\n" } else { text(&holders)? })?;
    Ok(match holders.len() {
        0 => ExitCode::from(EXIT_NOBODY),
        1 => ExitCode::SUCCESS,
        _ => ExitCode::from(EXIT_AMBIGUOUS),
    })
}

/// Who set the shares.
pub fn shares(arguments: &Shares) -> anyhow::Result<ExitCode> {
    let Shares { source, json } = arguments;
    let steps = match source.ask(steps)? {
        Ok(steps) => steps,
        Err(error) => return failed(error),
    };
    print(&if *json { serde_json::to_string_pretty(&steps)? + "\n" } else { steps_text(&steps)? })?;
    Ok(ExitCode::SUCCESS)
}

fn steps(records: &mut Records, opener: &mut Opener) -> Result<Vec<Step>, WhoError> {
    let mut steps = Vec::new();
    records.each(|leaf, _| {
        if leaf.header.class == Class::R4 {
            let body = opener.open(leaf)?.body;
            steps.extend(Step::of(leaf.header.at, &leaf.header.site, body));
        }
        Ok::<_, WhoError>(())
    })?;
    Ok(steps)
}

/// A key that is not there is told apart from records that are damaged.
fn failed(error: WhoError) -> anyhow::Result<ExitCode> {
    if !error.is_closed() {
        return Err(error.into());
    }
    eprintln!("{error}");
    if let WhoError::Open(OpenError::NoKey { role, .. }) = &error {
        eprintln!("give --holder with the key file of a {role}, and --keys with the folder of the ceremony");
    }
    Ok(ExitCode::from(EXIT_CLOSED))
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

/// Writes the answer. A reader who stops early, as `head` does, is no failure of the search.
pub fn print(text: &str) -> anyhow::Result<()> {
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
        writeln!(text, "from     {}\nuntil    {}\nended    {}", h.from, h.until, cause(h)?)?;
        match h.clock {
            None => {}
            Some(Clock::Unknown) => writeln!(text, "clock    nobody knew how right it was")?,
            Some(Clock::WithinMs(ms)) => writeln!(text, "clock    may have been {ms} ms off")?,
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
