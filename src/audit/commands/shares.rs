//! `varco-audit shares`: who set the shares of the lanes, what and when.

use super::{
    print,
    source::{Source, failed},
};
use std::{fmt::Write as _, process::ExitCode};
use varco_audit::{class::Class, opener::Opener, records::Records, shares::Step, who::WhoError};

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
    records.each(|leaf, _| {
        if leaf.header.class == Class::R4 {
            let body = opener.open(leaf)?.body;
            steps.extend(Step::of(leaf.header.at, &leaf.header.site, body));
        }
        Ok::<_, WhoError>(())
    })?;
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
        writeln!(text, "{} {} by {by}: {changes}", step.at, what.as_str().unwrap_or_default())?;
        before = Some(&step.shares);
    }
    Ok(text)
}
