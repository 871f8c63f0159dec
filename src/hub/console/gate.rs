//! What holds before any page: the request is meant for our host, its sender is logged in, and a role of theirs has the
//! right that the address takes. An address without a right is no page, so a page that was forgotten here is closed.

use super::{
    Console,
    role::Right,
    session::{self, Visitor},
};
use crate::app;
use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, StatusCode},
    middleware::Next,
    web,
};
use varco_templates::console::Trouble;
use varco_web::{cookie, host};

/// What anybody in the authority's network may ask for: the way in and the way out.
const OPEN: [&str; 6] =
    ["/", "/login", super::CALLBACK, "/logout", "/assets/varco.css", "/assets/console.css"];

/// The right that an address takes.
fn right(method: &Method, path: &str) -> Option<Right> {
    let mut parts = path.trim_start_matches('/').split('/');
    let first = parts.next().unwrap_or_default();
    let rest: Vec<_> = parts.collect();
    let reads = method == Method::GET || method == Method::HEAD;
    let page = first.strip_suffix(".csv").unwrap_or(first);
    match (page, rest.as_slice()) {
        ("integrity", []) if reads => Some(Right::Integrity),
        ("sessions" | "counts", []) if reads => Some(Right::Sessions),
        ("search", []) if reads => Some(Right::Search),
        ("entry", [_, _] | [_, _, "proof"]) if reads => Some(Right::Search),
        ("retention" | "holds" | "due", []) if reads => Some(Right::Retention),
        ("looked", []) if reads => Some(Right::Looked),
        ("cases", []) if reads => Some(Right::Cases),
        ("cases", ["request"]) if !reads => Some(Right::Ask),
        ("cases", ["decision"]) if !reads => Some(Right::Decide),
        ("cases", [_] | [_, "steps.csv" | "sheet"]) if reads => Some(Right::Cases),
        ("cases", [_, "receipt"]) if reads => Some(Right::Receipt),
        _ => None,
    }
}

/// Answers 421 to what is meant for another host, 403 to who may not, and else lets the request in with its [`Visitor`].
///
/// # Errors
/// Those of the page.
pub async fn check(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(console) = request.app_data::<web::Data<Console>>().cloned() else {
        return Ok(request.into_response(HttpResponse::InternalServerError().finish()));
    };
    if host::named(&request).is_none_or(|named| named != console.host) {
        return Ok(request.into_response(HttpResponse::new(StatusCode::MISDIRECTED_REQUEST)));
    }
    let visitor = who(&console, request.request()).await;
    let known = visitor.is_some();
    let right = right(request.method(), request.path());
    let may = visitor.as_ref().zip(right).is_some_and(|(visitor, right)| visitor.may(right));
    if let Some(visitor) = visitor {
        request.extensions_mut().insert(visitor);
    }
    let trouble = match right {
        _ if OPEN.contains(&request.path()) || may => {
            return Ok(next.call(request).await?.map_into_boxed_body());
        }
        _ if !known => Trouble::SignIn,
        Some(_) => Trouble::Forbidden,
        None => Trouble::NotFound,
    };
    let answer = console.trouble(request.request(), trouble)?;
    Ok(request.into_response(answer))
}

/// Who asks, if they are logged in and their identity provider has not ended the login since.
async fn who(console: &web::Data<Console>, request: &HttpRequest) -> Option<Visitor> {
    let secret = cookie::value(request, session::COOKIE)?;
    let visitor = console.sessions.whose(&secret, app::now())?;
    let (register, sid) = (console.hub.register.clone(), visitor.sid.clone());
    match web::block(move || register.lasts(&sid)).await {
        Ok(Ok(true)) => Some(visitor),
        Ok(Ok(false)) => {
            console.sessions.end(&secret);
            None
        }
        // Who cannot be proved to be logged in is not.
        Ok(Err(error)) => {
            tracing::error!(%error, "the console cannot read whether a login lasts");
            None
        }
        Err(_) => None,
    }
}
