//! The auditor's other question: who set the shares of the lanes, what did they set, and when?

use crate::{
    case::{FindError, Permit, What},
    class::Class,
    content::Body,
    entry::SharesStep,
    index::Span,
    leaf::Leaf,
    opener::Opener,
    records::Records,
};
use jiff::Timestamp;
use serde::Serialize;
use varco_policy::{ShareKey, Shares, Subject, share_key};

/// The steps in the records of a site in the time that the case is about; none where it is about other sites.
///
/// # Errors
/// When records are missing or damaged, a key is, or the case asks something else.
pub fn steps(permit: &Permit, records: &mut Records, opener: &mut Opener) -> Result<Vec<Step>, FindError> {
    let What::Shares { from, to } = permit.question().what else { return Err(FindError::OtherQuestion) };
    let mut steps = Vec::new();
    if records.site()?.is_none_or(|site| !permit.question().is_about(&site)) {
        return Ok(steps);
    }
    for sequence in records.of_class(Class::R4, Span { first: from, last: to })? {
        let octets = records.leaf(sequence)?;
        let leaf = Leaf::read(&octets)?;
        let body = opener.open(&leaf)?.body;
        steps.extend(Step::of(leaf.header.at, &leaf.header.site, body, !records.in_log(sequence)));
    }
    Ok(steps)
}

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
    fn of(at: Timestamp, site: &str, body: Body, not_in_log: bool) -> Option<Self> {
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
