//! `[console]`: the pages of those who look after the log, on a listener of their own.

use super::{
    Admins, Client, Settings, Tls, admins,
    values::{callback, origin},
};
use crate::{
    console::{self, role::Role},
    login::saml::FiscalNumber,
};
use secrecy::SecretString;
use serde::Deserialize;
use std::{net::SocketAddr, path::Path};
use url::Url;
use varco_policy::{ConfigError, hours::Zone};
use varco_web::token;

/// The table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsoleSettings {
    /// Address and port of the listener: of the authority's own network, where no guest is.
    pub listen: SocketAddr,
    /// What browsers call it. HTTPS, no path, a host name of its own.
    pub url: Url,
    /// Its certificate; else the main listener's.
    pub tls: Option<Tls>,
    /// The path of the body in whose name they log in; else the first.
    pub body: Option<String>,
    /// The time zone in which pages write instants.
    #[serde(default)]
    pub timezone: Zone,
    /// Fiscal codes of those who ask for look-ups and verify the log.
    #[serde(default, deserialize_with = "admins::read")]
    pub auditors: Vec<SecretString>,
    /// Fiscal codes of those who allow look-ups.
    #[serde(default, deserialize_with = "admins::read")]
    pub approvers: Vec<SecretString>,
    /// Fiscal codes of those who see who looked at what.
    #[serde(default, deserialize_with = "admins::read")]
    pub privacy: Vec<SecretString>,
    /// Fiscal codes of those who keep the programs running.
    #[serde(default, deserialize_with = "admins::read")]
    pub operators: Vec<SecretString>,
}

impl ConsoleSettings {
    /// The address of `path`, which begins with a slash.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url.as_str().trim_end_matches('/'))
    }

    /// The console as a relying party of its own hub. Its secret is nobody's, so that its codes are good in this program
    /// alone.
    ///
    /// # Errors
    /// When a list is wrong, or the kernel has no randomness to give.
    pub fn client(&self, settings: &Settings, file: &Path) -> Result<Client, ConfigError> {
        let remedy = "see that the kernel gives random bytes";
        let secret = token::random().map_err(|e| ConfigError::new(file, "console", e, remedy))?;
        let redirect_text = self.at(console::CALLBACK);
        let redirect_uri = callback(file, "console.url", &redirect_text)?;
        let first = settings.bodies.first().map(|body| body.path.clone());
        let listed = self.listed(file)?;
        Ok(Client {
            log_key: None,
            body: self.body.clone().or(first).unwrap_or_default(),
            client_id: console::CLIENT.to_owned(),
            secret: SecretString::from(secret),
            redirect_uri: redirect_uri.clone(),
            redirect_text: redirect_text.clone(),
            admins: Some(Admins { redirect_uri, redirect_text, listed }),
        })
    }

    fn lists(&self) -> [(Role, &'static str, &[SecretString]); 4] {
        [
            (Role::Auditor, "auditors", &self.auditors),
            (Role::Approver, "approvers", &self.approvers),
            (Role::Privacy, "privacy", &self.privacy),
            (Role::Operator, "operators", &self.operators),
        ]
    }

    /// Everybody with a role.
    fn listed(&self, file: &Path) -> Result<Vec<(FiscalNumber, &'static str)>, ConfigError> {
        let mut listed: Vec<(FiscalNumber, &'static str)> = Vec::new();
        for (role, name, written) in self.lists() {
            let key = format!("console.{name}");
            for (n, code) in admins::codes(file, &key, written)?.into_iter().enumerate() {
                let same = listed.iter().filter(|(known, _)| known.expose() == code.expose());
                let mut others = same.filter_map(|(_, role)| Role::named(role));
                if let Some(other) = others.find(|other| other.excludes(role)) {
                    return Err(both_halves(file, &format!("{key}[{n}]"), other));
                }
                listed.push((code, role.name()));
            }
        }
        Ok(listed)
    }

    fn check(&self, settings: &Settings, file: &Path) -> Result<(), ConfigError> {
        let bad = |key: &str, problem: String, remedy: &str| {
            Err(ConfigError::new(file, &format!("console.{key}"), problem, remedy))
        };
        origin(file, "console.url", &self.url)?;
        let cards = settings.cns.as_ref().map(|cns| &cns.url);
        if std::iter::once(&settings.public_url).chain(cards).any(|url| url.host() == self.url.host()) {
            let remedy = "give it a host name of its own: browsers send cookies to every port of a name";
            return bad("url", format!("{} has the name of the logins", self.url), remedy);
        }
        self.timezone.check(file, "console.timezone")?;
        let taken = settings.cns.as_ref().map(|cns| cns.listen).into_iter().chain([settings.listen]);
        if self.listen.port() != 0 && taken.into_iter().any(|listen| listen == self.listen) {
            return bad("listen", format!("{} is listened on already", self.listen), "give it another port");
        }
        if let Some(body) = self.body.as_ref().filter(|path| settings.bodies.iter().all(|b| b.path != **path))
        {
            let remedy = "write the path of one of the [[body]] tables, or leave it out for the first";
            return bad("body", format!("{body:?} is no body's path"), remedy);
        }
        if self.listed(file)?.is_empty() {
            let remedy =
                "list fiscal codes under auditors, approvers, privacy or operators, or leave [console] out";
            return Err(ConfigError::new(file, "console", "nobody may enter", remedy));
        }
        Ok(())
    }
}

fn both_halves(file: &Path, key: &str, other: Role) -> ConfigError {
    let problem = format!("is an {} too: one person would ask and allow", other.name());
    ConfigError::new(file, key, problem, "name two persons: take the code out of one of the two lists")
}

/// Refuses what cannot be served, and who would hold both halves of a look-up.
pub(super) fn check(settings: &Settings, file: &Path) -> Result<(), ConfigError> {
    settings.console.as_ref().map_or(Ok(()), |console| console.check(settings, file))
}

#[cfg(test)]
mod tests {
    use crate::{config::Settings, testing::Site};

    const GOOD: &str = "auditors = [\"RSSMRA80A01H501U\"]\napprovers = [\"BNCBRN75B02X000O\"]\n\
        privacy = [\"NRECRL70C43X000V\"]\noperators = [\"RSSMRA80A01H501U\"]";

    fn refusal(name: &str, from: &str, to: &str) -> String {
        let site = Site::make(name).with_console(GOOD);
        // The example has a table like it in a comment.
        let text = std::fs::read_to_string(&site.file).unwrap();
        let (before, table) = text.split_once("\n[console]\n").unwrap();
        assert!(table.contains(from), "{from}");
        let table = table.replacen(from, to, 1);
        std::fs::write(&site.file, format!("{before}\n[console]\n{table}")).unwrap();
        Settings::load(&site.file).unwrap_err().to_string()
    }

    /// SECURITY.md C1.
    #[test]
    fn nobody_may_ask_and_allow() {
        let answer =
            refusal("console-both", "[\"BNCBRN75B02X000O\"]", "[\"BNCBRN75B02X000O\", \"rssmra80a01h501u\"]");
        assert!(answer.contains("hub.toml: console.approvers[1]: is an auditor too"), "{answer}");
        assert!(answer.contains("name two persons") && !answer.contains("RSSMRA"), "{answer}");
        let site = Site::make("console-good").with_console(GOOD);
        assert!(Settings::load(&site.file).is_ok(), "an auditor may be an operator");
    }

    #[test]
    fn each_mistake_is_named() {
        for (from, to, said) in [
            ("https://registro.", "http://registro.", "console.url: "),
            ("https://registro.", "https://accesso.", "console.url: "),
            ("[\"NRECRL70C43X000V\"]", "[\"NRECRL70C43X000A\"]", "console.privacy[0]: its check character"),
            ("[\"NRECRL70C43X000V\"]", "\"NRECRL70C43X000V\"", "console.privacy: is not a list"),
            ("operators =", "operator =", "unknown field `operator`"),
            ("operators =", "body = \"due\"\noperators =", "console.body: \"due\" is no body's path"),
            ("operators =", "timezone = \"Europe/Atlantis\"\noperators =", "console.timezone: "),
            (GOOD, "", "console: nobody may enter"),
        ] {
            let answer = refusal("console-wrong", from, to);
            assert!(answer.contains("hub.toml: ") && answer.contains(said), "{said}: {answer}");
            assert!(!answer.contains("NRECRL"), "a person is named: {answer}");
        }
    }
}
