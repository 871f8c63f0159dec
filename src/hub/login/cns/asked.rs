//! `/cns/login`: sends the citizen to the listener that asks for the card.

use crate::{
    app::{self, Hub},
    browser,
    here::Here,
    login::choose,
    pages,
    store::Kind,
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use varco_templates::hub::Trouble;
use varco_web::{lang, token};

/// How long a citizen has to insert the card and write the PIN, in seconds.
pub const REQUEST_LIVES: u32 = 10 * 60;

/// A login by card that has not ended yet, kept under its state.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CardAsked {
    /// Its name in the register; its state is a secret.
    pub id: String,
    /// The path of the body that asked.
    pub body: String,
    /// Digest of the browser's value.
    pub browser: String,
    /// When it was asked: the card's key is proved later than this.
    pub issued: Timestamp,
}

/// The step to the card: 302 to the card's listener.
pub async fn login(hub: web::Data<Hub>, here: Here, request: HttpRequest) -> HttpResponse {
    let offered = here.served(&hub).is_some_and(|body| body.cns);
    let Some(cards) = hub.cards.as_ref().filter(|_| offered) else {
        return pages::again(&hub, &request, StatusCode::NOT_FOUND, Trouble::NotFound, None).await;
    };
    let waiting = match choose::waiting(&hub, &request).await {
        Ok(waiting) => waiting,
        Err(error) => return pages::store_down(&hub, &request, &error),
    };
    // A login of another body's gateway is not this body's: its own page leads it on.
    if waiting.as_ref().and_then(|login| hub.body_of(login)).is_some_and(|body| body.path != here.body) {
        return pages::see_in_language(&request, "/login");
    }
    let now = app::now();
    let made = browser::known_or_new(&request).and_then(|b| Ok((b, token::random()?, token::random()?)));
    let (browser, state, id) = match made {
        Ok(made) => made,
        Err(error) => return pages::fault(&hub, &request, "card login", &error),
    };
    let asked = CardAsked { id, body: here.body, browser: token::digest(&browser), issued: now };
    if let Err(error) = hub.store.put(Kind::Card, &state, &asked, REQUEST_LIVES, now.as_second()).await {
        return pages::store_down(&hub, &request, &error);
    }
    // The card's listener may have another name, where the cookie of the language is not.
    let language = lang::of(&request).tag();
    let mut answer = pages::see(&cards.settings.at(&format!("/card?state={state}&lang={language}"))).finish();
    if let Err(error) = answer.add_cookie(&browser::cookie(browser)) {
        return pages::fault(&hub, &request, "card login", &error.into());
    }
    answer
}
