//! `/spid/logout`, `/cie/logout`: single logout started by a provider. The hub keeps nobody logged in, so it answers, signed, that
//! it is done. A pass ends at its gateway.

use super::saml::{Answer, Arrival, LogoutRequest, Refusal, ServiceProvider};
use crate::{
    app::{self, Hub},
    here::Here,
    oidc::form::Parameters,
    pages,
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use jiff::Timestamp;
use varco_templates::hub::{self as view, Send, Trouble};

/// Single logout, redirect binding.
pub async fn by_redirect(hub: web::Data<Hub>, here: Here, request: HttpRequest) -> HttpResponse {
    let Some(us) = here.us(&hub) else { return pages::not_found(&hub, &request) };
    let query = request.query_string();
    let now = app::now();
    let asked = us.read_logout_request(&hub.trusted.current(), Arrival::Redirect { query }, now);
    let relay_state = Parameters::parse(query.as_bytes()).get("RelayState").map(str::to_owned);
    answer(&hub, us, &request, asked, relay_state.as_deref(), now)
}

/// Single logout, POST binding.
pub async fn by_post(
    hub: web::Data<Hub>,
    here: Here,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let Some(us) = here.us(&hub) else { return pages::not_found(&hub, &request) };
    let form = Parameters::parse(&body);
    let message = form.get("SAMLRequest").unwrap_or_default();
    let now = app::now();
    let asked = us.read_logout_request(&hub.trusted.current(), Arrival::Post { message }, now);
    answer(&hub, us, &request, asked, form.get("RelayState"), now)
}

fn answer(
    hub: &Hub,
    us: &ServiceProvider,
    request: &HttpRequest,
    asked: Result<LogoutRequest, Refusal>,
    relay_state: Option<&str>,
    now: Timestamp,
) -> HttpResponse {
    let asked = match asked {
        Ok(asked) => asked,
        Err(refusal) => {
            tracing::warn!(reason = refusal.name(), "a logout was refused: {refusal}");
            return pages::trouble(hub, request, StatusCode::BAD_REQUEST, Trouble::NotAccepted);
        }
    };
    let trusted = hub.trusted.current();
    let Some(provider) = trusted.get(&asked.provider) else {
        return pages::trouble(hub, request, StatusCode::BAD_REQUEST, Trouble::UnknownProvider);
    };
    match us.answer_logout(provider, &asked, relay_state, now) {
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
