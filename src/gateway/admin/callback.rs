//! `GET /login/callback`: an administrator's browser comes back from the hub.

use super::{
    Admin, login, now, peer, see_other,
    session::{self, LONGEST, Visitor},
};
use crate::hub::{Confirmed, HubError, Response};
use actix_web::{HttpRequest, HttpResponse, web};
use varco_templates::shares::Trouble;
use varco_web::{cookie, query};

/// Verifies the login and begins a session for who may set the shares. Of anybody else nothing is kept.
///
/// # Errors
/// When the kernel has no randomness to give, or a header cannot be written.
#[actix_web::get("/login/callback")]
pub async fn finish(request: HttpRequest, admin: web::Data<Admin>) -> actix_web::Result<HttpResponse> {
    let response: Response = query::of(&request);
    let shown = cookie::value(&request, login::COOKIE).unwrap_or_default();
    let state = response.state.clone().unwrap_or_default();
    let mut answer = match admin.logins.take(&state, peer(&request), &shown, now()) {
        // Who goes back with the browser's button is logged in already.
        None if admin.who(&request).is_some() => return Ok(see_other("/shares")),
        None => admin.trouble(&request, Trouble::LoginLost)?,
        Some(proof) => match admin.login.finish(response, proof, now()).await {
            Ok(person) => enter(&request, &admin, person)?,
            Err(error) => {
                tracing::warn!(%error, "an administrator's login was not confirmed");
                let down = matches!(error, HubError::Unreachable(_));
                admin.trouble(&request, if down { Trouble::HubDown } else { Trouble::Refused })?
            }
        },
    };
    answer.add_cookie(&cookie::gone(login::COOKIE))?;
    Ok(answer)
}

fn enter(request: &HttpRequest, admin: &Admin, person: Confirmed) -> actix_web::Result<HttpResponse> {
    // The level first: the hub gives no role below it, and says nothing else about why.
    if !person.showed_two_factors() {
        return admin.trouble(request, Trouble::LowLevel);
    }
    if !person.is_site_admin() {
        tracing::warn!("somebody without the role tried to log in as administrator");
        return admin.trouble(request, Trouble::NotAdmin);
    }
    let visitor = Visitor { subject: person.subject, login: person.session };
    let secret = admin.sessions.begin(visitor, now()).map_err(actix_web::error::ErrorInternalServerError)?;
    let mut answer = see_other("/shares");
    answer.add_cookie(&cookie::lax(session::COOKIE, secret, LONGEST.as_secs()))?;
    Ok(answer)
}
