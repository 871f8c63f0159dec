//! Plain HTTP: devices ask hosts of their makers whether they are online. Before a login every question is answered
//! with the way to the portal. After it, a device whose resolver still remembers us gets what the real host says, or
//! it would believe that it is captive again.
//!
//! What a request says is only compared, never repeated: the answer is one of a few made when the program starts.

mod table;

use super::{Portal, now, peer};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use std::net::IpAddr;
pub use table::{PROBES, Probe};

/// Any request over plain HTTP.
pub async fn answer(request: HttpRequest, portal: web::Data<Portal>) -> HttpResponse {
    if !is_online(&portal, &request) {
        return redirect(&portal.host, "");
    }
    let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match table::find(host, request.path()) {
        Some(probe) => as_the_real_host(probe),
        None => redirect(&portal.host, "status"),
    }
}

/// Most who ask have no pass, so the board is asked first and the neighbour table only for the rest.
fn is_online(portal: &Portal, request: &HttpRequest) -> bool {
    let Some(IpAddr::V4(address)) = peer(request) else { return false };
    portal.board.at_address(address, now()).is_some_and(|shown| {
        portal.neighbours.device(address.into()).is_some_and(|device| device.mac == shown.mac)
    })
}

/// A device must not remember this answer, or it would keep coming back to the portal.
fn redirect(host: &str, path: &str) -> HttpResponse {
    HttpResponse::Found()
        .insert_header((header::LOCATION, format!("https://{host}/{path}")))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .body("<!DOCTYPE html><title>Wi-Fi</title><p>Wi-Fi: login / accesso")
}

fn as_the_real_host(probe: &Probe) -> HttpResponse {
    let status = StatusCode::from_u16(probe.status).unwrap_or(StatusCode::NO_CONTENT);
    let mut answer = HttpResponse::build(status);
    answer.insert_header((header::CACHE_CONTROL, "no-store"));
    if let Some((name, value)) = probe.header {
        answer.insert_header((name, value));
    }
    if status == StatusCode::NO_CONTENT {
        return answer.finish();
    }
    answer.insert_header((header::CONTENT_TYPE, probe.content_type)).body(probe.body)
}
