//! `[log.timestamp]`: who stamps the hub's checkpoints with the time (RFC 3161).

use super::{values::secret_line, witness::authorities};
use crate::registry::{Limits, builder};
use jiff::SignedDuration;
use reqwest::Client;
use secrecy::SecretString;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use url::Url;
use varco_audit::timestamp::Authority;
use varco_policy::ConfigError;

/// An authority.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimestampSettings {
    /// Where it is asked. HTTPS, or HTTP: what it answers is signed.
    pub url: Url,
    /// Who must have signed: certificates of the authority, PEM.
    pub ca: PathBuf,
    /// How often, in hours, 1 to 168.
    #[serde(default = "daily")]
    pub every_hours: u16,
    /// Authorities for its host, PEM, in place of the system's.
    pub tls_ca: Option<PathBuf>,
    /// Who we are there, where it wants to know (RFC 7617); by HTTPS only.
    pub user: Option<String>,
    /// File that holds the password.
    pub password_file: Option<PathBuf>,
}

const fn daily() -> u16 {
    24
}

/// An authority, ready to be asked.
#[derive(Debug)]
#[expect(missing_docs, reason = "as in the settings")]
pub struct Asked {
    pub url: Url,
    pub authority: Authority,
    pub every: SignedDuration,
    pub client: Client,
    pub login: Option<(String, SecretString)>,
}

impl TimestampSettings {
    /// Reads what the table names.
    ///
    /// # Errors
    /// When an address or a file cannot be used, or a number is out of range.
    pub fn asked(&self, file: &Path) -> Result<Asked, ConfigError> {
        let bad = |key: &str, problem: String, remedy: &str| {
            ConfigError::new(file, &format!("log.timestamp.{key}"), problem, remedy)
        };
        let plain = match self.url.scheme() {
            "https" => false,
            "http" => true,
            scheme => {
                return Err(bad("url", format!("{scheme} is not asked"), "give an https or http address"));
            }
        };
        if !(1..=168).contains(&self.every_hours) {
            let problem = format!("{} is out of range", self.every_hours);
            return Err(bad("every_hours", problem, "write 1 to 168 hours"));
        }
        if plain && self.user.is_some() {
            let problem = "the password would be read on the way".to_owned();
            return Err(bad("user", problem, "give an https address, or no user"));
        }
        let authority = self.pinned();
        let remedy = "give a file with the certificate of the authority or of its unit, PEM";
        let authority = authority.map_err(|e| bad("ca", format!("{}: {e}", self.ca.display()), remedy))?;
        let tls = authorities(file, "log.timestamp.tls_ca", self.tls_ca.as_deref())?;
        let client = builder(tls.as_deref(), Limits::default());
        let client = client.and_then(|builder| Ok(builder.https_only(!plain).build()?));
        let client =
            client.map_err(|e| bad("tls_ca", format!("{e:#}"), "give certificates that can be used"))?;
        let every = SignedDuration::from_hours(self.every_hours.into());
        Ok(Asked { url: self.url.clone(), authority, every, client, login: self.login(file)? })
    }

    /// The authority that must have signed.
    ///
    /// # Errors
    /// Why its file cannot be used.
    pub fn pinned(&self) -> Result<Authority, String> {
        let pem = std::fs::read(&self.ca).map_err(|error| error.to_string())?;
        Authority::from_pem(&pem).map_err(|error| error.to_string())
    }

    fn login(&self, file: &Path) -> Result<Option<(String, SecretString)>, ConfigError> {
        let key = "log.timestamp.password_file";
        match (&self.user, &self.password_file) {
            (None, None) => Ok(None),
            (Some(user), Some(path)) => {
                let remedy = "put the password on its first line";
                Ok(Some((user.clone(), secret_line(file, key, path, 1, remedy)?)))
            }
            _ => {
                Err(ConfigError::new(file, key, "one of user and password is missing", "give both, or none"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::refusal;

    #[test]
    fn each_mistake_is_named() {
        let root = "ca = \"../../certs/agid-tl/agid-tl-6.pem\"";
        for (words, said) in [
            (format!("url = \"ftp://t.it\"\n{root}"), "log.timestamp.url: ftp is not asked"),
            (format!("url = \"http://t.it\"\n{root}\nevery_hours = 0"), "log.timestamp.every_hours: 0 is"),
            (format!("url = \"http://t.it\"\n{root}\nuser = \"a\""), "log.timestamp.user: "),
            (format!("url = \"https://t.it\"\n{root}\nuser = \"a\""), "log.timestamp.password_file: one of"),
            ("url = \"https://t.it\"\nca = \"/no\"".to_owned(), "log.timestamp.ca: /no: "),
            (format!("url = \"https://t.it\"\n{root}\ntls_ca = \"/no\""), "log.timestamp.tls_ca: /no"),
            ("url = \"https://t.it\"".to_owned(), "missing field `ca`"),
        ] {
            let answer = refusal("\n[index]", &format!("\n[log.timestamp]\n{words}\n[index]"));
            assert!(answer.contains("hub.toml: ") && answer.contains(said), "{answer}");
        }
    }
}
