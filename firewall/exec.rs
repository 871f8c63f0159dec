//! Running the system's own tools: argument vectors, never a shell.

use std::{
    io::{self, Write},
    process::{Command, Stdio},
};

/// A tool did not do it.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// It could not be started, or its pipes failed.
    #[error("{program} cannot be run: {error}")]
    NotRun {
        /// The tool.
        program: &'static str,
        /// Why.
        error: io::Error,
    },
    /// It ended with a failure.
    #[error("{program} failed: {said}")]
    Failed {
        /// The tool.
        program: &'static str,
        /// What it wrote to its standard error.
        said: String,
    },
    /// The kernel did not do it.
    #[error("{what} refused: {error}")]
    Refused {
        /// Which part of it.
        what: &'static str,
        /// Why.
        error: io::Error,
    },
    /// It wrote what cannot be read.
    #[error("{program} answered what cannot be read: {what}")]
    Unreadable {
        /// The tool.
        program: &'static str,
        /// Which part.
        what: String,
    },
}

/// Where the tools are, whatever the caller's environment says.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs `program` with `input` on its standard input and gives what it wrote.
///
/// # Errors
/// When it cannot be run or ends with a failure.
pub fn run(program: &'static str, args: &[&str], input: &str) -> Result<String, ExecError> {
    let not_run = |error| ExecError::NotRun { program, error };
    let mut child = command(program, args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(not_run)?;
    if let Some(mut stdin) = child.stdin.take()
        && let Err(error) = stdin.write_all(input.as_bytes())
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        return Err(not_run(error));
    }
    let output = child.wait_with_output().map_err(not_run)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(ExecError::Failed { program, said });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs `program` and says only whether it succeeded.
///
/// # Errors
/// When it cannot be run at all.
pub fn succeeds(program: &'static str, args: &[&str]) -> Result<bool, ExecError> {
    let quiet =
        command(program, args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.map(|status| status.success()).map_err(|error| ExecError::NotRun { program, error })
}

/// Runs `program` and reads the JSON it writes.
///
/// # Errors
/// When it cannot be run, fails, or writes something else.
pub fn json<T: for<'a> serde::Deserialize<'a>>(program: &'static str, args: &[&str]) -> Result<T, ExecError> {
    let text = run(program, args, "")?;
    // `bridge` writes nothing at all where it has nothing to list.
    let text = if text.trim().is_empty() { "[]" } else { text.as_str() };
    serde_json::from_str(text).map_err(|e| ExecError::Unreadable { program, what: e.to_string() })
}

fn command(program: &'static str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).env_clear().env("PATH", PATH).env("LC_ALL", "C");
    command
}
