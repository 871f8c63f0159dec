//! The keys of `[cns]` that are about the trust list.

use super::{development::TAKES_DEVELOPMENT, list::TrustList, signers};
use crate::registry::{GRACE, Registry, Source, certificates};
use jiff::SignedDuration;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use url::Url;
use varco_policy::ConfigError;

/// Where AgID publishes Italy's list.
pub const AGID: &str = "https://eidas.agid.gov.it/TL/TSL-IT.xml";

/// Where the trust list comes from and who signs it.
#[derive(Debug, Clone, Deserialize)]
pub struct TrustSettings {
    /// Its address, AgID's where this says nothing. HTTPS.
    pub trust_list: Option<Url>,
    /// The authorities that may vouch for its host, PEM, in place of the system's.
    pub trust_list_ca: Option<PathBuf>,
    /// A file, in place of the address; read again when it changes.
    pub trust_list_file: Option<PathBuf>,
    /// The folder of the certificates that may sign it, `*.pem`.
    pub signers: PathBuf,
    /// How long it is relied on after its `NextUpdate`, in hours, 0 to 720.
    pub trust_list_grace: Option<u16>,
}

impl TrustSettings {
    /// How long the list is relied on after its end.
    pub fn grace(&self) -> SignedDuration {
        self.trust_list_grace.map_or(GRACE, |hours| SignedDuration::from_hours(i64::from(hours)))
    }

    /// The list of the settings in `file`, kept below the folder `state`.
    ///
    /// # Errors
    /// When there is not one source, or no signer that can be used.
    pub fn registry(&self, file: &Path, state: &Path) -> Result<Registry<TrustList>, ConfigError> {
        let bad = |key: &str, problem: String, remedy: &str| {
            ConfigError::new(file, &format!("cns.{key}"), problem, remedy)
        };
        if self.trust_list_grace.is_some_and(|hours| hours > 720) {
            return Err(bad("trust_list_grace", "is out of range".to_owned(), "write 0 to 720 hours"));
        }
        let source = self.source().map_err(|(key, why)| {
            bad(
                key,
                why,
                "give trust_list = \"https://eidas.agid.gov.it/TL/TSL-IT.xml\", or a trust_list_file",
            )
        })?;
        let remedy = "put AgID's certificates there (certs/README.md says which), PEM, and no others";
        let signers =
            signers::load(&self.signers, TAKES_DEVELOPMENT).map_err(|why| bad("signers", why, remedy))?;
        signers::warn(&signers);
        let remedy = "give a file with certificates of authorities, PEM";
        let ca = self.trust_list_ca.as_ref().map(|ca| certificates(ca)).transpose();
        let ca = ca.map_err(|why| bad("trust_list_ca", why, remedy))?;
        Ok(Registry::new(source, signers, &state.join("trust")).with(ca, self.grace()))
    }

    fn source(&self) -> Result<Source, (&'static str, String)> {
        match (&self.trust_list, &self.trust_list_file) {
            (Some(url), None) if url.scheme() == "https" && url.has_host() => Ok(Source::Url(url.clone())),
            (Some(url), None) => Err(("trust_list", format!("{url} is not a plain https address"))),
            (None, Some(path)) => Ok(Source::File(path.clone())),
            (Some(_), Some(_)) => Err(("trust_list_file", "there is an address too".to_owned())),
            (None, None) => AGID.parse().map(Source::Url).map_err(|e| ("trust_list", format!("{AGID}: {e}"))),
        }
    }
}
