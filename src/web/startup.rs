//! Starting a program right, or refusing to start and saying why.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;
use varco_policy::config::{ConfigError, EXIT_CONFIG};

/// Why a program ended.
#[derive(Debug)]
pub enum Fault {
    /// The settings are wrong: exit code 78.
    Config(ConfigError),
    /// Anything else: exit code 1.
    Other(anyhow::Error),
}

impl From<ConfigError> for Fault {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<anyhow::Error> for Fault {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

/// The exit code of a program, after printing its fault on standard error.
pub fn exit_code(result: Result<(), Fault>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Fault::Config(error)) => {
            eprintln!("{error}");
            ExitCode::from(EXIT_CONFIG)
        }
        Err(Fault::Other(error)) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Sends the program log to standard error; `RUST_LOG` chooses the level, `info` by default. The log holds no
/// personal data above DEBUG.
pub fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
}

/// Takes as many open files as the system grants: the customary 1,024 are fewer connections than a crowd of guests, or
/// one with ill will, opens.
pub fn open_files() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = raised {
        tracing::warn!(%error, "the number of open files stays as it is");
    }
}

/// Tells the service supervisor, if there is one, that the program is ready.
pub fn ready() {
    if let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Ready]) {
        tracing::warn!(%error, "the supervisor was not told that we are ready");
    }
}
