//! What a case is called, and the steps that the hub records of it.

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The first 128 bits of SHA-256 over the octets of a request. Written as 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CaseId([u8; 16]);

/// The text names no case.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a case has 32 hexadecimal digits")]
pub struct NotACase;

impl CaseId {
    /// That of a request.
    pub fn of(request: &[u8]) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&digest(&SHA256, request).as_ref()[..16]);
        Self(id)
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl FromStr for CaseId {
    type Err = NotACase;

    fn from_str(text: &str) -> Result<Self, NotACase> {
        if text.len() != 32 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(NotACase);
        }
        u128::from_str_radix(text, 16).map(|number| Self(number.to_be_bytes())).map_err(|_| NotACase)
    }
}

impl TryFrom<String> for CaseId {
    type Error = NotACase;

    fn try_from(text: String) -> Result<Self, NotACase> {
        text.parse()
    }
}

impl From<CaseId> for String {
    fn from(case: CaseId) -> Self {
        case.to_string()
    }
}

/// A step of a case, as the header of its entry in the hub's log says it in clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The request came.
    Asked,
    /// The approver allowed it.
    Allowed,
    /// The approver refused it.
    Refused,
    /// The answer came.
    Answered,
    /// The person in the answer was looked up in the register.
    Named,
    /// Its records were frozen.
    Held,
    /// They are frozen no longer.
    Released,
}

impl Step {
    /// All, in the order in which they can happen.
    pub const ALL: [Self; 7] =
        [Self::Asked, Self::Allowed, Self::Refused, Self::Answered, Self::Named, Self::Held, Self::Released];

    /// As it stands in a header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Allowed => "allowed",
            Self::Refused => "refused",
            Self::Answered => "answered",
            Self::Named => "named",
            Self::Held => "held",
            Self::Released => "released",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Step {
    type Err = NotACase;

    fn from_str(text: &str) -> Result<Self, NotACase> {
        Self::ALL.into_iter().find(|step| step.as_str() == text).ok_or(NotACase)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_called_by_its_request_in_one_way() {
        let case = CaseId::of(b"");
        assert_eq!(case.to_string(), "e3b0c44298fc1c149afbf4c8996fb924");
        assert_eq!(case.to_string().parse(), Ok(case));
        for text in ["", "e3b0", "E3B0C44298FC1C149AFBF4C8996FB924", "+3b0c44298fc1c149afbf4c8996fb924"] {
            assert_eq!(text.parse::<CaseId>(), Err(NotACase), "{text}");
        }
        for step in Step::ALL {
            assert_eq!(step.to_string().parse(), Ok(step));
        }
    }
}
