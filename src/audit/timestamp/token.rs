//! What was signed: `TSTInfo` (RFC 3161, section 2.4.2).

use super::{BadTimestamp, Nonce, Stamp, query::Imprint};
use der::{
    Any, Decode as _, Sequence, Tag, Tagged as _,
    asn1::{Int, ObjectIdentifier},
    oid::db::rfc5912::ID_SHA_256,
};
use jiff::{SignedDuration, Timestamp};
use std::fmt::Write as _;
use x509_cert::ext::Extensions;

/// As it is on the wire. `x509-tsp` has the same, without fractions of a second.
#[derive(Sequence)]
pub(super) struct Info {
    version: u8,
    policy: ObjectIdentifier,
    imprint: Imprint,
    serial: Int,
    time: Any,
    #[asn1(optional = "true")]
    accuracy: Option<Accuracy>,
    #[asn1(default = "Default::default")]
    ordering: bool,
    #[asn1(optional = "true")]
    nonce: Option<Int>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    authority: Option<Any>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    extensions: Option<Extensions>,
}

#[derive(Clone, Copy, Sequence)]
struct Accuracy {
    #[asn1(optional = "true")]
    seconds: Option<u32>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    millis: Option<u16>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    micros: Option<u16>,
}

impl Info {
    pub fn read(octets: &[u8]) -> Result<Self, BadTimestamp> {
        let info = Self::from_der(octets)?;
        let critical = info.extensions.iter().flatten().any(|extension| extension.critical);
        match (info.version, critical) {
            (1, false) => Ok(info),
            (1, true) => Err(BadTimestamp::Critical),
            _ => Err(BadTimestamp::Malformed),
        }
    }

    pub fn stamps(&self, sha256: &[u8]) -> bool {
        self.imprint.algorithm.is(ID_SHA_256) && self.imprint.hash.as_bytes() == sha256
    }

    pub fn answers(&self, nonce: &Nonce) -> bool {
        self.nonce.as_ref().is_some_and(|found| nonce.is(found))
    }

    /// What it says; who signed is filled in by who has verified that.
    pub fn stamp(&self) -> Result<Stamp, BadTimestamp> {
        let text = std::str::from_utf8(self.time.value()).map_err(|_| BadTimestamp::Malformed)?;
        let at = instant(text).filter(|_| self.time.tag() == Tag::GeneralizedTime);
        let serial = self.serial.as_bytes().iter().fold(String::new(), |mut text, octet| {
            // A String takes whatever is written to it.
            let _ = write!(text, "{octet:02x}");
            text
        });
        Ok(Stamp {
            at: at.ok_or(BadTimestamp::Malformed)?,
            accuracy: self.accuracy.map(Accuracy::duration),
            serial,
            policy: self.policy.to_string(),
            by: String::new(),
        })
    }
}

impl Accuracy {
    fn duration(self) -> SignedDuration {
        SignedDuration::from_secs(self.seconds.unwrap_or_default().into())
            + SignedDuration::from_millis(self.millis.unwrap_or_default().into())
            + SignedDuration::from_micros(self.micros.unwrap_or_default().into())
    }
}

/// `20261025003000Z` or `20261025003000.25Z`: the only spellings of DER.
fn instant(text: &str) -> Option<Timestamp> {
    let digits = text.strip_suffix('Z')?;
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let written = |part: &str| part.bytes().all(|octet| octet.is_ascii_digit());
    let is_fraction = |f: &str| (1..=9).contains(&f.len()) && written(f) && !f.ends_with('0');
    if whole.len() != 14 || !written(whole) || !fraction.is_none_or(is_fraction) {
        return None;
    }
    let fraction = fraction.map_or(String::new(), |fraction| format!(".{fraction}"));
    let part = |range: std::ops::Range<usize>| &whole[range];
    let [date, time] =
        [[part(0..4), part(4..6), part(6..8)].join("-"), [part(8..10), part(10..12), part(12..14)].join(":")];
    format!("{date}T{time}{fraction}Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::instant;

    #[test]
    fn instants_have_one_spelling() {
        let read = |text: &str| instant(text).map(|at| at.to_string());
        assert_eq!(read("20261025003000Z").unwrap(), "2026-10-25T00:30:00Z");
        assert_eq!(read("20261025003000.25Z").unwrap(), "2026-10-25T00:30:00.25Z");
        for bad in [
            "20261025003000",
            "202610250030Z",
            "20261025003000.Z",
            "20261025003000.50Z",
            "20261025003000+0100",
            "20261325003000Z",
            "2026 025003000Z",
            "20261025003000.1234567891Z",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
