//! `/oidc/jwks`: the public half of the signing key (RFC 7517).

use crate::app::Hub;
use actix_web::{HttpResponse, get, web};
use openidconnect::{PrivateSigningKey, core::CoreJsonWebKeySet};

/// The key set.
#[get("/oidc/jwks")]
pub async fn jwks(hub: web::Data<Hub>) -> HttpResponse {
    HttpResponse::Ok().json(CoreJsonWebKeySet::new(vec![hub.signing.as_verification_key()]))
}
