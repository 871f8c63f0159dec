//! `[[log.witness]]`: who cosigns the hub's checkpoints.

use super::values::https;
use crate::witness::Witness;
use openssl::x509::X509;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use url::Url;
use varco_audit::tlog::VerifierKey;
use varco_policy::ConfigError;

/// A witness (C2SP tlog-witness).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessSettings {
    /// Its submission prefix: `/add-checkpoint` follows. HTTPS.
    pub url: Url,
    /// The line that its keeper gave: `<name>+<identifier>+<key>`, kind 0x04.
    pub vkey: String,
    /// Authorities for its host, PEM, in place of the system's.
    pub ca: Option<PathBuf>,
}

impl WitnessSettings {
    /// The witnesses of the settings in `file`, ready to be asked.
    ///
    /// # Errors
    /// When an address, a key or a certificate cannot be used, or one is listed twice.
    pub fn all(file: &Path, settings: &[Self]) -> Result<Vec<Witness>, ConfigError> {
        let mut all = Vec::<Witness>::new();
        for (n, table) in settings.iter().enumerate() {
            let witness = table.witness(file, &format!("log.witness[{n}]"))?;
            if all.iter().any(|other| other.key.name() == witness.key.name()) {
                let (key, remedy) = (format!("log.witness[{n}].vkey"), "leave one of the two out");
                return Err(ConfigError::new(file, &key, "this witness is listed twice", remedy));
            }
            all.push(witness);
        }
        Ok(all)
    }

    fn witness(&self, file: &Path, table: &str) -> Result<Witness, ConfigError> {
        https(file, &format!("{table}.url"), &self.url)?;
        let key = self.vkey.parse::<VerifierKey>().ok().filter(VerifierKey::is_cosigner);
        let key = key.ok_or_else(|| {
            let remedy = "copy the line that `varco-witness key` prints there";
            let problem = "is not the key of a witness (Ed25519, kind 0x04)";
            ConfigError::new(file, &format!("{table}.vkey"), problem, remedy)
        })?;
        let ca = authorities(file, &format!("{table}.ca"), self.ca.as_deref())?;
        Witness::new(&self.url, key, ca.as_deref()).map_err(|error| {
            ConfigError::new(file, &format!("{table}.url"), format!("{error:#}"), "give its https address")
        })
    }
}

/// Certificates of authorities for a host, where a file names some.
pub(super) fn authorities(
    file: &Path,
    key: &str,
    path: Option<&Path>,
) -> Result<Option<Vec<X509>>, ConfigError> {
    let read = path.map(crate::registry::certificates).transpose();
    read.map_err(|error| {
        ConfigError::new(file, key, error, "give a file with certificates of authorities, PEM")
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::refusal;

    const KEY: &str = "witness.example.it/varco+5e27d3df+BCaOqP2bc+HHTO8OnM9ufMPGANssqR9mpY9i8Crp363B";

    #[test]
    fn each_mistake_is_named() {
        let table = |words: &str| format!("\n[[log.witness]]\n{words}\n[index]");
        for (words, said) in [
            ("url = \"https://w.it\"\nvkey = \"x\"", "log.witness[0].vkey: is not the key of a witness"),
            ("url = \"http://w.it\"\nvkey = \"x\"", "log.witness[0].url: "),
            ("url = \"https://w.it\"", "missing field `vkey`"),
            ("url = \"https://w.it\"\nvkey = \"x\"\nkey = 1", "unknown field `key`"),
        ] {
            let answer = refusal("\n[index]", &table(words));
            assert!(answer.contains("hub.toml: ") && answer.contains(said), "{answer}");
        }
        let good = format!("url = \"https://w.it\"\nvkey = \"{KEY}\"");
        let twice = refusal("\n[index]", &table(&format!("{good}\n[[log.witness]]\n{good}")));
        assert!(twice.contains("log.witness[1].vkey: this witness is listed twice"), "{twice}");
        let ca = refusal("\n[index]", &table(&format!("{good}\nca = \"/no/such\"")));
        assert!(ca.contains("log.witness[0].ca: /no/such"), "{ca}");
        for (words, said) in [
            ("witness_every = \"0s\"", "log.witness_every: 0s is out of range"),
            ("witness_every = \"61m\"", "log.witness_every: 1h 1m is out of range"),
            ("witness_late = \"1m\"", "log.witness_late: 1m is out of range"),
            ("witness_late = \"169h\"", "log.witness_late: 169h is out of range"),
            ("witness_late = \"soon\"", "witness_late"),
        ] {
            let answer = refusal("[log]\n", &format!("[log]\n{words}\n"));
            assert!(answer.contains("hub.toml: ") && answer.contains(said), "{answer}");
        }
    }
}
