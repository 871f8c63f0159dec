//! The headers of every answer.

use actix_web::middleware::DefaultHeaders;

/// Strict headers: nothing is loaded but our own style sheet and images, nothing frames us, no script runs,
/// nothing is cached, no address leaks by referrer. `form_targets` are the origins beside our own that a form may
/// end at, redirects included (CSP level 3, `form-action`).
pub fn strict(form_targets: &[&str]) -> DefaultHeaders {
    DefaultHeaders::new()
        .add(("Content-Security-Policy", content_policy(form_targets)))
        .add(("X-Content-Type-Options", "nosniff"))
        .add(("Referrer-Policy", "no-referrer"))
        .add(("Cache-Control", "no-store"))
        .add(("Cross-Origin-Opener-Policy", "same-origin"))
        .add(("Permissions-Policy", "camera=(), microphone=(), geolocation=()"))
}

/// The `Content-Security-Policy` of [`strict`], for a page whose form targets are known only when it is made; a
/// header that an answer already has is left alone.
pub fn content_policy(form_targets: &[&str]) -> String {
    let forms: Vec<_> = std::iter::once("'self'").chain(form_targets.iter().copied()).collect();
    format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action {}; frame-ancestors 'none'; base-uri 'none'",
        forms.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_lets_no_script_run() {
        let policy = content_policy(&["https://hub.example"]);
        assert!(
            policy.starts_with("default-src 'none';")
                && !policy.contains("unsafe")
                && !policy.contains("script-src")
        );
        assert!(policy.contains("form-action 'self' https://hub.example;"));
    }
}
