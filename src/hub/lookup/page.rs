//! `/trasparenza`: how many look-ups there were, for everybody.

use super::counts;
use crate::{app::Hub, pages};
use actix_web::{HttpRequest, HttpResponse, get, http::StatusCode, web};
use varco_templates::hub as view;

/// The page; there is none where the hub takes no look-ups.
#[get("/trasparenza")]
pub(crate) async fn transparency(hub: web::Data<Hub>, request: HttpRequest) -> HttpResponse {
    if hub.lookup.is_none() {
        return pages::not_found(&hub, &request);
    }
    let of = hub.clone();
    let counted = web::block(move || counts(&of)).await;
    let months = match counted {
        Ok(Ok(months)) => months,
        Ok(Err(error)) => {
            tracing::error!(%error, "the count of look-ups");
            return unavailable(&hub, &request);
        }
        Err(_) => return unavailable(&hub, &request),
    };
    let months: Vec<_> = months
        .iter()
        .map(|m| view::LookupMonth { month: &m.month, counts: [m.asked, m.allowed, m.refused, m.answered] })
        .collect();
    pages::html(&hub, &request, StatusCode::OK, None, |v| {
        view::transparency(v, &months, hub.log.key().name())
    })
}

fn unavailable(hub: &Hub, request: &HttpRequest) -> HttpResponse {
    pages::trouble(hub, request, StatusCode::SERVICE_UNAVAILABLE, view::Trouble::Unavailable)
}
