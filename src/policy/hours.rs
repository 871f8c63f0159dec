//! When a site is open: a table of the week, quiet days, and the time zone that both are in.
//!
//! The rule is the clock on the wall: the site is open while that clock shows a time inside a span of the day's row.
//! Where the clock shows an hour twice, a span that begins or ends in it holds from its first to its last showing.

use crate::config::ConfigError;
use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime, Time, Weekday},
    tz::{AmbiguousOffset, TimeZone},
};
use serde::{Deserialize, Serialize};
use std::{fmt, path::Path, str::FromStr};

/// How far ahead an opening is looked for, in days. Longer than any stretch that [`Hours::check`] lets pass.
const AHEAD: usize = 400;
/// The longest stretch without an opening that is taken for meant, in days.
const LONGEST_CLOSED: usize = 366;
/// Closings further away than this concern no pass.
const FARTHEST_CLOSING: SignedDuration = SignedDuration::from_hours(8 * 24);

/// A time zone of the IANA database, as the system has it: `Europe/Rome`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone);

/// The system has no such zone.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("this system has no time zone `{0}`; write one of /usr/share/zoneinfo (package tzdata): Europe/Rome")]
pub struct NotAZone(String);

const ROME: &str = "Europe/Rome";

impl Zone {
    /// The zone itself.
    pub const fn zone(&self) -> &TimeZone {
        &self.0
    }

    /// Refuses the default where the system has no zones at all. `key` is where the zone stands in the file.
    ///
    /// # Errors
    /// When there is none.
    pub fn check(&self, file: &Path, key: &str) -> Result<(), ConfigError> {
        if !self.0.is_unknown() {
            return Ok(());
        }
        let remedy = "install the package tzdata, or write the zone of the site";
        Err(ConfigError::new(file, key, format!("this system has no time zone `{ROME}`"), remedy))
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::get(ROME).unwrap_or_else(|_| TimeZone::unknown()))
    }
}

impl TryFrom<String> for Zone {
    type Error = NotAZone;

    fn try_from(name: String) -> Result<Self, NotAZone> {
        match TimeZone::get(&name) {
            Ok(zone) if !zone.is_unknown() => Ok(Self(zone)),
            _ => Err(NotAZone(name)),
        }
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.0.iana_name().unwrap_or("Etc/Unknown").to_owned()
    }
}

/// A span of a day, `"08:00-13:00"`: the first minute in it, and the first after it, up to `24:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span {
    from: u16,
    to: u16,
}

const MIDNIGHT: u16 = 24 * 60;

/// The text is not a span of a day.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotASpan {
    /// Not two times.
    #[error("`{0}` is not a span of a day; write 08:00-13:00")]
    Unreadable(String),
    /// It ends before it begins.
    #[error(
        "`{0}` ends before it begins; a span over midnight is two: \"22:00-24:00\" on the day, \
         \"00:00-02:00\" on the next"
    )]
    Backwards(String),
}

impl FromStr for Span {
    type Err = NotASpan;

    fn from_str(text: &str) -> Result<Self, NotASpan> {
        let bad = || NotASpan::Unreadable(text.to_owned());
        let (from, to) = text.split_once('-').ok_or_else(bad)?;
        let (from, to) = (minute(from).ok_or_else(bad)?, minute(to).ok_or_else(bad)?);
        if from < to { Ok(Self { from, to }) } else { Err(NotASpan::Backwards(text.to_owned())) }
    }
}

/// `HH:MM`, two digits each, up to `24:00`.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |t: &str| (t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit())).then(|| t.parse().ok())?;
    let (hour, minute): (u16, u16) = (number(hour)?, number(minute)?);
    let total = hour.checked_mul(60)?.checked_add(minute)?;
    (minute < 60 && total <= MIDNIGHT).then_some(total)
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

/// A quiet day, `"2026-12-25"`, or several, `"2026-12-24/2027-01-06"`, the last included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Days {
    first: Date,
    last: Date,
}

/// The text is not a day or a range of days.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no day; write 2026-12-25, or the first and the last of several: 2026-12-24/2027-01-06")]
pub struct NotDays(String);

impl FromStr for Days {
    type Err = NotDays;

    fn from_str(text: &str) -> Result<Self, NotDays> {
        let bad = || NotDays(text.to_owned());
        let (first, last) = text.split_once('/').unwrap_or((text, text));
        let (first, last): (Date, Date) =
            (first.parse().map_err(|_| bad())?, last.parse().map_err(|_| bad())?);
        if first <= last { Ok(Self { first, last }) } else { Err(bad()) }
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last } = self;
        if first == last { write!(f, "{first}") } else { write!(f, "{first}/{last}") }
    }
}

macro_rules! as_text {
    ($type:ty, $error:ty) => {
        impl TryFrom<String> for $type {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }
    };
}

as_text!(Span, NotASpan);
as_text!(Days, NotDays);

/// Opening hours of each day of the week, and quiet days. A day without a row is closed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hours {
    /// Monday.
    pub mon: Vec<Span>,
    /// Tuesday.
    pub tue: Vec<Span>,
    /// Wednesday.
    pub wed: Vec<Span>,
    /// Thursday.
    pub thu: Vec<Span>,
    /// Friday.
    pub fri: Vec<Span>,
    /// Saturday.
    pub sat: Vec<Span>,
    /// Sunday.
    pub sun: Vec<Span>,
    /// Days on which the site stays closed whatever the week says.
    pub closed: Vec<Days>,
}

impl Hours {
    fn week(&self) -> [(&'static str, &[Span]); 7] {
        [
            ("hours.mon", &self.mon),
            ("hours.tue", &self.tue),
            ("hours.wed", &self.wed),
            ("hours.thu", &self.thu),
            ("hours.fri", &self.fri),
            ("hours.sat", &self.sat),
            ("hours.sun", &self.sun),
        ]
    }

    /// The spans of this day: none where it is quiet.
    fn spans(&self, date: Date) -> &[Span] {
        if self.closed.iter().any(|days| (days.first..=days.last).contains(&date)) {
            return &[];
        }
        match date.weekday() {
            Weekday::Monday => &self.mon,
            Weekday::Tuesday => &self.tue,
            Weekday::Wednesday => &self.wed,
            Weekday::Thursday => &self.thu,
            Weekday::Friday => &self.fri,
            Weekday::Saturday => &self.sat,
            Weekday::Sunday => &self.sun,
        }
    }

    /// Spans in order, apart, and some day on which the site opens: never in a year is taken for a mistake.
    pub(crate) fn check(&self, file: &Path) -> Result<(), ConfigError> {
        for (key, spans) in self.week() {
            if let Some(two) = spans.windows(2).find(|two| two[1].from < two[0].to) {
                let problem = format!("{} begins before {} has ended", two[1], two[0]);
                return Err(ConfigError::new(
                    file,
                    key,
                    problem,
                    "write spans in order, none inside another",
                ));
            }
        }
        if self.week().iter().all(|(_, spans)| spans.is_empty()) {
            let remedy = "give a day its hours, or leave the table [hours] out: then it is always open";
            return Err(ConfigError::new(file, "hours", "the site never opens: no day has hours", remedy));
        }
        let never =
            |days: &&Days| dates(days.first).take(LONGEST_CLOSED).all(|date| self.spans(date).is_empty());
        match self.closed.iter().find(never) {
            None => Ok(()),
            Some(days) => {
                let problem = format!("{days}: the site does not open for a year from then on");
                let remedy = "correct the days; for no guests at all, set interfaces.guest = []";
                Err(ConfigError::new(file, "hours.closed", problem, remedy))
            }
        }
    }
}

fn dates(first: Date) -> impl Iterator<Item = Date> {
    std::iter::successors(Some(first), |date| date.tomorrow().ok())
}

/// Whether a site is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// Open until then; `None` when it does not close within a week.
    Open {
        /// The first instant at which it is closed again.
        closes: Option<Timestamp>,
    },
    /// Closed until then; `None` when it does not open within a year.
    Closed {
        /// The first instant at which it is open again.
        opens: Option<Timestamp>,
    },
}

/// The opening hours of a site in its time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    zone: TimeZone,
    hours: Option<Hours>,
}

impl Schedule {
    /// The hours of a site; without any it is always open.
    pub const fn new(zone: TimeZone, hours: Option<Hours>) -> Self {
        Self { zone, hours }
    }

    /// The zone that days and hours are in.
    pub const fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The day that it is at the site.
    pub fn day(&self, now: Timestamp) -> Date {
        self.zone.to_datetime(now).date()
    }

    /// When that day began at the site.
    pub fn day_began(&self, now: Timestamp) -> Timestamp {
        self.instant(self.day(now).into(), Showing::First).unwrap_or(Timestamp::MIN)
    }

    /// When the next day begins at the site.
    pub fn next_day(&self, now: Timestamp) -> Timestamp {
        let tomorrow = self.day(now).tomorrow().ok();
        tomorrow.and_then(|day| self.instant(day.into(), Showing::First)).unwrap_or(Timestamp::MAX)
    }

    /// Whether the site is open at `now`, and until when it stays so. Spans that touch are one, over midnight too.
    pub fn at(&self, now: Timestamp) -> Opening {
        let Some(hours) = &self.hours else { return Opening::Open { closes: None } };
        let far = now.saturating_add(FARTHEST_CLOSING).unwrap_or(Timestamp::MAX);
        let mut open_until: Option<Timestamp> = None;
        // Where the clock goes back over midnight, yesterday's row is not over yet.
        let today = self.day(now);
        let spans = dates(today.yesterday().unwrap_or(today)).take(AHEAD);
        let spans = spans.flat_map(|date| hours.spans(date).iter().filter_map(move |s| self.real(date, *s)));
        for (start, end) in spans.filter(|(_, end)| *end > now) {
            match open_until {
                None if start > now => return Opening::Closed { opens: Some(start) },
                Some(until) if start > until => break,
                _ => open_until = open_until.max(Some(end)),
            }
            if open_until.is_some_and(|until| until > far) {
                return Opening::Open { closes: None };
            }
        }
        match open_until {
            None => Opening::Closed { opens: None },
            closes => Opening::Open { closes },
        }
    }

    /// A span of a day as instants; `None` when the clock skips all of it.
    fn real(&self, date: Date, span: Span) -> Option<(Timestamp, Timestamp)> {
        let start = self.instant(civil(date, span.from)?, Showing::First)?;
        let end = self.instant(civil(date, span.to)?, Showing::Last)?;
        (start < end).then_some((start, end))
    }

    /// When the clock shows this. What it skips is when it skips it.
    fn instant(&self, shown: DateTime, showing: Showing) -> Option<Timestamp> {
        let (offset, skipped) = match self.zone.to_ambiguous_timestamp(shown).offset() {
            AmbiguousOffset::Unambiguous { offset } => (offset, false),
            AmbiguousOffset::Fold { before, after } => {
                (if showing == Showing::First { before } else { after }, false)
            }
            AmbiguousOffset::Gap { before, .. } => (before, true),
        };
        let at = offset.to_timestamp(shown).ok()?;
        if !skipped {
            return Some(at);
        }
        let after = at.saturating_add(SignedDuration::from_secs(1)).ok()?;
        self.zone.preceding(after).next().map(|change| change.timestamp())
    }
}

/// Which showing of a time that the clock shows twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Showing {
    First,
    Last,
}

fn civil(date: Date, minute: u16) -> Option<DateTime> {
    if minute == MIDNIGHT {
        return Some(date.tomorrow().ok()?.into());
    }
    let part = |n: u16| i8::try_from(n).ok();
    Some(date.to_datetime(Time::new(part(minute / 60)?, part(minute % 60)?, 0, 0).ok()?))
}

#[cfg(test)]
mod tests;
