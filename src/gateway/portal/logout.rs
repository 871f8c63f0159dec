//! `POST /logout`: ends the pass of this device. Where the login left a session at the identity provider, the page
//! offers to end that too: the pass has ended by then, whatever the provider does.

use super::{PATIENCE, Portal, form, now};
use crate::{event_loop::Message, hub::LogoutForm, site::Answer};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use varco_policy::pass::Session;
use varco_templates::portal::{self as pages, AtProvider, Problem};
use varco_web::page;

/// Ends the pass; says so when its flows are cut.
#[actix_web::post("/logout")]
pub async fn leave(request: HttpRequest, portal: web::Data<Portal>, fields: form::Sent) -> HttpResponse {
    let Some(device) = portal.device(&request) else {
        return portal.unknown_device(&request);
    };
    if !form::is_ours(&request, &fields) {
        return portal.problem(&request, StatusCode::FORBIDDEN, Problem::FormExpired);
    }
    let session = portal.board.of_device(device, now()).and_then(|shown| shown.session);
    let visit = portal.visit(&request);
    match portal.inbox.ask(|answer| Message::LogOut(device, answer), PATIENCE).await {
        Ok(Answer::Ended) => gone(&request, &portal, session, false).await,
        Ok(Answer::NoPass) => page::html(&request, StatusCode::OK, pages::offline(visit)),
        Ok(Answer::EndsLater) => gone(&request, &portal, session, true).await,
        Ok(other) => portal.unmet(&request, other),
        Err(_) => portal.problem(&request, StatusCode::SERVICE_UNAVAILABLE, Problem::Overloaded),
    }
}

/// Where a citizen comes back to who has logged out at their provider too.
#[actix_web::route("/left", method = "GET", method = "HEAD")]
pub async fn left(request: HttpRequest, portal: web::Data<Portal>) -> HttpResponse {
    page::html(&request, StatusCode::OK, pages::left(portal.visit(&request), None))
}

/// The pass has ended, or ends when the kernel can be told (`later`).
async fn gone(request: &HttpRequest, portal: &Portal, session: Option<Session>, later: bool) -> HttpResponse {
    let form = match &session {
        Some(session) => portal.hub.logout_form(session, now()).await,
        None => None,
    };
    let offer = form.as_ref().map(|LogoutForm { action, fields }| AtProvider { action, fields });
    let visit = portal.visit(request);
    if later {
        page::html(request, StatusCode::ACCEPTED, pages::leaving(visit, offer))
    } else {
        page::html(request, StatusCode::OK, pages::left(visit, offer))
    }
}
