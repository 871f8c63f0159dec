//! `varco-witness`: a witness as a program.

use anyhow::Context;
use clap::{Parser, Subcommand};
use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};
use varco_policy::config::EXIT_USAGE;
use varco_web::startup::{self, Fault};
use varco_witness::{config::Settings, serve};

/// A witness of logs (C2SP tlog-witness): cosigns checkpoints that continue what it has cosigned before.
#[derive(Debug, Parser)]
#[command(name = "varco-witness", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the logs of the settings.
    Run(Config),
    /// Check the settings and say what is wrong.
    CheckConfig(Config),
    /// Print the witness's public key, for whom it witnesses; makes the key where there is none.
    Key(Config),
}

#[derive(Debug, clap::Args)]
struct Config {
    /// The settings file.
    #[arg(long, default_value = "/etc/varco/witness.toml")]
    config: PathBuf,
}

fn main() -> ExitCode {
    match Arguments::try_parse() {
        Ok(arguments) => startup::exit_code(perform(&arguments.command)),
        Err(error) => {
            let _ = error.print();
            ExitCode::from(if error.use_stderr() { EXIT_USAGE } else { 0 })
        }
    }
}

fn perform(command: &Command) -> Result<(), Fault> {
    match command {
        Command::Run(at) => {
            startup::log_to_stderr();
            serve::run(&at.config)
        }
        Command::CheckConfig(at) => check(&at.config),
        Command::Key(at) => {
            let key = Settings::load(&at.config)?.key(&at.config)?;
            writeln!(std::io::stdout(), "{}", key.vkey()).context("printing the key").map_err(Fault::Other)
        }
    }
}

fn check(file: &Path) -> Result<(), Fault> {
    let settings = Settings::load(file)?;
    settings.certificate(file)?;
    eprintln!("{}: good: {} logs", file.display(), settings.logs(file)?.len());
    Ok(())
}
