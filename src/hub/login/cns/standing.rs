//! What the issuer of a card says about it now.

use jiff::Timestamp;
use url::Url;

/// Where an answer about revocation came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// An OCSP responder (RFC 6960).
    Ocsp,
    /// A revocation list (RFC 5280 section 5).
    Crl,
}

/// An answer that was verified: what the register keeps.
#[derive(Debug, Clone)]
pub struct Proof {
    /// From where.
    pub source: Source,
    /// The address asked. It names no citizen.
    pub url: Url,
    /// `producedAt`, or `thisUpdate` of a list.
    pub produced: Timestamp,
    /// SHA-256 of the answer's octets.
    pub digest: [u8; 32],
    /// The octets of an OCSP answer; of a list only the digest is kept.
    pub answer: Option<Vec<u8>>,
}

/// What is known of a card's revocation.
#[derive(Debug, Clone)]
pub enum Standing {
    /// Not revoked.
    Good(Proof),
    /// Revoked, since then.
    Revoked {
        /// Since when.
        since: Timestamp,
        /// What says so.
        proof: Proof,
    },
    /// The responder does not know the card: as bad as revoked.
    Unknown(Proof),
    /// There is nobody to ask: the card cannot be read as a question, or names no responder and no list that may be asked. Unlike
    /// silence it does not pass, so no setting lets such a card in. What was tried.
    Unaskable(Vec<String>),
    /// Nobody answered in time, or no answer was to be believed. What was tried, for the operator; no personal data.
    Silent(Vec<String>),
}
