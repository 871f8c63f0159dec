//! Forms that only our own pages can send: a cookie with a random value, and its digest in the form.

use crate::{cookie, token};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

const COOKIE: &str = "__Host-form";
/// The cookie is kept for a day: a page left open overnight asks to be reloaded.
const KEPT: i64 = 24 * 3600;

/// The only field of our forms.
#[derive(Debug, Deserialize)]
pub struct Fields {
    form: String,
}

/// A form as it was sent; one that cannot be read is not ours.
pub type Sent = Result<web::Form<Fields>, actix_web::Error>;

/// A page with a form: `page` gets the form's hidden value.
///
/// # Errors
/// When the kernel has no randomness to give.
pub fn with_form(
    request: &HttpRequest,
    page: impl FnOnce(&str) -> HttpResponse,
) -> actix_web::Result<HttpResponse> {
    let secret = match cookie::value(request, COOKIE) {
        Some(kept) => kept,
        None => token::random().map_err(actix_web::error::ErrorInternalServerError)?,
    };
    let mut answer = page(&token::digest(&secret));
    answer.add_cookie(&cookie::lax(COOKIE, secret, KEPT))?;
    Ok(answer)
}

/// Whether the form was ours.
pub fn is_ours(request: &HttpRequest, sent: &Sent) -> bool {
    sent.as_ref().is_ok_and(|fields| proves(request, &fields.form))
}

/// Whether this is the hidden value of a form of ours.
pub fn proves(request: &HttpRequest, value: &str) -> bool {
    cookie::value(request, COOKIE).is_some_and(|secret| token::digest(&secret) == value)
}
