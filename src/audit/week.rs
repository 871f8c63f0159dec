//! The time for which one key is used: an ISO 8601 week or a day, of UTC.

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, ISOWeekDate, Weekday},
    tz::TimeZone,
};
use std::{fmt, str::FromStr};

/// How long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Length {
    /// From Monday to Sunday.
    Week,
    /// One day.
    Day,
}

/// A week or a day. Written `2026-W47` and `2026-11-22`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    first: Date,
    length: Length,
}

/// The text is no period.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("write a week as 2026-W47, a day as 2026-11-22")]
pub struct NotAPeriod;

impl Period {
    /// The one in which an instant is.
    pub fn of(length: Length, at: Timestamp) -> Self {
        let date = at.to_zoned(TimeZone::UTC).date();
        let days = match length {
            Length::Week => i64::from(date.weekday().to_monday_zero_offset()),
            Length::Day => 0,
        };
        Self { first: date.checked_sub(days.days()).unwrap_or(Date::MIN), length }
    }

    /// The one after it; the last one of the calendar is its own next.
    #[must_use]
    pub fn next(self) -> Self {
        Self { first: self.end(), ..self }
    }

    /// How long it is.
    pub const fn length(self) -> Length {
        self.length
    }

    /// Its first day.
    pub const fn first(self) -> Date {
        self.first
    }

    /// The day after its last.
    pub fn end(self) -> Date {
        let days: i64 = match self.length {
            Length::Week => 7,
            Length::Day => 1,
        };
        self.first.checked_add(days.days()).unwrap_or(Date::MAX)
    }

    /// The days in it.
    pub fn days(self) -> impl Iterator<Item = Self> {
        let day = |first| Self { first, length: Length::Day };
        let end = self.end();
        std::iter::successors(Some(day(self.first)), |day| Some(day.next()))
            .take_while(move |day| day.first < end)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.length {
            Length::Day => self.first.fmt(f),
            Length::Week => {
                let week = self.first.iso_week_date();
                write!(f, "{:04}-W{:02}", week.year(), week.week())
            }
        }
    }
}

impl FromStr for Period {
    type Err = NotAPeriod;

    fn from_str(text: &str) -> Result<Self, NotAPeriod> {
        let week = || {
            let (year, week) = text.split_once("-W")?;
            let week = ISOWeekDate::new(year.parse().ok()?, week.parse().ok()?, Weekday::Monday).ok()?;
            Some(Self { first: week.date(), length: Length::Week })
        };
        let day = || Some(Self { first: text.parse().ok()?, length: Length::Day });
        // One text for one period: it is a name of a folder and part of what is signed.
        week().or_else(day).filter(|period| period.to_string() == text).ok_or(NotAPeriod)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_and_days_are_those_of_utc() {
        let of = |length, at: &str| Period::of(length, at.parse().unwrap()).to_string();
        assert_eq!(of(Length::Week, "2026-11-22T23:59:59Z"), "2026-W47");
        assert_eq!(of(Length::Week, "2026-11-23T00:00:00+01:00"), "2026-W47");
        assert_eq!(of(Length::Week, "2027-01-03T12:00:00Z"), "2026-W53");
        assert_eq!(of(Length::Week, "1970-01-01T00:00:00Z"), "1970-W01");
        assert_eq!(of(Length::Day, "2026-11-22T23:30:00-01:00"), "2026-11-23");
    }

    #[test]
    fn each_has_one_text() {
        for text in ["2026-W53", "2026-W01", "2026-11-22"] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
        }
        for text in ["2026-W1", "2026-W54", "2026-11-31", "2026", "", "2026-W+1", "../2026-W01"] {
            assert_eq!(text.parse::<Period>(), Err(NotAPeriod), "{text}");
        }
        let week: Period = "2026-W53".parse().unwrap();
        assert_eq!(week.next().to_string(), "2027-W01");
        assert_eq!(week.days().count(), 7);
        assert_eq!(week.days().last().unwrap().to_string(), "2027-01-03");
    }
}
