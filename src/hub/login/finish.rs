//! The end of a login: register, then code, then back to the gateway.

use super::{
    Asked, Way, choose,
    saml::{Identity, Level, Scheme},
};
use crate::{
    app::Hub,
    browser,
    oidc::{
        grant::{self, Grant, Login, SITE_ADMIN},
        subject,
    },
    pages,
    register::{Authentication, Entered, RegisterError},
    store::Kind,
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use varco_templates::hub as view;
use varco_web::token;

/// Records the login and sends the citizen back to the gateway that waits, or to a page that says it went well.
pub(super) async fn accepted(
    hub: &web::Data<Hub>,
    request: &HttpRequest,
    asked: Asked,
    identity: Identity,
    message: &str,
    browser: &str,
    now: Timestamp,
) -> HttpResponse {
    let login = match choose::waiting(hub, request).await {
        Ok(login) => login,
        Err(error) => return pages::store_down(hub, request, &error),
    };
    // What another body's gateway waits for is not ended here; nor does an answer that another browser asked for make an
    // administrator of whoever brings it.
    let elsewhere = token::digest(browser) != asked.browser;
    let ours = |login: &Login| {
        hub.body_of(login).is_some_and(|body| body.path == asked.body) && !(elsewhere && login.admin)
    };
    let (login, other) = match login {
        Some(login) if ours(&login) => (Some(login), false),
        other => (None, other.is_some()),
    };
    let way = Way::Saml(asked.scheme);
    // What a provider keeps can be ended there: SPID's at level 1 only (single sign-on), CIE's always.
    let at_provider = identity.session_index.is_some() || asked.scheme == Scheme::Cie;
    let (acr, auth_time) = (identity.level.uri().to_owned(), identity.issued.as_second());
    let roles = login.as_ref().map(|login| roles(hub, login, &identity)).unwrap_or_default();
    let entered = match record(hub, asked, identity, message, login.clone(), now).await {
        Ok(entered) => entered,
        Err(error) => return pages::fault(hub, request, "register", &error),
    };
    if other {
        return pages::html(hub, request, StatusCode::OK, None, view::done);
    }
    // The pending login goes now, so that it makes one code; if the store fails before, the citizen can go on.
    let still = match hub.store.take::<Login>(Kind::Login, browser, now.as_second()).await {
        Ok(still) => still,
        Err(error) => return pages::store_down(hub, request, &error),
    };
    let (Some(login), Some(Entered { subject, sid }), Some(_)) = (login, entered, still) else {
        return without_cookie(pages::html(hub, request, StatusCode::OK, None, view::done));
    };
    let grant = Grant { login, subject, sid, at_provider, auth_time, acr, amr: way.name().to_owned(), roles };
    match grant::issue(hub, &grant, now.as_second()).await {
        Ok(url) => without_cookie(pages::see(url.as_str()).finish()),
        Err(grant::IssueError::Store(error)) => pages::store_down(hub, request, &error),
        Err(error) => pages::fault(hub, request, "code", &error.into()),
    }
}

/// What the person may do at the site, in an administrator's login of the level that takes: a pseudonym is on no list of
/// fiscal codes. The level is looked at again: the login may have begun after the request that was answered.
fn roles(hub: &Hub, login: &Login, identity: &Identity) -> Vec<String> {
    let admins = hub.client(&login.client_id).and_then(|client| client.admins.as_ref());
    let listed =
        identity.person.fiscal_number().zip(admins).is_some_and(|(code, admins)| admins.include(code));
    let strong = identity.level >= login.level(Level::L1);
    if login.admin && listed && strong { vec![SITE_ADMIN.to_owned()] } else { Vec::new() }
}

/// The login is over: nothing of it stays in the browser.
fn without_cookie(mut answer: HttpResponse) -> HttpResponse {
    if let Err(error) = answer.add_cookie(&browser::gone()) {
        tracing::warn!(%error, "the login cookie stays until its end");
    }
    answer
}

/// Writes the register, durably, and returns who entered, towards the gateway that waits.
async fn record(
    hub: &web::Data<Hub>,
    asked: Asked,
    identity: Identity,
    message: &str,
    login: Option<Login>,
    now: Timestamp,
) -> anyhow::Result<Option<Entered>> {
    let dense: String = message.split_ascii_whitespace().collect();
    let response_xml = String::from_utf8(STANDARD.decode(dense)?)?;
    let hub = hub.clone();
    let written = web::block(move || write(&hub, &asked, &identity, &response_xml, login.as_ref(), now));
    Ok(written.await??)
}

fn write(
    hub: &Hub,
    asked: &Asked,
    identity: &Identity,
    response_xml: &str,
    login: Option<&Login>,
    now: Timestamp,
) -> Result<Option<Entered>, RegisterError> {
    let entry = Authentication {
        at: now.as_second(),
        way: Way::Saml(asked.scheme).name(),
        body: &asked.body,
        request_id: &asked.sent.id,
        request_issued: asked.sent.issued.as_second(),
        response_id: &identity.response_id,
        response_issued: identity.issued.as_second(),
        response_issuer: &identity.provider,
        assertion_id: &identity.assertion_id,
        name_id: &identity.name_id,
        name_qualifier: &identity.name_qualifier,
        session_index: identity.session_index.as_deref(),
        level: identity.level.into(),
        request_xml: &asked.sent.xml,
        response_xml,
        client_id: login.map(|login| login.client_id.as_str()),
    };
    hub.register.record(&entry, &identity.person.key(), |person| {
        login.map(|login| subject::pairwise(&hub.pairwise, &login.sector(), person))
    })
}
