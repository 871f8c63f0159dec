//! `POST /logout`: ends the session.

use super::{Admin, see_other, session};
use actix_web::{HttpRequest, HttpResponse, web};
use varco_templates::shares::Trouble;
use varco_web::{cookie, form};

/// Ends the session. A trial goes on: it is the site's, and takes itself back.
///
/// # Errors
/// When a header cannot be written.
#[actix_web::post("/logout")]
pub async fn leave(
    request: HttpRequest,
    admin: web::Data<Admin>,
    fields: form::Sent,
) -> actix_web::Result<HttpResponse> {
    if !form::is_ours(&request, &fields) {
        return admin.trouble(&request, Trouble::FormExpired);
    }
    if let Some(secret) = cookie::value(&request, session::COOKIE) {
        admin.sessions.end(&secret);
    }
    let mut answer = see_other("/");
    answer.add_cookie(&cookie::gone(session::COOKIE))?;
    Ok(answer)
}
