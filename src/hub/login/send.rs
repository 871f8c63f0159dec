//! `/spid/login?entityID=`: sends the citizen to the provider with a signed request.

use super::{Asked, choose, saml::Outgoing};
use crate::{
    app::{self, Hub},
    browser,
    oidc::form::Parameters,
    pages,
    store::Kind,
};
use actix_web::{HttpRequest, HttpResponse, get, http::StatusCode, web};
use varco_templates::hub::{self as view, Send, Trouble};
use varco_web::token;

/// How long a provider has to answer, in seconds.
const REQUEST_LIVES: u32 = 15 * 60;

/// The step to the provider: 302 with the redirect binding, or a page with a form.
#[get("/spid/login")]
pub async fn send(hub: web::Data<Hub>, request: HttpRequest) -> HttpResponse {
    let asked = Parameters::parse(request.query_string().as_bytes());
    let Some(entity_id) = asked.get("entityID") else {
        return pages::see_in_language(&request, "/login");
    };
    let trusted = hub.trusted.current();
    let Some(provider) = trusted.get(entity_id) else {
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
    let spid = hub.spid.at_least(hub.level(waiting.as_ref()));
    let (sent, outgoing) = match spid.authn_request(provider, &relay_state, now) {
        Ok(both) => both,
        Err(error) => return pages::fault(&hub, &request, "spid login", &error.into()),
    };
    let asked = Asked { sent, browser: token::digest(&browser) };
    let kept = hub.store.put(Kind::Request, &relay_state, &asked, REQUEST_LIVES, now.as_second()).await;
    if let Err(error) = kept {
        return pages::store_down(&hub, &request, &error);
    }
    let mut answer = lead(&hub, &request, &outgoing);
    if let Err(error) = answer.add_cookie(&browser::cookie(browser)) {
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
