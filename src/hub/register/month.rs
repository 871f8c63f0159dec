//! A month of the register, in UTC: what a key seals, and what is destroyed together.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use std::{fmt, str::FromStr};

/// How many whole months a login is kept after its own (class R1: 24 to 25 months from the login to its end).
pub const KEPT: i32 = 24;

/// Year and month, written `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i16,
    month: i8,
}

/// The text is no month.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a month such as 2026-11")]
pub struct NotAMonth;

impl Month {
    /// The month of an instant in Unix seconds; what no calendar has is in its first or last month.
    pub fn of(second: i64) -> Self {
        let date = instant(second).to_zoned(TimeZone::UTC).date();
        Self { year: date.year(), month: date.month() }
    }

    /// The oldest month that is kept while it is this one.
    #[must_use]
    pub fn oldest_kept(self) -> Self {
        let months = i32::from(self.year) * 12 + i32::from(self.month) - 1 - KEPT;
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
        Self { year: i16::try_from(year).unwrap_or(i16::MIN), month: i8::try_from(month).unwrap_or(1) }
    }
}

/// An instant in Unix seconds, the nearest that a calendar has.
pub fn instant(second: i64) -> Timestamp {
    let beyond = if second < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(second).unwrap_or(beyond)
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = NotAMonth;

    fn from_str(text: &str) -> Result<Self, NotAMonth> {
        let date: Date = format!("{text}-01").parse().map_err(|_| NotAMonth)?;
        let month = Self { year: date.year(), month: date.month() };
        // Other ways to write a date are no names of ours.
        if month.to_string() == text { Ok(month) } else { Err(NotAMonth) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    #[test]
    fn months_are_read_written_and_counted() {
        assert_eq!(Month::of(1_795_305_600).to_string(), "2026-11");
        assert_eq!(Month::of(0), month("1970-01"));
        assert_eq!(Month::of(i64::MAX).to_string(), "9999-12");
        assert!(Month::of(i64::MIN) < month("1970-01"));
        assert_eq!(month("2026-11").oldest_kept(), month("2024-11"));
        assert_eq!(month("2026-01").oldest_kept(), month("2024-01"));
        assert!(month("2025-12") < month("2026-01"));
        for wrong in ["", "2026", "2026-13", "2026-1", "202611", "2026-11-01", "../x"] {
            assert_eq!(wrong.parse::<Month>(), Err(NotAMonth), "{wrong}");
        }
    }
}
