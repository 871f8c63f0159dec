//! `varco-audit`: what an auditor runs, offline, against a copy of a site's records.

mod answers;
mod custody;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use varco_policy::config::EXIT_USAGE;

/// Answers an auditor's questions from a site's records, offline, and makes the keys that open them.
///
/// Exit codes: 0 one answer, 1 the records cannot be read, 2 nobody, 3 more than one, 4 a record that would answer cannot
/// be opened with the keys given, 64 wrong arguments.
#[derive(Debug, Parser)]
#[command(name = "varco-audit", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Which pass used a public address and port at an instant.
    Who(answers::Who),
    /// Who set the shares of the lanes, what and when. A subject names somebody only in the hub's register.
    Shares(answers::Shares),
    /// The keys that open records: holders, and weeks.
    #[command(subcommand)]
    Keys(custody::Keys),
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
        Command::Who(arguments) => answers::who(&arguments),
        Command::Shares(arguments) => answers::shares(&arguments),
        Command::Keys(keys) => custody::perform(keys),
    }
}
