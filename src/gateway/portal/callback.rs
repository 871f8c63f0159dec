//! `GET /login/callback`: the browser comes back from the hub.

use super::{PATIENCE, Portal, login, now, see_other};
use crate::{
    event_loop::Message,
    hub::{Confirmed, HubError, Response},
    site::Answer,
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use varco_policy::Device;
use varco_templates::portal::Problem;
use varco_web::{cookie, query};

/// Verifies the login and, once it is recorded and admitted, shows that the citizen is online.
///
/// # Errors
/// When a header cannot be written.
#[actix_web::get("/login/callback")]
pub async fn finish(request: HttpRequest, portal: web::Data<Portal>) -> actix_web::Result<HttpResponse> {
    let Some(device) = portal.device(&request) else {
        return Ok(portal.unknown_device(&request));
    };
    // A query that cannot be read names no login, and gets the page that says so.
    let response: Response = query::of(&request);
    let shown = cookie::value(&request, login::COOKIE).unwrap_or_default();
    let state = response.state.clone().unwrap_or_default();
    let mut answer = match portal.logins.take(&state, device, &shown, now()) {
        // A citizen who goes back with the browser's button is online already.
        None if portal.board.of_device(device, now()).is_some() => return Ok(see_other("/status")),
        None => portal.problem(&request, StatusCode::BAD_REQUEST, Problem::LoginLost),
        Some(proof) => match portal.hub.finish(response, proof, now()).await {
            Ok(person) => enter(&request, &portal, device, person).await,
            Err(error) => unconfirmed(&request, &portal, &error),
        },
    };
    answer.add_cookie(&cookie::gone(login::COOKIE))?;
    Ok(answer)
}

async fn enter(request: &HttpRequest, portal: &Portal, device: Device, person: Confirmed) -> HttpResponse {
    let Confirmed { subject, session, .. } = person;
    match portal.inbox.ask(|answer| Message::LogIn(device, subject, session, answer), PATIENCE).await {
        Ok(Answer::Online(_)) => see_other("/status"),
        Ok(other) => portal.unmet(request, other),
        Err(_) => portal.problem(request, StatusCode::SERVICE_UNAVAILABLE, Problem::Overloaded),
    }
}

fn unconfirmed(request: &HttpRequest, portal: &Portal, error: &HubError) -> HttpResponse {
    tracing::warn!(%error, "a login was not confirmed");
    match error {
        HubError::Unreachable(_) => {
            portal.problem(request, StatusCode::SERVICE_UNAVAILABLE, Problem::HubDown)
        }
        HubError::Refused(_) => portal.problem(request, StatusCode::FORBIDDEN, Problem::Refused),
    }
}
