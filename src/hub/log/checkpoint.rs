//! `GET /log/checkpoint`: the newest head of the hub's log, with the cosignatures of witnesses where there are any, so that
//! anybody can keep one: a log that is rewritten later contradicts it.

use crate::app::Hub;
use actix_web::{HttpResponse, get, web};
use std::sync::Arc;

/// The endpoint.
#[get("/log/checkpoint")]
pub async fn checkpoint(hub: web::Data<Hub>) -> HttpResponse {
    let log = Arc::clone(&hub.log);
    let found = web::block(move || log.witnessed().map_or_else(|| log.checkpoint(), Ok)).await;
    match found {
        Ok(Ok(signed)) => {
            HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(signed.note().to_owned())
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "the checkpoint of the hub's log cannot be read");
            HttpResponse::ServiceUnavailable().finish()
        }
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}
