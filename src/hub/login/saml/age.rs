//! Whether somebody is a minor, from the date of birth that a fiscal code holds.

use super::fiscal::{FiscalNumber, MONTHS, digit};
use jiff::civil::{Date, date};

/// When a minor is of age (art. 2 of the Civil Code), in years.
const OF_AGE: i16 = 18;

impl FiscalNumber {
    /// Whether the person is under 18 on `today`. The code has two digits of the year, so somebody of a hundred years or
    /// more counts as a child again.
    pub fn is_minor(&self, today: Date) -> bool {
        self.has_turned(OF_AGE, today) == Some(false)
    }

    /// Whether the person has had the birthday of that many years on `today`; `None` where the code holds no date. Who is a
    /// hundred or more is a child here too.
    pub fn has_turned(&self, years: i16, today: Date) -> Option<bool> {
        let (year, month, day) = born(self.expose().as_bytes(), today)?;
        // Who was born on 29 February has a birthday on 1 March.
        let then = year.saturating_add(years);
        Some(Date::new(then, month, day).unwrap_or_else(|_| date(then, 3, 1)) <= today)
    }
}

fn born(code: &[u8], today: Date) -> Option<(i16, i8, i8)> {
    let number = |n: usize| code.get(n).and_then(|c| digit(*c)).and_then(|digit| i8::try_from(digit).ok());
    let month =
        MONTHS.iter().position(|month| Some(month) == code.get(8)).and_then(|m| i8::try_from(m).ok())?;
    let day = number(9)? * 10 + number(10)?;
    // Women's days begin at 41.
    let (month, day) = (month + 1, if day > 40 { day - 40 } else { day });
    let year = today.year() / 100 * 100 + i16::from(number(6)? * 10 + number(7)?);
    let past = (year, month, day) <= (today.year(), today.month(), today.day());
    Some((if past { year } else { year - 100 }, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minor(begin: &str, today: &str) -> bool {
        // The check character is whichever makes the code right.
        let codes = ('A'..='Z').map(|last| FiscalNumber::from_code(&format!("{begin}{last}")));
        codes.filter_map(Result::ok).next().unwrap().is_minor(today.parse().unwrap())
    }

    #[test]
    fn the_day_of_eighteen_is_the_first_of_age() {
        assert!(minor("RSSMRA08S23H501", "2026-11-22"));
        assert!(!minor("RSSMRA08S22H501", "2026-11-22"));
        assert!(minor("RSSMRA08S63H501", "2026-11-22"), "a girl");
        assert!(!minor("RSSMRA08S62H501", "2026-11-22"));
    }

    #[test]
    fn a_year_to_come_is_of_the_last_century() {
        assert!(!minor("RSSMRA80A01H501", "2026-11-22"));
        assert!(minor("RSSMRA26S22H501", "2026-11-22"));
        assert!(!minor("RSSMRA26S23H501", "2026-11-22"), "1926, not tomorrow");
        assert!(minor("RSSMRA99A01H501", "2101-01-01"), "2099");
    }

    #[test]
    fn letters_that_stand_for_digits_are_read() {
        assert!(minor("RSSMRALUA01H501", "2026-11-22") == minor("RSSMRA08A01H501", "2026-11-22"));
        assert!(minor("RSSMRAMLA01H501", "2026-11-22"));
    }

    #[test]
    fn born_on_the_29_of_february() {
        assert!(minor("RSSMRA08B29H501", "2026-02-28"));
        assert!(!minor("RSSMRA08B29H501", "2026-03-01"));
    }
}
