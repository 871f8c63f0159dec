//! The browser that a login is bound to: a random value in a `__Host-` cookie. It is sent with the form that an
//! identity provider posts (`SameSite=None`), and proves that the answer came back to the browser that asked.

use actix_web::{HttpRequest, cookie::Cookie};
use varco_web::{cookie, token};

/// The cookie's name.
pub const COOKIE: &str = "__Host-login";
/// How long it is kept, in seconds.
const LIVES: u32 = 3600;

/// The browser's value, or a new one. A known one is used again, so that two tabs of one browser do not spoil each
/// other; the `__Host-` prefix keeps other hosts from planting one.
///
/// # Errors
/// When the kernel has no randomness.
pub fn known_or_new(request: &HttpRequest) -> anyhow::Result<String> {
    known(request).map_or_else(token::random, Ok)
}

/// The browser's value.
pub fn known(request: &HttpRequest) -> Option<String> {
    cookie::value(request, COOKIE).filter(|value| value.len() == 43)
}

/// The cookie that keeps it.
pub fn cookie(value: String) -> Cookie<'static> {
    cookie_for(value, LIVES)
}

/// The same, kept as long as a request lives that it asked, in seconds.
pub fn cookie_for(value: String, request_lives: u32) -> Cookie<'static> {
    cookie::cross_site(COOKIE, value, i64::from(request_lives.max(LIVES)))
}

/// Removes the cookie from the browser.
pub fn gone() -> Cookie<'static> {
    cookie::gone(COOKIE)
}
