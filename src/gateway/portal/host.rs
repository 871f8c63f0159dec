//! Requests over HTTPS that are meant for another host are refused (RFC 9110 section 15.5.20): a citizen's browser that
//! was led here must not read our pages under a foreign name.

use super::Portal;
use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::StatusCode,
    middleware::Next,
    web,
};
use varco_web::host;

/// Answers 421 unless the request names our host.
///
/// # Errors
/// Those of the page.
pub async fn check(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let ours = request
        .app_data::<web::Data<Portal>>()
        .is_some_and(|p| host::named(&request).is_some_and(|h| h == p.host));
    if ours {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    Ok(request.into_response(HttpResponse::new(StatusCode::MISDIRECTED_REQUEST)))
}
