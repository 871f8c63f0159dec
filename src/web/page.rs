//! Answers that are pages.

use crate::{cookie, lang};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::ContentType},
};
use maud::Markup;
use varco_templates::STYLE_SHEET;

/// How long a chosen language is kept: 30 days.
const LANGUAGE_KEPT: i64 = 30 * 24 * 3600;

/// A page; keeps the language if it was chosen with this request.
pub fn html(request: &HttpRequest, status: StatusCode, page: Markup) -> HttpResponse {
    let mut answer = HttpResponse::build(status);
    answer.content_type(ContentType::html());
    if let Some(chosen) = lang::chosen(request) {
        answer.cookie(cookie::lax(lang::COOKIE, chosen.tag().to_owned(), LANGUAGE_KEPT));
    }
    answer.body(page.into_string())
}

/// The style sheet, at `/assets/varco.css`.
#[actix_web::get("/assets/varco.css")]
pub async fn style_sheet() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/css; charset=utf-8")
        .insert_header(("Cache-Control", "public, max-age=3600"))
        .body(STYLE_SHEET)
}
