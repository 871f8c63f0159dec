//! `[cns]`: logins by smart card.

use super::{
    Settings, Tls,
    values::{folder, origin},
};
use crate::login::cns::{
    policy::{self, Policy, Written},
    revocation,
    trust::TrustSettings,
};
use serde::Deserialize;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};
use url::Url;
use varco_policy::ConfigError;

/// What happens where nobody says in time whether a card is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Revoking {
    /// It opens nothing.
    #[default]
    Hard,
    /// It is let in, which the log and the register say.
    Soft,
}

/// The table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CnsSettings {
    /// Address and port of the listener that asks for the card.
    pub listen: SocketAddr,
    /// What browsers call it. HTTPS, no path, another origin than `public_url`'s.
    pub url: Url,
    /// Its certificate; else the main listener's.
    pub tls: Option<Tls>,
    /// The address of the trust list (ETSI TS 119 612), AgID's where this says nothing. HTTPS.
    pub trust_list: Option<Url>,
    /// The authorities that may vouch for its host, PEM, in place of the system's.
    pub trust_list_ca: Option<PathBuf>,
    /// A file, in place of the address; read again when it changes.
    pub trust_list_file: Option<PathBuf>,
    /// How long the list is relied on after its `NextUpdate`, in hours, 0 to 720.
    pub trust_list_grace: Option<u16>,
    /// Folder of the certificates that may sign it, `*.pem`.
    pub signers: PathBuf,
    /// Where nobody answers about revocation.
    #[serde(default)]
    pub revocation: Revoking,
    /// How it is asked.
    #[serde(default)]
    pub asking: revocation::Settings,
    /// The policies of cards, in place of those that the hub knows.
    pub policies: Option<Vec<Written>>,
}

impl CnsSettings {
    /// The address of `path`, which begins with a slash, at the card's listener.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url.as_str().trim_end_matches('/'))
    }

    /// What of it is about the trust list.
    pub fn trust(&self) -> TrustSettings {
        TrustSettings {
            trust_list: self.trust_list.clone(),
            trust_list_ca: self.trust_list_ca.clone(),
            trust_list_file: self.trust_list_file.clone(),
            signers: self.signers.clone(),
            trust_list_grace: self.trust_list_grace,
        }
    }

    /// The policies of cards.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn policies(&self, file: &Path) -> Result<Vec<Policy>, ConfigError> {
        policy::all(file, self.policies.as_deref())
    }

    fn check(&self, settings: &Settings, file: &Path) -> Result<(), ConfigError> {
        let bad = |key: &str, problem: String, remedy: &str| {
            Err(ConfigError::new(file, &format!("cns.{key}"), problem, remedy))
        };
        origin(file, "cns.url", &self.url)?;
        if self.url.origin() == settings.public_url.origin() {
            let remedy = "give it a host name or a port of its own: https://accesso.comune.example.it:8444";
            return bad("url", format!("{} is public_url's origin", self.url), remedy);
        }
        if self.listen == settings.listen && self.listen.port() != 0 {
            return bad("listen", format!("{} is listened on already", self.listen), "give it another port");
        }
        folder(file, "cns.signers", &self.signers)?;
        self.asking.check(file)?;
        self.policies(file).map(drop)
    }
}

/// Refuses what cannot be served, and bodies that offer cards where nothing asks for them.
pub(super) fn check(settings: &Settings, file: &Path) -> Result<(), ConfigError> {
    let offering = settings.bodies.iter().position(|body| body.cns);
    match (&settings.cns, offering) {
        (Some(cns), Some(_)) => cns.check(settings, file),
        (None, None) => Ok(()),
        (Some(_), None) => {
            let remedy = "write cns = true in a [[body]], or leave [cns] out";
            Err(ConfigError::new(file, "cns", "no body offers it", remedy))
        }
        (None, Some(n)) => {
            let remedy = "add a [cns] table, or leave it out";
            Err(ConfigError::new(file, &format!("body[{n}].cns"), "nothing asks for cards", remedy))
        }
    }
}
