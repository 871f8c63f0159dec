//! `[[gateway]]`: who may ask for logins, and whose logs are copied here.

use super::{
    Admins, Settings, admins,
    values::{callback, secret},
};
use secrecy::SecretString;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use url::Url;
use varco_audit::tlog::VerifierKey;
use varco_policy::ConfigError;

/// `[[gateway]]`: a relying party.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// The path of its body.
    #[serde(default)]
    pub body: String,
    /// Its name here; also the sector of its pairwise subjects.
    pub client_id: String,
    /// File that holds its secret, at least 32 characters.
    pub client_secret_file: PathBuf,
    /// The one address that codes for citizens are sent to, compared exactly. HTTPS.
    pub redirect_uri: String,
    /// The public half of the key of its log, as `varco-gateway log-key` prints it: then its log is copied here.
    pub log_key: Option<String>,
    /// The one address that codes for the site's administrators are sent to. HTTPS, not that of the citizens.
    pub admin_redirect_uri: Option<String>,
    /// Fiscal codes of the site's administrators.
    #[serde(default, deserialize_with = "admins::read")]
    pub admins: Vec<SecretString>,
}

/// A relying party with its secret: a gateway, or the console.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Client {
    /// The path of its body.
    pub body: String,
    pub client_id: String,
    pub secret: SecretString,
    /// The key of its log, where that is copied here.
    pub log_key: Option<VerifierKey>,
    pub redirect_uri: Url,
    /// `redirect_uri` as written: what is compared.
    pub redirect_text: String,
    /// Who has a role there, where it has pages for them.
    pub admins: Option<Admins>,
}

impl Client {
    /// The address written `text`, if it is one of the gateway's.
    pub fn address(&self, text: &str) -> Option<&Url> {
        let admins = self.admins.iter().map(|a| (&a.redirect_text, &a.redirect_uri));
        let mut all = std::iter::once((&self.redirect_text, &self.redirect_uri)).chain(admins);
        all.find(|(written, _)| *written == text).map(|(_, url)| url)
    }
}

impl Settings {
    /// The gateways with their secrets read.
    ///
    /// # Errors
    /// When there is none, two have the same name, a secret is missing or short, or an address is not HTTPS.
    pub fn clients(&self, file: &Path) -> Result<Vec<Client>, ConfigError> {
        if self.gateways.is_empty() {
            return Err(ConfigError::new(file, "gateway", "no gateway is listed", "add a [[gateway]] table"));
        }
        self.gateways.iter().enumerate().map(|(i, gateway)| self.client(file, i, gateway)).collect()
    }

    fn client(&self, file: &Path, index: usize, gateway: &Gateway) -> Result<Client, ConfigError> {
        let key = |name: &str| format!("gateway[{index}].{name}");
        let id = &gateway.client_id;
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) {
            let remedy = "use letters, digits, hyphens, dots and underscores";
            return Err(ConfigError::new(file, &key("client_id"), format!("{id:?} is no client id"), remedy));
        }
        if self.gateways.iter().take(index).any(|other| other.client_id == *id) {
            let remedy = "give each gateway its own";
            return Err(ConfigError::new(file, &key("client_id"), format!("{id} is listed twice"), remedy));
        }
        if !self.bodies.iter().any(|body| body.path == gateway.body) {
            let remedy =
                "write the path of one of the [[body]] tables; leave it out for the one without a path";
            let problem = format!("{:?} is no body's path", gateway.body);
            return Err(ConfigError::new(file, &key("body"), problem, remedy));
        }
        Ok(Client {
            body: gateway.body.clone(),
            client_id: id.clone(),
            secret: secret(file, &key("client_secret_file"), &gateway.client_secret_file)?,
            log_key: self.log_key(file, index)?,
            redirect_uri: callback(file, &key("redirect_uri"), &gateway.redirect_uri)?,
            redirect_text: gateway.redirect_uri.clone(),
            admins: Admins::of(file, index, gateway)?,
        })
    }

    /// The key of a gateway's log. No two gateways have one log.
    fn log_key(&self, file: &Path, index: usize) -> Result<Option<VerifierKey>, ConfigError> {
        let read = |gateway: &Gateway| gateway.log_key.as_ref().map(|text| text.parse::<VerifierKey>());
        let bad = |problem: String| {
            let remedy = "write the line that `varco-gateway log-key` prints at that gateway";
            ConfigError::new(file, &format!("gateway[{index}].log_key"), problem, remedy)
        };
        let (before, from) = self.gateways.split_at(index.min(self.gateways.len()));
        let Some(key) = from.first().and_then(read) else { return Ok(None) };
        let key = key.ok().filter(|key| !key.is_cosigner());
        let key = key.ok_or_else(|| bad("is no public key of a log".to_owned()))?;
        let taken = before.iter().filter_map(read).flatten().any(|other| other.name() == key.name());
        if taken { Err(bad(format!("{} is another gateway's log", key.name()))) } else { Ok(Some(key)) }
    }
}
