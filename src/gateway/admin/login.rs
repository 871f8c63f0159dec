//! `POST /login`: begins an administrator's login at the hub.

use super::{Admin, now, peer, see_other};
use crate::hub::pending::LASTS;
use actix_web::{HttpRequest, HttpResponse, web};
use varco_templates::shares::Trouble;
use varco_web::{cookie, form, lang, token};

/// Shown again by the browser when it comes back from the hub.
pub const COOKIE: &str = "__Host-login";

/// Sends the browser to the hub, or says why not.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::post("/login")]
pub async fn begin(
    request: HttpRequest,
    admin: web::Data<Admin>,
    fields: form::Sent,
) -> actix_web::Result<HttpResponse> {
    if !form::is_ours(&request, &fields) {
        return admin.trouble(&request, Trouble::FormExpired);
    }
    let begun = match admin.login.begin(lang::of(&request), now()).await {
        Ok(begun) => begun,
        Err(error) => {
            tracing::warn!(%error, "an administrator's login could not begin");
            return admin.trouble(&request, Trouble::HubDown);
        }
    };
    let secret = token::random().map_err(actix_web::error::ErrorInternalServerError)?;
    if !admin.logins.keep(&begun.state, peer(&request), &secret, begun.proof, now()) {
        return admin.trouble(&request, Trouble::Overloaded);
    }
    let mut answer = see_other(begun.url.as_str());
    answer.add_cookie(&cookie::lax(COOKIE, secret, LASTS.as_secs()))?;
    Ok(answer)
}
