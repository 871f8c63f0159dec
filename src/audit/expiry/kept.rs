//! How long each class is kept here: what the controller has decided within the ranges of its profile, and the defaults else.
//!
//! ```toml
//! [log.retention]
//! R2a = "12 months"
//! R2b = "30 days"
//! ```

use super::Profile;
use crate::{
    class::{Class, ends_after},
    week::Period,
};
use jiff::{Span, SpanFieldwise, Timestamp, ToSpan as _, Unit, civil::date};
use std::collections::BTreeMap;

/// How long each class is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept([SpanFieldwise; Class::ALL.len()]);

/// What is written is no time that a class may be kept for.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadKept {
    /// The key.
    #[error("`{0}` is no class: write one of R1, R2a, R2b, R3, R4, R5, R6")]
    Class(String),
    /// The value.
    #[error("`{0}` is no length: write whole days or months, as \"30 days\" or \"6 months\"")]
    Length(String),
    /// Out of the class's range.
    #[error("{class} may be kept for {range}, not for {written}")]
    Range {
        /// Which.
        class: Class,
        /// What may be.
        range: String,
        /// What is written.
        written: String,
    },
}

impl Default for Kept {
    fn default() -> Self {
        Self::by_default(Profile::default())
    }
}

impl Kept {
    /// What a profile keeps where nothing is decided.
    pub fn by_default(profile: Profile) -> Self {
        Self(Class::ALL.map(|class| profile.retention(class).default.fieldwise()))
    }

    /// The defaults of a profile, but for what a table says.
    ///
    /// # Errors
    /// The first key that is wrong, and what is wrong with it.
    pub fn of(profile: Profile, table: &BTreeMap<String, String>) -> Result<Self, (String, BadKept)> {
        let mut kept = Self::by_default(profile);
        for (key, written) in table {
            kept.set(profile, key, written).map_err(|bad| (key.clone(), bad))?;
        }
        Ok(kept)
    }

    /// Sets one class.
    ///
    /// # Errors
    /// When it is no class, no length, or out of the profile's range.
    pub fn set(&mut self, profile: Profile, class: &str, written: &str) -> Result<(), BadKept> {
        let class: Class = class.parse().map_err(|_| BadKept::Class(class.to_owned()))?;
        let span = length(written).ok_or_else(|| BadKept::Length(written.to_owned()))?;
        let retention = profile.retention(class);
        // A month has 28 to 31 days: what is written must be within whatever month it begins in.
        let mut begins = (0..48).filter_map(|month| date(2027, 1, 1).checked_add(month.months()).ok());
        let within = |from: jiff::civil::Date| {
            let end = |span: SpanFieldwise| from.checked_add(span.0).ok();
            end(span) >= end(retention.least.fieldwise())
                && retention.most.is_none_or(|most| end(span).is_some() && end(span) <= end(most.fieldwise()))
        };
        if begins.all(within) {
            self.0[class as usize] = span;
            return Ok(());
        }
        let least = words(&retention.least);
        let range =
            retention.most.map_or(format!("{least} or more"), |most| format!("{least} to {}", words(&most)));
        Err(BadKept::Range { class, range, written: written.to_owned() })
    }

    /// How long a class is kept, as it is written.
    pub fn length(&self, class: Class) -> String {
        words(&self.0[class as usize].0)
    }

    /// When what was sealed in this period is to be destroyed; the end of time where it cannot be told. It counts from the
    /// period's first day: nothing lives longer than its class, and what was made later in a week lives shorter.
    pub fn ends(&self, class: Class, period: Period) -> Timestamp {
        ends_after(period, self.0[class as usize].0)
    }
}

/// As it would be written.
fn words(span: &Span) -> String {
    match (span.get_months(), span.get_days()) {
        (0, days) => format!("{days} days"),
        (1, _) => "1 month".to_owned(),
        (months, _) => format!("{months} months"),
    }
}

/// Whole days or months.
fn length(written: &str) -> Option<SpanFieldwise> {
    let (number, unit) = written.split_once(' ')?;
    let plain = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
    let number: i32 = number.parse().ok().filter(|_| plain)?;
    let unit = match unit {
        "day" | "days" => Unit::Day,
        "month" | "months" => Unit::Month,
        _ => return None,
    };
    let span = Span::new();
    let span = if unit == Unit::Day { span.try_days(number) } else { span.try_months(number) };
    span.ok().map(Span::fieldwise)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(class: &str, written: &str) -> Result<String, String> {
        set_by(Profile::PublicBody, class, written)
    }

    fn set_by(profile: Profile, class: &str, written: &str) -> Result<String, String> {
        let mut kept = Kept::by_default(profile);
        let week = "2026-W47".parse().unwrap();
        let class_of = class.parse().unwrap_or(Class::R6);
        kept.set(profile, class, written)
            .map(|()| kept.ends(class_of, week).to_string())
            .map_err(|bad| bad.to_string())
    }

    #[test]
    fn what_is_not_said_is_as_ever_and_what_is_said_counts_from_the_first_day() {
        let week = "2026-W47".parse().unwrap();
        for class in Class::ALL {
            assert_eq!(Kept::default().ends(class, week), class.ends(week), "{class}");
        }
        assert_eq!(set("R2b", "30 days").unwrap(), "2026-12-16T00:00:00Z");
        assert_eq!(set("R2a", "12 months").unwrap(), "2027-11-16T00:00:00Z");
        assert_eq!(set("R3", "0 days").unwrap(), "2026-11-16T00:00:00Z");
        let table = BTreeMap::from([("R5".to_owned(), "1 month".to_owned())]);
        assert_eq!(
            Kept::of(Profile::PublicBody, &table).unwrap().ends(Class::R5, week).to_string(),
            "2026-12-16T00:00:00Z"
        );
    }

    #[test]
    fn the_ranges_of_the_law_are_kept() {
        for (class, least, most) in [
            ("R1", "24 months", "25 months"),
            ("R2a", "1 month", "24 months"),
            ("R2b", "7 days", "24 months"),
            ("R3", "0 days", "7 days"),
            ("R4", "6 months", "120 months"),
            ("R5", "1 month", "12 months"),
            ("R6", "0 days", "600 months"),
        ] {
            assert!(set(class, least).is_ok() && set(class, most).is_ok(), "{class}");
        }
        for (class, wrong) in [
            ("R1", "23 months"),
            ("R1", "26 months"),
            ("R2a", "27 days"),
            ("R2a", "30 days"),
            ("R2a", "25 months"),
            ("R2a", "732 days"),
            ("R2b", "6 days"),
            ("R2b", "731 days"),
            ("R3", "8 days"),
            ("R3", "1 month"),
            ("R4", "5 months"),
            ("R5", "13 months"),
        ] {
            let said = set(class, wrong).unwrap_err();
            assert!(said.starts_with(&format!("{class} may be kept for ")), "{class} {wrong}: {said}");
        }
        let said = set("R2b", "25 months").unwrap_err();
        assert_eq!(said, "R2b may be kept for 7 days to 24 months, not for 25 months");
    }

    #[test]
    fn an_operator_keeps_12_to_72_months() {
        let set = |class: &str, written: &str| set_by(Profile::AuthorisedOperator, class, written);
        for class in ["R2a", "R2b"] {
            assert!(set(class, "12 months").is_ok() && set(class, "72 months").is_ok());
            for wrong in ["11 months", "364 days", "73 months", "2193 days"] {
                let said = set(class, wrong).unwrap_err();
                let expected = format!("{class} may be kept for 12 months to 72 months, not for {wrong}");
                assert_eq!(said, expected);
            }
        }
        let kept = Kept::by_default(Profile::AuthorisedOperator);
        assert_eq!((&*kept.length(Class::R2b), &*kept.length(Class::R4)), ("72 months", "30 months"));
        assert!(set("R1", "72 months").is_err() && set("R3", "8 days").is_err());
    }

    #[test]
    fn what_is_no_class_or_length_is_refused() {
        assert!(set("R7", "1 month").unwrap_err().contains("`R7` is no class"));
        for wrong in
            ["", "6", "6 weeks", "6months", "-1 days", "+6 months", "six months", "6 months ", "1.5 months"]
        {
            assert!(set("R2b", wrong).unwrap_err().contains("is no length"), "{wrong}");
        }
    }
}
