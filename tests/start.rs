//! What both programs do first.

use anyhow::Result;
use clap::Parser;
use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};
use tracing_subscriber::EnvFilter;
use varco_policy::config::EXIT_USAGE;

/// Parses the arguments, obeys, and turns the outcome into an exit status: 64 for wrong arguments, 1 for the rest.
pub fn program<A: Parser>(obey: impl FnOnce(A) -> Result<()>) -> ExitCode {
    coded(|arguments| obey(arguments).map(|()| ExitCode::SUCCESS))
}

/// As [`program`], for what has an exit status of its own.
pub fn coded<A: Parser>(obey: impl FnOnce(A) -> Result<ExitCode>) -> ExitCode {
    let arguments = match A::try_parse() {
        Ok(arguments) => arguments,
        Err(e) => {
            let _ = e.print();
            return if e.use_stderr() { ExitCode::from(EXIT_USAGE) } else { ExitCode::SUCCESS };
        }
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    log.with_ansi(std::io::stderr().is_terminal()).init();
    match obey(arguments) {
        Ok(code) => code,
        Err(e) => {
            let _ = writeln!(std::io::stderr(), "{e:#}");
            ExitCode::FAILURE
        }
    }
}

/// Prints to standard output.
///
/// # Errors
/// When nobody reads it.
pub fn say(text: &str) -> Result<()> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
