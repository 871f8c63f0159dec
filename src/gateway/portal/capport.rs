//! `GET /capport`: the captive portal API, RFC 8908. Its address is in DHCP option 114 (RFC 8910).

use super::{Portal, now, peer};
use actix_web::{HttpRequest, HttpResponse, http::header, web};
use jiff::Timestamp;
use serde::Serialize;
use std::net::IpAddr;

/// RFC 8908 section 5. Keys that do not apply are left out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct State {
    captive: bool,
    user_portal_url: String,
    can_extend_session: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_remaining: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_remaining: Option<u64>,
}

/// Whether this device is captive, and for how long it is not.
#[actix_web::route("/capport", method = "GET", method = "HEAD")]
pub async fn answer(request: HttpRequest, portal: web::Data<Portal>) -> HttpResponse {
    let state = state(&portal, peer(&request), now());
    let Ok(body) = serde_json::to_string(&state) else {
        return HttpResponse::InternalServerError().finish();
    };
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/captive+json"))
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .body(body)
}

fn state(portal: &Portal, peer: Option<IpAddr>, now: Timestamp) -> State {
    let device = peer.and_then(|address| portal.neighbours.device(address));
    let shown = device.and_then(|device| portal.board.of_device(device, now));
    let path = if shown.is_some() { "status" } else { "" };
    State {
        captive: shown.is_none(),
        user_portal_url: format!("https://{}/{path}", portal.host),
        can_extend_session: shown.as_ref().is_some_and(crate::board::Shown::can_extend),
        seconds_remaining: shown.as_ref().map(|shown| shown.until.duration_since(now).as_secs()),
        // The person's, with all devices: when it is used up this device is captive.
        bytes_remaining: shown.and_then(|shown| shown.terms.bytes),
    }
}
