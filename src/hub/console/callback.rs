//! `GET /login/callback`: the browser comes back from the hub. The code is redeemed as at the token endpoint, in this
//! program: nobody else has the secret that it would take there.

use super::{
    CLIENT, Console, Reply,
    login::{self, Pending},
    role::Role,
    session::{self, Visitor},
};
use crate::{
    app,
    oidc::{
        grant::Grant,
        token::{Refusal, redeem},
    },
    store::Kind,
};
use actix_web::{
    HttpRequest,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
    web::Data,
};
use serde::Deserialize;
use varco_templates::console::{self as pages, Trouble};
use varco_web::{cookie, query, session::LONGEST, token};

/// What the browser brings (RFC 6749 section 4.1.2, RFC 9207).
#[derive(Default, Deserialize)]
struct Brought {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
}

/// Ends the login: a session for who has a role. Of anybody else nothing is kept but the hub's own record of the login.
///
/// # Errors
/// When the kernel has no randomness to give, or a header cannot be written.
#[actix_web::get("/login/callback")]
pub async fn finish(request: HttpRequest, console: Data<Console>) -> Reply {
    let mut answer = match grant(&console, &request, &query::of(&request)).await {
        Ok(grant) => enter(&request, &console, grant)?,
        Err(trouble) => console.trouble(&request, trouble)?,
    };
    answer.add_cookie(&cookie::gone(login::COOKIE))?;
    Ok(answer)
}

/// What the code stands for, if this browser asked for it here.
async fn grant(console: &Console, request: &HttpRequest, brought: &Brought) -> Result<Grant, Trouble> {
    let now = app::now().as_second();
    let shown = cookie::value(request, login::COOKIE).ok_or(Trouble::LoginLost)?;
    let state = brought.state.as_deref().ok_or(Trouble::LoginLost)?;
    let pending = console.hub.store.take::<Pending>(Kind::Console, state, now).await;
    let pending = pending.map_err(|error| {
        tracing::error!(%error, "a login at the console cannot end");
        Trouble::Unavailable
    })?;
    let pending = pending.filter(|pending| pending.browser == token::digest(&shown));
    let Pending { verifier, .. } = pending.ok_or(Trouble::LoginLost)?;
    if brought.iss.as_deref() != Some(console.hub.settings.issuer()) {
        return Err(Trouble::Refused);
    }
    // Without a code the hub says why: mostly that the person gave up.
    let code = brought.code.as_deref().ok_or(Trouble::Refused)?;
    let client = console.hub.client(CLIENT).ok_or(Trouble::Unavailable)?;
    let shows = (code, client.redirect_text.as_str(), verifier.secret().as_str());
    redeem(&console.hub, client, shows, now).await.map_err(|refusal| match refusal {
        Refusal::Store(_) | Refusal::Fault(_) => Trouble::Unavailable,
        _ => Trouble::Refused,
    })
}

/// Begins the session. The page that says so leads on by itself: the cookie is not sent with what another site began, and
/// a redirection would still be of the identity provider's making.
fn enter(request: &HttpRequest, console: &Console, grant: Grant) -> Reply {
    let roles: Vec<_> = grant.roles.iter().filter_map(|role| Role::named(role)).collect();
    if roles.is_empty() {
        tracing::warn!("somebody without a role tried to enter the console");
        return console.trouble(request, Trouble::NotListed);
    }
    // One session a person: who left another open somewhere closes it by coming back.
    console.sessions.end_those(|other| other.who == grant.subject);
    let visitor = Visitor { who: grant.subject, roles, sid: grant.sid };
    let secret =
        console.sessions.begin(visitor, app::now()).map_err(actix_web::error::ErrorInternalServerError)?;
    let mut answer = console.page(request, StatusCode::OK, pages::entered)?;
    answer
        .headers_mut()
        .insert(HeaderName::from_static("refresh"), HeaderValue::from_static("0; url=/integrity"));
    answer.add_cookie(&cookie::strict(session::COOKIE, secret, LONGEST.as_secs()))?;
    Ok(answer)
}
