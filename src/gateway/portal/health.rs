//! `GET /health`: whether this program serves, for supervisors. Says nothing of anybody.

use super::Portal;
use actix_web::{HttpResponse, web};
use serde_json::json;

/// 200 when new guests can be admitted as far as this box is concerned, 503 when not.
#[actix_web::get("/health")]
pub async fn answer(portal: web::Data<Portal>) -> HttpResponse {
    let status = portal.board.status();
    let well = status.enforcer_ready && status.recording;
    let body = json!({ "enforcer": status.enforcer_ready, "recording": status.recording });
    if well { HttpResponse::Ok().json(body) } else { HttpResponse::ServiceUnavailable().json(body) }
}
