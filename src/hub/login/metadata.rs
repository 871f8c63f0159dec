//! `/spid/metadata`: the service provider's signed metadata.

use crate::{
    app::{self, Hub},
    pages,
};
use actix_web::{HttpRequest, HttpResponse, web};

/// The metadata, signed at each request: it carries no end of validity.
pub async fn metadata(hub: web::Data<Hub>, request: HttpRequest) -> HttpResponse {
    match hub.spid.metadata(app::now()) {
        Ok(xml) => HttpResponse::Ok().content_type("application/samlmetadata+xml").body(xml),
        Err(error) => pages::fault(&hub, &request, "metadata", &error.into()),
    }
}
