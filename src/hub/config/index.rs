//! `[index]`: where the index of the logs is.

use rustls::{ClientConfig, RootCertStore, pki_types::CertificateDer, pki_types::pem::PemObject};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio_postgres::config::{Host, SslMode};
use varco_policy::ConfigError;

/// How long a server may take to answer at all.
const CONNECT: Duration = Duration::from_secs(5);

/// `[index]`.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum IndexSettings {
    /// In `index.db` of the state folder.
    Sqlite {},
    /// In a PostgreSQL server.
    Postgres {
        /// `postgresql://…`; may hold a password.
        url: SecretString,
        /// Authorities that vouch for a server that is not reached by a socket of this machine, PEM.
        ca: Option<PathBuf>,
    },
}

impl Default for IndexSettings {
    fn default() -> Self {
        Self::Sqlite {}
    }
}

/// A server and how it is spoken to.
#[derive(Debug, Clone)]
pub struct Server {
    /// Host, user, password, database.
    pub config: tokio_postgres::Config,
    /// What TLS trusts; `None` for a socket of this machine.
    pub tls: Option<ClientConfig>,
}

impl IndexSettings {
    /// The server; `None` where the index is a file.
    ///
    /// # Errors
    /// When the address cannot be read, or a server of the network would be spoken to in clear.
    pub fn server(&self, file: &Path) -> Result<Option<Server>, ConfigError> {
        let Self::Postgres { url, ca } = self else { return Ok(None) };
        let remedy = "give postgresql:///varco?host=/run/postgresql, or postgresql://varco:…@db.example.it/varco with ca";
        let wrong = |problem: String| ConfigError::new(file, "index.url", problem, remedy);
        let mut config: tokio_postgres::Config =
            url.expose_secret().parse().map_err(|e| wrong(format!("not an address of PostgreSQL: {e}")))?;
        let here = |host: &Host| matches!(host, Host::Unix(_));
        let tls = match (config.get_hosts(), ca) {
            ([], _) => return Err(wrong("names no host".into())),
            (hosts, None) if hosts.iter().all(here) => None,
            (hosts, Some(ca)) if !hosts.iter().any(here) => Some(trust(file, ca)?),
            (_, Some(_)) => {
                return Err(wrong(
                    "is a socket of this machine, which has no TLS, and there is index.ca".into(),
                ));
            }
            _ => {
                return Err(ConfigError::new(
                    file,
                    "index.ca",
                    "is missing: a server of the network is spoken to by TLS only",
                    "give the file of the authorities that its certificate is by, or a socket of this machine in index.url",
                ));
            }
        };
        config.ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
        config.connect_timeout(CONNECT).tcp_user_timeout(CONNECT).application_name("varco-hub");
        Ok(Some(Server { config, tls }))
    }
}

fn trust(file: &Path, ca: &Path) -> Result<ClientConfig, ConfigError> {
    let remedy = "give a file of certificates, PEM";
    let wrong =
        |problem: String| ConfigError::new(file, "index.ca", format!("{}: {problem}", ca.display()), remedy);
    let pem = std::fs::read(ca).map_err(|error| wrong(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| wrong(format!("{error:?}")))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("holds no certificate".into()));
    }
    let ring = rustls::crypto::ring::default_provider().into();
    let versions = ClientConfig::builder_with_provider(ring).with_safe_default_protocol_versions();
    let builder = versions.map_err(|error| wrong(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
