//! Rates in bit/s, never a float.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A rate in bit/s. Written as `tc` writes it: `512kbit`, `100mbit`, `10gbit` (powers of 1000), or plain `bit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rate(u64);

/// The text is not a rate.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a rate; write a whole number and a unit: 512kbit, 100mbit, 10gbit")]
pub struct NotARate(String);

const UNITS: [(&str, u64); 4] = [("gbit", 1_000_000_000), ("mbit", 1_000_000), ("kbit", 1_000), ("bit", 1)];

impl Rate {
    /// The rate of `bits` per second.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Bits per second.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whole bytes per second.
    pub const fn bytes(self) -> u64 {
        self.0 / 8
    }

    /// The sum, stopping at the greatest rate that can be written.
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl FromStr for Rate {
    type Err = NotARate;

    fn from_str(text: &str) -> Result<Self, NotARate> {
        let bad = || NotARate(text.to_owned());
        let (number, unit) =
            UNITS.iter().find_map(|(u, f)| text.strip_suffix(u).map(|n| (n, *f))).ok_or_else(bad)?;
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit)).map(Self).ok_or_else(bad)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = UNITS.iter().find(|(_, factor)| self.0 != 0 && self.0.is_multiple_of(*factor));
        let (unit, factor) = whole.unwrap_or(&UNITS[3]);
        write!(f, "{}{unit}", self.0 / factor)
    }
}

impl TryFrom<String> for Rate {
    type Error = NotARate;

    fn try_from(text: String) -> Result<Self, NotARate> {
        text.parse()
    }
}

impl From<Rate> for String {
    fn from(rate: Rate) -> Self {
        rate.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in ["0bit", "1bit", "512kbit", "100mbit", "10gbit", "1500kbit"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_not_a_rate() {
        for text in ["", "mbit", "100", "-1mbit", "1.5gbit", "1 mbit", "1Mbit", "99999999999gbit", "+1mbit"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
