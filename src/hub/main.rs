//! `varco-hub`: the hub as a program.

use clap::{Parser, Subcommand, error::ErrorKind};
use std::{path::PathBuf, process::ExitCode};
use varco_hub::{commands, serve};
use varco_policy::config::EXIT_USAGE;
use varco_web::startup;

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
    /// Say how many logins each month of the register holds and where its key is; no person is named.
    Register(Config),
    /// The hub's own keys.
    #[command(subcommand)]
    Keys(KeysCommand),
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make each key that does not exist yet; never overwrite one.
    Init(Config),
}

#[derive(Debug, clap::Args)]
struct Config {
    /// The settings file.
    #[arg(long, default_value = "/etc/varco/hub.toml")]
    config: PathBuf,
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
        Command::Register(at) => commands::show_register(&at.config),
        Command::Keys(KeysCommand::Init(at)) => commands::make_keys(&at.config),
    })
}

/// Prints help or what is wrong with the arguments.
fn usage(error: &clap::Error) -> ExitCode {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let _ = error.print();
    if asked { ExitCode::SUCCESS } else { ExitCode::from(EXIT_USAGE) }
}
