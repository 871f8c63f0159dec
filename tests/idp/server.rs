//! The provider as a web server.

use super::{
    behaviour::Behaviour,
    binding::Message,
    citizen::{Citizen, PASSWORD},
    logout,
    metadata::{self, ServiceProvider},
    pages,
    request::{self, Fault, Request, fault},
    response::{Order, respond},
    scheme::Scheme,
    sign::Signer,
};
use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    http::StatusCode,
    web::{self, Data, Form},
};
use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use maud::Markup;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How the provider runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whose rules it follows.
    pub scheme: Scheme,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its entityID and the base of its endpoints, without a slash at the end.
    pub url: String,
    /// Its keys and certificates for signing.
    pub state: PathBuf,
    /// Certificate chain for TLS.
    pub certificate: PathBuf,
    /// Key for TLS.
    pub key: PathBuf,
    /// Metadata of service providers: files or https URLs, read at each request.
    pub service_providers: Vec<String>,
    /// How it answers unless the form says otherwise.
    pub behaviour: Behaviour,
}

/// A login that has begun.
#[derive(Debug, Clone)]
struct Pending {
    request: Request,
    relay_state: Option<String>,
    mistakes: u8,
}

struct Provider {
    settings: Settings,
    signer: Signer,
    pending: Mutex<BTreeMap<String, Pending>>,
    /// The last good answer by service provider, for [`Behaviour::Replayed`].
    last: Mutex<BTreeMap<String, String>>,
}

/// Wrong passwords before error code 19.
const MISTAKES: u8 = 3;

/// Serves until stopped.
///
/// # Errors
/// When keys, certificates or the address cannot be used.
pub fn run(settings: Settings) -> Result<()> {
    let signer = Signer::open(&settings.state)?;
    let tls = tls(&settings)?;
    let listen = settings.listen;
    let provider =
        Data::new(Provider { settings, signer, pending: Mutex::default(), last: Mutex::default() });
    let app = move || {
        App::new()
            .app_data(provider.clone())
            .app_data(web::FormConfig::default().limit(512 * 1024))
            .route("/metadata", web::get().to(show_metadata))
            .route("/sso", web::get().to(sso_redirect))
            .route("/sso", web::post().to(sso_post))
            .route("/sso/login", web::post().to(login))
            .route("/slo", web::get().to(slo_redirect))
            .route("/slo", web::post().to(slo_post))
            .route("/logout", web::get().to(leave))
    };
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(app).workers(1).shutdown_timeout(1);
        let bound = server.bind_rustls_0_23(listen, tls).with_context(|| format!("listen on {listen}"))?;
        tracing::info!(%listen, "ready");
        Ok(bound.run().await?)
    })
}

fn tls(settings: &Settings) -> Result<rustls::ServerConfig> {
    let chain = CertificateDer::pem_file_iter(&settings.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| anyhow::anyhow!("{}: {e}", settings.certificate.display()))?;
    let key = PrivateKeyDer::from_pem_file(&settings.key)
        .map_err(|e| anyhow::anyhow!("{}: {e}", settings.key.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_no_client_auth().with_single_cert(chain, key)?)
}

#[expect(clippy::disallowed_methods, reason = "the edge: each request reads the clock once")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A page and its status.
type Page = (u16, Markup);

/// Runs what calls other programs away from the event loop.
async fn answer(work: impl FnOnce() -> Page + Send + 'static) -> HttpResponse {
    let (status, page) = web::block(work)
        .await
        .unwrap_or_else(|_| (500, pages::trouble("Errore interno del gestore di prova")));
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    response.insert_header(("Cache-Control", "no-store")).content_type("text/html; charset=utf-8");
    response.body(page.into_string())
}

async fn show_metadata(provider: Data<Provider>) -> HttpResponse {
    match metadata::write(provider.settings.scheme, &provider.settings.url, &provider.signer) {
        Ok(text) => HttpResponse::Ok().content_type("application/samlmetadata+xml").body(text),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

async fn sso_redirect(provider: Data<Provider>, request: HttpRequest) -> HttpResponse {
    let message = Message::Redirect(request.query_string().to_owned());
    answer(move || provider.begin(&message)).await
}

async fn sso_post(provider: Data<Provider>, form: Form<BTreeMap<String, String>>) -> HttpResponse {
    let message = Message::Post(form.into_inner());
    answer(move || provider.begin(&message)).await
}

async fn login(provider: Data<Provider>, form: Form<BTreeMap<String, String>>) -> HttpResponse {
    answer(move || provider.log_in(&form)).await
}

async fn slo_redirect(provider: Data<Provider>, request: HttpRequest) -> HttpResponse {
    let message = Message::Redirect(request.query_string().to_owned());
    answer(move || provider.log_out(&message)).await
}

async fn slo_post(provider: Data<Provider>, form: Form<BTreeMap<String, String>>) -> HttpResponse {
    let message = Message::Post(form.into_inner());
    answer(move || provider.log_out(&message)).await
}

/// The citizen who logged in last logs out here; the service is told by their browser.
async fn leave(provider: Data<Provider>) -> HttpResponse {
    answer(move || provider.leave().unwrap_or_else(|e| (500, pages::trouble(&format!("{e:#}"))))).await
}

impl Provider {
    fn leave(&self) -> Result<Page> {
        let last = held(&self.last).iter().next().map(|(sp, message)| (sp.clone(), message.clone()));
        let (sp, response) = last.context("nobody has logged in")?;
        let sp = self.service_provider(&sp).map_err(|fault| anyhow::anyhow!(fault.why))?;
        let to = sp.slo.context("the metadata has no SingleLogoutService")?;
        let xml = logout::ask(&self.settings.url, &response, &to, now(), &self.signer)?;
        Ok((200, pages::carry(&to, "SAMLRequest", &STANDARD.encode(xml), Some("uscita"))))
    }

    fn begin(&self, message: &Message) -> Page {
        match self.check(message) {
            Ok(request) => {
                let token = uuid::Uuid::new_v4().to_string();
                let page = self.ask(&token, &request, self.settings.behaviour, false);
                let relay_state = message.field("RelayState");
                held(&self.pending).insert(token, Pending { request, relay_state, mistakes: 0 });
                (200, page)
            }
            Err(fault) => refusal(&fault),
        }
    }

    fn ask(&self, token: &str, request: &Request, behaviour: Behaviour, again: bool) -> Markup {
        pages::login(self.settings.scheme, token, request, behaviour, again)
    }

    fn check(&self, message: &Message) -> Result<Request, Fault> {
        let xml = message.xml()?;
        let sp = self.service_provider(&request::issuer(&xml)?)?;
        message.check_signature(&sp)?;
        request::check(&xml, self.settings.scheme, &sp, &self.settings.url, now())
    }

    fn service_provider(&self, entity_id: &str) -> Result<ServiceProvider, Fault> {
        let mut why = format!("the Issuer `{entity_id}` is not in the metadata known here");
        for source in &self.settings.service_providers {
            match ServiceProvider::load(source) {
                Ok(sp) if sp.entity_id == entity_id => return Ok(sp),
                Ok(_) => {}
                Err(e) => why = format!("{why}; {e:#}"),
            }
        }
        fault(10, why)
    }

    fn log_in(&self, form: &BTreeMap<String, String>) -> Page {
        let field = |name: &str| form.get(name).map(|v| v.trim()).unwrap_or_default();
        let token = field("token");
        let Some(mut pending) = held(&self.pending).remove(token) else {
            return (400, pages::trouble("Questo accesso non esiste, o è già finito"));
        };
        if field("action") == "cancel" {
            return self.finish(&pending, &super::CITIZENS[0], Behaviour::Nr25);
        }
        let behaviour = field("behaviour").parse().unwrap_or(self.settings.behaviour);
        match Citizen::of(field("username")).filter(|_| field("password") == PASSWORD) {
            Some(citizen) => self.finish(&pending, citizen, behaviour),
            None if pending.mistakes + 1 == MISTAKES && self.settings.scheme.knows(Behaviour::Nr19) => {
                self.finish(&pending, &super::CITIZENS[0], Behaviour::Nr19)
            }
            None => {
                pending.mistakes += 1;
                let page = self.ask(token, &pending.request, behaviour, true);
                held(&self.pending).insert(token.to_owned(), pending);
                (401, page)
            }
        }
    }

    fn finish(&self, pending: &Pending, citizen: &'static Citizen, behaviour: Behaviour) -> Page {
        let message = match self.message(&pending.request, citizen, behaviour) {
            Ok(message) => message,
            Err(e) => return (500, pages::trouble(&format!("{e:#}"))),
        };
        let encoded = STANDARD.encode(message);
        (200, pages::carry(&pending.request.acs, "SAMLResponse", &encoded, pending.relay_state.as_deref()))
    }

    fn message(&self, request: &Request, citizen: &'static Citizen, behaviour: Behaviour) -> Result<String> {
        if behaviour == Behaviour::Replayed {
            let last = held(&self.last).get(&request.issuer).cloned();
            return last.context("nothing to replay yet: log in well once before");
        }
        let order = Order {
            scheme: self.settings.scheme,
            idp: self.settings.url.clone(),
            sp: request.issuer.clone(),
            acs: request.acs.clone(),
            request: request.id.clone(),
            level: request.level,
            attributes: request.attributes.clone(),
            citizen,
            behaviour,
            now: now(),
        };
        let message = respond(&order, &self.signer)?;
        if behaviour == Behaviour::Good {
            held(&self.last).insert(request.issuer.clone(), message.clone());
        }
        Ok(message)
    }

    fn log_out(&self, message: &Message) -> Page {
        if message.field("SAMLResponse").is_some() {
            return (200, pages::left());
        }
        match self.check_logout(message) {
            // CIE takes the request and answers nothing.
            Ok(_) if self.settings.scheme == Scheme::Cie => (200, pages::left()),
            Ok((id, to)) => match logout::respond(&self.settings.url, &id, &to, now(), &self.signer) {
                Ok(xml) => {
                    let relay_state = message.field("RelayState");
                    (200, pages::carry(&to, "SAMLResponse", &STANDARD.encode(xml), relay_state.as_deref()))
                }
                Err(e) => (500, pages::trouble(&format!("{e:#}"))),
            },
            Err(fault) => refusal(&fault),
        }
    }

    fn check_logout(&self, message: &Message) -> Result<(String, String), Fault> {
        let xml = message.xml()?;
        let sp = self.service_provider(&request::issuer(&xml)?)?;
        message.check_signature(&sp)?;
        let id = logout::check(&xml, &format!("{}/slo", self.settings.url))?;
        let Some(to) = sp.slo else { return fault(8, "the metadata has no SingleLogoutService") };
        Ok((id, to))
    }
}

fn refusal(fault: &Fault) -> Page {
    tracing::info!(code = fault.code, why = %fault.why, "request refused");
    (400, pages::refused(fault))
}
