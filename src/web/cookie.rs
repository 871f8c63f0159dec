//! Cookies: `__Host-` names, so that they are bound to this host, HTTPS and the whole path (RFC 6265bis).

use actix_web::{
    HttpRequest,
    cookie::{Cookie, SameSite, time::Duration},
};

/// A cookie that the browser keeps for `seconds` and sends on navigation from elsewhere (`SameSite=Lax`), never to
/// scripts. `name` must begin with `__Host-`.
pub fn lax(name: &'static str, value: String, seconds: i64) -> Cookie<'static> {
    build(name, value, seconds, SameSite::Lax)
}

/// As [`lax`], but also sent with a form that another site posts (`SameSite=None`): needed where an identity
/// provider posts its answer.
pub fn cross_site(name: &'static str, value: String, seconds: i64) -> Cookie<'static> {
    build(name, value, seconds, SameSite::None)
}

/// As [`lax`], but sent with nothing that another site began, links too (`SameSite=Strict`).
pub fn strict(name: &'static str, value: String, seconds: i64) -> Cookie<'static> {
    build(name, value, seconds, SameSite::Strict)
}

/// Removes a cookie from the browser.
pub fn gone(name: &'static str) -> Cookie<'static> {
    build(name, String::new(), 0, SameSite::Lax)
}

/// The value of a cookie in the request.
pub fn value(request: &HttpRequest, name: &str) -> Option<String> {
    request.cookie(name).map(|c| c.value().to_owned()).filter(|v| !v.is_empty())
}

fn build(name: &'static str, value: String, seconds: i64, same_site: SameSite) -> Cookie<'static> {
    debug_assert!(name.starts_with("__Host-"));
    Cookie::build(name, value)
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(same_site)
        .max_age(Duration::seconds(seconds))
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cookie_is_bound_to_host_and_https() {
        let text = cross_site("__Host-a", "v".into(), 60).to_string();
        for part in ["__Host-a=v", "HttpOnly", "Secure", "Path=/", "SameSite=None", "Max-Age=60"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.contains("Domain"));
    }
}
