//! Which authorities may issue cards, as the trust list says.

use jiff::Timestamp;
use openssl::x509::X509;

/// An authority that the trust list recognises now.
#[derive(Debug, Clone)]
pub struct Issuer {
    /// Its certificate: a card is its when the card's signature verifies with the key in it.
    pub certificate: X509,
    /// The service's name in the list (`ServiceName`, Italian first), for operators.
    pub name: String,
    /// Since when the status holds.
    pub since: Timestamp,
}

/// The authorities of one trust list.
#[derive(Debug, Clone)]
pub struct Issuers {
    /// `TSLSequenceNumber`: never goes back.
    pub number: u64,
    /// `ListIssueDateTime`.
    pub issued: Timestamp,
    /// `NextUpdate`: afterwards, and after the grace of the settings, the list says nothing more.
    pub next_update: Timestamp,
    /// The authorities.
    pub all: Vec<Issuer>,
}
