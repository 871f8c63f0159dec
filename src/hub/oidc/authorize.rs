//! `/oidc/authorize`: a gateway sends a citizen to log in (OpenID Connect Core section 3.1.2, PKCE required).

use super::{
    form::Parameters,
    grant::{self, LOGIN_LIVES, Login},
};
use crate::{
    app::{self, Hub},
    browser,
    config::Client,
    pages,
    store::Kind,
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use varco_templates::{Lang, hub::Trouble};
use varco_web::{cookie, lang};

/// The longest `state` and `nonce` that are kept.
const LONGEST: usize = 1024;
/// The scope of an administrator's login, which asks for the claim of that name.
pub const ROLES: &str = "roles";
/// How long the language that the gateway asked for is kept, in seconds.
const LANGUAGE_LIVES: i64 = 3600;

/// The authorization endpoint by GET.
pub async fn by_query(hub: web::Data<Hub>, request: HttpRequest) -> HttpResponse {
    let parameters = Parameters::parse(request.query_string().as_bytes());
    authorize(&hub, &request, &parameters, app::now().as_second()).await
}

/// The authorization endpoint by POST, which a provider must offer too.
pub async fn by_form(hub: web::Data<Hub>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    authorize(&hub, &request, &Parameters::parse(&body), app::now().as_second()).await
}

async fn authorize(hub: &Hub, request: &HttpRequest, asked: &Parameters, now: i64) -> HttpResponse {
    // Until gateway and address are proved good, an error must not be sent anywhere (RFC 6749 section 4.1.2.1).
    let Some(client) = asked.get("client_id").and_then(|id| hub.client(id)) else {
        return pages::trouble(hub, request, StatusCode::BAD_REQUEST, Trouble::UnknownGateway);
    };
    let Some(redirect_uri) = asked.get("redirect_uri").filter(|text| client.address(text).is_some()) else {
        tracing::warn!(client = client.client_id, "a login with another redirect_uri was refused");
        return pages::trouble(hub, request, StatusCode::BAD_REQUEST, Trouble::UnknownGateway);
    };
    match check(client, redirect_uri, asked) {
        Ok(login) => begin(hub, request, asked, &login, now).await,
        Err(error) => refuse(hub, request, redirect_uri, asked, error),
    }
}

/// The login, or the error code for the gateway.
fn check(client: &Client, redirect_uri: &str, asked: &Parameters) -> Result<Login, &'static str> {
    if asked.repeated() {
        return Err("invalid_request");
    }
    for (name, error) in [
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
        ("registration", "registration_not_supported"),
    ] {
        if asked.get(name).is_some() {
            return Err(error);
        }
    }
    match asked.get("response_type") {
        Some("code") => {}
        Some(_) => return Err("unsupported_response_type"),
        None => return Err("invalid_request"),
    }
    if asked.get("response_mode").is_some_and(|mode| mode != "query") {
        return Err("invalid_request");
    }
    let admin = client.admins.as_ref().is_some_and(|a| a.redirect_text == redirect_uri);
    let wants = |name| asked.get("scope").unwrap_or_default().split(' ').any(|scope| scope == name);
    // Without roles an administrator's login is good for nothing; a citizen's never has any, asked for or not.
    if !wants("openid") || (admin && !wants(ROLES)) {
        return Err("invalid_scope");
    }
    prompt(asked)?;
    Ok(Login {
        client_id: client.client_id.clone(),
        redirect_uri: redirect_uri.to_owned(),
        admin,
        state: bounded(asked, "state")?,
        nonce: bounded(asked, "nonce")?,
        code_challenge: challenge(asked)?,
    })
}

/// Nobody stays logged in at the hub, so a login without a page cannot be.
fn prompt(asked: &Parameters) -> Result<(), &'static str> {
    let wanted: Vec<_> = asked.get("prompt").unwrap_or_default().split(' ').collect();
    match wanted.as_slice() {
        ["none"] => Err("login_required"),
        several if several.contains(&"none") => Err("invalid_request"),
        _ => Ok(()),
    }
}

fn bounded(asked: &Parameters, name: &str) -> Result<String, &'static str> {
    asked.get(name).filter(|v| v.len() <= LONGEST).map(str::to_owned).ok_or("invalid_request")
}

/// The PKCE challenge: S256 only, 43 characters of base64url (RFC 7636 section 4.2).
fn challenge(asked: &Parameters) -> Result<String, &'static str> {
    let challenge = asked.get("code_challenge").unwrap_or_default();
    let good = asked.get("code_challenge_method") == Some("S256")
        && challenge.len() == 43
        && challenge.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if good { Ok(challenge.to_owned()) } else { Err("invalid_request") }
}

async fn begin(
    hub: &Hub,
    request: &HttpRequest,
    asked: &Parameters,
    login: &Login,
    now: i64,
) -> HttpResponse {
    let browser = match browser::known_or_new(request) {
        Ok(browser) => browser,
        Err(error) => return pages::fault(hub, request, "authorize", &error),
    };
    if let Err(error) = hub.store.put(Kind::Login, &browser, login, LOGIN_LIVES, now).await {
        return pages::store_down(hub, request, &error);
    }
    let mut answer = pages::see("/login");
    answer.cookie(browser::cookie(browser));
    let wanted =
        asked.get("ui_locales").into_iter().flat_map(|tags| tags.split(' ')).find_map(Lang::from_tag);
    if let Some(wanted) = wanted {
        answer.cookie(cookie::lax(lang::COOKIE, wanted.tag().to_owned(), LANGUAGE_LIVES));
    }
    answer.finish()
}

fn refuse(
    hub: &Hub,
    request: &HttpRequest,
    redirect_uri: &str,
    asked: &Parameters,
    error: &str,
) -> HttpResponse {
    let mut parameters = vec![("error", error)];
    if let Some(state) = asked.get("state").filter(|state| state.len() <= LONGEST) {
        parameters.push(("state", state));
    }
    match grant::answer(hub, redirect_uri, &parameters) {
        Ok(url) => pages::see(url.as_str()).finish(),
        Err(fault) => pages::fault(hub, request, "authorize", &fault.into()),
    }
}
