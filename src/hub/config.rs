//! The settings of the hub: `hub.toml`. Every mistake is answered with file, key, problem and remedy.

mod admins;
mod body;
mod cns;
mod console;
mod gateway;
mod index;
mod log;
mod lookup;
mod providers;
mod store;
mod timestamp;
mod values;
mod witness;

use crate::login::saml::Fault;
pub use admins::Admins;
pub use body::BodySettings;
pub use cns::{CnsSettings, Revoking};
pub use console::ConsoleSettings;
pub use gateway::{Client, Gateway};
pub use index::{IndexSettings, Server};
pub use log::LogSettings;
pub use lookup::LookupSettings;
pub use providers::{ProviderSettings, RegistrySettings};
use serde::Deserialize;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};
pub use store::StoreSettings;
pub use timestamp::{Asked as TimestampsAsked, TimestampSettings};
use url::Url;
use values::{folder, origin};
use varco_policy::{ConfigError, config};
pub use witness::WitnessSettings;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address and port of the HTTPS listener.
    pub listen: SocketAddr,
    /// What citizens and gateways call the hub; the issuer of its tokens. HTTPS, no path.
    pub public_url: Url,
    /// Folder of `hub.db`.
    pub state: PathBuf,
    /// Folder made by `varco-hub keys init`.
    pub keys: PathBuf,
    /// The listener's certificate.
    pub tls: Tls,
    /// The hub's own log.
    pub log: LogSettings,
    /// Where the index of the logs is.
    #[serde(default)]
    pub index: IndexSettings,
    /// Look-ups of two officers, where there are any.
    pub lookup: Option<LookupSettings>,
    /// Where the login state is.
    #[serde(default)]
    pub store: StoreSettings,
    /// In whose names the service runs.
    #[serde(rename = "body")]
    pub bodies: Vec<BodySettings>,
    /// Whose identities are trusted.
    pub providers: ProviderSettings,
    /// Logins by smart card, where there are any.
    pub cns: Option<CnsSettings>,
    /// The pages of those who look after the log, where there are any.
    pub console: Option<ConsoleSettings>,
    /// The gateways that may ask for logins.
    #[serde(rename = "gateway")]
    pub gateways: Vec<Gateway>,
}

/// Certificate chain and key, PEM.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Settings {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// At the first mistake.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let settings: Self = config::load(file)?;
        settings.check(file)?;
        Ok(settings)
    }

    /// The issuer (OpenID Connect Core section 2): `public_url` without the last slash.
    pub fn issuer(&self) -> &str {
        self.public_url.as_str().trim_end_matches('/')
    }

    /// The address of `path`, which begins with a slash, as others call it.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer())
    }

    /// What is wrong with the `n`th body, as a mistake of the settings.
    pub fn body_fault(&self, file: &Path, n: usize, fault: &Fault) -> ConfigError {
        match fault {
            Fault::Setting { key, problem } => {
                let key = key.replacen("body.", &format!("body[{n}]."), 1);
                ConfigError::new(file, &key, "cannot be used", problem)
            }
            Fault::Key { file: key_file, problem, remedy } => {
                ConfigError::new(file, "keys", format!("{key_file}: {problem}"), remedy)
            }
            other => ConfigError::new(
                file,
                "keys",
                other,
                format!("run: varco-hub keys init --config {}", file.display()),
            ),
        }
    }

    fn check(&self, file: &Path) -> Result<(), ConfigError> {
        origin(file, "public_url", &self.public_url)?;
        self.log.at(file, self)?;
        self.log.kept(file)?;
        body::check(self, file)?;
        cns::check(self, file)?;
        console::check(self, file)?;
        self.store.check(file)?;
        self.index.server(file)?;
        folder(file, "state", &self.state)?;
        self.providers.check(file)?;
        WitnessSettings::all(file, &self.log.witnesses)?;
        self.log.pace(file)?;
        self.log.timestamp.as_ref().map(|at| at.asked(file)).transpose()?;
        self.lookup.as_ref().map_or(Ok(()), |lookup| lookup.check(file))?;
        self.clients(file).map(drop)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What is said of the example with this change.
    pub fn refusal(from: &str, to: &str) -> String {
        let site = crate::testing::Site::make("config");
        let text = std::fs::read_to_string(&site.file).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(&site.file, text.replacen(from, to, 1)).unwrap();
        Settings::load(&site.file).unwrap_err().to_string()
    }

    #[test]
    fn the_example_is_good() {
        let site = crate::testing::Site::make("config-good");
        assert_eq!(Settings::load(&site.file).unwrap().issuer(), "https://accesso.comune.example.it");
    }

    /// The example with a second body, changed.
    fn refusal_of_a_second(from: &str, to: &str) -> String {
        let site = crate::testing::Site::make("config-second");
        let text = std::fs::read_to_string(&site.file).unwrap();
        let (before, rest) = text.split_once("[[body]]").unwrap();
        let (body, after) = rest.split_once("# Each *.xml").unwrap();
        assert!(body.contains(from), "{from}");
        let second = body.replacen(from, to, 1);
        std::fs::write(&site.file, format!("{before}[[body]]{body}[[body]]{second}# Each *.xml{after}"))
            .unwrap();
        Settings::load(&site.file).unwrap_err().to_string()
    }

    #[test]
    fn mistakes_of_a_second_body_are_its_own() {
        for (from, to, said) in [
            ("path = \"\"", "path = \"\"", "body[1].path: \"\" is listed twice; "),
            (
                "path = \"\"",
                "path = \"due\"",
                "body[1].spid.entity_id: https://accesso.comune.example.it is another",
            ),
            ("path = \"\"\n", "path = \"due\"\nno = 1\n", "unknown field `no`"),
            ("[body.spid]", "path = \"due\"\n[body.spid]", "duplicate key"),
        ] {
            let answer = refusal_of_a_second(from, to);
            assert!(answer.contains("hub.toml: ") && answer.contains(said), "{answer}");
        }
    }

    #[test]
    fn a_pseudonym_has_no_age() {
        let answer = refusal("identity = \"fiscal-number\"", "identity = \"spid-code\"\nage_limit = 14");
        assert!(answer.contains("body[0].spid.age_limit: "), "{answer}");
    }

    #[test]
    fn each_mistake_is_named() {
        for (from, to, said) in [
            ("public_url = \"https", "public_url = \"http", "public_url: "),
            ("example.it\"\n# hub.db", "example.it/hub\"\n# hub.db", "public_url: has a path"),
            ("level = 1", "level = 4", "body[0].spid.level: 4 is not a SPID level; write 1, 2 or 3"),
            ("level = 1", "level = 1\nextra = 2", "unknown field `extra`"),
            ("[store]\nkind = \"", "[store]\nkind = \"x", "store.kind: unknown variant `xsqlite`"),
            ("https://wifi.", "http://wifi.", "gateway[0].redirect_uri: "),
            ("biblioteca-civica\"", "biblioteca civica\"", "gateway[0].client_id: "),
            (".secret\"", ".missing\"", "gateway[0].client_secret_file: "),
            ("https://router.", "http://router.", "gateway[0].admin_redirect_uri: "),
            (
                "https://router.biblioteca.example.it:8443",
                "https://wifi.biblioteca.example.it",
                "gateway[0].admin_redirect_uri: is the citizens' too",
            ),
            ("admin_redirect_uri", "# admin_redirect_uri", "gateway[0].admins: "),
            ("A01X000Z", "A01X000A", "gateway[0].admins[0]: its check character is wrong; "),
            ("\"RSSMRA80A01X000Z\"", "\"RSSMRA80A01X000Z\", \"MARIO ROSSI\"", "gateway[0].admins[1]: "),
            ("[\"RSSMRA80A01X000Z\"]", "\"RSSMRA80A01X000Z\"", "gateway[0].admins: is not a list"),
            ("[\"RSSMRA80A01X000Z\"]", "[80]", "gateway[0].admins: is not a list"),
            ("ipa_code = ", "ipa = ", "unknown field `ipa`"),
            ("ipa_code = \"c_x000\"\n", "", "body[0].ipa_code: missing field"),
            (
                "entity_id = \"https://accesso.comune.example.it\"",
                "entity_id = \"\"",
                "body[0].spid.entity_id: ",
            ),
            ("municipality = \"L219\"", "municipality = \"Torino\"", "body[0].municipality: "),
            ("comparison = \"minimum\"", "comparison = \"most\"", "body[0].spid.comparison: unknown variant"),
            (
                "comparison = \"minimum\"",
                "comparison = \"minimum\"\nparent_below = 16",
                "body[0].spid.parent_below: ",
            ),
            (
                "level = 1\ncomparison = \"minimum\"",
                "level = 3\ncomparison = \"better\"",
                "body[0].spid.comparison: ",
            ),
            ("identity = \"fiscal-number\"", "identity = \"name\"", "body[0].spid.identity: unknown variant"),
            ("# age_limit = 14", "age_limit = 3", "body[0].spid.age_limit: "),
            ("path = \"\"", "path = \"spid\"", "body[0].path: \"spid\" is no path of a body"),
            ("path = \"\"", "path = \"a/b\"", "body[0].path: "),
            ("path = \"\"", "path = \"Comune\"", "body[0].path: "),
            ("path = \"\"", "path = \"a-path-of-more-than-32-characters\"", "body[0].path: "),
            ("path = \"\"", "path = \"comune\"", "gateway[0].body: \"\" is no body's path; "),
            ("body = \"\"", "body = \"scuola\"", "gateway[0].body: \"scuola\" is no body's path; "),
            (
                "[body.spid]",
                "[body.cie]\nentity_id = \"https://x.it\"\nlevel = 1\ncomparison = \"better\"\n[body.spid]",
                "body[0].cie.comparison: ",
            ),
            (
                "municipality = \"L219\"",
                "[body.cie]\nentity_id = \"https://x.it\"\nlevel = 1\n",
                "body[0].municipality: cannot be used; CIE asks for it",
            ),
            ("[providers]\nspid = ", "[providers]\n# ", "providers: no scheme has a folder"),
            ("[providers]\n", "[providers]\ncie = \"/no/such\"\n", "providers.cie: /no/such is not a folder"),
            (
                "[providers]\n",
                "[providers]\nregistry = { url = \"http://x.it\", signer = \"x\" }\n",
                "providers.registry.url: ",
            ),
            (
                "[providers]\n",
                "[providers]\nregistry = { url = \"https://x.it\", signer = \"x\", every_hours = 0 }\n",
                "providers.registry.every_hours: 0 is out of range",
            ),
            (
                "[store]\nkind = \"sqlite\"",
                "[store]\nkind = \"redis\"\nurl = \"http://x\"",
                "store.url: not an address of Redis",
            ),
        ] {
            let answer = refusal(from, to);
            assert!(answer.contains("hub.toml: ") && answer.contains(said), "{answer}");
            assert!(!answer.contains("RSSMRA") && !answer.contains("ROSSI"), "a person is named: {answer}");
        }
    }
}
