//! `/spid/login?entityID=`, `/cie/login?entityID=`: sends the citizen to the provider with a signed request.

use super::{
    Asked, choose,
    saml::{Outgoing, Scheme},
};
use crate::{
    app::{self, Hub},
    browser,
    here::Here,
    oidc::form::Parameters,
    pages,
    store::Kind,
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use varco_templates::hub::{self as view, Send, Trouble};
use varco_web::token;

/// How long a provider has to answer, in seconds.
const REQUEST_LIVES: u32 = 15 * 60;
/// The same where a parent may have to allow it (AgID, Determinazione 51/2022), in seconds.
const MINORS_REQUEST_LIVES: u32 = 24 * 3600;

/// The step to the provider: 302 with the redirect binding, or a page with a form.
pub async fn send(hub: web::Data<Hub>, here: Here, request: HttpRequest) -> HttpResponse {
    let asked = Parameters::parse(request.query_string().as_bytes());
    let Some(entity_id) = asked.get("entityID") else {
        return pages::see_in_language(&request, "/login");
    };
    let trusted = hub.trusted.current();
    let provider = trusted.get(entity_id).filter(|provider| provider.scheme.metadata() == here.scheme);
    let offered = provider.and_then(|p| Some((p, here.served(&hub)?.us(p.scheme)?)));
    let Some((provider, us)) = offered else {
        return pages::again(&hub, &request, StatusCode::NOT_FOUND, Trouble::UnknownProvider, None).await;
    };
    let now = app::now();
    let (browser, relay_state) = match browser::known_or_new(&request).and_then(|b| Ok((b, token::random()?)))
    {
        Ok(both) => both,
        Err(error) => return pages::fault(&hub, &request, "spid login", &error),
    };
    let waiting = match choose::waiting(&hub, &request).await {
        Ok(waiting) => waiting,
        Err(error) => return pages::store_down(&hub, &request, &error),
    };
    // A login of another body's gateway is not this body's: its own page leads it on.
    if waiting.as_ref().and_then(|login| hub.body_of(login)).is_some_and(|body| body.path != here.body) {
        return pages::see_in_language(&request, "/login");
    }
    let admin = waiting.as_ref().is_some_and(|login| login.admin);
    let us = if admin { us.for_administrators() } else { us.clone() };
    let (sent, outgoing) = match us.authn_request(provider, &relay_state, now) {
        Ok(both) => both,
        Err(error) => return pages::fault(&hub, &request, "spid login", &error.into()),
    };
    let minors = provider.scheme == Scheme::Spid && us.age_limit.is_some();
    let (kind, lives) =
        if minors { (Kind::LongRequest, MINORS_REQUEST_LIVES) } else { (Kind::Request, REQUEST_LIVES) };
    let asked =
        Asked { sent, minors, body: here.body, scheme: provider.scheme, browser: token::digest(&browser) };
    let kept = hub.store.put(kind, &relay_state, &asked, lives, now.as_second()).await;
    if let Err(error) = kept {
        return pages::store_down(&hub, &request, &error);
    }
    let mut answer = lead(&hub, &request, &outgoing);
    if let Err(error) = answer.add_cookie(&browser::cookie_for(browser, lives)) {
        return pages::fault(&hub, &request, "spid login", &error.into());
    }
    answer
}

fn lead(hub: &Hub, request: &HttpRequest, outgoing: &Outgoing) -> HttpResponse {
    match outgoing {
        Outgoing::Redirect(url) => pages::see(url.as_str()).finish(),
        Outgoing::Post { destination, saml_request, relay_state } => {
            let form = Send {
                destination: destination.as_str(),
                field: "SAMLRequest",
                message: saml_request,
                relay_state: Some(relay_state),
            };
            pages::html(hub, request, StatusCode::OK, None, |v| view::send(v, form))
        }
    }
}
