//! `/cns/enter`: back from the card's listener. From here on a card is a login like any other.

use super::{Cards, Checked};
use crate::{
    app::{self, Hub},
    browser,
    here::Here,
    login::{choose, finish},
    oidc::form::Parameters,
    pages,
    store::{Kind, StoreError},
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use jiff::Timestamp;
use varco_templates::hub::{self as view, CardOffer, CardTrouble};
use varco_web::token;

/// Why a handle opens nothing.
enum Stopped {
    Trouble(CardTrouble),
    Store(StoreError),
}

/// Ends a login by card.
pub async fn enter(hub: web::Data<Hub>, here: Here, request: HttpRequest) -> HttpResponse {
    let now = app::now();
    let query = Parameters::parse(request.query_string().as_bytes());
    let (Some(cards), Some(handle), false) = (&hub.cards, query.get("handle"), query.repeated()) else {
        return pages::see_in_language(&request, "/login");
    };
    let browser = browser::known(&request).unwrap_or_default();
    let brought = match brought(&hub, cards, handle, now).await {
        Ok(card) => of_here(card, &here, &browser),
        Err(stopped) => Err(stopped),
    };
    match brought {
        Ok(card) => {
            finish::accepted(&hub, &request, finish::Proved::Card(Box::new(card)), &browser, now).await
        }
        Err(Stopped::Trouble(why)) => trouble(&hub, &here, &request, why).await,
        Err(Stopped::Store(error)) => pages::store_down(&hub, &request, &error),
    }
}

/// What is kept under the handle, once.
async fn brought(hub: &Hub, cards: &Cards, handle: &str, now: Timestamp) -> Result<Checked, Stopped> {
    let sealed: Option<String> =
        hub.store.take(Kind::Handle, handle, now.as_second()).await.map_err(Stopped::Store)?;
    let sealed = sealed.ok_or(Stopped::Trouble(CardTrouble::Used))?;
    cards.handles.open(handle, &sealed).map_err(|error| {
        tracing::error!(%error, "somebody writes to the login state");
        Stopped::Trouble(CardTrouble::NotAccepted)
    })
}

/// The card, where this body and this browser asked for it.
fn of_here(card: Checked, here: &Here, browser: &str) -> Result<Checked, Stopped> {
    if card.asked.body != here.body {
        return Err(Stopped::Trouble(CardTrouble::NotAccepted));
    }
    if token::digest(browser) != card.asked.browser {
        tracing::warn!("a card was brought to another browser than the one that asked");
        return Err(Stopped::Trouble(CardTrouble::OtherBrowser));
    }
    Ok(card)
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
