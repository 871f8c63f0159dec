//! `[log]`: the hub's own log.

use super::{Settings, TimestampSettings, WitnessSettings};
use crate::witness::Pace;
use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use varco_audit::{
    expiry::Kept,
    keeper::{self, AuthorisedOperatorSettings, Failed, Folder},
    leaf::HUB,
    recorder::Recorder,
    records::Records,
};
use varco_policy::ConfigError;
use varco_web::startup::Fault;

/// The table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// Folder of the public halves of the weeks' keys.
    pub keys: PathBuf,
    /// The log's name; `<host of public_url>/log` unless said.
    pub origin: Option<String>,
    /// Where it is; `log` in the state folder unless said.
    pub folder: Option<PathBuf>,
    /// Time servers, host or host and port, that are asked how right the clock is.
    #[serde(default)]
    pub time: Vec<String>,
    /// How long each class is kept, where the controller has decided otherwise than the default; `kept` reads it.
    #[serde(default)]
    pub retention: BTreeMap<String, String>,
    /// That the controller is an authorised operator.
    pub authorised_operator: Option<AuthorisedOperatorSettings>,
    /// Who cosigns its checkpoints.
    #[serde(default, rename = "witness")]
    pub witnesses: Vec<WitnessSettings>,
    /// How often they are asked, where there is a new checkpoint: 1s to 1h.
    #[serde(default = "witness_every")]
    pub witness_every: SignedDuration,
    /// How long a checkpoint may wait for a witness before that is an alarm: more than `witness_every`, up to 168h.
    #[serde(default = "witness_late")]
    pub witness_late: SignedDuration,
    /// Who stamps them with the time.
    pub timestamp: Option<TimestampSettings>,
}

const fn witness_every() -> SignedDuration {
    SignedDuration::from_mins(1)
}

const fn witness_late() -> SignedDuration {
    SignedDuration::from_hours(1)
}

impl LogSettings {
    /// How witnesses are asked.
    ///
    /// # Errors
    /// When a duration is out of its range.
    pub fn pace(&self, file: &Path) -> Result<Pace, ConfigError> {
        let (every, late) = (self.witness_every, self.witness_late);
        let bad = |key: &str, value: SignedDuration, remedy: &str| {
            Err(ConfigError::new(file, &format!("log.{key}"), format!("{value:#} is out of range"), remedy))
        };
        if !(SignedDuration::from_secs(1)..=SignedDuration::from_hours(1)).contains(&every) {
            return bad("witness_every", every, "write 1s to 1h; 1m unless there is a reason");
        }
        if late <= every || late > SignedDuration::from_hours(168) {
            return bad("witness_late", late, "write more than witness_every, and 168h at most");
        }
        Ok(Pace { every: every.unsigned_abs(), late })
    }

    /// Where the log is and what signs it.
    ///
    /// # Errors
    /// When `log.origin` cannot name a log.
    pub fn at(&self, file: &Path, settings: &Settings) -> Result<Folder, ConfigError> {
        let host = settings.public_url.host_str().unwrap_or_default();
        let origin = keeper::origin(self.origin.clone(), host, "log").map_err(|origin| {
            let remedy = "write host and path without scheme: accesso.comune.example.it/log";
            ConfigError::new(file, "log.origin", format!("`{origin}` cannot name a log"), remedy)
        })?;
        let folder = self.folder.clone().unwrap_or_else(|| settings.state.join("log"));
        Ok(Folder { folder, origin, key: settings.state.join("log.key") })
    }

    /// The log as it is now, with what is in `hub.db` alone, for reading beside the hub that runs.
    ///
    /// # Errors
    /// When it cannot be read, or is not signed by the hub's key.
    pub fn records(&self, file: &Path, settings: &Settings) -> Result<Records, Fault> {
        let at = self.at(file, settings)?;
        let key = at.key().with_context(|| at.key.display().to_string())?;
        let records = Records::open(Some(&at.folder), Some(&settings.state.join("hub.db")));
        let signed = records.and_then(|records| records.signed_by(key.verifier()));
        Ok(signed.with_context(|| at.folder.display().to_string())?)
    }

    /// How long each class is kept, in the hub's own log and in the copies.
    ///
    /// # Errors
    /// When a class is none, or may not be kept for so long or so short.
    pub fn kept(&self, file: &Path) -> Result<Kept, ConfigError> {
        keeper::kept(file, &self.retention, self.authorised_operator.as_ref())
    }

    /// What seals, with the keys of this time.
    ///
    /// # Errors
    /// When a class has no key.
    pub fn recorder(&self, file: &Path, now: Timestamp) -> Result<Recorder, ConfigError> {
        Recorder::open(&self.keys, HUB, self.kept(file)?, now).map_err(|problem| {
            let remedy =
                "make keys with `varco-audit keys weeks` and copy them here with `varco-audit keys publish`";
            ConfigError::new(file, "log.keys", problem, remedy)
        })
    }

    /// The folder cannot be taken up.
    pub(crate) fn bad_folder(file: &Path, at: &Folder, error: &Failed) -> ConfigError {
        let remedy = "give a folder that the hub's user can write; restore a damaged log from its copy";
        ConfigError::new(file, "log.folder", format!("{}: {error}", at.folder.display()), remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::refusal, Settings};
    use varco_audit::{
        both, class::Class, expiry::AuthorisedOperator, holder::HolderKey, keys::KeyFolder, seal::Role,
    };

    #[test]
    fn each_mistake_is_named() {
        for (from, to, said) in [
            ("[log]\nkeys =", "[log]\nkey =", "unknown field `key`"),
            (
                "[log]\n",
                "[log]\norigin = \"https://x.it/log\"\n",
                "log.origin: `https://x.it/log` cannot name",
            ),
            ("[log]\n", "[log]\norigin = \"log\"\n", "log.origin: `log` cannot name"),
            (
                "[log]\n",
                "[log]\nretention = { R2a = \"25 months\" }\n",
                "log.retention.R2a: R2a may be kept for 1 month to 24 months, not for 25 months",
            ),
            ("[log]\n", "[log]\nretention = { R7 = \"1 month\" }\n", "log.retention.R7: `R7` is no class"),
        ] {
            let answer = refusal(from, to);
            assert!(answer.contains("hub.toml: ") && answer.contains(said), "{answer}");
        }
    }

    /// `[log.authorised_operator]` counts where a requester and an approver of these holders have signed it.
    #[test]
    fn only_who_two_officers_say_is_an_operator_keeps_longer() {
        let site = crate::testing::Site::make("operator");
        let keys = crate::testing::log_keys();
        let own = |role: Role| HolderKey::read(&keys.join(format!("{role}.key"))).unwrap();
        let [requester, approver] = Role::ALL.map(own);
        let (body, authorisation) = ("Rete civica".to_owned(), "n. 12/2026".to_owned());
        let text =
            AuthorisedOperator { body, authorisation, at: jiff::Timestamp::UNIX_EPOCH }.text().unwrap();
        let file = site.file.with_file_name("authorised-operator.signed");
        let holders = KeyFolder::at(keys).people();
        let table = format!(
            "[log]\nretention = {{ R2a = \"72 months\" }}\nauthorised_operator = {{ statement = {file:?}, holders = {holders:?} }}\n"
        );
        site.change("[log]\n", &table);
        let kept = || {
            let kept = Settings::load(&site.file).and_then(|settings| settings.log.kept(&site.file));
            kept.map_err(|bad| bad.to_string())
        };
        std::fs::write(&file, both::sign(&text, [&requester, &requester]).unwrap()).unwrap();
        let said = kept().unwrap_err();
        assert!(
            said.contains("log.authorised_operator.statement: ") && said.contains("is not the approver"),
            "{said}"
        );
        std::fs::write(&file, both::sign(&text, [&requester, &approver]).unwrap()).unwrap();
        let kept_for = |class| kept().unwrap().length(class);
        assert_eq!((&*kept_for(Class::R2a), &*kept_for(Class::R2b)), ("72 months", "72 months"));
        std::fs::remove_file(&file).unwrap();
        let said = kept().unwrap_err();
        assert!(
            said.contains("No such file")
                && said.contains("a public body leaves [log.authorised_operator] out"),
            "{said}"
        );
    }

    #[test]
    fn without_keys_the_hub_does_not_start() {
        let site = crate::testing::Site::make("log-keys");
        let keys = crate::testing::log_keys().display().to_string();
        site.change(&keys, "/no/such/folder");
        let settings = super::Settings::load(&site.file).unwrap();
        let said = settings.log.recorder(&site.file, jiff::Timestamp::UNIX_EPOCH).unwrap_err().to_string();
        assert!(said.contains("log.keys: /no/such/folder") && said.contains("keys publish"), "{said}");
    }
}
