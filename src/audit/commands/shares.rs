//! `varco-audit shares`: who set the shares of the lanes, what and when.

use super::{
    answer::Form,
    officer::{Look, now, signer},
    print,
    source::failed,
};
use std::{fmt::Write as _, process::ExitCode};
use varco_audit::{
    case::{Answer, Outcome},
    seal::Role,
    shares::{Step, steps},
};

/// Who set the shares of the lanes, what and when, in the time that the request names. A subject names somebody only in the
/// hub's register. Both officers are present; a look at what administrators do is a case like another.
#[derive(Debug, clap::Args)]
pub struct Shares {
    #[command(flatten)]
    look: Look,
    #[command(flatten)]
    form: Form,
}

impl Shares {
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let (permit, mut opener) = match self.look.begin()? {
            Ok(allowed) => allowed,
            Err(code) => return Ok(code),
        };
        let found = self.look.source.ask(&mut opener, |records, opener| {
            if let Some(gone) = records.gone()? {
                eprintln!("records below {} are gone, and the steps among them", gone.below);
            }
            steps(&permit, records, opener)
        });
        let steps: Vec<_> = match found {
            Ok(steps) => steps.into_iter().flatten().collect(),
            Err(error) => return failed(error),
        };
        print(&if self.form.json() { serde_json::to_string_pretty(&steps)? + "\n" } else { text(&steps)? })?;
        let count = Outcome::Shares(u32::try_from(steps.len()).unwrap_or(u32::MAX));
        let approver = &signer(&opener, Role::Approver)?.name;
        self.form.sign(&Answer::without(permit.case(), approver, now(), count), &opener)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A line for each step: when, what, who, and the rates that differ from before.
fn text(steps: &[Step]) -> anyhow::Result<String> {
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
