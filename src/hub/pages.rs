//! Answers that are pages, with the hub's frame and policy.

use crate::{
    app::Hub,
    bodies::Served,
    here::Here,
    login::{choose, saml::Level},
    oidc::grant::Login,
    store::StoreError,
};
use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{
        StatusCode,
        header::{CONTENT_SECURITY_POLICY, HeaderValue, LOCATION},
    },
};
use maud::Markup;
use varco_templates::hub::{self as view, Offer, Trouble, View};
use varco_web::{headers, lang, page};

/// A page whose forms may end at the providers and at the gateway that waits, redirects included.
pub fn html(
    hub: &Hub,
    request: &HttpRequest,
    status: StatusCode,
    waiting: Option<&Login>,
    make: impl FnOnce(View<'_>) -> Markup,
) -> HttpResponse {
    let owner = owner(hub, request, waiting).map_or("Varco", |body| &body.body.display_name);
    let view = View { lang: lang::of(request), owner };
    let mut answer = page::html(request, status, make(view));
    let targets = hub.form_targets(waiting);
    let targets: Vec<_> = targets.iter().map(String::as_str).collect();
    if let Ok(policy) = HeaderValue::from_str(&headers::content_policy(&targets)) {
        answer.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    answer
}

/// The body whose page it is: that of the gateway that waits, of the address, or the first.
fn owner<'a>(hub: &'a Hub, request: &HttpRequest, waiting: Option<&Login>) -> Option<&'a Served> {
    let waits = waiting.and_then(|login| hub.body_of(login));
    waits.or_else(|| Here::of(request).served(hub)).or_else(|| hub.bodies.first())
}

/// The level that a login needs here, 1 to 3.
fn level(hub: &Hub, request: &HttpRequest, waiting: Option<&Login>) -> Level {
    let scheme = Here::of(request).scheme;
    let us = owner(hub, request, waiting).and_then(|body| body.us(scheme));
    let least = us.map_or(Level::L1, |us| us.comparison.least(us.level));
    waiting.map_or(least, |login| login.level(least))
}

/// There is no such page.
pub fn not_found(hub: &Hub, request: &HttpRequest) -> HttpResponse {
    trouble(hub, request, StatusCode::NOT_FOUND, Trouble::NotFound)
}

/// A page that says what went wrong, where nothing can be started again.
pub fn trouble(hub: &Hub, request: &HttpRequest, status: StatusCode, trouble: Trouble) -> HttpResponse {
    let offer = Offer { code: None, level: level(hub, request, None).into(), again: false, leave: false };
    html(hub, request, status, None, |v| view::trouble(v, trouble, offer))
}

/// As [`trouble`], where a login can be started again; with a code to show, if there is one.
pub async fn again(
    hub: &Hub,
    request: &HttpRequest,
    status: StatusCode,
    trouble: Trouble,
    code: Option<&str>,
) -> HttpResponse {
    // A store that is down now only costs this page the way back to the gateway.
    let waiting = choose::waiting(hub, request).await.ok().flatten();
    let level = level(hub, request, waiting.as_ref()).into();
    let offer = Offer { code, level, again: true, leave: waiting.is_some() };
    html(hub, request, status, waiting.as_ref(), |v| view::trouble(v, trouble, offer))
}

/// The login state cannot be reached.
pub fn store_down(hub: &Hub, request: &HttpRequest, error: &StoreError) -> HttpResponse {
    tracing::error!(%error, "the store does not answer");
    trouble(hub, request, StatusCode::SERVICE_UNAVAILABLE, Trouble::Unavailable)
}

/// Something of ours broke at `step`.
pub fn fault(hub: &Hub, request: &HttpRequest, step: &str, error: &anyhow::Error) -> HttpResponse {
    tracing::error!(step, error = format!("{error:#}"), "a login could not go on");
    trouble(hub, request, StatusCode::INTERNAL_SERVER_ERROR, Trouble::Unavailable)
}

/// A redirect (302) to `location`.
pub fn see(location: &str) -> HttpResponseBuilder {
    let mut answer = HttpResponse::Found();
    answer.insert_header((LOCATION, location));
    answer
}

/// As [`see`], keeping the language chosen with this request.
pub fn see_in_language(request: &HttpRequest, location: &str) -> HttpResponse {
    let location =
        lang::chosen(request).map_or_else(|| location.to_owned(), |l| format!("{location}?lang={}", l.tag()));
    see(&location).finish()
}
