//! The line: what it carries, and what it is shaped to so that the queue is here and not at the provider's.

use crate::{
    config::ConfigError,
    lane::{Shares, SharesError},
    rate::Rate,
    wire::Capacity,
};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What the line carries in each direction, as in the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// From the building to the Internet.
    pub up: Rate,
    /// From the Internet to the building.
    pub down: Rate,
    /// Where it varies, as behind a 5G mast: the least it carries; `up` and `down` are the most.
    #[serde(default)]
    pub least: Option<LeastLink>,
    /// How much of it is left free.
    #[serde(default)]
    pub headroom: Headroom,
}

/// The least that a varying line carries. The guarantees are kept even then.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeastLink {
    /// From the building to the Internet.
    pub up: Rate,
    /// From the Internet to the building.
    pub down: Rate,
}

/// Percent of the line left free, 0 to 50. Upwards the queue is here in any case; downwards it is at the provider's unless
/// less is let through than the line carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Headroom {
    /// From the building to the Internet.
    pub up: u8,
    /// From the Internet to the building.
    pub down: u8,
}

impl Headroom {
    /// Where `site.toml` says nothing. Behind a line with a deep buffer, beside 50 flooding guests, the office kept 0.75 of its
    /// download at 5 %, and 0.98 to 1.00 at 10 and 15 %, with pings of 20 and 9 ms; upwards all of it without any
    /// (BENCHMARKS.md).
    pub const DEFAULT: Self = Self { up: 0, down: 15 };
    const MOST: u8 = 50;
}

impl Default for Headroom {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Shares that a link cannot keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Even at its best.
    #[error(transparent)]
    AtBest(SharesError),
    /// When it carries the least.
    #[error("at link.least {0}")]
    AtWorst(SharesError),
}

impl Link {
    /// What the line is shaped to as long as nothing else is known: the contract less the headroom.
    pub fn shaped(&self) -> Capacity {
        let least = self.least.unwrap_or_default();
        let (up, down) = (less(self.up, self.headroom.up), less(self.down, self.headroom.down));
        Capacity { up: up.max(least.up), down: down.max(least.down) }
    }

    /// Checks shares against the line: the ceilings against the contract, the guarantees against what is let through at
    /// its best and at its worst.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn keeps(&self, shares: &Shares) -> Result<(), LinkError> {
        let shaped = self.shaped();
        for (lanes, link, shaped) in
            [(&shares.up, self.up, shaped.up), (&shares.down, self.down, shaped.down)]
        {
            lanes.check(link).and_then(|()| lanes.check_guarantees(shaped)).map_err(LinkError::AtBest)?;
        }
        let Some(least) = self.least else { return Ok(()) };
        shares.up.check_guarantees(least.up).map_err(LinkError::AtWorst)?;
        shares.down.check_guarantees(least.down).map_err(LinkError::AtWorst)
    }

    pub(crate) fn check(&self, file: &Path) -> Result<(), ConfigError> {
        let bad = |key, problem: String, remedy| Err(ConfigError::new(file, key, problem, remedy));
        let Headroom { up, down } = self.headroom;
        if let Some(percent) = [up, down].into_iter().find(|percent| *percent > Headroom::MOST) {
            return bad("link.headroom", format!("{percent} % is out of range"), "give 0 to 50 percent");
        }
        match self.least {
            Some(least) if least.up > self.up || least.down > self.down => bad(
                "link.least",
                "it is more than the link".into(),
                "give what the line carries at its worst",
            ),
            _ => Ok(()),
        }
    }
}

/// Whole kilobits, where there are any: `tc` and people read them back.
fn less(rate: Rate, percent: u8) -> Rate {
    let kept = u64::from(100_u8.saturating_sub(percent));
    let bits = rate.bits() / 100 * kept + rate.bits() % 100 * kept / 100;
    Rate::from_bits(if percent > 0 && bits > 1_000 { bits / 1_000 * 1_000 } else { bits })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Share, lane::Lanes};

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    fn link(headroom: Headroom) -> Link {
        Link { up: rate("100mbit"), down: rate("1gbit"), least: None, headroom }
    }

    #[test]
    fn headroom_is_taken_from_the_contract() {
        let shaped = |up, down| link(Headroom { up, down }).shaped();
        assert_eq!(shaped(0, 10), Capacity { up: rate("100mbit"), down: rate("900mbit") });
        assert_eq!(shaped(2, 50), Capacity { up: rate("98mbit"), down: rate("500mbit") });
        assert_eq!(less(Rate::from_bits(10_007_777), 10), Rate::from_bits(9_006_000));
        assert_eq!(less(Rate::from_bits(10_007_777), 0), Rate::from_bits(10_007_777));
        assert_eq!(less(Rate::from_bits(u64::MAX), 50), Rate::from_bits(u64::MAX / 2 / 1_000 * 1_000));
    }

    #[test]
    fn guarantees_fit_what_is_let_through_and_ceilings_the_contract() {
        let lanes = |office: &str, ceiling: &str| {
            let share = |g: &str| Share { guaranteed: rate(g), ceiling: rate(ceiling) };
            Lanes { critical: share("1mbit"), office: share(office), guest: share("1mbit") }
        };
        let keeps = |down| link(Headroom::DEFAULT).keeps(&Shares { up: lanes("80mbit", "100mbit"), down });
        assert_eq!(keeps(lanes("848mbit", "1gbit")), Ok(()));
        let said = |down| keeps(down).unwrap_err().to_string();
        insta::assert_snapshot!(said(lanes("849mbit", "1gbit")), @"the guarantees add up to 851mbit, the link carries 850mbit");
        insta::assert_snapshot!(said(lanes("800mbit", "2gbit")), @"critical.ceiling 2gbit is above the link's 1gbit");
    }

    #[test]
    fn mistakes_are_named() {
        let said = |link: Link| link.check(Path::new("/site.toml")).unwrap_err().to_string();
        insta::assert_snapshot!(said(link(Headroom { up: 0, down: 51 })), @"/site.toml: link.headroom: 51 % is out of range; give 0 to 50 percent");
        let least = Some(LeastLink { up: rate("101mbit"), down: rate("1mbit") });
        insta::assert_snapshot!(said(Link { least, ..link(Headroom::DEFAULT) }), @"/site.toml: link.least: it is more than the link; give what the line carries at its worst");
    }
}
