//! Serial numbers, of a size that a long list can be looked up by.

use super::doubt::{Doubt, ensure};
use x509_cert::der::{Decode, asn1::IntRef};

/// 20 octets (RFC 5280 section 4.1.2.2), and one for the sign.
const LONGEST: usize = 21;

/// A serial number: the octets of its DER, shortest form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Serial {
    length: u8,
    octets: [u8; LONGEST],
}

impl Serial {
    /// From an INTEGER in DER.
    ///
    /// # Errors
    /// When it is none, or too long.
    pub fn from_der(octets: &[u8]) -> Result<Self, Doubt> {
        Self::new(IntRef::from_der(octets)?)
    }

    /// # Errors
    /// When it is too long.
    pub fn new(number: IntRef<'_>) -> Result<Self, Doubt> {
        let from = number.as_bytes();
        ensure(from.len() <= LONGEST, "serial", format!("{} octets", from.len()))?;
        let mut octets = [0; LONGEST];
        octets.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        Ok(Self { length: u8::try_from(from.len()).unwrap_or(u8::MAX), octets })
    }
}
