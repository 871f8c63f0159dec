//! `varco-hub`: the hub as a program.

use clap::{Parser, Subcommand, error::ErrorKind};
use std::{path::PathBuf, process::ExitCode};
use varco_audit::case::CaseId;
use varco_hub::{
    attempt::{self, Wish},
    commands, expiry,
    index::rebuild,
    login::cns::trust,
    lookup, pairs,
    registry::show,
    serve, timestamp,
};
use varco_policy::config::EXIT_USAGE;
use varco_web::startup::{self, Fault};

/// The login service of Varco: SPID service provider and OpenID provider of the gateways.
#[derive(Debug, Parser)]
#[command(name = "varco-hub")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve citizens and gateways.
    Run(Config),
    /// Check the settings and say what is wrong.
    CheckConfig(Config),
    /// Show the trusted identity providers, and what the registry would change.
    Providers(Asked),
    /// Show the trust list in force and the issuers of cards, and what AgID's list of now would change.
    Trust(Asked),
    /// Look at a body's metadata, and at the requests it would send, as AgID would; prints what is missing, in Italian.
    Try(Try),
    /// Say how many logins each month of the register holds and where its key is; no person is named.
    Register(RegisterArguments),
    /// Look-ups of two officers: give documents to the hub that runs, list the cases, get receipts.
    #[command(subcommand)]
    Lookup(LookupCommand),
    /// Say who an answer of two officers is about; recorded in the log first.
    Name(NameArguments),
    /// Print the public halves of the hub's log and mirror keys, and where each gateway's log is copied to.
    LogKey(Config),
    /// Have the log's newest checkpoint stamped now, beside the hub that runs: before an evidence pack is made.
    Timestamp(Config),
    /// What officers destroyed of keys, and what they hold.
    #[command(subcommand)]
    Expiry(ExpiryCommand),
    /// The hub's own keys.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// The index of the logs that are here.
    #[command(subcommand)]
    Index(IndexCommand),
}

#[derive(Debug, Subcommand)]
enum IndexCommand {
    /// Make it anew from the logs' folders, each entry and signature verified; the hub may run.
    Rebuild(Config),
}

#[derive(Debug, Subcommand)]
enum LookupCommand {
    /// Give documents to the hub, in this order: requests, approvals, refusals, answers.
    Submit {
        /// The documents.
        #[arg(required = true)]
        documents: Vec<PathBuf>,
        #[command(flatten)]
        at: Config,
    },
    /// List the cases, the newest first; nobody is named.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        at: Config,
    },
    /// Print the receipt of a case that was allowed: the proof that it is in the hub's log.
    Receipt {
        /// The case.
        case: CaseId,
        /// Write it into this file, which must not be there yet.
        #[arg(long)]
        out: Option<PathBuf>,
        #[command(flatten)]
        at: Config,
    },
}

#[derive(Debug, clap::Args)]
struct RegisterArguments {
    /// Compare each login with its entry in the hub's log instead, and fail where one differs.
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    at: Config,
}

#[derive(Debug, clap::Args)]
struct NameArguments {
    /// The case.
    #[arg(long)]
    case: CaseId,
    /// The file of its answer.
    #[arg(long)]
    answer: PathBuf,
    /// The folder of the months' private keys, 2026-11.key; without it the hub's own.
    #[arg(long)]
    months: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: Config,
}

fn look_up(command: &LookupCommand) -> Result<(), Fault> {
    match command {
        LookupCommand::Submit { documents, at } => lookup::command::submit(&at.config, documents),
        LookupCommand::List { json, at } => lookup::command::list(&at.config, *json),
        LookupCommand::Receipt { case, out, at } => {
            lookup::command::receipt(&at.config, *case, out.as_deref())
        }
    }
}

#[derive(Debug, Subcommand)]
enum ExpiryCommand {
    /// Record what two officers signed: an expiry, a hold, the end of one.
    Submit(Submit),
}

#[derive(Debug, clap::Args)]
struct Submit {
    #[command(flatten)]
    at: Config,
    /// What `varco-audit expire` or `varco-audit hold` wrote.
    statement: PathBuf,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make each key that does not exist yet; never overwrite one.
    Init(Config),
    /// A body's pair towards SPID and CIE: hold it against Avviso SPID 29, or replace it.
    Spid(Pair),
}

#[derive(Debug, clap::Args)]
struct Asked {
    /// Ask for the list now and print what would change; changes nothing.
    #[arg(long, conflicts_with = "accept")]
    diff: bool,
    /// Put that list in force although it is older or lost more than half of its members.
    #[arg(long)]
    accept: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: Config,
}

impl Asked {
    const fn wish(&self) -> show::Wish {
        match (self.diff, self.accept) {
            (true, _) => show::Wish::Preview,
            (false, true) => show::Wish::Accept,
            (false, false) => show::Wish::Show,
        }
    }
}

#[derive(Debug, clap::Args)]
struct Try {
    /// Address or file of metadata; several times for several.
    #[arg(long, required = true, num_args = 1..)]
    metadata: Vec<String>,
    /// Settings, with the keys that they name, whose requests are looked at too.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Authorities that may vouch for the addresses, PEM, in place of the system's.
    #[arg(long)]
    ca: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Config {
    /// The settings file.
    #[arg(long, default_value = "/etc/varco/hub.toml")]
    config: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Pair {
    #[command(flatten)]
    config: Config,
    /// The body's path; without it, every body is checked, and the one without a path is changed.
    #[arg(long)]
    body: Option<String>,
    #[command(flatten)]
    act: Act,
}

/// What to do with the pair.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Act {
    /// Print every rule of Avviso SPID 29 and whether the certificates hold it; 78 if one does not.
    #[arg(long)]
    check: bool,
    /// Make the pair that follows; its certificate is in the metadata from the next start.
    #[arg(long)]
    next: bool,
    /// Sign with the pair that follows from the next start; the old one is kept aside.
    #[arg(long)]
    roll: bool,
}

fn keys_spid(pair: &Pair) -> Result<(), Fault> {
    let (file, body) = (&pair.config.config, pair.body.as_deref());
    match pair.act {
        Act { check: true, .. } => pairs::check(file, body),
        Act { next: true, .. } => pairs::make_next(file, body.unwrap_or_default()),
        Act { .. } => pairs::roll(file, body.unwrap_or_default()),
    }
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    startup::log_to_stderr();
    startup::exit_code(match arguments.command {
        Command::Run(at) => serve::run(&at.config),
        Command::CheckConfig(at) => commands::check_config(&at.config),
        Command::Providers(asked) => show::providers(&asked.at.config, asked.wish(), asked.json),
        Command::Trust(asked) => trust::show::trust(&asked.at.config, asked.wish(), asked.json),
        Command::Try(Try { metadata, config, ca, json }) => {
            attempt::attempt(&Wish { metadata, config, ca, json })
        }
        Command::Register(RegisterArguments { verify: true, at }) => commands::verify_register(&at.config),
        Command::Register(RegisterArguments { at, .. }) => commands::show_register(&at.config),
        Command::Index(IndexCommand::Rebuild(at)) => rebuild::rebuild(&at.config),
        Command::Lookup(command) => look_up(&command),
        Command::Name(NameArguments { case, answer, months, json, at }) => {
            lookup::name::name(&at.config, &lookup::name::Wish { case, answer, months, json })
        }
        Command::LogKey(at) => commands::show_log_keys(&at.config),
        Command::Timestamp(at) => timestamp::now(&at.config),
        Command::Expiry(ExpiryCommand::Submit(Submit { at, statement })) => {
            expiry::submit(&at.config, &statement)
        }
        Command::Keys(KeysCommand::Init(at)) => commands::make_keys(&at.config),
        Command::Keys(KeysCommand::Spid(pair)) => keys_spid(&pair),
    })
}

/// Prints help or what is wrong with the arguments.
fn usage(error: &clap::Error) -> ExitCode {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let _ = error.print();
    if asked { ExitCode::SUCCESS } else { ExitCode::from(EXIT_USAGE) }
}
