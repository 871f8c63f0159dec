//! The gateway's settings, `gateway.toml`, and the site's with them.

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};
use url::Url;
use varco_audit::{
    expiry::Kept,
    keeper::{self, AuthorisedOperatorSettings, Folder},
    recorder::Recorder,
    tlog::{KeyError, NoteKey, VerifierKey},
};
use varco_policy::{ConfigError, Site, config};

/// `gateway.toml` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    site: PathBuf,
    enforcer: PathBuf,
    state: PathBuf,
    portal: Certificate,
    admin: Admin,
    hub: HubWritten,
    log: LogWritten,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogWritten {
    keys: PathBuf,
    origin: Option<String>,
    folder: Option<PathBuf>,
    #[serde(default)]
    time: Vec<String>,
    #[serde(default)]
    retention: BTreeMap<String, String>,
    authorised_operator: Option<AuthorisedOperatorSettings>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HubWritten {
    issuer: String,
    client_id: String,
    client_secret_file: PathBuf,
    ca_file: Option<PathBuf>,
    log_mirror: Option<String>,
}

/// A certificate and its key, PEM files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Where the admin pages are: office side.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    /// Address and port.
    pub listen: SocketAddr,
    /// What administrators' browsers call it: scheme, host and port.
    pub url: Url,
    /// The chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The OpenID provider that this gateway trusts, and what it is there.
#[derive(Debug, Clone)]
pub struct Hub {
    /// Its issuer identifier, exactly as it writes it.
    pub issuer: String,
    /// Its origin: scheme, host and port.
    pub origin: String,
    /// Our client identifier.
    pub client_id: String,
    /// Our client secret.
    pub client_secret: SecretString,
    /// The only certificate authority trusted for it, PEM; `None` for those of the system.
    pub ca: Option<Vec<u8>>,
    /// The key by which it says that it has copied the log; `None` where what it says over TLS is enough.
    pub log_mirror: Option<VerifierKey>,
}

/// The verifiable log.
#[derive(Debug, Clone)]
pub struct Log {
    /// Folder of the public halves of the weeks' keys.
    pub keys: PathBuf,
    /// Where it is.
    pub at: Folder,
    /// Time servers, host or host and port, that are asked how right the clock is.
    pub time: Vec<String>,
    /// How long each class is kept.
    pub kept: Kept,
}

/// All settings, read and checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The file they are from, for errors.
    pub file: PathBuf,
    /// The building.
    pub site: Site,
    /// The enforcer's socket.
    pub enforcer: PathBuf,
    /// The folder of records.
    pub state: PathBuf,
    /// The portal's certificate.
    pub portal: Certificate,
    /// The admin listener.
    pub admin: Admin,
    /// The hub.
    pub hub: Hub,
    /// The log.
    pub log: Log,
}

impl Settings {
    /// Reads `gateway.toml` and the files it names.
    ///
    /// # Errors
    /// The first mistake, with file, key and remedy.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let written: Written = config::load(file)?;
        let site = Site::load(&written.site)?;
        check_folder(file, &written.state)?;
        check_admin(file, &site, &written.admin)?;
        let hub = Hub::load(file, written.hub)?;
        check_garden(&written.site, &site, &hub)?;
        let log = Log::load(file, written.log, (&written.state, &site, &hub))?;
        let Written { enforcer, state, portal, admin, .. } = written;
        let settings = Self { file: file.to_path_buf(), site, enforcer, state, portal, admin, hub, log };
        // Any key will do here; which one is for the time of a record.
        settings.recorder(Timestamp::UNIX_EPOCH)?;
        settings.portal_tls()?;
        settings.admin_tls()?;
        Ok(settings)
    }

    /// What seals the site's records, with the keys of this time.
    ///
    /// # Errors
    /// When there is no key.
    pub fn recorder(&self, now: Timestamp) -> Result<Recorder, ConfigError> {
        Recorder::open(&self.log.keys, &self.site.name, self.log.kept, now).map_err(|problem| {
            let remedy =
                "make keys with `varco-audit keys weeks` and copy them here with `varco-audit keys publish`";
            ConfigError::new(&self.file, "log.keys", problem, remedy)
        })
    }

    /// What signs the log, made where there is none.
    ///
    /// # Errors
    /// When the file cannot be used or is the key of another log.
    pub fn log_key(&self) -> Result<NoteKey, ConfigError> {
        self.log.at.key().map_err(|problem| {
            let path = self.log.at.key.display();
            let (key, remedy) = match problem {
                KeyError::OtherName { .. } => {
                    ("log.origin", "a log keeps its name: give the one that it began with")
                }
                _ => ("state", "give a folder in which the gateway's user keeps a file of its own alone"),
            };
            ConfigError::new(&self.file, key, format!("{path}: {problem}"), remedy)
        })
    }

    /// The portal's side of TLS.
    ///
    /// # Errors
    /// When certificate or key are wrong.
    pub fn portal_tls(&self) -> Result<rustls::ServerConfig, ConfigError> {
        varco_web::tls::server(&self.file, "portal", &self.portal.certificate, &self.portal.key)
    }

    /// The admin listener's side of TLS.
    ///
    /// # Errors
    /// When certificate or key are wrong.
    pub fn admin_tls(&self) -> Result<rustls::ServerConfig, ConfigError> {
        varco_web::tls::server(&self.file, "admin", &self.admin.certificate, &self.admin.key)
    }

    /// The admin pages' address without a path: `https://router.example.it:8443`.
    pub fn admin_origin(&self) -> String {
        self.admin.url.origin().ascii_serialization()
    }

    /// The portal's address without a path: `https://wifi.example.it`.
    pub fn portal_origin(&self) -> String {
        format!("https://{}", self.site.portal.host)
    }
}

impl Hub {
    fn load(file: &Path, written: HubWritten) -> Result<Self, ConfigError> {
        let bad = |key: &str, problem: String, remedy: &str| ConfigError::new(file, key, problem, remedy);
        let issuer = Url::parse(&written.issuer)
            .ok()
            .filter(|url| url.scheme() == "https" && url.has_host() && url.query().is_none())
            .ok_or_else(|| {
                let problem = format!("`{}` is not an https address", written.issuer);
                bad("hub.issuer", problem, "give the hub's public_url: https://accesso.example.it")
            })?;
        let read = |key: &str, path: &Path, remedy: &str| {
            std::fs::read(path).map_err(|e| bad(key, format!("{}: {e}", path.display()), remedy))
        };
        let secret =
            read("hub.client_secret_file", &written.client_secret_file, "give a file readable by us")?;
        let secret = String::from_utf8(secret).unwrap_or_default();
        if secret.trim().is_empty() {
            let problem = "the file is empty or not text".to_owned();
            return Err(bad("hub.client_secret_file", problem, "write the secret given by the hub in it"));
        }
        if written.client_id.is_empty() {
            let problem = "is empty".to_owned();
            return Err(bad(
                "hub.client_id",
                problem,
                "give the client_id of this gateway in the hub's settings",
            ));
        }
        let ca =
            written.ca_file.map(|path| read("hub.ca_file", &path, "give a PEM certificate")).transpose()?;
        let holds_one =
            |pem: &Vec<u8>| reqwest::Certificate::from_pem_bundle(pem).is_ok_and(|all| !all.is_empty());
        if ca.as_ref().is_some_and(|pem| !holds_one(pem)) {
            let problem = "no certificate is in it".to_owned();
            return Err(bad("hub.ca_file", problem, "give a PEM certificate, or leave the key out"));
        }
        let client_secret = SecretString::from(secret.trim().to_owned());
        let origin = issuer.origin().ascii_serialization();
        let mirror = written.log_mirror.map(|text| text.parse::<VerifierKey>());
        let log_mirror =
            mirror.transpose().ok().filter(|key| key.as_ref().is_none_or(VerifierKey::is_cosigner));
        let log_mirror = log_mirror.ok_or_else(|| {
            let remedy = "write what `varco-hub log-key` prints after the word mirror";
            bad("hub.log_mirror", "is no public key of a mirror".to_owned(), remedy)
        })?;
        Ok(Self {
            issuer: written.issuer,
            origin,
            client_id: written.client_id,
            client_secret,
            ca,
            log_mirror,
        })
    }
}

impl Log {
    fn load(
        file: &Path,
        written: LogWritten,
        (state, site, hub): (&Path, &Site, &Hub),
    ) -> Result<Self, ConfigError> {
        let host = hub.origin.trim_start_matches("https://").split(':').next().unwrap_or_default();
        let origin =
            keeper::origin(written.origin, host, &format!("log/{}", site.name)).map_err(|origin| {
                let remedy = "write host and path without scheme: accesso.example.it/log/library";
                ConfigError::new(file, "log.origin", format!("`{origin}` cannot name a log"), remedy)
            })?;
        let folder = written.folder.unwrap_or_else(|| state.join("log"));
        Ok(Self {
            keys: written.keys,
            at: Folder { folder, origin, key: state.join("log.key") },
            time: written.time,
            kept: keeper::kept(file, &written.retention, written.authorised_operator.as_ref())?,
        })
    }
}

fn check_folder(file: &Path, state: &Path) -> Result<(), ConfigError> {
    if state.is_dir() {
        return Ok(());
    }
    let problem = format!("{} is not a folder", state.display());
    Err(ConfigError::new(file, "state", problem, "make the folder, owned by the gateway's user"))
}

/// Without a pass, a device reaches the hub through the walled garden, which holds what is under its names, or on
/// the router itself.
fn check_garden(file: &Path, site: &Site, hub: &Hub) -> Result<(), ConfigError> {
    let host = hub.origin.trim_start_matches("https://").split(':').next().unwrap_or_default();
    let under =
        |name: &str| host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let mut names =
        site.garden.names.iter().map(String::as_str).chain(site.hub_here().map(|(_, host, _)| host));
    if names.any(under) {
        return Ok(());
    }
    let problem = format!("the hub, {host}, is not among them, so nobody could log in");
    Err(ConfigError::new(
        file,
        "garden.names",
        problem,
        "list the host of hub.issuer and those of the providers",
    ))
}

/// The admin pages must not be where guests are, and be where browsers are sent.
fn check_admin(file: &Path, site: &Site, admin: &Admin) -> Result<(), ConfigError> {
    let url = &admin.url;
    let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let https = url.scheme() == "https" && url.has_host() && url.username().is_empty();
    let problem = if !(https && plain) {
        Some(format!("{url} is not an https address without path"))
    } else if url.port_or_known_default() != Some(admin.listen.port()) {
        Some(format!("{url} has another port than admin.listen, {}", admin.listen.port()))
    } else {
        None
    };
    if let Some(problem) = problem {
        let remedy = "give what browsers in the office call the pages: https://router.example.it:8443";
        return Err(ConfigError::new(file, "admin.url", problem, remedy));
    }
    let among_guests = match admin.listen.ip() {
        std::net::IpAddr::V4(ip) => ip.is_unspecified() || site.guest.contain(ip),
        std::net::IpAddr::V6(ip) => ip.is_unspecified(),
    };
    if !among_guests {
        return Ok(());
    }
    let problem = format!("{} can be reached by guests", admin.listen);
    Err(ConfigError::new(file, "admin.listen", problem, "give the router's address on the office network"))
}

#[cfg(test)]
mod tests;
