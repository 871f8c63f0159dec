//! `/spid/logout`, `/cie/logout`: single logout. A provider's request ends the logins it names, on disk first; their
//! gateways ask for them at `/oidc/events`. It is answered, signed, whether there was a login or not. What comes here
//! else is a provider's answer to a request of ours (`oidc/end_session.rs`).

use super::saml::{
    Answer, Arrival, LONGEST_RELAY_STATE, LoggedOut, LogoutRequest, Refusal, Scheme, SentLogout,
};
use crate::{
    app::{self, Hub},
    here::Here,
    oidc::form::Parameters,
    pages,
    register::RegisterError,
    store::Kind,
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use varco_templates::hub::{self as view, Left, Send, Trouble};

/// A request of ours that a provider has not answered yet, kept under its relay state.
#[derive(Debug, Serialize, Deserialize)]
pub struct Leaving {
    /// What was sent.
    pub sent: SentLogout,
    /// The body that asked.
    pub body: String,
    /// Which of its service providers.
    pub scheme: Scheme,
    /// Where the citizen goes afterwards.
    pub back: Option<String>,
}

/// A message as it came: its fields, and the octets that the redirect binding signs.
struct Came {
    form: Parameters,
    query: Option<String>,
}

impl Came {
    fn arrival(&self, field: &str) -> Arrival<'_> {
        match &self.query {
            Some(query) => Arrival::Redirect { query },
            None => Arrival::Post { message: self.form.get(field).unwrap_or_default() },
        }
    }
}

/// Single logout, redirect binding.
pub async fn by_redirect(hub: web::Data<Hub>, here: Here, request: HttpRequest) -> HttpResponse {
    let query = request.query_string().to_owned();
    let came = Came { form: Parameters::parse(query.as_bytes()), query: Some(query) };
    come(&hub, here, &request, came).await
}

/// Single logout, POST binding.
pub async fn by_post(
    hub: web::Data<Hub>,
    here: Here,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    come(&hub, here, &request, Came { form: Parameters::parse(&body), query: None }).await
}

async fn come(hub: &web::Data<Hub>, here: Here, request: &HttpRequest, came: Came) -> HttpResponse {
    if here.us(hub).is_none() {
        return pages::not_found(hub, request);
    }
    if came.form.get("SAMLResponse").is_some() {
        return answered(hub, request, came).await;
    }
    let (now, relay_state) = (app::now(), came.form.get("RelayState").map(str::to_owned));
    // What could not be sent back with the answer: nothing is ended and then not answered.
    if relay_state.as_ref().is_some_and(|state| state.len() > LONGEST_RELAY_STATE) {
        return pages::trouble(hub, request, StatusCode::BAD_REQUEST, Trouble::NotAccepted);
    }
    let (work, place) = (hub.clone(), here.clone());
    match web::block(move || end(&work, &place, &came, now)).await {
        Ok(Ok(Ok((asked, ended)))) => {
            tracing::info!(provider = asked.provider, ended, "a provider has ended logins");
            answer(hub, &here, request, &asked, relay_state.as_deref(), now)
        }
        Ok(Ok(Err(refusal))) => {
            tracing::warn!(reason = refusal.name(), "a logout was refused: {refusal}");
            pages::trouble(hub, request, StatusCode::BAD_REQUEST, Trouble::NotAccepted)
        }
        Ok(Err(error)) => pages::fault(hub, request, "logout", &error.into()),
        Err(error) => pages::fault(hub, request, "logout", &error.into()),
    }
}

/// Verifies a provider's request and ends what it names, durably.
fn end(
    hub: &Hub,
    here: &Here,
    came: &Came,
    now: Timestamp,
) -> Result<Result<(LogoutRequest, usize), Refusal>, RegisterError> {
    let nobody = |why: &str| Refusal::Check { check: "logout-issuer", why: why.to_owned() };
    let Some(us) = here.us(hub) else { return Ok(Err(nobody("no service of ours"))) };
    let trusted = hub.trusted.current();
    let asked = match us.read_logout_request(&trusted, came.arrival("SAMLRequest"), now) {
        Ok(asked) => asked,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if trusted.get(&asked.provider).is_none_or(|provider| provider.scheme.metadata() != here.scheme) {
        return Ok(Err(nobody("a provider of another scheme")));
    }
    let (provider, name_id) = (&asked.provider, &asked.name_id);
    let at = now.as_second();
    let ended = hub.register.end_sessions(&here.body, provider, name_id, &asked.session_indexes, at)?;
    Ok(Ok((asked, ended)))
}

fn answer(
    hub: &Hub,
    here: &Here,
    request: &HttpRequest,
    asked: &LogoutRequest,
    relay_state: Option<&str>,
    now: Timestamp,
) -> HttpResponse {
    let trusted = hub.trusted.current();
    let (Some(provider), Some(us)) = (trusted.get(&asked.provider), here.us(hub)) else {
        return pages::trouble(hub, request, StatusCode::BAD_REQUEST, Trouble::UnknownProvider);
    };
    match us.answer_logout(provider, asked, relay_state, now) {
        Ok(Answer::Redirect(url)) => pages::see(url.as_str()).finish(),
        Ok(Answer::Post { destination, saml_response, relay_state }) => {
            let form = Send {
                destination: destination.as_str(),
                field: "SAMLResponse",
                message: &saml_response,
                relay_state: relay_state.as_deref(),
            };
            pages::html(hub, request, StatusCode::OK, None, |v| view::send(v, form))
        }
        Err(error) => pages::fault(hub, request, "logout", &error.into()),
    }
}

/// The provider's answer to a request of ours, once: the citizen goes back to the gateway, or is told what is left.
async fn answered(hub: &web::Data<Hub>, request: &HttpRequest, came: Came) -> HttpResponse {
    let now = app::now();
    let relay_state = came.form.get("RelayState").unwrap_or_default().trim().to_owned();
    let leaving: Leaving = match hub.store.take(Kind::Logout, &relay_state, now.as_second()).await {
        Ok(Some(leaving)) => leaving,
        Ok(None) => return left(hub, request, StatusCode::BAD_REQUEST, Left::Unsure, None),
        Err(error) => return pages::store_down(hub, request, &error),
    };
    let (work, back) = (hub.clone(), leaving.back.clone());
    let read = web::block(move || {
        let nobody = || Refusal::Check { check: "provider", why: "it is trusted no more".to_owned() };
        let trusted = work.trusted.current();
        let us = work.body(&leaving.body).and_then(|body| body.us(leaving.scheme)).ok_or_else(nobody)?;
        let from = trusted.get(&leaving.sent.provider).ok_or_else(nobody)?;
        us.read_logout_response(from, &leaving.sent, came.arrival("SAMLResponse"), now)
    });
    match read.await {
        Ok(Ok(LoggedOut::Whole)) => match back {
            Some(back) => pages::see(&back).finish(),
            None => left(hub, request, StatusCode::OK, Left::Whole, None),
        },
        Ok(Ok(LoggedOut::Partial)) => left(hub, request, StatusCode::OK, Left::Partly, back.as_deref()),
        Ok(Err(refusal)) => {
            tracing::warn!(reason = refusal.name(), "an answer to a logout was refused: {refusal}");
            left(hub, request, StatusCode::BAD_REQUEST, Left::Unsure, back.as_deref())
        }
        Err(error) => pages::fault(hub, request, "logout", &error.into()),
    }
}

/// A page that says how a logout ended.
pub fn left(
    hub: &Hub,
    request: &HttpRequest,
    status: StatusCode,
    how: Left,
    back: Option<&str>,
) -> HttpResponse {
    pages::html(hub, request, status, None, |v| view::left(v, how, back))
}
