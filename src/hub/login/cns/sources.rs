//! Where the core asks: the trust list and the issuers, or in its own tests what the test says.

use super::{
    issuers::Issuers,
    revocation::Revocation,
    standing::Standing,
    trust::{NoList, Trust},
};
use crate::config::{CnsSettings, Settings};
use jiff::Timestamp;
use openssl::x509::X509;
use std::{path::Path, sync::Arc};
use varco_policy::ConfigError;

/// Whose cards are recognised.
#[derive(Debug)]
pub enum Lists {
    /// By the trust list.
    Kept(Arc<Trust>),
    /// As a test says.
    #[cfg(test)]
    Given(std::sync::Mutex<Result<Arc<Issuers>, NoList>>),
}

impl Lists {
    /// The trust list of the settings.
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub fn open(file: &Path, settings: &Settings, cns: &CnsSettings) -> Result<Self, ConfigError> {
        Ok(Self::Kept(Arc::new(Trust::load(file, &cns.trust(), &settings.state)?)))
    }

    /// The authorities recognised now.
    ///
    /// # Errors
    /// When there is no list, or it is over.
    pub fn current(&self, now: Timestamp) -> Result<Arc<Issuers>, NoList> {
        match self {
            Self::Kept(trust) => trust.current(now),
            #[cfg(test)]
            Self::Given(given) => given.lock().unwrap().clone(),
        }
    }
}

/// Who is asked about revocation.
#[derive(Debug)]
pub enum Questions {
    /// The issuers, as their cards say.
    Live(Revocation),
    /// A test answers.
    #[cfg(test)]
    Given(std::sync::Mutex<Told>),
}

/// What a test answers.
#[cfg(test)]
#[derive(Debug, Clone)]
pub enum Told {
    /// This.
    Says(Standing),
    /// What whom it may ask says.
    Asks(Arc<Revocation>),
}

impl Questions {
    /// The questions of the settings.
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub fn open(file: &Path, settings: &Settings, cns: &CnsSettings) -> Result<Self, ConfigError> {
        let remedy = "look at the system's authorities (ca-certificates)";
        let fault = |e: anyhow::Error| ConfigError::new(file, "cns.asking", e.to_string(), remedy);
        Revocation::new(&cns.asking, settings.state.join("revocation")).map(Self::Live).map_err(fault)
    }

    /// What is known of the card.
    pub async fn standing(&self, card: &X509, issuer: &X509, now: Timestamp) -> Standing {
        match self {
            Self::Live(revocation) => revocation.standing(card, issuer, now).await,
            #[cfg(test)]
            Self::Given(given) => {
                let told = given.lock().unwrap().clone();
                match told {
                    Told::Says(standing) => standing,
                    Told::Asks(revocation) => revocation.standing(card, issuer, now).await,
                }
            }
        }
    }
}
