//! Instants in answers and lists.

use super::doubt::{Doubt, ensure};
use jiff::{SignedDuration, Timestamp};
use x509_cert::{der::asn1::GeneralizedTime, time::Time};

/// How far clocks may differ.
pub const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// From when until when something is said.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// `thisUpdate` or `notBefore`.
    pub from: Timestamp,
    /// `nextUpdate` or `notAfter`.
    pub until: Timestamp,
}

impl Window {
    /// # Errors
    /// When it does not hold now, a minute either way.
    pub fn holds(&self, now: Timestamp) -> Result<(), Doubt> {
        ensure(self.from <= self.until, "dates", "it ends before it begins")?;
        ensure(self.from <= later(now, SKEW), "dates", format!("from {} on", self.from))?;
        ensure(later(self.until, SKEW) >= now, "dates", format!("until {}", self.until))
    }
}

/// So much later; the end of time at most.
pub fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// A GeneralizedTime of whole seconds, UTC.
pub fn generalized(at: GeneralizedTime) -> Result<Timestamp, Doubt> {
    second(at.to_unix_duration().as_secs())
}

/// The time of a certificate or a list.
pub fn time(at: Time) -> Result<Timestamp, Doubt> {
    second(at.to_unix_duration().as_secs())
}

fn second(at: u64) -> Result<Timestamp, Doubt> {
    let at = i64::try_from(at).ok().and_then(|at| Timestamp::from_second(at).ok());
    at.ok_or_else(|| Doubt::new("form", "no instant"))
}
