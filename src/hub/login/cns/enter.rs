//! `/cns/enter`: back from the card's listener. From here on a card is a login like any other.

use super::handle::HandleError;
use crate::{
    app::{self, Hub},
    browser,
    here::Here,
    login::{choose, finish},
    oidc::form::Parameters,
    pages,
    store::Kind,
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use varco_templates::hub::{self as view, CardOffer, CardTrouble};
use varco_web::token;

/// Ends a login by card.
pub async fn enter(hub: web::Data<Hub>, here: Here, request: HttpRequest) -> HttpResponse {
    let now = app::now();
    let query = Parameters::parse(request.query_string().as_bytes());
    let (Some(cards), Some(handle), false) = (&hub.cards, query.get("handle"), query.repeated()) else {
        return pages::see_in_language(&request, "/login");
    };
    let sealed: String = match hub.store.take(Kind::Handle, handle, now.as_second()).await {
        Ok(Some(sealed)) => sealed,
        Ok(None) => return trouble(&hub, &here, &request, CardTrouble::Used).await,
        Err(error) => return pages::store_down(&hub, &request, &error),
    };
    let card = match cards.handles.open(handle, &sealed) {
        Ok(card) if card.asked.body == here.body => card,
        Ok(_) => return trouble(&hub, &here, &request, CardTrouble::NotAccepted).await,
        Err(error @ (HandleError::Foreign | HandleError::NoRandomness)) => {
            tracing::error!(%error, "somebody writes to the login state");
            return trouble(&hub, &here, &request, CardTrouble::NotAccepted).await;
        }
    };
    let browser = browser::known(&request).unwrap_or_default();
    if token::digest(&browser) != card.asked.browser {
        tracing::warn!("a card was brought to another browser than the one that asked");
        return trouble(&hub, &here, &request, CardTrouble::OtherBrowser).await;
    }
    finish::accepted(&hub, &request, finish::Proved::Card(Box::new(card)), &browser, now).await
}

/// The page, in this listener's frame.
async fn trouble(
    hub: &web::Data<Hub>,
    here: &Here,
    request: &HttpRequest,
    trouble: CardTrouble,
) -> HttpResponse {
    let waiting = choose::waiting(hub, request).await.ok().flatten();
    let again = here.served(hub).map_or_else(|| "/login".to_owned(), |body| body.card_address("login"));
    let help = here.served(hub).map_or_else(|| "/login".to_owned(), |body| body.card_address("help"));
    let offer = CardOffer { again: &again, help: &help, other: "/login", query: "" };
    pages::html(hub, request, StatusCode::FORBIDDEN, waiting.as_ref(), |v| view::card(v, trouble, offer))
}
