//! `/oidc/events`: gateways ask which logins their provider has ended. Security Event Tokens (RFC 8417) delivered by
//! poll (RFC 8936), each a Logout Token of OpenID Connect Back-Channel Logout 1.0: the hub reaches no gateway.
//!
//! A token is signed when it is handed out, so that its `iat` is fresh; the event keeps its `jti` until the gateway has
//! acknowledged it. Logout Tokens have no nonce and ID tokens have one, so neither passes for the other.

use super::client;
use crate::{
    app::{self, Hub},
    config::Client,
    register::{RegisterError, sessions::Ended},
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, post, web};
use openidconnect::{
    AdditionalClaims, Audience, IdToken, IdTokenClaims, IssuerUrl, StandardClaims, SubjectIdentifier,
    core::{CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    time::{Duration, UNIX_EPOCH},
};

/// The event of a Logout Token (OpenID Connect Back-Channel Logout section 2.4).
const BACK_CHANNEL_LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How long a token is good for, in seconds.
const TOKEN_LIVES: u64 = 120;
/// How long a gateway's question waits for an event: less than a stopping hub gives to answers under way.
const WAIT: Duration = if cfg!(test) { Duration::from_millis(300) } else { Duration::from_secs(8) };
/// The most events of one answer.
const MOST: u32 = 100;
/// The longest question, in bytes.
const LONGEST: usize = 64 * 1024;

/// What a gateway asks (RFC 8936 section 2.2).
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Poll {
    max_events: Option<u32>,
    #[serde(default)]
    return_immediately: bool,
    #[serde(default)]
    ack: Vec<String>,
    #[serde(default)]
    set_errs: BTreeMap<String, PollError>,
}

/// Why a gateway does not take an event (RFC 8936 section 2.6).
#[derive(Debug, Deserialize)]
struct PollError {
    err: String,
}

/// The answer (RFC 8936 section 2.3).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Sets {
    sets: BTreeMap<String, String>,
    more_available: bool,
}

/// The claims of a Logout Token beside the standard ones.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Logout {
    jti: String,
    sid: String,
    events: BTreeMap<String, BTreeMap<(), ()>>,
    /// When it happened (RFC 8417 section 2.2).
    toe: i64,
}

impl AdditionalClaims for Logout {}

type LogoutToken =
    IdToken<Logout, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

/// The endpoint. The gateway proves itself as at the token endpoint, by `client_secret_basic`.
#[post("/oidc/events")]
pub async fn poll(hub: web::Data<Hub>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let Some(client) = client::basic_only(&hub, &request) else { return client::unauthorized() };
    let asked = Some(&body).filter(|body| body.len() <= LONGEST);
    let Some(asked) = asked.and_then(|body| serde_json::from_slice::<Poll>(body).ok()) else {
        return HttpResponse::BadRequest()
            .json(serde_json::json!({ "err": "invalid_request", "description": "not a poll of RFC 8936" }));
    };
    match answer(&hub, client, asked).await {
        Ok(sets) => HttpResponse::Ok().json(sets),
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "events");
            HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE).finish()
        }
    }
}

async fn answer(hub: &web::Data<Hub>, client: &Client, asked: Poll) -> anyhow::Result<Sets> {
    for error in asked.set_errs.values() {
        // The gateway's word, so its letters only; the event is not told again.
        let err: String = error.err.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
        tracing::warn!(client = client.client_id, err, "a gateway does not take a logout");
    }
    let most = asked.max_events.unwrap_or(MOST).min(MOST);
    let done: Vec<String> = asked.ack.into_iter().chain(asked.set_errs.into_keys()).collect();
    // Listening begins before looking, so that nothing falls between.
    let ended = hub.register.ended.notified();
    tokio::pin!(ended);
    ended.as_mut().enable();
    let mut found = look(hub, client, done, most).await?;
    let wait = found.is_empty() && most > 0 && !asked.return_immediately;
    if wait && tokio::time::timeout(WAIT, ended).await.is_ok() {
        found = look(hub, client, Vec::new(), most).await?;
    }
    let more_available = found.len() > usize::try_from(most)?;
    found.truncate(usize::try_from(most)?);
    let now = app::now().as_second();
    let signed = found.into_iter().map(|event| Ok((event.jti.clone(), token(hub, client, event, now)?)));
    Ok(Sets { sets: signed.collect::<anyhow::Result<_>>()?, more_available })
}

/// Takes note of what the gateway has dealt with, and finds what it is to be told: one more than asked for, to know
/// whether there is more.
async fn look(
    hub: &web::Data<Hub>,
    client: &Client,
    done: Vec<String>,
    most: u32,
) -> anyhow::Result<Vec<Ended>> {
    let (register, client) = (hub.register.clone(), client.client_id.clone());
    let looked = web::block(move || -> Result<_, RegisterError> {
        if !done.is_empty() {
            register.told(&client, done.iter().map(String::as_str))?;
        }
        register.untold(&client, most.saturating_add(1))
    });
    Ok(looked.await??)
}

fn token(hub: &Hub, client: &Client, event: Ended, now: i64) -> anyhow::Result<String> {
    let issued = UNIX_EPOCH + Duration::from_secs(u64::try_from(now).unwrap_or_default());
    let claims = IdTokenClaims::new(
        IssuerUrl::new(hub.settings.issuer().to_owned())?,
        vec![Audience::new(client.client_id.clone())],
        (issued + Duration::from_secs(TOKEN_LIVES)).into(),
        issued.into(),
        StandardClaims::new(SubjectIdentifier::new(event.subject)),
        Logout {
            jti: event.jti,
            sid: event.sid,
            events: BTreeMap::from([(BACK_CHANNEL_LOGOUT.to_owned(), BTreeMap::new())]),
            toe: event.at,
        },
    );
    let algorithm = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
    Ok(LogoutToken::new(claims, &hub.signing, algorithm, None, None)?.to_string())
}
