//! `/login`: the choice of a provider, in an order that favours none.

use super::saml::{Provider, Scheme};
use crate::{
    app::{self, Hub},
    bodies::Served,
    browser,
    oidc::grant::Login,
    pages,
    store::Kind,
};
use actix_web::{HttpRequest, HttpResponse, get, http::StatusCode, web};
use ring::rand::{SecureRandom, SystemRandom};
use varco_templates::{
    BUTTONS,
    hub::{self as view, Choice, Choices},
};

/// The choice. It works without a gateway that waits; the login then ends on a page here.
#[get("/login")]
pub async fn choose(hub: web::Data<Hub>, request: HttpRequest) -> HttpResponse {
    let waiting = match waiting(&hub, &request).await {
        Ok(login) => login,
        Err(error) => return pages::store_down(&hub, &request, &error),
    };
    let of_gateway = waiting.as_ref().and_then(|login| hub.body_of(login));
    let body = of_gateway.or_else(|| hub.bodies.first());
    let choices = Choices {
        in_spid: body.is_some_and(|body| body.us(Scheme::Spid).is_some()),
        spid: offered(&hub, body, Scheme::Spid),
        cie: offered(&hub, body, Scheme::Cie),
        eidas: offered(&hub, body, Scheme::Eidas),
        card: body.filter(|body| body.cns).map(|body| body.card_address("login")),
        card_help: body.filter(|body| body.cns).map(|body| body.card_address("help")),
    };
    pages::html(&hub, &request, StatusCode::OK, waiting.as_ref(), |v| {
        view::choose(v, &choices, waiting.is_some())
    })
}

/// The providers of a scheme that the body is in, drawn by lot.
fn offered(hub: &Hub, body: Option<&Served>, scheme: Scheme) -> Vec<Choice> {
    let Some(body) = body.filter(|body| body.us(scheme).is_some()) else { return Vec::new() };
    let action = body.address(scheme, "login");
    let providers = hub.trusted.current();
    let of_scheme = providers.iter().filter(|p| p.scheme == scheme);
    let mut drawn: Vec<_> = of_scheme.map(|p| (lot(), p)).collect();
    drawn.sort_by_key(|(lot, _)| *lot);
    let choice = |(_, p): ([u8; 8], &Provider)| Choice {
        entity_id: p.entity_id.clone(),
        name: p.name.clone(),
        action: action.clone(),
    };
    drawn.into_iter().map(choice).collect()
}

/// The image of a scheme's button, kept by browsers for a day.
#[get("/assets/{name}.svg")]
pub async fn image(name: web::Path<String>) -> HttpResponse {
    let Some((_, image)) = BUTTONS.iter().find(|(known, _)| *known == name.as_str()) else {
        return HttpResponse::NotFound().finish();
    };
    let mut answer = HttpResponse::Ok();
    answer.content_type("image/svg+xml").insert_header(("Cache-Control", "public, max-age=86400"));
    answer.body(*image)
}

/// The login of this browser that a gateway waits for.
///
/// # Errors
/// When the store does not answer.
pub async fn waiting(hub: &Hub, request: &HttpRequest) -> Result<Option<Login>, crate::store::StoreError> {
    match browser::known(request) {
        Some(browser) => hub.store.peek(Kind::Login, &browser, app::now().as_second()).await,
        None => Ok(None),
    }
}

/// A lot in the draw of the order; without randomness the order is the alphabet's.
fn lot() -> [u8; 8] {
    let mut lot = [0; 8];
    if SystemRandom::new().fill(&mut lot).is_err() {
        tracing::warn!("the kernel gave no random bytes: providers are in alphabetical order");
    }
    lot
}
