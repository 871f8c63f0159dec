//! `/login`: the choice of a provider, in an order that favours none.

use crate::{
    app::{self, Hub},
    browser,
    oidc::grant::Login,
    pages,
    store::Kind,
};
use actix_web::{HttpRequest, HttpResponse, get, http::StatusCode, web};
use ring::rand::{SecureRandom, SystemRandom};
use varco_templates::hub::{self as view, Choice};

/// The choice. It works without a gateway that waits; the login then ends on a page here.
#[get("/login")]
pub async fn choose(hub: web::Data<Hub>, request: HttpRequest) -> HttpResponse {
    let waiting = match waiting(&hub, &request).await {
        Ok(login) => login,
        Err(error) => return pages::store_down(&hub, &request, &error),
    };
    let of_gateway = waiting.as_ref().and_then(|login| hub.body_of(login));
    let body = of_gateway.or_else(|| hub.bodies.first());
    let providers = hub.trusted.current();
    let mut choices: Vec<_> = providers
        .iter()
        .filter(|p| body.is_some_and(|body| body.us(p.scheme).is_some()))
        .map(|p| Choice {
            entity_id: p.entity_id.clone(),
            name: p.name.clone(),
            action: body.map(|body| body.address(p.scheme, "login")).unwrap_or_default(),
        })
        .map(|choice| (lot(), choice))
        .collect();
    choices.sort_by_key(|(lot, _)| *lot);
    let choices: Vec<_> = choices.into_iter().map(|(_, choice)| choice).collect();
    pages::html(&hub, &request, StatusCode::OK, waiting.as_ref(), |v| {
        view::choose(v, &choices, waiting.is_some())
    })
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
