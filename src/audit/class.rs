//! The classes of what is recorded at a site, and how long each is kept (CAD art. 8-bis; Garante, opinion 201 of
//! 29 October 2020; CJEU C-470/21). Each sealed class has keys of its own, so that each ends on its own day.

use crate::week::{Length, Period};
use jiff::{Span, Timestamp, ToSpan, tz::TimeZone};
use std::{fmt, str::FromStr};

/// A class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The register of logins, at the hub (DPCM 24 October 2014 art. 13). What is sealed of a login is in the register; the
    /// leaf holds a digest of it: clear.
    R1,
    /// Connection: a pass begins for a pairwise subject, and ends with a cause. Sealed.
    R2a,
    /// Attribution: which public address and ports a pass holds. Sealed.
    R2b,
    /// Device: a keyed hash of a hardware address. Sealed.
    R3,
    /// What administrators do: who, what. Sealed.
    R4,
    /// What the program says of itself and of differences with the kernel. No personal data: clear.
    R5,
    /// Heartbeats and sums. No personal data: clear.
    R6,
}

/// How long a class is kept, from the first day of its period on.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Unless the controller decides otherwise.
    pub default: Span,
    /// The least that may be set.
    pub least: Span,
    /// The most that may be set; `None` where there is no limit.
    pub most: Option<Span>,
}

/// The text is no class.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a class is R1, R2a, R2b, R3, R4, R5 or R6")]
pub struct NotAClass;

impl Class {
    /// Those that are sealed, and so have keys.
    pub const SEALED: [Self; 4] = [Self::R2a, Self::R2b, Self::R3, Self::R4];
    /// All of them.
    pub const ALL: [Self; 7] = [Self::R1, Self::R2a, Self::R2b, Self::R3, Self::R4, Self::R5, Self::R6];

    /// As it stands in a leaf.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::R1 => "R1",
            Self::R2a => "R2a",
            Self::R2b => "R2b",
            Self::R3 => "R3",
            Self::R4 => "R4",
            Self::R5 => "R5",
            Self::R6 => "R6",
        }
    }

    /// How long one key is used: a week, or a day where the class lives days only.
    pub const fn length(self) -> Length {
        match self {
            Self::R3 => Length::Day,
            _ => Length::Week,
        }
    }

    /// Default and range.
    pub fn retention(self) -> Retention {
        let of = |default, least, most| Retention { default, least, most };
        match self {
            Self::R1 => of(24.months(), 24.months(), Some(25.months())),
            Self::R2a => of(24.months(), 1.month(), Some(24.months())),
            Self::R2b => of(6.months(), 7.days(), Some(24.months())),
            // The day itself and the next: a session that begins in the evening lasts into it.
            Self::R3 => of(2.days(), 0.days(), Some(7.days())),
            Self::R4 => of(30.months(), 6.months(), None),
            Self::R5 => of(6.months(), 1.month(), Some(12.months())),
            Self::R6 => of(13.months(), 0.days(), None),
        }
    }

    /// When what was sealed in this period is to be destroyed by default; the end of time where it cannot be told. It counts
    /// from the period's first day: nothing lives longer than its class, and what was made later in a week lives shorter.
    pub fn ends(self, period: Period) -> Timestamp {
        ends_after(period, self.retention().default)
    }
}

/// So long after the first day of a period; the end of time where it cannot be told.
pub(crate) fn ends_after(period: Period, kept: Span) -> Timestamp {
    let end = period.first().checked_add(kept);
    let zoned = end.ok().and_then(|date| date.to_zoned(TimeZone::UTC).ok());
    zoned.map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Class {
    type Err = NotAClass;

    fn from_str(text: &str) -> Result<Self, NotAClass> {
        Self::ALL.into_iter().find(|class| class.as_str() == text).ok_or(NotAClass)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_default_is_within_its_range_and_its_key_goes_in_time() {
        let now = jiff::civil::date(2026, 11, 22);
        for class in Class::ALL {
            assert_eq!(class.as_str().parse(), Ok(class));
            let kept = class.retention();
            let after = |span: Span| now.checked_add(span).unwrap();
            assert!(after(kept.least) <= after(kept.default), "{class}");
            assert!(kept.most.is_none_or(|most| after(kept.default) <= after(most)), "{class}");
        }
        assert_eq!("R7".parse::<Class>(), Err(NotAClass));
        let week = "2026-W47".parse().unwrap();
        assert_eq!(Class::R2b.ends(week).to_string(), "2027-05-16T00:00:00Z");
        let day = "2026-11-22".parse().unwrap();
        assert_eq!(Class::R3.ends(day).to_string(), "2026-11-24T00:00:00Z");
    }
}
