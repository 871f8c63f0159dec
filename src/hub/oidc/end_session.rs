//! `/oidc/logout`: a citizen whose pass has ended also logs out at their provider (OpenID Connect RP-Initiated Logout 1.0,
//! with `client_id` and the login's `sid` as `logout_hint`). Whoever knows the `sid`, which is random and known to the
//! gateway alone, ends that login and nothing else.

use super::form::Parameters;
use crate::{
    app::{self, Hub},
    config::Client,
    login::{
        logout::{self, Leaving},
        saml::{Outgoing, Scheme},
    },
    pages,
    register::sessions::Open,
    store::Kind,
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use jiff::Timestamp;
use url::Url;
use varco_templates::hub::{self as view, Left, Send, Trouble};
use varco_web::token;

/// How long a provider has to answer, in seconds.
const LOGOUT_LIVES: u32 = 15 * 60;
/// The longest `state` that is kept.
const LONGEST: usize = 1024;

/// The end-session endpoint by GET.
pub async fn by_query(hub: web::Data<Hub>, request: HttpRequest) -> HttpResponse {
    let asked = Parameters::parse(request.query_string().as_bytes());
    end(&hub, &request, &asked, app::now()).await
}

/// The end-session endpoint by POST, which keeps the `sid` out of addresses.
pub async fn by_form(hub: web::Data<Hub>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    end(&hub, &request, &Parameters::parse(&body), app::now()).await
}

async fn end(
    hub: &web::Data<Hub>,
    request: &HttpRequest,
    asked: &Parameters,
    now: Timestamp,
) -> HttpResponse {
    let client = asked.get("client_id").and_then(|id| hub.client(id));
    let Some(client) = client.filter(|_| !asked.repeated()) else {
        return pages::trouble(hub, request, StatusCode::BAD_REQUEST, Trouble::UnknownGateway);
    };
    let back = back(client, asked);
    let (register, id) = (hub.register.clone(), client.client_id.clone());
    let sid = asked.get("logout_hint").unwrap_or_default().to_owned();
    match web::block(move || register.take_session(&sid, &id)).await {
        Ok(Ok(Some(open))) => send(hub, request, &open, back, now).await,
        // Over already, or more than a day old: there is nothing of ours left at the provider.
        Ok(Ok(None)) => logout::left(hub, request, StatusCode::OK, Left::Already, back.as_deref()),
        Ok(Err(error)) => pages::fault(hub, request, "logout", &error.into()),
        Err(error) => pages::fault(hub, request, "logout", &error.into()),
    }
}

/// The one address of the gateway to go back to, where it is asked for exactly.
fn back(client: &Client, asked: &Parameters) -> Option<String> {
    let known = format!("{}/left", client.redirect_uri.origin().ascii_serialization());
    let mut url = Url::parse(asked.get("post_logout_redirect_uri").filter(|uri| *uri == known)?).ok()?;
    if let Some(state) = asked.get("state").filter(|state| state.len() <= LONGEST) {
        url.query_pairs_mut().append_pair("state", state);
    }
    Some(url.into())
}

/// The page from which the citizen goes to the provider with our signed request. A page and not a redirect: the
/// gateway's policy lets its form end here and nowhere else.
async fn send(
    hub: &Hub,
    request: &HttpRequest,
    open: &Open,
    back: Option<String>,
    now: Timestamp,
) -> HttpResponse {
    let scheme = Scheme::ALL.into_iter().find(|scheme| scheme.name() == open.way);
    let trusted = hub.trusted.current();
    let us = scheme.and_then(|scheme| Some((scheme, hub.body(&open.body)?.us(scheme)?)));
    let (Some((scheme, us)), Some(provider)) = (us, trusted.get(&open.session.provider)) else {
        return logout::left(hub, request, StatusCode::OK, Left::Unsure, back.as_deref());
    };
    let relay_state = match token::random() {
        Ok(relay_state) => relay_state,
        Err(error) => return pages::fault(hub, request, "logout", &error),
    };
    let (sent, outgoing) = match us.logout_request(provider, &open.session, &relay_state, now) {
        Ok(both) => both,
        Err(error) => {
            tracing::warn!(%error, "a provider cannot be asked to log out");
            return logout::left(hub, request, StatusCode::OK, Left::Unsure, back.as_deref());
        }
    };
    let leaving = Leaving { sent, body: open.body.clone(), scheme, back };
    let kept = hub.store.put(Kind::Logout, &relay_state, &leaving, LOGOUT_LIVES, now.as_second()).await;
    if let Err(error) = kept {
        return pages::store_down(hub, request, &error);
    }
    // CIE takes the request and never answers (*Manuale operativo CIE*, logout).
    let comes_back = scheme != Scheme::Cie;
    pages::html(hub, request, StatusCode::OK, None, |v| match &outgoing {
        Outgoing::Redirect(url) => view::leave_by_link(v, url.as_str(), comes_back),
        Outgoing::Post { destination, saml_request, relay_state } => {
            let form = Send {
                destination: destination.as_str(),
                field: "SAMLRequest",
                message: saml_request,
                relay_state: Some(relay_state),
            };
            view::leave_by_form(v, form, comes_back)
        }
    })
}
