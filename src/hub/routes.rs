//! Which path leads where, and what holds for every request.

use crate::{app::Hub, log, login, lookup, mirror, oidc, pages};
use actix_web::{
    HttpRequest, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    get,
    middleware::Next,
    web,
};
use std::time::Duration;
use varco_web::patience;

/// The largest body of a request, in bytes: a SAML answer is some 10 kB.
const LARGEST_BODY: usize = 1 << 20;
/// How long one request may take, its body included.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which path leads where.
pub fn routes(app: &mut web::ServiceConfig) {
    app.app_data(web::PayloadConfig::new(LARGEST_BODY))
        .service(
            web::resource("/oidc/authorize").get(oidc::authorize::by_query).post(oidc::authorize::by_form),
        )
        .service(oidc::discovery::discovery)
        .service(oidc::jwks::jwks)
        .service(oidc::token::exchange_code)
        .service(oidc::events::poll)
        .service(
            web::resource("/oidc/logout").get(oidc::end_session::by_query).post(oidc::end_session::by_form),
        )
        .service(mirror::add_checkpoint::add_checkpoint)
        .service(mirror::add_entries::add_entries)
        .service(log::checkpoint::checkpoint)
        .service(login::choose::choose)
        .service(login::choose::image)
        .service(login::cancel::cancel)
        .configure(of_bodies)
        .service(varco_web::page::style_sheet)
        .service(lookup::page::transparency)
        .service(health)
        .default_service(web::to(not_found));
}

/// The addresses that each body has in each of its schemes; see [`crate::here`].
fn of_bodies(app: &mut web::ServiceConfig) {
    let at = |end: &str| {
        let scheme = "{scheme:spid|cie}";
        web::resource([format!("/{scheme}/{end}"), format!("/{{body}}/{scheme}/{end}")])
    };
    let card = |end: &str| web::resource([format!("/cns/{end}"), format!("/{{body}}/cns/{end}")]);
    app.service(at("login").get(login::send::send))
        .service(at("acs").get(login::receive::back).post(login::receive::receive))
        .service(at("logout").get(login::logout::by_redirect).post(login::logout::by_post))
        .service(card("login").get(login::cns::asked::login))
        .service(card("enter").get(login::cns::enter::enter))
        .service(card("help").get(login::cns::help::help))
        .service(at("metadata").get(login::metadata::metadata))
        // The SPID rules name this one.
        .service(web::resource(["/metadata", "/{body}/metadata"]).get(login::metadata::metadata));
}

/// Ends a request that takes too long.
///
/// # Errors
/// When the endpoint fails or the time is up.
pub async fn limit_time(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    patience::limit(PATIENCE, request, next).await
}

/// 200 when the login state answers, else 503.
#[get("/health")]
pub(crate) async fn health(hub: web::Data<Hub>) -> HttpResponse {
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
    pages::not_found(&hub, &request)
}
