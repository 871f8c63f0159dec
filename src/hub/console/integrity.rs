//! `GET /integrity`: whether everything is whole.

use super::{Console, answer};
use crate::app;
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};
use varco_templates::console::{self as pages, Integrity, LogState};
use varco_web::lang;

/// The page.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::get("/integrity")]
pub async fn show(request: HttpRequest, console: Data<Console>) -> actix_web::Result<HttpResponse> {
    let state = state(&console);
    console.page(&request, StatusCode::OK, |view| pages::integrity(view, &state))
}

/// The same as a file.
#[actix_web::get("/integrity.csv")]
pub async fn table(request: HttpRequest, console: Data<Console>) -> HttpResponse {
    let lang = lang::of(&request);
    answer::csv("integrity", lang, &pages::integrity_table(lang, &state(&console)))
}

fn state(console: &Console) -> Integrity {
    let now = app::now();
    let logs = console
        .hub
        .settings
        .gateways
        .iter()
        .map(|gateway| LogState { name: gateway.client_id.clone(), ..LogState::default() });
    Integrity { at: answer::written(now, console.zone()), logs: logs.collect() }
}
