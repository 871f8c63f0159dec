//! `POST /login`: begins a login at the hub.

use super::{Portal, form, now, see_other};
use crate::hub::Begun;
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use varco_policy::Device;
use varco_templates::portal::Problem;
use varco_web::{cookie, lang, token};

/// Shown again by the browser when it comes back from the hub.
pub const COOKIE: &str = "__Host-login";

/// Sends the browser to the hub, or says why not.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::post("/login")]
pub async fn begin(
    request: HttpRequest,
    portal: web::Data<Portal>,
    fields: form::Sent,
) -> actix_web::Result<HttpResponse> {
    let Some(device) = portal.device(&request) else {
        return Ok(portal.unknown_device(&request));
    };
    if !form::is_ours(&request, &fields) {
        return Ok(portal.problem(&request, StatusCode::FORBIDDEN, Problem::FormExpired));
    }
    // Who is online gets a new pass where that gives more time.
    if portal.board.of_device(device, now()).is_some_and(|shown| !shown.can_extend()) {
        return Ok(see_other("/status"));
    }
    if let Some(closed) = portal.closed_now(&request, StatusCode::SERVICE_UNAVAILABLE) {
        return Ok(closed);
    }
    match portal.hub.begin(lang::of(&request), now()).await {
        Ok(begun) => send(&request, &portal, device, begun),
        Err(error) => {
            tracing::warn!(%error, "a login could not begin");
            Ok(portal.problem(&request, StatusCode::SERVICE_UNAVAILABLE, Problem::HubDown))
        }
    }
}

fn send(
    request: &HttpRequest,
    portal: &Portal,
    device: Device,
    begun: Begun,
) -> actix_web::Result<HttpResponse> {
    let secret = token::random().map_err(actix_web::error::ErrorInternalServerError)?;
    if !portal.logins.keep(&begun.state, device, &secret, begun.proof, now()) {
        return Ok(portal.problem(request, StatusCode::SERVICE_UNAVAILABLE, Problem::Overloaded));
    }
    let mut answer = see_other(begun.url.as_str());
    let seconds = crate::hub::pending::LASTS.as_secs();
    answer.add_cookie(&cookie::lax(COOKIE, secret, seconds))?;
    Ok(answer)
}
