//! `POST /logout`: ends the pass of this device.

use super::{PATIENCE, Portal, form};
use crate::{event_loop::Message, site::Answer};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use varco_templates::portal::{self as pages, Problem};
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
    let visit = portal.visit(&request);
    match portal.inbox.ask(|answer| Message::LogOut(device, answer), PATIENCE).await {
        Ok(Answer::Ended) => page::html(&request, StatusCode::OK, pages::left(visit)),
        Ok(Answer::NoPass) => page::html(&request, StatusCode::OK, pages::offline(visit)),
        Ok(Answer::EndsLater) => page::html(&request, StatusCode::ACCEPTED, pages::leaving(visit)),
        Ok(other) => portal.unmet(&request, other),
        Err(_) => portal.problem(&request, StatusCode::SERVICE_UNAVAILABLE, Problem::Overloaded),
    }
}
