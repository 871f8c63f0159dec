//! The command line.

mod shares;

use crate::{
    control::{self, Ask, State, Told},
    line::{echo, evidence},
    run,
    settings::Settings,
    ship::ShipState,
};
use anyhow::anyhow;
use clap::{Args, Parser, Subcommand};
use std::{io::Write, path::PathBuf};
use uuid::Uuid;
use varco_policy::{PassId, Rate, rate::NotARate, site::SLOWEST_PASS};
use varco_web::startup::{self, Fault};

/// Portal, captive portal API, admin pages and records of a site.
#[derive(Debug, Parser)]
#[command(name = "varco-gateway", version)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

impl Arguments {
    /// What no single argument shows.
    ///
    /// # Errors
    /// When two do not fit together.
    pub fn checked(self) -> Result<Self, clap::Error> {
        match &self.command {
            Command::Evidence { asked, .. } if !asked.is_sensible() => {
                let said = "--from is after --to\n";
                Err(clap::Error::raw(clap::error::ErrorKind::ValueValidation, said))
            }
            _ => Ok(self),
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the site.
    Run(Config),
    /// Check the settings and say what is wrong with them.
    CheckConfig(Config),
    /// Show the state of the running gateway.
    Status {
        #[command(flatten)]
        config: Config,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Say what a change of shares means, and exactly does; change nothing.
    Plan(shares::Plan),
    /// Put a change of shares on trial, keep what is on trial, or take it back.
    Apply(shares::Apply),
    /// List the open passes.
    Passes(Config),
    /// The evidence of the line: as CSV, or a day in a sentence.
    Evidence {
        #[command(flatten)]
        config: Config,
        #[command(flatten)]
        asked: evidence::Asked,
    },
    /// End a pass at once.
    Expel {
        #[command(flatten)]
        config: Config,
        /// Its identifier, as `passes` lists it.
        #[arg(long)]
        pass: Uuid,
    },
    /// Print the name and the public key of the log: what auditors verify with.
    LogKey(Config),
    /// Change what a pass may reach, without a break in its connections.
    Rate {
        #[command(flatten)]
        config: Config,
        /// Its identifier, as `passes` lists it.
        #[arg(long)]
        pass: Uuid,
        /// In each direction, 64kbit or more: 5mbit. Without it, what the site allows.
        #[arg(long, value_parser = fast_enough)]
        rate: Option<Rate>,
    },
}

fn fast_enough(text: &str) -> Result<Rate, String> {
    let rate: Rate = text.parse().map_err(|error: NotARate| error.to_string())?;
    if rate < SLOWEST_PASS { Err(format!("{rate} is too slow to be of use")) } else { Ok(rate) }
}

#[derive(Debug, Args)]
struct Config {
    /// The settings file.
    #[arg(long, default_value = "/etc/varco/gateway.toml")]
    config: PathBuf,
}

impl Config {
    fn load(&self) -> Result<Settings, Fault> {
        Ok(Settings::load(&self.config)?)
    }
}

/// Does what the command line asks.
///
/// # Errors
/// When it cannot be done.
pub fn perform(arguments: Arguments) -> Result<(), Fault> {
    match arguments.command {
        Command::Run(config) => {
            startup::log_to_stderr();
            run::run(config.load()?)
        }
        Command::CheckConfig(config) => check(&config),
        Command::Status { config, json } => status(&config, json),
        Command::Plan(arguments) => shares::plan(&arguments),
        Command::Apply(arguments) => shares::apply(&arguments),
        Command::Passes(config) => passes(&config),
        Command::Evidence { config, asked } => evidence::print(&config.load()?, &asked),
        Command::Expel { config, pass } => expel(&config, PassId(pass)),
        Command::LogKey(config) => log_key(&config),
        Command::Rate { config, pass, rate } => set_rate(&config, PassId(pass), rate),
    }
}

fn check(config: &Config) -> Result<(), Fault> {
    let settings = config.load()?;
    for (class, period) in settings.recorder(now())?.late(now()) {
        let ends = settings.log.kept.ends(class, period);
        eprintln!(
            "warning: the newest log key of {class} is that of {period} and seals until {ends}; copy newer ones to log.keys"
        );
    }
    if !echo::is_allowed() {
        eprintln!(
            "warning: this user may send no ICMP echo, so the line is probed by DNS queries; \
             set net.ipv4.ping_group_range to hold the user's group"
        );
    }
    say("the settings are good");
    Ok(())
}

fn status(config: &Config, json: bool) -> Result<(), Fault> {
    let Told::Status(state) = ask(config, Ask::Status)? else { return Err(unexpected()) };
    let text = serde_json::to_string(&state).map_err(anyhow::Error::from)?;
    say(&if json { text } else { plain(&state) });
    Ok(())
}

fn plain(state: &State) -> String {
    let works = |well: bool| if well { "works" } else { "does not work" };
    let shares = state.shares.as_ref();
    let trial = shares.and_then(|shares| shares.trial);
    let trial = trial.map_or_else(|| "none".to_owned(), |trial| format!("{} seconds left", trial.seconds));
    format!(
        "gate: {}\nrecords: {}\nlog: {} records, {} waiting, {}{}{}\nlog copied by the hub: {}\npasses online: {}\nslots lent: {} of {}\ngeneration: {}\nleaf: {}\nhealed: {}\ntrial: {trial}",
        works(state.enforcer),
        works(state.recording),
        state.log.size,
        state.log.waiting,
        works(!state.log.failing),
        if state.log.late { ", its keys are of an earlier week or day" } else { "" },
        if state.log.damaged { ", an old entry is damaged" } else { "" },
        copied(&state.shipped),
        state.online,
        state.slots_lent,
        state.slots_total,
        state.generation,
        state.leaf.as_deref().unwrap_or("not measured"),
        state.healed.unwrap_or(0),
    )
}

fn copied(shipped: &ShipState) -> String {
    let ShipState { acknowledged, waiting, since, not_copied } = shipped;
    let since = since.map_or_else(String::new, |since| format!(", {waiting} wait since {since}"));
    let none = if *not_copied { ", it keeps no copy of this log" } else { "" };
    format!("{acknowledged} records{since}{none}")
}

fn passes(config: &Config) -> Result<(), Fault> {
    let Told::Passes(passes) = ask(config, Ask::Passes)? else { return Err(unexpected()) };
    for pass in passes {
        let slot = format!("{}:{}-{}", pass.slot.address, pass.slot.first_port, pass.slot.last_port);
        say(&format!("{} {} {} {slot}", pass.id, pass.since, pass.until));
    }
    Ok(())
}

fn log_key(config: &Config) -> Result<(), Fault> {
    let settings = config.load()?;
    // Made by the gateway itself, or its user could not read it.
    if !settings.log.at.key.exists() {
        return Err(anyhow!("the log has no key yet: the gateway makes it at its first start").into());
    }
    say(&settings.log_key()?.vkey());
    Ok(())
}

fn expel(config: &Config, pass: PassId) -> Result<(), Fault> {
    match ask(config, Ask::Expel(pass))? {
        Told::Ended => say("the pass has ended"),
        Told::EndsLater => say("the enforcer does not answer: the pass ends when it does, or at its time"),
        Told::NoPass => return Err(anyhow!("there is no such pass").into()),
        _ => return Err(unexpected()),
    }
    Ok(())
}

fn set_rate(config: &Config, pass: PassId, rate: Option<Rate>) -> Result<(), Fault> {
    match ask(config, Ask::Rate { pass, rate })? {
        Told::RateSet => say("the pass has its new rate"),
        Told::RateLater => say("the enforcer does not answer: the pass has its new rate when it does"),
        Told::NoPass => return Err(anyhow!("there is no such pass").into()),
        _ => return Err(unexpected()),
    }
    Ok(())
}

fn ask(config: &Config, ask: Ask) -> Result<Told, Fault> {
    Ok(control::ask(&config.load()?.state, ask)?)
}

fn unexpected() -> Fault {
    Fault::Other(anyhow!("the gateway gave no sensible answer"))
}

#[expect(clippy::disallowed_methods, reason = "the edge: keys are of a week")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// The answer to a command is standard output; nobody listening to it is no failure.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
