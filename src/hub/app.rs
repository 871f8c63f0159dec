//! The running hub: what its endpoints share, and the map from path to endpoint.

use crate::{
    config::{Client, Settings, StoreSettings},
    keys::Keys,
    login::{
        self,
        spid::{self, ServiceProvider},
        trusted::Trusted,
    },
    oidc::{self, grant::Login, key::SigningKey},
    pages,
    register::Register,
    store::{Store, redis::Redis, sqlite::Sqlite},
};
use actix_web::{
    HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::InternalError,
    get,
    http::StatusCode,
    middleware::Next,
    web,
};
use anyhow::Context;
use jiff::Timestamp;
use ring::hmac;
use secrecy::ExposeSecret;
use std::{
    collections::BTreeSet, fs::OpenOptions, os::unix::fs::OpenOptionsExt, path::Path, sync::Arc,
    time::Duration,
};
use varco_policy::ConfigError;
use varco_templates::hub::Trouble;
use varco_web::startup::Fault;

/// The largest body of a request, in bytes: a SAML answer is some 10 kB.
const LARGEST_BODY: usize = 1 << 20;
/// How long one request may take, its body included.
const PATIENCE: Duration = Duration::from_secs(20);

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

    /// The SPID level asked for.
    pub fn level(&self) -> u8 {
        self.settings.spid.level.into()
    }

    /// The origins beside our own that a form may end at: the providers', and the gateway's that waits.
    pub fn form_targets(&self, waiting: Option<&Login>) -> BTreeSet<String> {
        let trusted = self.trusted.current();
        let logouts = trusted.iter().filter_map(|p| p.slo_post.as_ref()).map(|slo| &slo.response);
        let gateway = waiting.and_then(|login| self.client(&login.client_id)).map(|c| &c.redirect_uri);
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
    let named = |fault: spid::Fault| settings.spid_fault(file, &fault);
    let keys = spid::Keys::load(&settings.keys).map_err(named)?;
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

/// Which path leads where.
pub fn routes(app: &mut web::ServiceConfig) {
    app.app_data(web::PayloadConfig::new(LARGEST_BODY))
        .service(
            web::resource("/oidc/authorize").get(oidc::authorize::by_query).post(oidc::authorize::by_form),
        )
        .service(oidc::discovery::discovery)
        .service(oidc::jwks::jwks)
        .service(oidc::token::exchange_code)
        .service(login::choose::choose)
        .service(login::cancel::cancel)
        .service(login::send::send)
        .service(login::receive::receive)
        .service(login::receive::back)
        .service(login::logout::by_redirect)
        .service(login::logout::by_post)
        .route("/spid/metadata", web::get().to(login::metadata::metadata))
        // The SPID rules name this one.
        .route("/metadata", web::get().to(login::metadata::metadata))
        .service(varco_web::page::style_sheet)
        .service(health)
        .default_service(web::to(not_found));
}

/// Ends a request that takes too long.
///
/// # Errors
/// When the endpoint fails or the time is up.
pub async fn limit_time(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    tokio::time::timeout(PATIENCE, next.call(request)).await.unwrap_or_else(|_| {
        Err(InternalError::new("the request took too long", StatusCode::REQUEST_TIMEOUT).into())
    })
}

/// 200 when the login state answers, else 503.
#[get("/health")]
async fn health(hub: web::Data<Hub>) -> HttpResponse {
    match hub.store.check().await {
        Ok(()) => HttpResponse::Ok().content_type("text/plain").body("ok\n"),
        Err(error) => {
            tracing::warn!(%error, "health");
            HttpResponse::ServiceUnavailable()
                .content_type("text/plain")
                .body("the login state does not answer\n")
        }
    }
}

async fn not_found(hub: web::Data<Hub>, request: HttpRequest) -> HttpResponse {
    pages::trouble(&hub, &request, StatusCode::NOT_FOUND, Trouble::NotFound)
}
