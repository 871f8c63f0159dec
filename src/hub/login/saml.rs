//! SPID, CIE and eIDAS: SAML 2.0 as Italy's public identities speak it.
//!
//! A service provider as a library: it writes what we send, and says of what we receive whether it holds. It
//! reads no clock, opens no socket and remembers nothing; the single use of a request is its caller's store.
//! What SPID asks is in the *Regole tecniche SPID* (docs.italia.it) and the *Avvisi SPID* of AgID.

mod age;
mod attributes;
mod binding;
mod body;
mod certificate;
mod checks;
mod conformity;
pub(super) mod der;
mod fiscal;
pub(super) mod guard;
mod keys;
mod level;
mod list;
mod logout;
mod metadata;
pub(super) mod names;
mod partner;
mod person;
mod profile;
mod provider;
mod providers;
pub(super) mod read;
mod refusal;
mod request;
mod response;
mod rules;
mod scheme;
mod sign;
pub(super) mod signature;
mod trial;
mod xml;

#[cfg(test)]
pub(super) mod tests;

pub use binding::{Arrival, Binding, LONGEST_RELAY_STATE, Outgoing};
pub use body::Body;
pub use checks::{CHECKS, CLOCK_SKEW, Check};
pub use conformity::{Finding, examine};
pub use fiscal::{FiscalNumber, NotAFiscalNumber};
pub use guard::Unfit;
pub use keys::Keys;
pub use level::{Level, NotALevel};
pub use list::{List, MAX_OCTETS as MAX_LIST};
pub use logout::{Answer, LoggedOut, LogoutRequest, SentLogout, Session};
pub use partner::Partner;
pub use person::{NotASpidCode, Person, SpidCode};
pub use profile::{Comparison, Profile, Wanted};
pub use provider::{Provider, Slo};
pub use providers::{Problem, Providers};
pub use refusal::{Refusal, SpidError};
pub use request::SentRequest;
pub use response::Identity;
pub use scheme::Scheme;
pub use trial::{Outcome, Verdict, is_of, metadata as try_metadata, requests as try_requests};

/// Who a public body is towards a scheme.
#[derive(Clone)]
pub struct ServiceProvider {
    /// SPID, whose service provider the eIDAS node asks too, or CIE.
    pub scheme: Scheme,
    /// Our name in the scheme, a URL; in SPID equal to the `uri` of the certificate, and the audience of assertions.
    pub entity_id: String,
    /// Where a provider's answer is posted (assertion consumer service, index 0).
    pub acs_url: String,
    /// Where logout messages go, by POST and by redirect.
    pub slo_url: String,
    /// The public body that offers the service.
    pub body: Body,
    /// The level asked for.
    pub level: Level,
    /// How it is meant.
    pub comparison: Comparison,
    /// What an answer must say of the person.
    pub wanted: Wanted,
    /// From which age minors may use the service, in years.
    pub age_limit: Option<u8>,
    /// Whether the eIDAS node is asked too.
    pub eidas: bool,
    /// Below which age a parent allows it, in years.
    pub parent_below: Option<u8>,
    /// Who looks after the technical side in CIE.
    pub technical: Option<Partner>,
    keys: Keys,
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
        key: String,
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
        scheme: Scheme,
        profile: &Profile,
        acs_url: impl Into<String>,
        slo_url: impl Into<String>,
        body: Body,
        keys: &Keys,
    ) -> Result<Self, Fault> {
        profile.check(scheme)?;
        let provider = Self {
            scheme,
            entity_id: profile.entity_id.clone(),
            acs_url: acs_url.into(),
            slo_url: slo_url.into(),
            body,
            level: profile.level,
            comparison: profile.comparison,
            wanted: profile.identity,
            age_limit: profile.age_limit,
            eidas: profile.eidas,
            parent_below: profile.parent_below,
            technical: profile.technical.clone(),
            keys: keys.clone(),
        };
        body::is_url("assertion consumer service", &provider.acs_url)?;
        body::is_url("single logout service", &provider.slo_url)?;
        provider.body.check()?;
        if scheme == Scheme::Spid {
            for (_, certificate) in keys.certificates() {
                certificate::is_of(certificate, &provider.entity_id)?;
            }
        }
        Ok(provider)
    }

    /// The same service, for answers of `level` at least: as it is where it gives no less, else asking for that.
    #[must_use]
    pub fn at_least(&self, level: Level) -> Self {
        if self.comparison.least(self.level) >= level {
            return self.clone();
        }
        let comparison = match self.comparison {
            Comparison::Exact => Comparison::Exact,
            Comparison::Minimum | Comparison::Better | Comparison::Maximum => Comparison::Minimum,
        };
        Self { level, comparison, ..self.clone() }
    }
}

impl ServiceProvider {
    /// The same service for who sets a site's shares: two factors, and the fiscal code, by which they are listed.
    #[must_use]
    pub fn for_administrators(&self) -> Self {
        Self { wanted: Wanted::FiscalNumber, ..self.at_least(Level::L2) }
    }
}

impl std::fmt::Debug for ServiceProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceProvider").field("entity_id", &self.entity_id).finish_non_exhaustive()
    }
}
