//! `[providers]`: whose identities are trusted.

use super::values::{folder, https};
use crate::login::saml::Scheme;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use url::Url;
use varco_policy::ConfigError;

/// Folders of trusted metadata, `*.xml`. A scheme without a folder is not offered.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSettings {
    /// Those of SPID.
    pub spid: Option<PathBuf>,
    /// That of CIE.
    pub cie: Option<PathBuf>,
    /// The Italian eIDAS node.
    pub eidas: Option<PathBuf>,
    /// What citizens call a provider, by its entityID; else it is called as in its metadata.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    /// Where SPID's are fetched from.
    pub registry: Option<RegistrySettings>,
}

/// `[providers.registry]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrySettings {
    /// The address of the signed metadata. HTTPS.
    pub url: Url,
    /// The certificates that may sign it, PEM; two while the registry changes its key.
    pub signer: PathBuf,
    /// How often it is fetched, in hours, 1 to 168.
    #[serde(default = "daily")]
    pub every_hours: u16,
    /// The authorities that may vouch for its host, PEM, in place of the system's.
    pub ca: Option<PathBuf>,
}

const fn daily() -> u16 {
    24
}

impl ProviderSettings {
    /// The folder of each scheme that has one.
    pub fn folders(&self) -> impl Iterator<Item = (Scheme, &Path)> {
        let folders = [(Scheme::Spid, &self.spid), (Scheme::Cie, &self.cie), (Scheme::Eidas, &self.eidas)];
        folders.into_iter().filter_map(|(scheme, folder)| Some((scheme, folder.as_deref()?)))
    }

    pub(super) fn check(&self, file: &Path) -> Result<(), ConfigError> {
        if self.folders().next().is_none() && self.registry.is_none() {
            let remedy = "give the folder of the trusted metadata: spid = \"/etc/varco/idp\"";
            return Err(ConfigError::new(file, "providers", "no scheme has a folder", remedy));
        }
        for (n, (scheme, path)) in self.folders().enumerate() {
            let key = format!("providers.{}", scheme.name());
            folder(file, &key, path)?;
            if self.folders().take(n).any(|(_, other)| other == path) {
                let remedy = "give each scheme its own: a provider's rules are those of its folder";
                return Err(ConfigError::new(file, &key, "is another scheme's folder too", remedy));
            }
        }
        self.registry.as_ref().map_or(Ok(()), |registry| registry.check(file))
    }
}

impl RegistrySettings {
    fn check(&self, file: &Path) -> Result<(), ConfigError> {
        https(file, "providers.registry.url", &self.url)?;
        if (1..=168).contains(&self.every_hours) {
            return Ok(());
        }
        let problem = format!("{} is out of range", self.every_hours);
        Err(ConfigError::new(file, "providers.registry.every_hours", problem, "write 1 to 168 hours"))
    }
}
