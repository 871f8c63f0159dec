//! `[cns]`: logins by smart card.

use super::{Settings, Tls, folder, https};
use crate::login::cns::policy::{self, Policy, Written};
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
    /// The address of the trust list (ETSI TS 119 612). HTTPS.
    pub trust_list: Option<Url>,
    /// Or the file that somebody else keeps fresh.
    pub trust_list_file: Option<PathBuf>,
    /// Folder of the certificates that may sign it, PEM.
    pub signers: PathBuf,
    /// Where nobody answers about revocation.
    #[serde(default)]
    pub revocation: Revoking,
    /// How long one answer about revocation may take, in seconds, 1 to 10.
    #[serde(default = "three")]
    pub timeout: u8,
    /// The policies of cards, in place of those that the hub knows.
    pub policies: Option<Vec<Written>>,
}

const fn three() -> u8 {
    3
}

impl CnsSettings {
    /// The address of `path`, which begins with a slash, at the card's listener.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url.as_str().trim_end_matches('/'))
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
        https(file, "cns.url", &self.url)?;
        if self.url.path() != "/" || self.url.query().is_some() {
            return bad("url", "has a path or a query".into(), "give scheme, host and port only");
        }
        if self.url.origin() == settings.public_url.origin() {
            let remedy = "give it a host name or a port of its own: https://accesso.comune.example.it:8444";
            return bad("url", format!("{} is public_url's origin", self.url), remedy);
        }
        if self.listen == settings.listen && self.listen.port() != 0 {
            return bad("listen", format!("{} is listened on already", self.listen), "give it another port");
        }
        if !(1..=10).contains(&self.timeout) {
            return bad("timeout", format!("{} is out of range", self.timeout), "write 1 to 10 seconds");
        }
        self.trust(file)?;
        self.policies(file).map(drop)
    }

    /// There is one trust list, and who may sign it.
    fn trust(&self, file: &Path) -> Result<(), ConfigError> {
        let remedy = "write trust_list = \"https://eidas.agid.gov.it/TL/TSL-IT.xml\", or trust_list_file";
        match (&self.trust_list, &self.trust_list_file) {
            (Some(url), None) => https(file, "cns.trust_list", url)?,
            (None, Some(_)) => {}
            (None, None) => return Err(ConfigError::new(file, "cns.trust_list", "is missing", remedy)),
            (Some(_), Some(_)) => {
                let problem = "stands beside trust_list_file";
                return Err(ConfigError::new(file, "cns.trust_list", problem, "leave one of the two out"));
            }
        }
        folder(file, "cns.signers", &self.signers)
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
