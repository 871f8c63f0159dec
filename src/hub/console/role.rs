//! Who may do what at the console. No role holds both halves of a look-up, and no person two roles that would.

/// A role, by a list of `hub.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Verifies the log and asks for look-ups.
    Auditor,
    /// Allows or refuses look-ups, and answers them.
    Approver,
    /// Sees who looked at what, and what is due.
    Privacy,
    /// Keeps the programs running.
    Operator,
}

/// Something that can be done at the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Whether everything is whole.
    Integrity,
    /// Sums of sessions by site, day and cause.
    Sessions,
    /// Headers of leaves and their proofs.
    Search,
    /// Look-ups and their state.
    Cases,
    /// Handing in a request.
    Ask,
    /// Handing in an approval, a refusal or an answer.
    Decide,
    /// A receipt.
    Receipt,
    /// What is held, and what is due to be destroyed.
    Retention,
    /// Who looked at what.
    Looked,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Auditor, Self::Approver, Self::Privacy, Self::Operator];

    /// Its name in the claim `roles`, and in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auditor => "auditor",
            Self::Approver => "approver",
            Self::Privacy => "privacy",
            Self::Operator => "operator",
        }
    }

    /// The role of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether nobody may have both: one would ask and allow.
    pub const fn excludes(self, other: Self) -> bool {
        matches!((self, other), (Self::Auditor, Self::Approver) | (Self::Approver, Self::Auditor))
    }

    /// What it may do.
    pub const fn rights(self) -> &'static [Right] {
        use Right::{Ask, Cases, Decide, Integrity, Looked, Receipt, Retention, Search, Sessions};
        match self {
            Self::Auditor => &[Integrity, Sessions, Search, Cases, Ask, Receipt, Retention, Looked],
            Self::Approver => &[Integrity, Cases, Decide, Receipt],
            Self::Privacy => &[Integrity, Cases, Retention, Looked],
            Self::Operator => &[Integrity],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_can_do_both_halves() {
        let whole = |roles: &[Role]| {
            let may = |right| roles.iter().any(|role| role.rights().contains(&right));
            may(Right::Ask) && may(Right::Decide)
        };
        for one in Role::ALL {
            assert_eq!(Role::named(one.name()), Some(one));
            for other in Role::ALL {
                assert_eq!(whole(&[one, other]), one.excludes(other), "{one:?} {other:?}");
            }
        }
    }
}
