//! `POST /logout`: ends the session.

use super::{Console, Reply, see_other, session};
use actix_web::{HttpRequest, web::Data};
use varco_templates::console::Trouble;
use varco_web::{cookie, form};

/// Ends the session.
///
/// # Errors
/// When a header cannot be written.
#[actix_web::post("/logout")]
pub async fn leave(request: HttpRequest, console: Data<Console>, fields: form::Sent) -> Reply {
    if !form::is_ours(&request, &fields) {
        return console.trouble(&request, Trouble::FormExpired);
    }
    if let Some(secret) = cookie::value(&request, session::COOKIE) {
        console.sessions.end(&secret);
    }
    let mut answer = see_other("/");
    answer.add_cookie(&cookie::gone(session::COOKIE))?;
    Ok(answer)
}
