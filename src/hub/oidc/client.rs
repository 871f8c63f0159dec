//! Which gateway calls: `client_secret_basic` or `client_secret_post` (OpenID Connect Core section 9).

use super::form::Parameters;
use crate::{app::Hub, config::Client};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, AUTHORIZATION},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::ExposeSecret;
use std::borrow::Cow;
use varco_web::token::digest;

/// Why the caller is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientError {
    /// No or wrong credentials.
    Unknown,
    /// Both ways at once (RFC 6749 section 2.3 forbids it).
    TwoWays,
}

/// The gateway that the credentials prove.
///
/// # Errors
/// When they prove none.
pub fn authenticate<'a>(
    hub: &'a Hub,
    request: &HttpRequest,
    form: &Parameters,
) -> Result<&'a Client, ClientError> {
    let basic = basic(request);
    let (id, secret) = match (basic, form.get("client_secret")) {
        (Some(_), Some(_)) => return Err(ClientError::TwoWays),
        (Some((id, secret)), None) => (id, secret),
        (None, Some(secret)) => (form.get("client_id").unwrap_or_default().to_owned(), secret.to_owned()),
        (None, None) => return Err(ClientError::Unknown),
    };
    if form.get("client_id").is_some_and(|named| named != id) {
        return Err(ClientError::Unknown);
    }
    let client = hub.client(&id).ok_or(ClientError::Unknown)?;
    if same(client.secret.expose_secret(), &secret) { Ok(client) } else { Err(ClientError::Unknown) }
}

/// The gateway that `client_secret_basic` proves, where nothing is posted as a form.
pub fn basic_only<'a>(hub: &'a Hub, request: &HttpRequest) -> Option<&'a Client> {
    authenticate(hub, request, &Parameters::default()).ok()
}

/// The answer to who proves nothing.
pub fn unauthorized() -> HttpResponse {
    HttpResponse::Unauthorized()
        .insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"varco-hub\""))
        .json(serde_json::json!({ "error": "invalid_client" }))
}

/// Compares in a time that tells nothing: the digests have one length, and are compared in constant time.
pub(super) fn same(expected: &str, given: &str) -> bool {
    openssl::memcmp::eq(digest(expected).as_bytes(), digest(given).as_bytes())
}

/// User and password of the header, each form-encoded (RFC 6749 section 2.3.1).
fn basic(request: &HttpRequest) -> Option<(String, String)> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, value) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((decode(id), decode(secret)))
}

fn decode(text: &str) -> String {
    let pair = format!("v={text}");
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map_or_else(String::new, |(_, value): (Cow<'_, str>, _)| value.into_owned())
}
