//! Signed lists, fetched by the hub, verified, and kept as long as they hold: the registry of SPID with its providers, and
//! the trust list with the issuers of cards.
//!
//! What is in force is a file (`registry/list.xml` in the state folder, `trust/list.xml`), verified again each time that it is
//! read. A list that is fetched takes its place only when everything holds (`decide`); otherwise the last good one stays. Files
//! that the operator puts into the folders of `[providers]` come first.

mod change;
mod decide;
mod fetch;
mod kept;
mod pace;
pub mod show;
mod signed;
pub mod state;
#[cfg(test)]
mod tests;
mod watch;

pub use change::{Change, fingerprint};
pub(crate) use fetch::{Limits, builder, client, crypto, octets};
pub use kept::{Kept, Status};
pub use signed::{Age, Signed};
pub(crate) use watch::alarm;
pub use watch::{Asked, Failure, watch};

use crate::{
    config::{RegistrySettings, Settings},
    login::saml::List,
};
use jiff::{SignedDuration, Timestamp};
use openssl::x509::X509;
use std::{
    fmt,
    marker::PhantomData,
    path::{Path, PathBuf},
};
use url::Url;
use varco_policy::ConfigError;

/// How long a list is still relied on after the end of its validity, so that a registry that is down for a long weekend
/// locks nobody out.
pub const GRACE: SignedDuration = SignedDuration::from_hours(72);
/// Fewest bits of a key that may sign a list.
pub const LEAST_BITS: u32 = 2048;

/// Where a list comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Asked by HTTPS.
    Url(Url),
    /// Put there by the operator, or by what they run.
    File(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => url.fmt(f),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// Where a list comes from and who signs it, as the settings say.
#[derive(Debug, Clone)]
pub struct Registry<L: Signed = List> {
    source: Source,
    signers: Vec<X509>,
    every: SignedDuration,
    ca: Option<Vec<X509>>,
    limits: fetch::Limits,
    grace: SignedDuration,
    folder: PathBuf,
    kind: PhantomData<fn() -> L>,
}

impl Registry<List> {
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
        if signers.iter().any(weak) {
            let problem =
                format!("{}: no RSA certificate of {LEAST_BITS} bits or more", table.signer.display());
            return Err(bad("signer", problem, remedy));
        }
        let remedy = "give a file with certificates of authorities, PEM";
        let ca =
            table.ca.as_ref().map(|ca| certificates(ca).map_err(|e| bad("ca", e, remedy))).transpose()?;
        let every = SignedDuration::from_hours(i64::from(table.every_hours));
        let registry = Self::new(Source::Url(table.url.clone()), signers, &state.join("registry"));
        Ok(Self { every, ca, ..registry })
    }

    /// The list in force, if there is one that holds; an alarm in the log if it holds no longer.
    pub fn in_force(&self, now: Timestamp) -> Option<List> {
        self.kept().list(now).unwrap_or_else(|unfit| {
            watch::alarm::<List>("list", format!("that in force is not used: {unfit}"));
            None
        })
    }
}

impl<L: Signed> Registry<L> {
    /// Lists from `source`, asked for every day, kept in `folder`.
    pub fn new(source: Source, signers: Vec<X509>, folder: &Path) -> Self {
        Self {
            source,
            signers,
            every: SignedDuration::from_hours(24),
            ca: None,
            limits: fetch::Limits::default(),
            grace: GRACE,
            folder: folder.to_owned(),
            kind: PhantomData,
        }
    }

    /// The same, with other authorities for the source's host, and another time for which a list is relied on after its end.
    #[must_use]
    pub fn with(self, ca: Option<Vec<X509>>, grace: SignedDuration) -> Self {
        Self { ca, grace, ..self }
    }

    /// Where its lists come from.
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// What is kept of it.
    pub const fn kept(&self) -> Kept<'_, L> {
        Kept::new(self)
    }
}

/// Whether a certificate's key is none that may sign a list.
pub fn weak(certificate: &X509) -> bool {
    certificate.public_key().map_or(true, |key| key.rsa().is_err() || key.bits() < LEAST_BITS)
}

/// Every certificate of a file, PEM: one at least, since who names a file means to pin something.
///
/// # Errors
/// When it cannot be read, or has none.
pub(crate) fn certificates(file: &Path) -> Result<Vec<X509>, String> {
    let pem = std::fs::read(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let all = X509::stack_from_pem(&pem).map_err(|e| format!("{}: {e}", file.display()))?;
    if all.is_empty() { Err(format!("{}: no certificate in it", file.display())) } else { Ok(all) }
}
