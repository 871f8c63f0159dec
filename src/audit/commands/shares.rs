//! `varco-audit shares`: who set the shares of the lanes, what and when.

use super::print;
use std::{fmt::Write as _, path::PathBuf, process::ExitCode};
use varco_audit::{journal, shares::Step};

/// Who set the shares of the lanes, what and when. A subject names somebody only in the hub's register.
#[derive(Debug, clap::Args)]
pub struct Shares {
    /// A site's records: `site.db` or a copy of it.
    #[arg(long, default_value = "/var/lib/varco-gateway/site.db")]
    records: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Shares {
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let connection = journal::open_read_only(&self.records)?;
        let mut steps = Vec::new();
        journal::read(&connection, |_, entry| steps.extend(Step::of(entry)))?;
        print(&if self.json { serde_json::to_string_pretty(&steps)? + "\n" } else { steps_text(&steps)? })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A line for each step: when, what, who, and the rates that differ from before.
fn steps_text(steps: &[Step]) -> anyhow::Result<String> {
    let mut text = String::new();
    let mut before = None;
    for step in steps {
        let what = serde_json::to_value(step.step)?;
        let by = step.by.as_ref().map_or("-", |by| by.as_str());
        let changes = step.changes(before).join(", ");
        let changes = if changes.is_empty() { "the same shares" } else { &changes };
        writeln!(text, "{} {} by {by}: {changes}", step.at, what.as_str().unwrap_or_default())?;
        before = Some(&step.shares);
    }
    Ok(text)
}
