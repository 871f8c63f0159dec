//! `/spid/metadata`, `/cie/metadata`: a service provider's signed metadata.

use crate::{
    app::{self, Hub},
    here::Here,
    pages,
};
use actix_web::{HttpRequest, HttpResponse, web};

/// The metadata, signed at each request: it carries no end of validity.
pub async fn metadata(hub: web::Data<Hub>, here: Here, request: HttpRequest) -> HttpResponse {
    let Some(us) = here.us(&hub) else { return pages::not_found(&hub, &request) };
    match us.metadata(app::now()) {
        Ok(xml) => HttpResponse::Ok().content_type("application/samlmetadata+xml").body(xml),
        Err(error) => pages::fault(&hub, &request, "metadata", &error.into()),
    }
}
