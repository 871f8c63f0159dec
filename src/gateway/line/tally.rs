//! Sums of minutes: a half hour, a day. Decides without I/O.

use super::minute::Minute;
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use varco_policy::{Lane, wire::Direction};

/// A span of time with bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// From.
    pub from: Timestamp,
    /// To, not included.
    pub to: Timestamp,
}

/// What happened in a span.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Minutes that are on record.
    pub minutes: u64,
    /// Milliseconds observed.
    pub observed_ms: u64,
    /// Bytes of guests: towards the Internet, from it.
    pub lent: [u64; 2],
    /// Bytes of office and critical, likewise.
    pub own: [u64; 2],
    /// Bytes that the line could have carried, likewise.
    pub line: [u64; 2],
    /// Milliseconds in which the office waited.
    pub waited_ms: u64,
    /// Milliseconds in which it filled what is its own.
    pub full_ms: u64,
    /// The worst minute's 99th percentile of the delay added, in microseconds.
    pub delay_p99_us: Option<u64>,
    /// The longest delay added, in microseconds.
    pub delay_max_us: Option<u64>,
    /// Rounds of the probe, and those that no host answered.
    pub probes: [u64; 2],
    /// Most passes at a time.
    pub passes: u64,
    /// Milliseconds in which the line carried less than its least.
    pub alarm_ms: u64,
}

impl Tally {
    /// Takes a minute.
    pub fn add(&mut self, minute: &Minute) {
        self.minutes += 1;
        self.observed_ms += minute.observed_ms;
        for (place, direction) in [Direction::Up, Direction::Down].into_iter().enumerate() {
            self.lent[place] += minute.bytes(Lane::Guest, direction);
            self.own[place] +=
                minute.bytes(Lane::Office, direction) + minute.bytes(Lane::Critical, direction);
        }
        self.line[0] += minute.line_up_bytes;
        self.line[1] += minute.line_down_bytes;
        self.waited_ms += minute.office_waited_ms;
        self.full_ms += minute.office_full_ms;
        self.delay_p99_us = self.delay_p99_us.max(minute.delay_p99_us);
        self.delay_max_us = self.delay_max_us.max(minute.delay_max_us);
        self.probes[0] += minute.probes;
        self.probes[1] += minute.probes_lost;
        self.passes = self.passes.max(minute.passes);
        self.alarm_ms += minute.alarm_ms;
    }

    /// The part of the line that was lent, in thousandths, in the direction in which it was more; `None` when nothing was
    /// observed.
    pub fn lent_permille(&self) -> Option<u64> {
        let part = |place: usize| {
            let (lent, line) = (u128::from(self.lent[place]), u128::from(self.line[place]));
            (lent * 1_000).checked_div(line).and_then(|part| u64::try_from(part).ok())
        };
        part(0).max(part(1))
    }

    /// The mean rate of so many bytes over what was observed, in bit/s.
    pub fn rate(&self, bytes: [u64; 2]) -> u64 {
        let bits = u128::from(bytes[0].saturating_add(bytes[1])) * 8_000;
        bits.checked_div(u128::from(self.observed_ms)).and_then(|rate| u64::try_from(rate).ok()).unwrap_or(0)
    }

    /// Whole seconds in which the office waited; a started one counts.
    pub const fn waited_seconds(&self) -> u64 {
        self.waited_ms.div_ceil(1_000)
    }
}

/// Minutes summed by span, one after the other.
#[derive(Debug)]
pub struct BySpan<'a> {
    spans: &'a [Span],
    place: usize,
    tallies: Vec<Option<Tally>>,
}

impl<'a> BySpan<'a> {
    /// For spans that follow each other.
    pub fn new(spans: &'a [Span]) -> Self {
        Self { spans, place: 0, tallies: vec![None; spans.len()] }
    }

    /// Takes the next minute; one outside the spans is passed over.
    pub fn add(&mut self, minute: &Minute) {
        let at = Timestamp::from_second(i64::try_from(minute.at).unwrap_or(0)).unwrap_or_default();
        while self.spans.get(self.place).is_some_and(|span| span.to <= at) {
            self.place += 1;
        }
        let inside = self.spans.get(self.place).is_some_and(|span| span.from <= at);
        if let Some(tally) = self.tallies.get_mut(self.place).filter(|_| inside) {
            tally.get_or_insert_with(Tally::default).add(minute);
        }
    }

    /// The sums; `None` for a span without a minute on record.
    pub fn sums(self) -> Vec<Option<Tally>> {
        self.tallies
    }
}

/// The day of a date, where the site is: 23 to 25 hours.
pub fn day(date: Date, zone: &TimeZone) -> Option<Span> {
    let begin = |date: Date| date.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp());
    Some(Span { from: begin(date)?, to: begin(date.tomorrow().ok()?)? })
}

/// The days up to that of `date`, it included.
pub fn days(date: Date, count: i64, zone: &TimeZone) -> Vec<(Date, Span)> {
    let dates = (0..count).rev().filter_map(|back| date.checked_sub(back.days()).ok());
    dates.filter_map(|date| Some((date, day(date, zone)?))).collect()
}

/// Half hours up to the one that `now` is in: 48 of them.
pub fn half_hours(now: Timestamp) -> Vec<Span> {
    const HALF: i64 = 1_800;
    let end = now.as_second() / HALF + 1;
    let at = |half: i64| Timestamp::from_second(half * HALF).unwrap_or_default();
    (end - 48..end).map(|half| Span { from: at(half), to: at(half + 1) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(at: i64) -> Minute {
        Minute {
            at: u64::try_from(at).unwrap(),
            observed_ms: 60_000,
            guest_down_bytes: 410,
            guest_up_bytes: 10,
            office_down_bytes: 90,
            line_down_bytes: 1_000,
            line_up_bytes: 1_000,
            office_waited_ms: 1,
            delay_p99_us: Some(u64::try_from(at).unwrap()),
            ..Minute::default()
        }
    }

    #[test]
    fn the_direction_that_was_lent_more_counts() {
        let mut tally = Tally::default();
        assert_eq!(tally.lent_permille(), None);
        tally.add(&minute(60));
        tally.add(&minute(120));
        assert_eq!((tally.lent_permille(), tally.waited_seconds()), (Some(410), 1));
        assert_eq!(tally.rate(tally.own), 180 * 8 / 120);
        assert_eq!(tally.delay_p99_us, Some(120));
    }

    #[test]
    fn a_span_without_minutes_is_a_gap() {
        let spans = half_hours(Timestamp::from_second(1_790_000_000).unwrap());
        assert_eq!((spans.len(), spans[47].to.as_second()), (48, 1_790_001_000));
        let from = |place: usize| spans[place].from.as_second();
        let mut tallies = BySpan::new(&spans);
        let minutes = [from(0) - 60, from(0), from(0) + 60, from(2) + 1_740, from(47), from(47) + 1_800];
        minutes.map(minute).iter().for_each(|minute| tallies.add(minute));
        let counted: Vec<_> = tallies.sums().iter().map(|t| t.as_ref().map_or(0, |t| t.minutes)).collect();
        assert_eq!((&counted[..4], counted[47], counted.iter().sum::<u64>()), (&[2, 0, 1, 0][..], 1, 4));
    }

    #[test]
    fn a_day_is_the_sites_own() {
        let rome = TimeZone::get("Europe/Rome").unwrap();
        let hours = |text: &str| {
            let span = day(text.parse().unwrap(), &rome).unwrap();
            (span.to.as_second() - span.from.as_second()) / 3_600
        };
        assert_eq!((hours("2026-03-29"), hours("2026-06-01"), hours("2026-10-25")), (23, 24, 25));
        let days = days("2026-03-02".parse().unwrap(), 3, &rome);
        assert_eq!(days[0].0, "2026-02-28".parse().unwrap());
        assert_eq!((days[0].1.to, days[2].0), (days[1].1.from, "2026-03-02".parse().unwrap()));
    }
}
