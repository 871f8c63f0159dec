//! `GET /health`: the parts of the site, for monitoring.

use super::{Admin, now};
use actix_web::{HttpResponse, web};
use jiff::SignedDuration;
use serde_json::json;
use std::sync::atomic::Ordering;

/// How long entries may wait for the hub before it is said here.
const LATE: SignedDuration = SignedDuration::from_hours(1);

/// 200 when all parts work, 503 when one does not. Keys of an earlier week still
/// seal, and a log that the hub has not copied is whole here, so they are said and no more.
#[actix_web::get("/health")]
pub async fn answer(admin: web::Data<Admin>) -> HttpResponse {
    let status = admin.board.status();
    let hub = admin.hub.load(Ordering::Relaxed);
    let log = admin.board.log.state();
    let shipped = admin.board.shipping.state();
    let body = json!({
        "enforcer": status.enforcer_ready,
        "recording": status.recording,
        "hub": hub,
        "log": !log.failing,
        "log_keys": !log.late,
        "log_shipped": shipped.since.is_none_or(|since| now().duration_since(since) < LATE),
        "log_not_shipped": shipped.waiting,
    });
    let well = status.enforcer_ready && status.recording && hub && !log.failing;
    if well { HttpResponse::Ok().json(body) } else { HttpResponse::ServiceUnavailable().json(body) }
}
