//! A visit of the hub's console from the office.

use super::go_on;
use anyhow::Result;
use std::process::ExitCode;
use varco_tests::{
    lab::{Host, Lab, console},
    start,
};

/// Sends somebody of the authority.
pub fn send(lab: &Lab, visit: &console::Visit) -> Result<ExitCode> {
    let words = visit.words().into_iter().map(Into::into).collect();
    go_on(lab, Host::Office, "at-console", words)
}

/// The visit itself.
pub fn run(lab: &Lab, visit: &console::Visit) -> Result<()> {
    let at = console::go(lab, visit)?;
    start::say(&format!("{} {}\n{}\n", at.status, at.url, at.text))
}
