//! What the issuer of a card says of it.

use super::standing::Standing;
use crate::config::CnsSettings;
use jiff::Timestamp;
use openssl::x509::X509;

/// Asks responders and fetches lists.
#[derive(Debug)]
pub struct Revocation;

impl Revocation {
    /// Within the settings' limits.
    pub const fn new(_settings: &CnsSettings) -> Self {
        Self
    }

    /// What is known of the card.
    #[expect(clippy::unused_async, reason = "it will ask")]
    pub async fn standing(&self, _card: &X509, _issuer: &X509, _now: Timestamp) -> Standing {
        Standing::Silent(Vec::new())
    }
}
