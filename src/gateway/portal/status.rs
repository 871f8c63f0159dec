//! `GET /status`: whether this device is online, as the state machine knows it.

use super::{Portal, form, now};
use crate::board::Shown;
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use jiff::Timestamp;
use varco_policy::pass::EndCause;
use varco_templates::portal::{self as pages, End, Online};
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
    let ends = match shown.terms.ends {
        EndCause::Closed => End::Closing,
        EndCause::Spent => End::Time,
        _ => End::Length,
    };
    form::with_form(request, |form| {
        let online = Online {
            until: portal.moment(shown.until),
            minutes: minutes_to(shown.until, now),
            ends,
            today_minutes: shown.terms.spends.map(|at| minutes_to(at, now)),
            today_bytes: shown.terms.bytes,
            form,
        };
        page::html(request, StatusCode::OK, pages::online(portal.visit(request), &online))
    })
}

/// Rounded up: "0 minutes" would read as over.
fn minutes_to(at: Timestamp, now: Timestamp) -> i64 {
    (at.duration_since(now).as_secs().max(0) + 59) / 60
}
