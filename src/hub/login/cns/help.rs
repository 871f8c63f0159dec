//! `/cns/help`: what to do when the browser, not this hub, says no: card not read, wrong PIN, cancelled.

use crate::{app::Hub, here::Here, login::choose, pages};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use varco_templates::hub as view;

/// The page.
pub async fn help(hub: web::Data<Hub>, here: Here, request: HttpRequest) -> HttpResponse {
    let Some(body) = here.served(&hub).filter(|body| body.cns) else {
        return pages::not_found(&hub, &request);
    };
    let waiting = choose::waiting(&hub, &request).await.ok().flatten();
    let again = body.card_address("login");
    pages::html(&hub, &request, StatusCode::OK, waiting.as_ref(), |v| view::card_help(v, &again))
}
