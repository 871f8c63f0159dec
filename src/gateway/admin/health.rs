//! `GET /health`: the parts of the site, for monitoring.

use super::Admin;
use actix_web::{HttpResponse, web};
use serde_json::json;
use std::sync::atomic::Ordering;

/// 200 when all parts work, 503 when one does not. Keys of an earlier week still seal, so they are said and no more.
#[actix_web::get("/health")]
pub async fn answer(admin: web::Data<Admin>) -> HttpResponse {
    let status = admin.board.status();
    let hub = admin.hub.load(Ordering::Relaxed);
    let log = admin.board.log.state();
    let body = json!({
        "enforcer": status.enforcer_ready,
        "recording": status.recording,
        "hub": hub,
        "log": !log.failing,
        "log_keys": !log.late,
    });
    let well = status.enforcer_ready && status.recording && hub && !log.failing;
    if well { HttpResponse::Ok().json(body) } else { HttpResponse::ServiceUnavailable().json(body) }
}
