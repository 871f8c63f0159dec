//! What the hub's endpoints share.

use crate::{
    config::{Client, Settings, StoreSettings},
    keys::Keys,
    login::{
        saml::{self, Level, ServiceProvider},
        trusted::Trusted,
    },
    oidc::{grant::Login, key::SigningKey},
    register::Register,
    store::{Store, redis::Redis, sqlite::Sqlite},
};
use anyhow::Context;
use jiff::Timestamp;
use ring::hmac;
use secrecy::ExposeSecret;
use std::{collections::BTreeSet, fs::OpenOptions, os::unix::fs::OpenOptionsExt, path::Path, sync::Arc};
use varco_policy::ConfigError;
use varco_web::startup::Fault;

/// What the endpoints share.
#[derive(Debug)]
pub struct Hub {
    /// `hub.toml`.
    pub settings: Settings,
    /// Signs ID tokens.
    pub signing: SigningKey,
    /// Makes pairwise subjects.
    pub pairwise: hmac::Key,
    /// The login state.
    pub store: Store,
    /// The register; its calls wait for the disk.
    pub register: Arc<Register>,
    /// Us towards SPID.
    pub spid: ServiceProvider,
    /// The providers that are trusted now.
    pub trusted: Arc<Trusted>,
    clients: Vec<Client>,
}

impl Hub {
    /// Opens everything that the settings in `file` name. On a Tokio runtime that outlives the hub.
    ///
    /// # Errors
    /// When a key, a secret or the database is missing or wrong.
    pub fn open(file: &Path, settings: Settings) -> Result<Self, Fault> {
        let clients = settings.clients(file)?;
        let Keys { oidc, pairwise, sealer } = Keys::load(file, &settings.keys)?;
        let spid = service_provider(file, &settings)?;
        let trusted = Arc::new(Trusted::load(&settings.spid.idp_metadata));
        let database = settings.state.join("hub.db");
        private_file(&database).with_context(|| database.display().to_string())?;
        let register = Register::open(&database, sealer).with_context(|| database.display().to_string())?;
        let store = match &settings.store {
            StoreSettings::Sqlite {} => Sqlite::open(&database).map(Store::Sqlite),
            StoreSettings::Redis { url } => Redis::open(url.expose_secret()).map(Store::Redis),
        }
        .context("opening the login state")?;
        let register = Arc::new(register);
        Ok(Self { settings, signing: oidc, pairwise, store, register, spid, trusted, clients })
    }

    /// The gateway with this id.
    pub fn client(&self, id: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.client_id == id)
    }

    /// The SPID level asked for, when this login waits.
    pub fn level(&self, waiting: Option<&Login>) -> Level {
        let least = self.settings.spid.level;
        waiting.map_or(least, |login| login.level(least))
    }

    /// The origins beside our own that a form may end at: the providers', and the gateway's that waits.
    pub fn form_targets(&self, waiting: Option<&Login>) -> BTreeSet<String> {
        let trusted = self.trusted.current();
        let logouts = trusted.iter().filter_map(|p| p.slo_post.as_ref()).map(|slo| &slo.response);
        let gateway = waiting.and_then(|login| self.client(&login.client_id)?.address(&login.redirect_uri));
        let mut origins = trusted.sso_origins();
        origins.extend(logouts.chain(gateway).map(|url| url.origin().ascii_serialization()));
        origins
    }
}

/// Makes the file, readable by us only, if it is not there; SQLite gives its journal the same mode.
fn private_file(path: &Path) -> std::io::Result<()> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path).map(drop)
}

fn service_provider(file: &Path, settings: &Settings) -> Result<ServiceProvider, ConfigError> {
    let named = |fault: saml::Fault| settings.spid_fault(file, &fault);
    let keys = saml::Keys::load(&settings.keys).map_err(named)?;
    ServiceProvider::new(
        &settings.spid.entity_id,
        settings.url("/spid/acs"),
        settings.url("/spid/logout"),
        settings.body.clone(),
        settings.spid.level,
        &keys,
    )
    .map_err(named)
}

/// The clock, read once for a request.
#[expect(clippy::disallowed_methods, reason = "the edge of the program: endpoints read the clock here only")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
