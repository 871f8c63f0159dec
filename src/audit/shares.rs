//! The auditor's other question: who set the shares of the lanes, what did they set, and when?

use crate::{content::Body, entry::SharesStep};
use jiff::Timestamp;
use serde::Serialize;
use varco_policy::{ShareKey, Shares, Subject, share_key};

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
    /// Whether it is in `site.db` alone: signed by nobody, so no evidence yet.
    pub not_in_log: bool,
}

impl Step {
    /// The step in a leaf, if it is one.
    pub fn of(at: Timestamp, site: &str, body: Body, not_in_log: bool) -> Option<Self> {
        match body {
            Body::Shares { step, by, shares } => {
                Some(Self { at, site: site.to_owned(), step, by, shares, not_in_log })
            }
            _ => None,
        }
    }

    /// The rates that differ from `before`, one text each; all of them where there is nothing before.
    pub fn changes(&self, before: Option<&Shares>) -> Vec<String> {
        match before {
            Some(before) => {
                let changed = share_key::difference(before, &self.shares).into_iter();
                changed.map(|changed| format!("{} {} -> {}", changed.key, changed.from, changed.to)).collect()
            }
            None => ShareKey::all().map(|key| format!("{key} {}", key.of(&self.shares))).collect(),
        }
    }
}
