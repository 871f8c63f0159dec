//! A revocation list (RFC 5280 section 5), read once and looked up often.

mod scope;
mod walk;

use super::{
    doubt::{Doubt, ensure},
    question::{Authority, Point},
    serial::Serial,
    signed::Signed,
    when::{self, Window},
};
use jiff::Timestamp;
use scope::Scope;
use walk::Body;

/// Most octets of a list.
pub const MOST: usize = 32 * 1024 * 1024;

/// A list that was verified, as it is looked up.
#[derive(Debug)]
pub struct List {
    window: Window,
    number: Option<Number>,
    scope: Scope,
    /// SHA-256 of its octets.
    pub digest: [u8; 32],
    revoked: Box<[Entry]>,
}

/// A revoked serial and since when, in seconds: 32 octets, so that 300,000 take 10 MB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    serial: Serial,
    since: i64,
}

/// A list's number: 20 octets at most (RFC 5280 section 5.2.3), so they are compared by size, then by octets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(usize, Vec<u8>);

impl Number {
    /// From the octets of an unsigned number without zeros in front.
    pub const fn new(octets: Vec<u8>) -> Self {
        Self(octets.len(), octets)
    }

    /// The octets.
    pub fn octets(&self) -> &[u8] {
        &self.1
    }
}

/// What is remembered of the newest list of a point: none older takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Floor {
    /// Its number, if it had one.
    pub number: Option<Number>,
    /// Its `thisUpdate`.
    pub made: Timestamp,
}

impl List {
    /// Reads a list, if it is whole, of the issuer, signed by it and in force.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn verify(octets: &[u8], issuer: &Authority, now: Timestamp) -> Result<Self, Doubt> {
        ensure(octets.len() <= MOST, "size", octets.len())?;
        let signed = Signed::read(octets)?;
        ensure(signed.certificates.is_empty(), "form", "something behind the signature")?;
        let body = Body::read(signed.body)?;
        ensure(issuer.is_named(&body.issuer)?, "issuer", "in another name")?;
        ensure(body.algorithm == signed.algorithm, "algorithm", "one inside, another outside")?;
        signed.verify(&issuer.key)?;
        body.window.holds(now)?;
        let scope = Scope::read(&body)?;
        let number = scope::number(&body)?;
        let digest = openssl::sha::sha256(octets);
        Ok(Self { window: body.window, number, scope, digest, revoked: body.revoked() })
    }

    /// Since when a certificate is revoked, if it is; a certificate on hold is.
    ///
    /// # Errors
    /// When the list is of other certificates, or over.
    pub fn lookup(&self, serial: Serial, point: &Point, now: Timestamp) -> Result<Option<Timestamp>, Doubt> {
        self.window.holds(now)?;
        self.covers(point)?;
        let at = self.revoked.partition_point(|entry| entry.serial < serial);
        let found = self.revoked.get(at).filter(|entry| entry.serial == serial);
        Ok(found.map(|entry| Timestamp::from_second(entry.since).unwrap_or(Timestamp::MIN)))
    }

    /// Whether it is still in force.
    pub fn in_force(&self, now: Timestamp) -> bool {
        self.window.holds(now).is_ok()
    }

    /// Whether it is of the certificates that name this point.
    ///
    /// # Errors
    /// When it names another.
    pub fn covers(&self, point: &Point) -> Result<(), Doubt> {
        self.scope.covers(point)
    }

    /// When it was made.
    pub const fn made(&self) -> Timestamp {
        self.window.from
    }

    /// What no later list may be below.
    pub fn floor(&self) -> Floor {
        Floor { number: self.number.clone(), made: self.made() }
    }

    /// Whether it may take the place of one with this floor; the same list may.
    ///
    /// An issuer that parts its cards among several lists and does not name the part in them counts each for itself: who
    /// answers at one address with the list of another would raise the number for good. So there the date alone decides.
    ///
    /// # Errors
    /// When it is older: an earlier date, or, where it names its point, a smaller number or none where there was one.
    pub fn not_below(&self, floor: &Floor) -> Result<(), Doubt> {
        ensure(self.made() >= floor.made, "older", format!("made {}, after {}", self.made(), floor.made))?;
        let back = self.number < floor.number;
        ensure(!(back && self.scope.is_named()), "older", "its number went back")?;
        if back {
            tracing::warn!(made = %self.made(), "a revocation list that names no point has a smaller number than the one before");
        }
        Ok(())
    }
}

/// The time of an entry in whole seconds.
fn seconds(at: x509_cert::time::Time) -> Result<i64, Doubt> {
    when::time(at).map(Timestamp::as_second)
}
