//! `GET /`: the way in; who is in goes to the first page.

use super::{Console, Reply, see_other, session::Visitor};
use actix_web::{HttpRequest, http::StatusCode, web::Data};
use varco_templates::console as pages;

/// The page.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::get("/")]
pub async fn show(request: HttpRequest, console: Data<Console>) -> Reply {
    if Visitor::of(&request).is_some() {
        return Ok(see_other("/integrity"));
    }
    console.page(&request, StatusCode::OK, pages::sign_in)
}
