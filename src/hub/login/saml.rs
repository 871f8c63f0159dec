//! SPID, CIE and eIDAS: SAML 2.0 as Italy's public identities speak it.
//!
//! A service provider as a library: it writes what we send, and says of what we receive whether it holds. It
//! reads no clock, opens no socket and remembers nothing; the single use of a request is its caller's store.
//! What SPID asks is in the *Regole tecniche SPID* (docs.italia.it) and the *Avvisi SPID* of AgID.

mod binding;
mod body;
mod certificate;
mod checks;
mod fiscal;
mod guard;
mod keys;
mod level;
mod logout;
mod metadata;
mod names;
mod person;
mod provider;
mod providers;
mod read;
mod refusal;
mod request;
mod response;
mod scheme;
mod sign;
mod signature;
mod xml;

#[cfg(test)]
mod tests;

pub use binding::{Arrival, Binding, Outgoing};
pub use body::Body;
pub use checks::{CHECKS, CLOCK_SKEW, Check};
pub use fiscal::{FiscalNumber, NotAFiscalNumber};
pub use keys::Keys;
pub use level::{Level, NotALevel};
pub use logout::{Answer, LoggedOut, LogoutRequest, SentLogout, Session};
pub use person::{NotASpidCode, Person, SpidCode};
pub use provider::{Provider, Slo};
pub use providers::{Problem, Providers};
pub use refusal::{Refusal, SpidError};
pub use request::SentRequest;
pub use response::Identity;
pub use scheme::Scheme;

use openssl::{
    pkey::{PKey, Private},
    x509::X509,
};

/// Who we are towards SPID.
#[derive(Clone)]
pub struct ServiceProvider {
    /// Our name in SPID, a URL; equal to the `uri` of the certificate and to the audience of assertions.
    pub entity_id: String,
    /// Where a provider's answer is posted (assertion consumer service, index 0).
    pub acs_url: String,
    /// Where logout messages go, by POST and by redirect.
    pub slo_url: String,
    /// The public body that offers the service.
    pub body: Body,
    /// The lowest level that is enough.
    pub level: Level,
    key: PKey<Private>,
    certificate: X509,
}

/// Why we could not write a message: a mistake of settings, keys or the provider's metadata, never the citizen's.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The cryptographic library said no.
    #[error("cryptography: {0}")]
    Crypto(String),
    /// A key or certificate file cannot be used.
    #[error("{file}: {problem}; {remedy}")]
    Key {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
        /// What would be right.
        remedy: &'static str,
    },
    /// A value of ours cannot stand in SPID metadata.
    #[error("{key}: {problem}")]
    Setting {
        /// The setting.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The provider's metadata has no endpoint for what was asked.
    #[error("{provider} offers no {what}")]
    NoEndpoint {
        /// Its entityID.
        provider: String,
        /// The endpoint missed.
        what: &'static str,
    },
    /// RelayState has at most 80 bytes (SAML Bindings 3.4.3).
    #[error("the relay state is longer than 80 bytes")]
    RelayState,
}

impl From<openssl::error::ErrorStack> for Fault {
    fn from(error: openssl::error::ErrorStack) -> Self {
        Self::Crypto(error.to_string())
    }
}

impl ServiceProvider {
    /// The service provider at these URLs, signing with these keys.
    ///
    /// # Errors
    /// [`Fault::Setting`] when a URL or a field of the body cannot stand in SPID metadata, or the certificate is
    /// of another entityID.
    pub fn new(
        entity_id: impl Into<String>,
        acs_url: impl Into<String>,
        slo_url: impl Into<String>,
        body: Body,
        level: Level,
        keys: &Keys,
    ) -> Result<Self, Fault> {
        let provider = Self {
            entity_id: entity_id.into(),
            acs_url: acs_url.into(),
            slo_url: slo_url.into(),
            body,
            level,
            key: keys.private().clone(),
            certificate: keys.certificate().clone(),
        };
        body::is_url("spid.entity_id", &provider.entity_id)?;
        body::is_url("assertion consumer service", &provider.acs_url)?;
        body::is_url("single logout service", &provider.slo_url)?;
        provider.body.check()?;
        certificate::is_of(&provider.certificate, &provider.entity_id)?;
        Ok(provider)
    }

    /// The same service, asking for `level` where its own is lower.
    #[must_use]
    pub fn at_least(&self, level: Level) -> Self {
        Self { level: self.level.max(level), ..self.clone() }
    }
}

impl std::fmt::Debug for ServiceProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceProvider").field("entity_id", &self.entity_id).finish_non_exhaustive()
    }
}
