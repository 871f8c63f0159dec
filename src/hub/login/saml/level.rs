//! SPID levels of assurance.

use serde::{Deserialize, Serialize};

/// A SPID level; a higher one satisfies a lower one. Settings write it 1, 2 or 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Level {
    /// One factor (ISO/IEC 29115 LoA2).
    L1,
    /// Two factors (LoA3).
    L2,
    /// Two factors, one of them a certificate on a device (LoA4).
    L3,
}

/// The number is no SPID level.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0} is not a SPID level; write 1, 2 or 3")]
pub struct NotALevel(u8);

impl Level {
    const ALL: [Self; 3] = [Self::L1, Self::L2, Self::L3];

    /// The `AuthnContextClassRef` of the level.
    pub const fn uri(self) -> &'static str {
        match self {
            Self::L1 => "https://www.spid.gov.it/SpidL1",
            Self::L2 => "https://www.spid.gov.it/SpidL2",
            Self::L3 => "https://www.spid.gov.it/SpidL3",
        }
    }

    /// The level of an `AuthnContextClassRef`.
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.uri() == uri)
    }
}

impl TryFrom<u8> for Level {
    type Error = NotALevel;

    fn try_from(number: u8) -> Result<Self, NotALevel> {
        Self::ALL.into_iter().find(|level| u8::from(*level) == number).ok_or(NotALevel(number))
    }
}

impl From<Level> for u8 {
    fn from(level: Level) -> Self {
        match level {
            Level::L1 => 1,
            Level::L2 => 2,
            Level::L3 => 3,
        }
    }
}
