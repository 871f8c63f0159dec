//! Lanes and their shares of the line.

use crate::rate::Rate;
use serde::{Deserialize, Serialize};

/// A class of traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// Video surveillance and remote control: served first.
    Critical,
    /// Institutional use; also everything that no other lane names.
    Office,
    /// Citizens: what the others leave (CAD art. 8-bis; lower effort, RFC 8622).
    Guest,
}

impl Lane {
    /// All lanes, first served first.
    pub const ALL: [Self; 3] = [Self::Critical, Self::Office, Self::Guest];

    /// The HTB priority: 0 is served first, 7 last.
    pub const fn priority(self) -> u8 {
        match self {
            Self::Critical => 0,
            Self::Office => 1,
            Self::Guest => 7,
        }
    }

    /// The lane's word in settings, metrics and records.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Office => "office",
            Self::Guest => "guest",
        }
    }
}

/// What a lane is guaranteed and what it may reach, in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Always available to the lane.
    pub guaranteed: Rate,
    /// Never exceeded by the lane, even when the line is idle.
    pub ceiling: Rate,
}

/// The shares of all lanes in one direction of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lanes {
    /// Share of [`Lane::Critical`].
    pub critical: Share,
    /// Share of [`Lane::Office`].
    pub office: Share,
    /// Share of [`Lane::Guest`].
    pub guest: Share,
}

impl Lanes {
    /// The share of `lane`.
    pub const fn of(&self, lane: Lane) -> Share {
        match lane {
            Lane::Critical => self.critical,
            Lane::Office => self.office,
            Lane::Guest => self.guest,
        }
    }

    /// Checks the shares against what the link carries.
    ///
    /// # Errors
    /// The first rule that is broken, with the key it is broken at.
    pub fn check(&self, link: Rate) -> Result<(), SharesError> {
        for lane in Lane::ALL {
            let share = self.of(lane);
            if share.guaranteed.bits() == 0 {
                return Err(SharesError::NothingGuaranteed { lane });
            }
            if share.ceiling < share.guaranteed {
                return Err(SharesError::CeilingUnderGuarantee { lane, share });
            }
            if share.ceiling > link {
                return Err(SharesError::CeilingAboveLink { lane, share, link });
            }
        }
        self.check_guarantees(link)
    }

    /// Checks the guarantees alone against what the link carries, for example at its worst.
    ///
    /// # Errors
    /// When they add up to more.
    pub fn check_guarantees(&self, link: Rate) -> Result<(), SharesError> {
        let guaranteed = Lane::ALL.map(|lane| self.of(lane).guaranteed);
        let sum = guaranteed.into_iter().fold(Rate::default(), Rate::plus);
        if sum > link { Err(SharesError::SoldTwice { sum, link }) } else { Ok(()) }
    }
}

/// The shares of both directions, seen from the building.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shares {
    /// From the building to the Internet.
    pub up: Lanes,
    /// From the Internet to the building.
    pub down: Lanes,
}

/// Shares that the line cannot keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum SharesError {
    #[error("{}.guaranteed is 0; a lane needs at least 1kbit or it can stall", lane.word())]
    NothingGuaranteed { lane: Lane },
    #[error("{}.ceiling {} is under its guarantee {}", lane.word(), share.ceiling, share.guaranteed)]
    CeilingUnderGuarantee { lane: Lane, share: Share },
    #[error("{}.ceiling {} is above the link's {link}", lane.word(), share.ceiling)]
    CeilingAboveLink { lane: Lane, share: Share, link: Rate },
    #[error("the guarantees add up to {sum}, the link carries {link}")]
    SoldTwice { sum: Rate, link: Rate },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(guaranteed: &str, ceiling: &str) -> Share {
        Share { guaranteed: guaranteed.parse().unwrap(), ceiling: ceiling.parse().unwrap() }
    }

    fn lanes(critical: Share, office: Share, guest: Share) -> Lanes {
        Lanes { critical, office, guest }
    }

    #[test]
    fn good_shares_pass() {
        let good = lanes(share("10mbit", "100mbit"), share("80mbit", "100mbit"), share("1mbit", "100mbit"));
        assert_eq!(good.check("100mbit".parse().unwrap()), Ok(()));
    }

    #[test]
    fn each_broken_promise_is_named() {
        let link = "100mbit".parse().unwrap();
        let ok = share("1mbit", "100mbit");
        let said = |l: Lanes| l.check(link).unwrap_err().to_string();
        insta::assert_snapshot!(said(lanes(ok, share("0bit", "1mbit"), ok)), @"office.guaranteed is 0; a lane needs at least 1kbit or it can stall");
        insta::assert_snapshot!(said(lanes(ok, ok, share("2mbit", "1mbit"))), @"guest.ceiling 1mbit is under its guarantee 2mbit");
        insta::assert_snapshot!(said(lanes(ok, ok, share("1mbit", "1gbit"))), @"guest.ceiling 1gbit is above the link's 100mbit");
        insta::assert_snapshot!(said(lanes(ok, share("99mbit", "100mbit"), ok)), @"the guarantees add up to 101mbit, the link carries 100mbit");
    }
}
