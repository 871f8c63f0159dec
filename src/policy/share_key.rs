//! One rate among the shares, by its name: `office.down.guaranteed`.

use crate::{
    lane::{Lane, Share, Shares},
    rate::Rate,
    wire::Direction,
};
use std::{fmt, str::FromStr};

/// Which of a share's two rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// What the lane always has.
    Guaranteed,
    /// What it never exceeds.
    Ceiling,
}

/// A rate among the shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShareKey {
    /// Of this lane.
    pub lane: Lane,
    /// In this direction.
    pub direction: Direction,
    /// The guarantee or the ceiling.
    pub part: Part,
}

/// The text names no rate of the shares.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no share; write lane, direction and rate: office.down.guaranteed, guest.up.ceiling")]
pub struct NotAShare(String);

/// A rate that is another than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// Which.
    pub key: ShareKey,
    /// Before.
    pub from: Rate,
    /// Now.
    pub to: Rate,
}

impl ShareKey {
    /// All of them: lane by lane, upwards first.
    pub fn all() -> impl Iterator<Item = Self> {
        let parts = [Part::Guaranteed, Part::Ceiling];
        let of_lane = move |lane| {
            [Direction::Up, Direction::Down]
                .into_iter()
                .flat_map(move |direction| parts.map(|part| Self { lane, direction, part }))
        };
        Lane::ALL.into_iter().flat_map(of_lane)
    }

    /// The rate in `shares`.
    pub const fn of(self, shares: &Shares) -> Rate {
        let lanes = match self.direction {
            Direction::Up => &shares.up,
            Direction::Down => &shares.down,
        };
        let share = lanes.of(self.lane);
        match self.part {
            Part::Guaranteed => share.guaranteed,
            Part::Ceiling => share.ceiling,
        }
    }

    /// Sets the rate in `shares`.
    pub const fn set(self, shares: &mut Shares, rate: Rate) {
        let lanes = match self.direction {
            Direction::Up => &mut shares.up,
            Direction::Down => &mut shares.down,
        };
        let share: &mut Share = match self.lane {
            Lane::Critical => &mut lanes.critical,
            Lane::Office => &mut lanes.office,
            Lane::Guest => &mut lanes.guest,
        };
        match self.part {
            Part::Guaranteed => share.guaranteed = rate,
            Part::Ceiling => share.ceiling = rate,
        }
    }
}

/// The rates in which `to` differs from `from`.
pub fn difference(from: &Shares, to: &Shares) -> Vec<Changed> {
    let each = ShareKey::all().map(|key| Changed { key, from: key.of(from), to: key.of(to) });
    each.filter(|changed| changed.from != changed.to).collect()
}

impl fmt::Display for ShareKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = match self.direction {
            Direction::Up => "up",
            Direction::Down => "down",
        };
        let part = match self.part {
            Part::Guaranteed => "guaranteed",
            Part::Ceiling => "ceiling",
        };
        write!(f, "{}.{direction}.{part}", self.lane.word())
    }
}

impl FromStr for ShareKey {
    type Err = NotAShare;

    fn from_str(text: &str) -> Result<Self, NotAShare> {
        Self::all().find(|key| key.to_string() == text).ok_or_else(|| NotAShare(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::Lanes;

    #[test]
    fn every_rate_has_a_name_and_is_set_alone() {
        let share = Share { guaranteed: Rate::from_bits(1), ceiling: Rate::from_bits(2) };
        let lanes = Lanes { critical: share, office: share, guest: share };
        let before = Shares { up: lanes, down: lanes };
        assert_eq!(ShareKey::all().count(), 12);
        for key in ShareKey::all() {
            assert_eq!(key.to_string().parse(), Ok(key));
            let mut after = before;
            key.set(&mut after, Rate::from_bits(9));
            let from = key.of(&before);
            assert_eq!(difference(&before, &after), [Changed { key, from, to: Rate::from_bits(9) }]);
        }
        assert!(difference(&before, &before).is_empty());
    }

    #[test]
    fn what_is_no_name_is_told_what_would_be() {
        for text in ["", "office", "office.down", "Office.down.ceiling", "office.down.ceiling.x"] {
            let said = text.parse::<ShareKey>().unwrap_err().to_string();
            assert!(said.contains("office.down.guaranteed"), "{said}");
        }
    }
}
