//! Requests over HTTPS that are meant for another host are refused (RFC 9110 section 15.5.20): a citizen's browser that
//! was led here must not read our pages under a foreign name.

use super::Portal;
use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{StatusCode, header},
    middleware::Next,
    web,
};

/// Answers 421 unless the request names our host.
///
/// # Errors
/// Those of the page.
pub async fn check(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let ours =
        request.app_data::<web::Data<Portal>>().is_some_and(|p| named(&request).is_some_and(|h| h == p.host));
    if ours {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    Ok(request.into_response(HttpResponse::new(StatusCode::MISDIRECTED_REQUEST)))
}

/// The host that the request names, in lower case, without port.
fn named(request: &ServiceRequest) -> Option<String> {
    let header = || request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    let authority = request.uri().authority().map(|a| a.as_str()).or_else(header)?;
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    Some(host.to_ascii_lowercase())
}
