//! The settings: `witness.toml`. Every mistake is answered with file, key, problem and remedy.

use serde::Deserialize;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};
use varco_audit::tlog::{CosignerKey, VerifierKey};
use varco_policy::{ConfigError, config};
use varco_web::tls;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address and port: of HTTPS with `[tls]`, else of plain HTTP for a proxy on this machine.
    pub listen: SocketAddr,
    /// What the witness is called in its key and in each of its signatures: a URL without scheme.
    pub name: String,
    /// Folder of its key and of what it knows of each log.
    pub state: PathBuf,
    /// The listener's certificate.
    pub tls: Option<Tls>,
    /// The keys of the logs that it witnesses.
    #[serde(rename = "log")]
    logs: Vec<LogSettings>,
}

/// Certificate chain and key, PEM.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// `[[log]]`: a log that is witnessed. A log that changes its key has two of them with one origin.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogSettings {
    /// The line `<name>+<identifier>+<key>` that the log gives away.
    vkey: String,
    /// The first line of its checkpoints, where that is not the key's name.
    origin: Option<String>,
}

/// The keys of each log, by origin; one of them must have signed.
pub type Logs = BTreeMap<String, Vec<VerifierKey>>;

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

    fn check(&self, file: &Path) -> Result<(), ConfigError> {
        if self.tls.is_none() && !self.listen.ip().is_loopback() {
            let problem = format!("{} is reached from elsewhere, and there is no [tls]", self.listen);
            let remedy = "add [tls], or listen on 127.0.0.1 behind a proxy that has it";
            return Err(ConfigError::new(file, "listen", problem, remedy));
        }
        if self.name.is_empty()
            || self.name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
        {
            let remedy = "write an address of yours without scheme, such as witness.example.it/varco";
            return Err(ConfigError::new(
                file,
                "name",
                format!("{:?} is no name of a key", self.name),
                remedy,
            ));
        }
        if !self.state.is_dir() {
            let problem = format!("{} is not a folder", self.state.display());
            return Err(ConfigError::new(file, "state", problem, "make the folder or give the right one"));
        }
        self.logs(file).map(drop)
    }

    /// The logs.
    ///
    /// # Errors
    /// When there is none, or a key cannot be read or is listed twice.
    pub fn logs(&self, file: &Path) -> Result<Logs, ConfigError> {
        if self.logs.is_empty() {
            return Err(ConfigError::new(file, "log", "no log is listed", "add a [[log]] table"));
        }
        let mut logs = Logs::new();
        for (n, log) in self.logs.iter().enumerate() {
            let bad = |key: &str, problem: &str, remedy: &str| {
                ConfigError::new(file, &format!("log[{n}].{key}"), problem, remedy)
            };
            let key = log.vkey.parse::<VerifierKey>().ok().filter(|key| !key.is_cosigner());
            let remedy = "copy the line that the log's keeper gives you";
            let key =
                key.ok_or_else(|| bad("vkey", "is not the key of a log (Ed25519, kind 0x01)", remedy))?;
            let origin = log.origin.as_deref().unwrap_or(key.name());
            if origin.is_empty() || origin.contains(char::is_control) {
                return Err(bad("origin", "is no line", "write the first line of the log's checkpoints"));
            }
            let keys = logs.entry(origin.to_owned()).or_default();
            if keys.contains(&key) {
                return Err(bad("vkey", "is listed twice", "leave one of the two out"));
            }
            keys.push(key);
        }
        Ok(logs)
    }

    /// The witness's key, made where there is none and nothing was signed yet.
    ///
    /// # Errors
    /// When it cannot be used, has another name, or is lost.
    pub fn key(&self, file: &Path) -> Result<CosignerKey, ConfigError> {
        let path = self.state.join("witness.key");
        if !path.exists() && self.state.join("logs").exists() {
            let problem = format!("{} is gone, and it has signed for logs", path.display());
            return Err(ConfigError::new(file, "state", problem, "restore the key from its copy"));
        }
        CosignerKey::load_or_make(&path, &self.name).map_err(|error| {
            let remedy = "a witness keeps its name and its key; only its user may read the file";
            ConfigError::new(file, "name", format!("{}: {error}", path.display()), remedy)
        })
    }

    /// The TLS of the listener, where it has one.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub fn certificate(&self, file: &Path) -> Result<Option<rustls::ServerConfig>, ConfigError> {
        self.tls.as_ref().map(|at| tls::server(file, "tls", &at.certificate, &at.key)).transpose()
    }
}
