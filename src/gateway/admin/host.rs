//! What is meant for another host is refused, as at the portal: a browser in the office that was led here must not send
//! our pages anything under a foreign name. Monitoring asks `/health` by whatever name it likes.

use super::Admin;
use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::StatusCode,
    middleware::Next,
    web,
};
use varco_web::host;

/// Answers 421 unless the request names our host, or asks for the health.
///
/// # Errors
/// Those of the page.
pub async fn check(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let admin = request.app_data::<web::Data<Admin>>();
    let ours = admin.is_some_and(|a| host::named(&request).is_some_and(|named| named == a.host));
    if ours || request.path() == "/health" {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    Ok(request.into_response(HttpResponse::new(StatusCode::MISDIRECTED_REQUEST)))
}
