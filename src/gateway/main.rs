//! `varco-gateway`: the site program.

use clap::Parser;
use std::process::ExitCode;
use varco_gateway::commands::{self, Arguments};
use varco_policy::config::EXIT_USAGE;
use varco_web::startup;

fn main() -> ExitCode {
    match Arguments::try_parse().and_then(Arguments::checked) {
        Ok(arguments) => startup::exit_code(commands::perform(arguments)),
        Err(error) => {
            let _ = error.print();
            ExitCode::from(if error.use_stderr() { EXIT_USAGE } else { 0 })
        }
    }
}
