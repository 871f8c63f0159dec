//! The language of a request: the one chosen in the menu, else the one kept in a cookie, else the browser's.

use crate::cookie;
use actix_web::{HttpRequest, http::header::ACCEPT_LANGUAGE};
use varco_templates::Lang;

/// The cookie that keeps the chosen language.
pub const COOKIE: &str = "__Host-lang";

/// The language to answer in.
pub fn of(request: &HttpRequest) -> Lang {
    chosen(request).or_else(|| Lang::from_tag(&cookie::value(request, COOKIE)?)).unwrap_or_else(|| {
        let header = request.headers().get(ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok());
        Lang::negotiate(header.unwrap_or_default())
    })
}

/// The language chosen in the menu with this very request (`?lang=en`), to be kept.
pub fn chosen(request: &HttpRequest) -> Option<Lang> {
    let tag = request.query_string().split('&').find_map(|pair| pair.strip_prefix("lang="))?;
    Lang::from_tag(tag)
}
