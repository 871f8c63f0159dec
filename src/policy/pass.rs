//! A pass: a citizen's right to use the net from one device until a time.

use crate::{net::Device, slot::Slot};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};
use uuid::Uuid;

/// The identifier of a pass (UUID version 4). It is in every record of the pass and names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PassId(pub Uuid);

impl fmt::Display for PassId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The pairwise subject of a citizen at this site (OpenID Connect Core 8.1): the same person at the same site
/// has the same one, and it says nothing elsewhere. 1 to 255 ASCII characters. `Debug` does not print it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subject(String);

/// The text cannot be a subject.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a subject has 1 to 255 printable ASCII characters")]
pub struct NotASubject;

impl Subject {
    /// The subject as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Subject {
    type Error = NotASubject;

    fn try_from(text: String) -> Result<Self, NotASubject> {
        let good = (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if good { Ok(Self(text)) } else { Err(NotASubject) }
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.0
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subject(..)")
    }
}

/// The hub's name of one login (`sid` of its ID token): a pass can be ended by it. 1 to 255 ASCII characters. `Debug`
/// does not print it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sid(Arc<str>);

impl Sid {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Sid {
    type Error = NotASubject;

    fn try_from(text: String) -> Result<Self, NotASubject> {
        Subject::try_from(text).map(|text| Self(text.0.into()))
    }
}

impl From<Sid> for String {
    fn from(sid: Sid) -> Self {
        sid.0.as_ref().to_owned()
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sid(..)")
    }
}

/// The login at the hub that a pass came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Its name.
    pub sid: Sid,
    /// Whether the identity provider keeps a session of it, which can be ended there.
    pub at_provider: bool,
}

/// A citizen's right to use the net from one device until a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pass {
    /// Identifier, in every record of this pass.
    pub id: PassId,
    /// Who, as this site knows them.
    pub subject: Subject,
    /// The device that the pass is bound to.
    pub device: Device,
    /// The public address and ports lent with it.
    pub slot: Slot,
    /// When it was admitted.
    pub since: Timestamp,
    /// When it ends at the latest.
    pub until: Timestamp,
    /// The login that it came from, where the hub names it. In no record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
}

impl Pass {
    /// What is left of the pass at `now`: zero once it has ended.
    pub fn left(&self, now: Timestamp) -> SignedDuration {
        self.until.duration_since(now).max(SignedDuration::ZERO)
    }
}

/// Why a pass ended; recorded with its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndCause {
    /// The citizen logged out.
    LoggedOut,
    /// The identity provider ended the login that it came from: the citizen logged out there.
    ProviderLoggedOut,
    /// Its time was over.
    Expired,
    /// No traffic for the idle limit.
    Idle,
    /// The site expelled it.
    Expelled,
    /// The same device or person logged in again, and the newer pass replaced this one.
    Replaced,
    /// The site closed, or a quiet day began.
    Closed,
    /// The person's time or volume of the day was used up.
    Spent,
    /// The device's address changed hands: its lease or hardware address is another's now.
    Moved,
}
