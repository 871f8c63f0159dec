//! The auditor's other question: who set the shares of the lanes, what did they set, and when?

use crate::entry::{Entry, SharesStep};
use jiff::Timestamp;
use serde::Serialize;
use varco_policy::{Lane, Shares, Subject};

/// A step in a change of shares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// The site.
    pub site: String,
    /// What happened.
    pub step: SharesStep,
    /// Who: the pairwise subject of an administrator. `None` for the command line on the router, and for nobody: a
    /// trial that nobody confirmed, or `site.toml` changed by hand.
    pub by: Option<Subject>,
    /// The shares from then on.
    pub shares: Shares,
}

impl Step {
    /// The step in an entry, if it is one.
    pub fn of(entry: Entry) -> Option<Self> {
        match entry {
            Entry::Shares { at, site, step, by, shares } => Some(Self { at, site, step, by, shares }),
            _ => None,
        }
    }

    /// The rates that differ from `before`, one text each; all of them where there is nothing before.
    pub fn changes(&self, before: Option<&Shares>) -> Vec<String> {
        let directions = [
            ("up", &self.shares.up, before.map(|b| &b.up)),
            ("down", &self.shares.down, before.map(|b| &b.down)),
        ];
        let mut changes = Vec::new();
        for lane in Lane::ALL {
            for (direction, now, before) in &directions {
                let (now, before) = (now.of(lane), before.map(|lanes| lanes.of(lane)));
                let rates = [
                    ("guaranteed", now.guaranteed, before.map(|b| b.guaranteed)),
                    ("ceiling", now.ceiling, before.map(|b| b.ceiling)),
                ];
                for (name, now, before) in rates {
                    let key = format!("{}.{direction}.{name}", lane.word());
                    match before {
                        Some(before) if before == now => {}
                        Some(before) => changes.push(format!("{key} {before} -> {now}")),
                        None => changes.push(format!("{key} {now}")),
                    }
                }
            }
        }
        changes
    }
}
