//! What the hub's endpoints share.

use crate::{
    bodies::Served,
    config::{Client, Settings, StoreSettings},
    database, expiry,
    index::{
        Index,
        follow::{Follow, Places},
    },
    keys::Keys,
    log::HubLog,
    login::{cns::Cards, trusted::Trusted},
    lookup::Lookup,
    mirror::Mirrors,
    oidc::{grant::Login, key::SigningKey},
    register::Register,
    registry::Registry,
    store::{Store, redis::Redis, sqlite::Sqlite},
};
use anyhow::Context;
use jiff::Timestamp;
use ring::hmac;
use secrecy::ExposeSecret;
use std::{collections::BTreeSet, path::Path, sync::Arc};
use tokio::sync::Notify;
use varco_audit::expiry::Kept;
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
    /// The hub's own log; its calls wait for the disk.
    pub log: Arc<HubLog>,
    /// The index of the logs that are here; its calls wait for the disk or a server.
    pub index: Arc<Index>,
    /// Fills it.
    pub follow: Arc<Follow>,
    /// How long each class is kept.
    pub kept: Kept,
    /// Rung when two officers' statement was recorded: what is over goes now.
    pub expired: Notify,
    /// Look-ups of two officers, where there are any; its calls wait for the disk.
    pub lookup: Option<Lookup>,
    /// The copies of the gateways' logs; its calls wait for the disk.
    pub mirrors: Arc<Mirrors>,
    /// The register; its calls wait for the disk.
    pub register: Arc<Register>,
    /// In whose names we serve.
    pub bodies: Vec<Served>,
    /// Where SPID's providers are fetched from.
    pub registry: Option<Arc<Registry>>,
    /// The providers that are trusted now.
    pub trusted: Arc<Trusted>,
    /// Logins by card.
    pub cards: Option<Cards>,
    clients: Vec<Client>,
}

impl Hub {
    /// Opens everything that the settings in `file` name. On a Tokio runtime that outlives the hub.
    ///
    /// # Errors
    /// When a key, a secret or the database is missing or wrong.
    pub fn open(file: &Path, settings: Settings) -> Result<Self, Fault> {
        let mut clients = settings.clients(file)?;
        if let Some(console) = &settings.console {
            clients.push(console.client(&settings, file)?);
        }
        let Keys { oidc, pairwise, sealer, handles } = Keys::load(file, &settings.keys)?;
        let bodies = Served::all(file, &settings, now())?;
        let registry = Registry::of(file, &settings)?.map(Arc::new);
        let trusted = Arc::new(Trusted::load(&settings.providers, registry.clone(), now()));
        let cards = Cards::open(file, &settings, handles)?;
        let database = settings.state.join("hub.db");
        database::private_file(&database).with_context(|| database.display().to_string())?;
        let kept = settings.log.kept(file)?;
        let log = Arc::new(HubLog::open(file, &settings, now())?);
        let index = Arc::new(Index::open(file, &settings.index, &settings.state)?);
        let follow = Follow::start(Arc::clone(&index), Places::of(file, &settings)?);
        let follow = Arc::new(follow.context("the index's thread")?);
        let mirrors = Arc::new(Mirrors::open(file, &settings, &clients, Arc::clone(&log))?);
        let (told, of_own, own) = (Arc::clone(&follow), Arc::clone(&index), log.key().name().to_owned());
        log.on_pruned(move |minimum| {
            if let Err(error) = expiry::forget(&of_own, &own, minimum) {
                tracing::error!(%error, "rows of what is gone are still in the index");
            }
        });
        mirrors.on_copied(move |origin, entries| told.copied(origin, &entries));
        let register = Register::open(&database, sealer, log.journal())
            .with_context(|| database.display().to_string())?;
        let lookup = settings.lookup.as_ref().map(|lookup| Lookup::open(lookup, &database)).transpose()?;
        let store = match &settings.store {
            StoreSettings::Sqlite {} => Sqlite::open(&database).map(Store::Sqlite),
            StoreSettings::Redis { url } => Redis::open(url.expose_secret()).map(Store::Redis),
        }
        .context("opening the login state")?;
        let register = Arc::new(register);
        Ok(Self {
            settings,
            signing: oidc,
            pairwise,
            store,
            log,
            index,
            follow,
            kept,
            expired: Notify::new(),
            lookup,
            mirrors,
            register,
            bodies,
            registry,
            trusted,
            cards,
            clients,
        })
    }

    /// The gateway with this id, or the console.
    pub fn client(&self, id: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.client_id == id)
    }

    /// The body with this path.
    pub fn body(&self, path: &str) -> Option<&Served> {
        self.bodies.iter().find(|body| body.path == path)
    }

    /// The body whose gateway waits for this login.
    pub fn body_of(&self, login: &Login) -> Option<&Served> {
        self.body(&self.client(&login.client_id)?.body)
    }

    /// The origins beside our own that a form may end at: the providers', and the gateway's that waits.
    pub fn form_targets(&self, waiting: Option<&Login>) -> BTreeSet<String> {
        let trusted = self.trusted.current();
        let logouts = trusted.iter().filter_map(|p| p.slo_post.as_ref()).map(|slo| &slo.response);
        let gateway = waiting.and_then(|login| self.client(&login.client_id)?.address(&login.redirect_uri));
        let mut origins = trusted.sso_origins();
        // A login by card leads over its listener, and a form's policy holds for where it is led.
        origins.extend(self.cards.as_ref().map(|cards| cards.settings.url.origin().ascii_serialization()));
        origins.extend(logouts.chain(gateway).map(|url| url.origin().ascii_serialization()));
        origins
    }
}

/// The clock, read once for a request.
#[expect(clippy::disallowed_methods, reason = "the edge of the program: endpoints read the clock here only")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
