//! The registry of SPID: its signed list of providers, fetched by the hub, verified, and kept as long as it holds.
//!
//! What is in force is a file (`registry/list.xml` in the state folder), verified again each time that it is read. A list
//! that is fetched takes its place only when everything holds (`decide`); otherwise the last good one stays. Files that the
//! operator puts into the folders of `[providers]` come first.

mod change;
mod decide;
mod fetch;
mod kept;
mod pace;
pub mod show;
#[cfg(test)]
mod tests;
mod watch;

pub use change::Change;
pub(crate) use fetch::{Limits, client, crypto, octets};
pub use kept::Kept;
pub use watch::watch;

use crate::{
    config::{RegistrySettings, Settings},
    login::saml::List,
};
use jiff::{SignedDuration, Timestamp};
use openssl::x509::X509;
use std::path::{Path, PathBuf};
use url::Url;
use varco_policy::ConfigError;

/// How long a list is still relied on after the end of its validity, so that a registry that is down for a long weekend
/// locks nobody out.
pub const GRACE: SignedDuration = SignedDuration::from_hours(72);
/// Fewest bits of a key that may sign the list.
const LEAST_BITS: u32 = 2048;

/// The registry, as the settings name it.
#[derive(Debug, Clone)]
pub struct Registry {
    url: Url,
    signers: Vec<X509>,
    every: SignedDuration,
    ca: Option<Vec<X509>>,
    limits: fetch::Limits,
    folder: PathBuf,
}

impl Registry {
    /// The registry of the settings in `file`, if they name one.
    ///
    /// # Errors
    /// When a file that they name cannot be read, or holds no certificate that can sign.
    pub fn of(file: &Path, settings: &Settings) -> Result<Option<Self>, ConfigError> {
        let table = settings.providers.registry.as_ref();
        table.map(|table| Self::open(file, table, &settings.state)).transpose()
    }

    fn open(file: &Path, table: &RegistrySettings, state: &Path) -> Result<Self, ConfigError> {
        let bad = |key: &str, problem: String, remedy: &str| {
            ConfigError::new(file, &format!("providers.registry.{key}"), problem, remedy)
        };
        let remedy = "give a file with the certificate of who signs the list, PEM";
        let signers = certificates(&table.signer).map_err(|e| bad("signer", e, remedy))?;
        let weak =
            |c: &X509| c.public_key().map_or(true, |key| key.rsa().is_err() || key.bits() < LEAST_BITS);
        if signers.is_empty() || signers.iter().any(weak) {
            let problem =
                format!("{}: no RSA certificate of {LEAST_BITS} bits or more", table.signer.display());
            return Err(bad("signer", problem, remedy));
        }
        let remedy = "give a file with certificates of authorities, PEM";
        let ca =
            table.ca.as_ref().map(|ca| certificates(ca).map_err(|e| bad("ca", e, remedy))).transpose()?;
        Ok(Self {
            url: table.url.clone(),
            signers,
            every: SignedDuration::from_hours(i64::from(table.every_hours)),
            ca,
            limits: fetch::Limits::default(),
            folder: state.join("registry"),
        })
    }

    /// The list in force, if there is one that holds; an alarm in the log if it holds no longer.
    pub fn in_force(&self, now: Timestamp) -> Option<List> {
        self.kept().list(now).unwrap_or_else(|unfit| {
            tracing::error!(alarm = "providers-list", %unfit, "the registry's list in force is not used");
            None
        })
    }

    /// What is kept of it.
    pub const fn kept(&self) -> Kept<'_> {
        Kept::new(self)
    }
}

/// Every certificate of a file, PEM.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn certificates(file: &Path) -> Result<Vec<X509>, String> {
    let pem = std::fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?;
    X509::stack_from_pem(&pem).map_err(|e| format!("{}: {e}", file.display()))
}
