//! `varco-audit`: what an auditor runs, offline, against a copy of a site's records or of a log.

mod commands;

use clap::{Parser, Subcommand};
use commands::{
    allow::Allow, answer::Give, ask::Ask, authorised_operator::Sign, count::Count, expire::Expire,
    export::Export, find::Find, fsck::Fsck, hold::HoldCommand, index::Index, keys::Keys, pack::Pack,
    prove::Prove, shares::Shares, verify::Verify, who::Who,
};
use std::process::ExitCode;
use varco_audit::expiry::BadKept;
use varco_policy::config::EXIT_USAGE;

/// Answers an auditor's questions from a site's records and logs, offline, and makes the keys that open them.
///
/// Exit codes: 0 one answer, or whole; 1 what was asked about cannot be read; 2 nobody; 3 more than one; 4 the log is not
/// what was signed; 5 it is not signed by the key; 6 it does not continue a checkpoint seen before; 7 a record that would
/// answer cannot be opened with the keys given; 8 no receipt of the hub allows it; 64 wrong arguments.
#[derive(Debug, Parser)]
#[command(name = "varco-audit", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Ask(Ask),
    Allow(Allow),
    Find(Find),
    #[command(name = "answer")]
    Give(Give),
    Who(Who),
    Count(Count),
    Pack(Box<Pack>),
    #[command(subcommand)]
    Hold(HoldCommand),
    Expire(Expire),
    Export(Export),
    Shares(Shares),
    Verify(Verify),
    Prove(Prove),
    Fsck(Fsck),
    Index(Index),
    #[command(subcommand)]
    Keys(Keys),
    #[command(name = "authorised-operator")]
    Sign(Sign),
}

fn main() -> ExitCode {
    match Arguments::try_parse() {
        Ok(arguments) => run(&arguments.command).unwrap_or_else(|error| {
            eprintln!("{error:#}");
            // Which range counts, a file says; it was an argument all the same.
            if error.is::<BadKept>() { ExitCode::from(EXIT_USAGE) } else { ExitCode::FAILURE }
        }),
        Err(error) => {
            let code = if error.use_stderr() { EXIT_USAGE } else { 0 };
            let _ = error.print();
            ExitCode::from(code)
        }
    }
}

fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Ask(ask) => ask.run(),
        Command::Allow(allow) => allow.run(),
        Command::Find(find) => find.run(),
        Command::Give(give) => give.run(),
        Command::Who(who) => who.run(),
        Command::Count(count) => count.run(),
        Command::Pack(pack) => pack.run(),
        Command::Hold(hold) => hold.run(),
        Command::Expire(expire) => expire.run(),
        Command::Export(export) => export.run(),
        Command::Shares(shares) => shares.run(),
        Command::Verify(verify) => verify.run(),
        Command::Prove(prove) => prove.run(),
        Command::Fsck(fsck) => fsck.run(),
        Command::Index(index) => index.run(),
        Command::Keys(keys) => keys.run(),
        Command::Sign(sign) => sign.run(),
    }
}
