//! `POST /login`: sends the browser to the hub, as a gateway does: code flow, PKCE, one's own state.

use super::{CLIENT, Console, Reply, see_other};
use crate::{app, store::Kind};
use actix_web::{HttpRequest, web::Data};
use openidconnect::{PkceCodeChallenge, PkceCodeVerifier};
use serde::{Deserialize, Serialize};
use url::Url;
use varco_templates::console::Trouble;
use varco_web::{cookie, form, lang, token};

/// Shown again by the browser when it comes back.
pub const COOKIE: &str = "__Host-console-login";
/// How long a login may take, in seconds.
const LASTS: u32 = 15 * 60;

/// A login under way, by its state.
#[derive(Serialize, Deserialize)]
pub struct Pending {
    /// Digest of the browser's cookie.
    pub browser: String,
    /// Proves that the code was asked for here.
    pub verifier: PkceCodeVerifier,
}

/// Begins a login.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::post("/login")]
pub async fn begin(request: HttpRequest, console: Data<Console>, fields: form::Sent) -> Reply {
    if !form::is_ours(&request, &fields) {
        return console.trouble(&request, Trouble::FormExpired);
    }
    let random = || token::random().map_err(actix_web::error::ErrorInternalServerError);
    let (state, secret, nonce) = (random()?, random()?, random()?);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let pending = Pending { browser: token::digest(&secret), verifier };
    let now = app::now().as_second();
    if let Err(error) = console.hub.store.put(Kind::Console, &state, &pending, LASTS, now).await {
        tracing::error!(%error, "a login at the console cannot begin");
        return console.trouble(&request, Trouble::Unavailable);
    }
    let url = address(
        &console,
        &[
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", challenge.as_str()),
            ("ui_locales", lang::of(&request).tag()),
        ],
    );
    let mut answer = see_other(url.map_err(actix_web::error::ErrorInternalServerError)?.as_str());
    answer.add_cookie(&cookie::lax(COOKIE, secret, i64::from(LASTS)))?;
    Ok(answer)
}

/// The address of the hub's authorization endpoint with our request.
fn address(console: &Console, own: &[(&str, &str)]) -> Result<Url, url::ParseError> {
    let back = console.settings.at(super::CALLBACK);
    let mut url = Url::parse(&console.hub.settings.url("/oidc/authorize"))?;
    url.query_pairs_mut()
        .extend_pairs([
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("redirect_uri", &back),
            ("scope", "openid roles"),
            ("code_challenge_method", "S256"),
        ])
        .extend_pairs(own);
    Ok(url)
}
