//! A smart card opens the gate: CNS, TS-CNS, CIE used as a card (CAD art. 64 and 66).
//!
//! `/cns/login` sends the browser, with a single-use request, to a listener of its own, where TLS asks for the certificate
//! and proves only that whoever is there holds its key. The certificate then passes [`checks`] in their order, its issuer
//! says that it is not revoked, and the result goes back to `/cns/enter` sealed in the login state, under a handle that is
//! good once, for a minute, in the browser that asked. From there on the login is like any other (`finish.rs`).

pub mod asked;
pub mod card;
pub mod certificate;
pub mod checks;
pub mod enter;
pub mod evidence;
pub mod handle;
pub mod handshake;
pub mod help;
pub mod issuers;
pub mod listener;
pub mod policy;
pub mod possession;
pub mod revocation;
pub mod rules;
pub mod sources;
pub mod standing;
pub mod subject;
#[cfg(test)]
mod tests;
pub mod trust;

use super::saml::Person;
use crate::config::{CnsSettings, Settings};
use asked::CardAsked;
use handle::HandleKey;
use jiff::Timestamp;
use policy::Policy;
use sources::{Lists, Questions};
use std::path::Path;
use varco_policy::ConfigError;

/// What the ID token says of the level: a card with its PIN (SAML 2.0 Authentication Context 3.4.16). The names of SPID's
/// levels are SPID's, and CNS has none.
pub const ACR: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI";

/// What logins by card need.
#[derive(Debug)]
pub struct Cards {
    /// `[cns]`.
    pub settings: CnsSettings,
    /// The policies that make a certificate a card's.
    pub policies: Vec<Policy>,
    /// Whose cards are recognised.
    pub lists: Lists,
    /// Who is asked about revocation.
    pub questions: Questions,
    /// Seals what goes from the card's listener to the login.
    pub handles: HandleKey,
}

impl Cards {
    /// What the settings want; `None` where they have no `[cns]`.
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub fn open(file: &Path, settings: &Settings, handles: HandleKey) -> Result<Option<Self>, ConfigError> {
        let Some(cns) = &settings.cns else { return Ok(None) };
        Ok(Some(Self {
            policies: cns.policies(file)?,
            lists: Lists::open(file, settings, cns)?,
            questions: Questions::open(file, settings, cns)?,
            handles,
            settings: cns.clone(),
        }))
    }

    /// The same, with no list and nobody who answers but the test.
    #[cfg(test)]
    pub fn for_tests(&self) -> Self {
        Self {
            settings: self.settings.clone(),
            policies: self.policies.clone(),
            lists: Lists::Given(std::sync::Mutex::new(Err(trust::NoList::None))),
            questions: Questions::Given(std::sync::Mutex::new(sources::Told::Says(
                standing::Standing::Silent(Vec::new()),
            ))),
            handles: HandleKey::new(&[7; 32]).unwrap(),
        }
    }
}

/// A card that every check has passed: who holds it, and what the register keeps.
#[derive(Debug)]
pub struct Checked {
    /// The request that it answers.
    pub asked: CardAsked,
    /// Identifier of the check.
    pub id: String,
    /// When it was checked.
    pub at: Timestamp,
    /// Whose card it is.
    pub person: Person,
    /// The authority that issued it, as the trust list names it.
    pub issuer: String,
    /// The latest instant that an authority signed: of the answer about revocation, else of the trust list.
    pub vouched: Timestamp,
    /// What is sealed in the register; see [`evidence`].
    pub evidence: serde_json::Value,
}

impl Checked {
    /// Whether its issuer said that it is not revoked: where the settings are soft, silence lets a card in too.
    pub fn is_vouched_for(&self) -> bool {
        evidence::is_good(&self.evidence)
    }
}
