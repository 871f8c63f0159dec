//! `varco-audit shares`: who set the shares of the lanes, what and when.

use super::{
    print,
    source::{Source, failed},
};
use std::{fmt::Write as _, process::ExitCode};
use varco_audit::{class::Class, leaf::Leaf, opener::Opener, records::Records, shares::Step, who::WhoError};

/// Who set the shares of the lanes, what and when. A subject names somebody only in the hub's register.
#[derive(Debug, clap::Args)]
pub struct Shares {
    #[command(flatten)]
    source: Source,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Shares {
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let steps = match self.source.ask(steps)? {
            Ok(steps) => steps,
            Err(error) => return failed(error),
        };
        print(&if self.json { serde_json::to_string_pretty(&steps)? + "\n" } else { steps_text(&steps)? })?;
        Ok(ExitCode::SUCCESS)
    }
}

fn steps(records: &mut Records, opener: &mut Opener) -> Result<Vec<Step>, WhoError> {
    let mut steps = Vec::new();
    for sequence in records.of_class(Class::R4)? {
        let octets = records.leaf(sequence)?;
        let leaf = Leaf::read(&octets)?;
        let body = opener.open(&leaf)?.body;
        steps.extend(Step::of(leaf.header.at, &leaf.header.site, body, !records.in_log(sequence)));
    }
    if let Some(gone) = records.gone()? {
        eprintln!("records below {} are gone, and the steps among them", gone.below);
    }
    Ok(steps)
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
        let log = if step.not_in_log { " (not in the log yet)" } else { "" };
        writeln!(text, "{} {} by {by}: {changes}{log}", step.at, what.as_str().unwrap_or_default())?;
        before = Some(&step.shares);
    }
    Ok(text)
}
