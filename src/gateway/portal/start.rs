//! `GET /`: the page a citizen meets first.

use super::{Portal, form, now, see_other};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use varco_templates::portal as pages;
use varco_web::page;

/// The entrance, while the site is open; who is online already is shown that.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::route("/", method = "GET", method = "HEAD")]
pub async fn show(request: HttpRequest, portal: web::Data<Portal>) -> actix_web::Result<HttpResponse> {
    let Some(device) = portal.device(&request) else {
        return Ok(portal.unknown_device(&request));
    };
    if portal.board.of_device(device, now()).is_some() {
        return Ok(see_other("/status"));
    }
    if let Some(closed) = portal.closed_now(&request, StatusCode::OK) {
        return Ok(closed);
    }
    let visit = portal.visit(&request);
    form::with_form(&request, |form| page::html(&request, StatusCode::OK, pages::start(visit, form)))
}
