//! Until when a hold holds, or that it holds no longer: lines that both sign.

use crate::{
    both::{Both, NotBoth},
    case::CaseId,
    holder::People,
};
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use std::collections::BTreeSet;

const HELD: &str = "varco-held/1";
const RELEASED: &str = "varco-released/1";

/// What both say of a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The case.
    pub case: CaseId,
    /// When they said it.
    pub at: Timestamp,
    /// When the hold was made.
    pub made: Timestamp,
    /// How it stands.
    pub standing: Standing,
    /// To whom it is sealed, by name.
    pub holders: BTreeSet<String>,
    /// How many records.
    pub records: u32,
    /// SHA-256 of the hold's file, 64 hexadecimal digits.
    pub digest: String,
}

/// How a hold stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It holds until then.
    Until(Timestamp),
    /// It was let go, and its file destroyed.
    Released,
}

/// A hold cannot be longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hold lasts six months in all, until {0}: it has lasted as long")]
pub struct TooLong(Timestamp);

/// Until when a hold that is made or renewed at `now` holds: 90 days, and six months in all.
///
/// # Errors
/// When its six months are over.
pub fn renewed(made: Timestamp, now: Timestamp) -> Result<Timestamp, TooLong> {
    let (longest, until) = (longest(made), later(now, 90.days()));
    if now >= longest { Err(TooLong(longest)) } else { Ok(until.min(longest)) }
}

/// The last instant of a hold.
pub fn longest(made: Timestamp) -> Timestamp {
    later(made, 6.months())
}

fn later(at: Timestamp, span: jiff::Span) -> Timestamp {
    at.to_zoned(TimeZone::UTC).checked_add(span).map_or(at, |zoned| zoned.timestamp())
}

impl Holding {
    /// The text that both sign.
    pub fn text(&self) -> String {
        let Self { case, at, made, records, digest, holders, .. } = self;
        let holders = holders.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        let (format, until) = match self.standing {
            Standing::Until(until) => (HELD, format!("until {until}\n")),
            Standing::Released => (RELEASED, String::new()),
        };
        format!(
            "{format}\ncase {case}\nat {at}\nmade {made}\n{until}holders {holders}\nrecords {records}\nhold {digest}\n"
        )
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let format = lines.next()?;
        let case = lines.next()?.strip_prefix("case ")?.parse().ok()?;
        let at = lines.next()?.strip_prefix("at ")?.parse().ok()?;
        let made = lines.next()?.strip_prefix("made ")?.parse().ok()?;
        let standing = match format {
            HELD => Standing::Until(lines.next()?.strip_prefix("until ")?.parse().ok()?),
            RELEASED => Standing::Released,
            _ => return None,
        };
        let holders = lines.next()?.strip_prefix("holders ")?.split(' ').map(str::to_owned).collect();
        let records = lines.next()?.strip_prefix("records ")?.parse().ok()?;
        let digest = lines.next()?.strip_prefix("hold ")?.to_owned();
        let holding = Self { case, at, made, standing, holders, records, digest };
        let kept = match standing {
            Standing::Until(until) => until <= longest(made),
            Standing::Released => true,
        };
        (kept && holding.text() == text).then_some(holding)
    }

    /// Reads what both have signed; with the names of the requester and the approver.
    ///
    /// # Errors
    /// [`NotBoth`]; malformed too where it holds for longer than a hold may.
    pub fn read(octets: &[u8], people: &People) -> Result<(Self, [String; 2]), NotBoth> {
        let both = Both::read(octets, people)?;
        let holding = Self::parse(both.text()).ok_or(NotBoth::Malformed)?;
        Ok((holding, both.by().each_ref().map(|holder| holder.name.clone())))
    }

    /// Whether it is over at this instant.
    pub fn is_over(&self, now: Timestamp) -> bool {
        match self.standing {
            Standing::Until(until) => until <= now,
            Standing::Released => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_lasts_ninety_days_and_six_months_in_all() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let made = at("2026-11-22T10:00:00Z");
        assert_eq!(renewed(made, made), Ok(at("2027-02-20T10:00:00Z")));
        assert_eq!(renewed(made, at("2027-02-19T10:00:00Z")), Ok(at("2027-05-20T10:00:00Z")));
        assert_eq!(renewed(made, at("2027-05-01T10:00:00Z")), Ok(at("2027-05-22T10:00:00Z")), "no longer");
        assert_eq!(renewed(made, at("2027-05-22T10:00:00Z")), Err(TooLong(longest(made))));
        let until = |until: &str| Holding {
            case: CaseId::of(b""),
            at: made,
            made,
            standing: Standing::Until(at(until)),
            holders: ["anna", "bruno", "carla"].map(str::to_owned).into(),
            records: 2,
            digest: "00".repeat(32),
        };
        let good = until("2027-02-20T10:00:00Z");
        assert_eq!(Holding::parse(&good.text()), Some(good.clone()));
        assert_eq!(Holding::parse(&until("2027-05-23T10:00:00Z").text()), None, "nor by what both sign");
        let released = Holding { standing: Standing::Released, ..good };
        assert_eq!(Holding::parse(&released.text()), Some(released));
    }
}
