//! Which host a request is meant for (RFC 9110 section 7.2).

use actix_web::{dev::ServiceRequest, http::header};

/// The host that the request names, in lower case, without port.
pub fn named(request: &ServiceRequest) -> Option<String> {
    let header = || request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    let authority = request.uri().authority().map(|a| a.as_str()).or_else(header)?;
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    Some(host.to_ascii_lowercase())
}
