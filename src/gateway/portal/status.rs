//! `GET /status`: whether this device is online, as the state machine knows it.

use super::{Portal, form, now};
use crate::board::Shown;
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use jiff::{Timestamp, tz::TimeZone};
use varco_templates::portal as pages;
use varco_web::page;

/// Online until when, or not.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::route("/status", method = "GET", method = "HEAD")]
pub async fn show(request: HttpRequest, portal: web::Data<Portal>) -> actix_web::Result<HttpResponse> {
    let Some(device) = portal.device(&request) else {
        return Ok(portal.unknown_device(&request));
    };
    let now = now();
    match portal.board.of_device(device, now) {
        Some(shown) => online(&request, &portal, shown, now),
        None => Ok(page::html(&request, StatusCode::OK, pages::offline(portal.visit(&request)))),
    }
}

fn online(
    request: &HttpRequest,
    portal: &Portal,
    shown: Shown,
    now: Timestamp,
) -> actix_web::Result<HttpResponse> {
    let until = shown.until.to_zoned(TimeZone::system());
    let (clock, iso) =
        (until.strftime("%H:%M").to_string(), until.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string());
    // Rounded up: "0 minutes" would read as over.
    let minutes = (shown.until.duration_since(now).as_secs() + 59) / 60;
    let visit = portal.visit(request);
    form::with_form(request, |form| {
        page::html(request, StatusCode::OK, pages::online(visit, &clock, &iso, minutes, form))
    })
}
