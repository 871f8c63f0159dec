//! What the approver says of a request.

use super::{
    CaseId,
    document::{Document, Lines},
};
use crate::seal::Role;
use jiff::Timestamp;
use std::{fmt, str::FromStr};

/// The case is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The case.
    pub case: CaseId,
    /// The approver.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// The case is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The case.
    pub case: CaseId,
    /// The approver.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub ground: Ground,
}

/// Why a case is refused. A word and not a text: the hub keeps it, and a text could name an address or a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// The act is missing, or does not say that.
    Act,
    /// Who asks may not.
    Authority,
    /// It asks more than the act needs, or singles out nobody.
    Scope,
    /// It is too late: what would answer is past its time.
    Time,
    /// A mistake in the request: it is to be asked anew.
    Form,
}

impl Ground {
    /// All.
    pub const ALL: [Self; 5] = [Self::Act, Self::Authority, Self::Scope, Self::Time, Self::Form];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Act => "act",
            Self::Authority => "authority",
            Self::Scope => "scope",
            Self::Time => "time",
            Self::Form => "form",
        }
    }
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Ground {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|ground| ground.as_str() == text);
        found.ok_or("a reason is act, authority, scope, time or form")
    }
}

impl Document for Approval {
    const FORMAT: &'static str = "varco-approval/1";
    const ROLE: Role = Role::Approver;

    fn by(&self) -> &str {
        &self.by
    }

    fn lines(&self) -> String {
        format!("case {}\nby {}\nat {}\n", self.case, self.by, self.at)
    }

    fn read(lines: &mut Lines<'_>) -> Option<Self> {
        let (case, by, at) = head(lines)?;
        Some(Self { case, by, at })
    }

    fn case(&self) -> Option<CaseId> {
        Some(self.case)
    }
}

impl Document for Refusal {
    const FORMAT: &'static str = "varco-refusal/1";
    const ROLE: Role = Role::Approver;

    fn by(&self) -> &str {
        &self.by
    }

    fn lines(&self) -> String {
        format!("case {}\nby {}\nat {}\nreason {}\n", self.case, self.by, self.at, self.ground)
    }

    fn read(lines: &mut Lines<'_>) -> Option<Self> {
        let (case, by, at) = head(lines)?;
        Some(Self { case, by, at, ground: lines.value("reason")?.parse().ok()? })
    }

    fn case(&self) -> Option<CaseId> {
        Some(self.case)
    }
}

/// What every document but the request begins with.
pub(super) fn head(lines: &mut Lines<'_>) -> Option<(CaseId, String, Timestamp)> {
    let case = lines.value("case")?.parse().ok()?;
    Some((case, lines.value("by")?.to_owned(), lines.value("at")?.parse().ok()?))
}
