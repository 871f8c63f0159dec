//! Sums that the index answers with.

use super::{Count, Marked};
use crate::class::Class;
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use std::collections::BTreeMap;

/// A month of a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    /// The year.
    pub year: i16,
    /// 1 to 12.
    pub month: i8,
}

/// How many marks of each kind each month has, by the calendar of a time zone: `asked`, `allowed` and so on, which is what
/// stands before the colon.
pub fn by_month(marked: &[Marked], zone: &TimeZone) -> BTreeMap<(Month, String), u64> {
    let mut counts = BTreeMap::new();
    for mark in marked {
        let date = mark.at.to_zoned(zone.clone()).date();
        let kind = mark.text.split(':').next().unwrap_or_default().to_owned();
        *counts.entry((Month { year: date.year(), month: date.month() }, kind)).or_default() += 1;
    }
    counts
}

/// How many leaves of each class each day has, by the calendar of a time zone whose hours begin with those of UTC.
pub fn by_day(counts: &[Count], zone: &TimeZone) -> BTreeMap<(Date, Class), u64> {
    let mut days = BTreeMap::new();
    for count in counts {
        let date = count.hour.to_zoned(zone.clone()).date();
        *days.entry((date, count.class)).or_default() += count.leaves;
    }
    days
}

/// A time in which nothing was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silence {
    /// Since: the last sign before it.
    pub from: Timestamp,
    /// Until: the first sign after it, or the end of what was asked about.
    pub to: Timestamp,
}

/// The times longer than `limit` between signs of life, which are in order, and after the last of them until `end`.
pub fn silences(
    signs: impl Iterator<Item = Timestamp>,
    end: Timestamp,
    limit: SignedDuration,
) -> Vec<Silence> {
    let mut last: Option<Timestamp> = None;
    let mut silent = Vec::new();
    for to in signs.take_while(|sign| *sign <= end).chain([end]) {
        let from = last.replace(to);
        silent.extend(from.filter(|from| to.duration_since(*from) > limit).map(|from| Silence { from, to }));
    }
    silent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn months_are_those_of_the_calendar_on_the_wall() {
        let mark = |text: &str, when: &str| Marked { text: text.into(), sequence: 0, at: at(when) };
        let marked = [
            mark("asked:00", "2026-10-31T22:59:59Z"),
            mark("asked:01", "2026-10-31T23:00:00Z"),
            mark("allowed:01", "2026-11-02T00:00:00Z"),
        ];
        let rome = TimeZone::get("Europe/Rome").unwrap();
        let counts: Vec<_> = by_month(&marked, &rome).into_iter().collect();
        let month = |month| Month { year: 2026, month };
        let of = |n, kind: &str| ((month(n), kind.to_owned()), 1);
        assert_eq!(counts, [of(10, "asked"), of(11, "allowed"), of(11, "asked")]);
    }

    #[test]
    fn days_are_those_of_the_calendar_on_the_wall() {
        let count = |hour, leaves| Count { hour: at(hour), class: Class::R2a, leaves };
        let counts = [
            count("2026-11-21T22:00:00Z", 1),
            count("2026-11-21T23:00:00Z", 2),
            count("2026-11-22T22:00:00Z", 4),
        ];
        let rome = TimeZone::get("Europe/Rome").unwrap();
        let days: Vec<_> = by_day(&counts, &rome).into_iter().collect();
        let day = |day| (jiff::civil::date(2026, 11, day), Class::R2a);
        assert_eq!(days, [(day(21), 1), (day(22), 6)]);
    }

    #[test]
    fn silence_is_told_between_signs_and_after_the_last() {
        let signs = ["2026-11-22T10:00:00Z", "2026-11-22T10:05:00Z", "2026-11-22T12:00:00Z"].map(at);
        let hour = SignedDuration::from_hours(1);
        let told = |end| silences(signs.into_iter(), at(end), hour);
        let first = Silence { from: signs[1], to: signs[2] };
        assert_eq!(told("2026-11-22T13:00:00Z"), [first]);
        assert_eq!(
            told("2026-11-22T13:00:01Z"),
            [first, Silence { from: signs[2], to: at("2026-11-22T13:00:01Z") }]
        );
        assert_eq!(
            silences(std::iter::empty(), at("2026-11-22T13:00:01Z"), hour),
            [],
            "nothing was ever heard"
        );
    }
}
