//! Answers that are pages, with the hub's frame and policy.

use crate::{app::Hub, login::choose, oidc::grant::Login, store::StoreError};
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
    let view = View { lang: lang::of(request), owner: &hub.settings.body.display_name };
    let mut answer = page::html(request, status, make(view));
    let targets = hub.form_targets(waiting);
    let targets: Vec<_> = targets.iter().map(String::as_str).collect();
    if let Ok(policy) = HeaderValue::from_str(&headers::content_policy(&targets)) {
        answer.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    answer
}

/// A page that says what went wrong, where nothing can be started again.
pub fn trouble(hub: &Hub, request: &HttpRequest, status: StatusCode, trouble: Trouble) -> HttpResponse {
    let offer = Offer { code: None, level: hub.level(None).into(), again: false, leave: false };
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
    let level = hub.level(waiting.as_ref()).into();
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
