//! `varco-enforcer`: the only program of Varco with a privilege. This page is its table of contents.

use clap::{Parser, Subcommand, error::ErrorKind};
use std::{io::Write, path::PathBuf, process::ExitCode};
use varco_firewall::{commands, settings::Settings};
use varco_policy::config::{EXIT_CONFIG, EXIT_USAGE};

/// Makes the kernel hold what the gateway desires.
#[derive(Parser)]
#[command(name = "varco-enforcer")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The settings file.
    #[arg(long, global = true, default_value = "/etc/varco/enforcer.toml")]
    config: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Close the gate and answer the gateway.
    Run,
    /// Read the settings, say what is wrong and change nothing.
    CheckConfig,
    /// Print what a start would change.
    Plan,
    /// Print what the kernel holds.
    Status {
        /// As JSON, the only form there is.
        #[arg(long)]
        json: bool,
    },
    /// Take everything of Varco out of the kernel.
    Remove,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let settings = match Settings::load(&arguments.config) {
        Ok(settings) => settings,
        Err(error) => return say(&error, EXIT_CONFIG),
    };
    match obey(&arguments.command, settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => say(&format!("{error:#}"), 1),
    }
}

fn obey(command: &Command, settings: Settings) -> anyhow::Result<()> {
    let answer = match command {
        Command::Run => return commands::run(settings),
        Command::CheckConfig => "the settings are good\n".to_owned(),
        Command::Plan => commands::plan(&settings)?,
        Command::Status { json: _ } => commands::status(&settings)? + "\n",
        Command::Remove => return commands::remove(&settings),
    };
    Ok(std::io::stdout().write_all(answer.as_bytes())?)
}

fn usage(error: &clap::Error) -> ExitCode {
    // Where standard error is closed there is nobody to tell.
    let _ = error.print();
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if asked { ExitCode::SUCCESS } else { ExitCode::from(EXIT_USAGE) }
}

fn say(problem: &impl std::fmt::Display, code: u8) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "varco-enforcer: {problem}");
    ExitCode::from(code)
}
