//! Running a command on a host of the lab.

use super::{
    plan::Host,
    space,
    state::{Lab, Record},
};
use anyhow::{Context, Result, ensure};
use std::{
    ffi::OsString,
    io::{ErrorKind, Write},
    os::unix::process::CommandExt,
    process::{Command, ExitCode, ExitStatus},
};

/// Makes the calling process one of `host`.
///
/// # Errors
/// When the lab is not up, has no such host, or may not be entered.
pub fn enter(lab: &Lab, host: Host) -> Result<Record> {
    let record = lab.record()?;
    let hosts = lab.hosts().context("the lab is not up")?;
    let process = hosts.get(&host).with_context(|| format!("this lab has no {host}"))?;
    ensure!(process.lives(), "{host} is gone: take the lab down");
    space::enter(*process).with_context(|| format!("enter {host}"))?;
    Ok(record)
}

/// A command with what every process of the lab has in its environment.
pub fn command(program: &OsString, record: &Record, host: Host) -> Command {
    let mut command = Command::new(program);
    let bundle = "/etc/ssl/certs/ca-certificates.crt";
    command
        .env(Record::MARK, &record.id)
        .env("VARCO_LAB", &record.plan.name)
        .env("VARCO_LAB_HOST", host.to_string())
        .env("PATH", path())
        .env("SSL_CERT_FILE", bundle)
        .env("REQUESTS_CA_BUNDLE", bundle)
        .env("CURL_CA_BUNDLE", bundle);
    for name in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(name);
    }
    command
}

/// An ordinary user's path with the folders that it lacks: those of nft, dnsmasq, udhcpc.
pub fn path() -> String {
    let mut path = std::env::var("PATH").unwrap_or_default();
    for folder in ["/usr/local/sbin", "/usr/sbin", "/sbin"] {
        if !path.split(':').any(|p| p == folder) {
            path = format!("{path}:{folder}");
        }
    }
    path
}

/// Becomes the command: it keeps the caller's process identifier. Returns only when the command cannot be started,
/// with the exit code that shells give then: 127 for what is not found, 126 for what may not be run.
///
/// # Errors
/// When the host cannot be entered.
pub fn become_command(lab: &Lab, host: Host, words: &[OsString]) -> Result<ExitCode> {
    let (program, arguments) = words.split_first().context("no command")?;
    let record = enter(lab, host)?;
    let error = command(program, &record, host).args(arguments).exec();
    let _ = writeln!(std::io::stderr(), "start {}: {error}", program.display());
    Ok(ExitCode::from(if error.kind() == ErrorKind::NotFound { 127 } else { 126 }))
}

/// The exit code that tells a command's end: its own, or 128 and the signal as shells say it.
pub fn code(status: ExitStatus) -> ExitCode {
    use std::os::unix::process::ExitStatusExt;
    let number = status.code().or_else(|| status.signal().map(|s| s + 128)).unwrap_or(1);
    ExitCode::from(u8::try_from(number).unwrap_or(1))
}
