//! Logins that their identity provider has ended: Logout Tokens (OpenID Connect Back-Channel Logout 1.0), fetched from
//! the hub by poll (RFC 8936), since nobody reaches a gateway. A hub that is away costs nothing but the wait.
//!
//! Order for each: verified, the pass ended, then acknowledged. What was not acknowledged comes again; ending a
//! login twice is the same as once.

use super::{Hub, HubError, chain};
use crate::{admin::Admin, event_loop::Inbox, event_loop::Message, site::Answer};
use actix_web::web;
use jiff::{SignedDuration, Timestamp};
use openidconnect::{
    AdditionalClaims, ClaimsVerificationError, ClientId, ClientSecret, IdToken, Nonce,
    core::{
        CoreGenderClaim, CoreIdTokenVerifier, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
    },
};
use reqwest::header::CONTENT_TYPE;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};
use varco_policy::{Subject, pass::Sid};

/// The event of a Logout Token (OpenID Connect Back-Channel Logout section 2.4).
const BACK_CHANNEL_LOGOUT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How far a token's `iat` may be from our clock.
const FRESH: SignedDuration = SignedDuration::from_mins(5);
/// How long an answer may take: the hub waits for events less than that.
const PATIENCE: Duration = Duration::from_secs(25);
/// Between two questions that brought nothing, so that a hub that does not wait is not asked without end.
const PAUSE: Duration = Duration::from_millis(500);
/// Before a hub that did not answer is asked again, or one that tells no events is looked at again.
const LATER: Duration = Duration::from_secs(10);
/// How many events are remembered as dealt with, in case the acknowledgement is lost.
const REMEMBERED: usize = 256;
/// How long the state machine may take.
const SITE: Duration = Duration::from_secs(12);

/// The claims of a Logout Token beside the standard ones.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Logout {
    pub(super) jti: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sid: Option<String>,
    pub(super) events: BTreeMap<String, serde_json::Value>,
}

impl AdditionalClaims for Logout {}

/// A Logout Token; the crate knows ID tokens, and this is one with other claims and without a nonce.
pub(super) type LogoutToken =
    IdToken<Logout, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

/// A login that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Whose.
    pub person: Subject,
    /// Which; `None` for each of that person.
    pub sid: Option<Sid>,
}

/// What is asked (RFC 8936 section 2.2).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Poll<'a> {
    ack: &'a [String],
    set_errs: &'a BTreeMap<String, Refused>,
}

/// Why an event is not taken (RFC 8936 section 2.6).
#[derive(Debug, Serialize)]
struct Refused {
    err: &'static str,
    description: &'static str,
}

/// The answer (RFC 8936 section 2.3).
#[derive(Debug, Deserialize)]
struct Sets {
    #[serde(default)]
    sets: BTreeMap<String, String>,
}

/// What the hub is still to be told of its events.
#[derive(Debug, Default)]
struct Book {
    done: Vec<String>,
    refused: BTreeMap<String, Refused>,
    seen: VecDeque<String>,
}

impl Book {
    fn dealt_with(&mut self, jti: String) {
        self.seen.push_back(jti.clone());
        if self.seen.len() > REMEMBERED {
            self.seen.pop_front();
        }
        self.done.push(jti);
    }
}

impl Hub {
    /// Events since, with the hub waiting for one a while; `None` when the hub tells none.
    async fn events(&self, book: &Book, now: Timestamp) -> Result<Option<Sets>, HubError> {
        let known = self.known(now, SignedDuration::MAX).await?;
        let endpoint = known.metadata.additional_metadata().security_events_endpoint.clone();
        // The secret goes to the hub and nowhere else.
        let ours = |url: &url::Url| url.origin().ascii_serialization() == self.settings.origin;
        let Some(endpoint) = endpoint.filter(ours) else { return Ok(None) };
        let poll = Poll { ack: &book.done, set_errs: &book.refused };
        let down = |detail: String| HubError::Unreachable(detail);
        let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let secret = encoded(self.settings.client_secret.expose_secret());
        let request = self
            .http
            .post(endpoint)
            .timeout(PATIENCE)
            .basic_auth(encoded(&self.settings.client_id), Some(secret))
            .header(CONTENT_TYPE, "application/json")
            .body(serde_json::to_vec(&poll).map_err(|e| down(e.to_string()))?);
        let answer = request.send().await.and_then(reqwest::Response::error_for_status);
        let body = answer.map_err(|e| down(chain(&e)))?.bytes().await.map_err(|e| down(chain(&e)))?;
        serde_json::from_slice(&body).map(Some).map_err(|e| down(e.to_string()))
    }

    /// Verifies a Logout Token (OpenID Connect Back-Channel Logout section 2.6): signature, issuer, audience and expiry as
    /// of an ID token; fresh, of the one event, with the `jti` it was delivered under, and without a nonce.
    ///
    /// # Errors
    /// When it is none of ours.
    pub async fn ended(&self, jti: &str, token: &str, now: Timestamp) -> Result<Ended, HubError> {
        let known = self.known(now, SignedDuration::MAX).await?;
        match self.verify_logout(&known.metadata, jti, token, now) {
            // The hub may have changed its keys since we read them.
            Err(_) if known.at != now => {
                let newer = self.known(now, SignedDuration::ZERO).await?;
                self.verify_logout(&newer.metadata, jti, token, now)
            }
            result => result,
        }
    }

    fn verify_logout(
        &self,
        metadata: &super::Metadata,
        jti: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<Ended, HubError> {
        let refused = |why: &str| HubError::Refused(why.to_owned());
        let token: LogoutToken = token.parse().map_err(|_| refused("not a token"))?;
        let verifier = CoreIdTokenVerifier::new_confidential_client(
            ClientId::new(self.settings.client_id.clone()),
            ClientSecret::new(self.settings.client_secret.expose_secret().to_owned()),
            metadata.issuer().clone(),
            metadata.jwks().clone(),
        )
        .set_allowed_algs(metadata.id_token_signing_alg_values_supported().clone())
        .set_issue_time_verifier_fn(move |issued| {
            let age = now.as_second().saturating_sub(issued.timestamp());
            if age.saturating_abs() <= FRESH.as_secs() { Ok(()) } else { Err("not of now".to_owned()) }
        });
        let no_nonce = |nonce: Option<&Nonce>| nonce.map_or(Ok(()), |_| Err("a nonce".to_owned()));
        let claims = token.claims(&verifier, no_nonce).map_err(|e| match e {
            // Our clock or the hub's is wrong: that is no fault of the event, which comes again.
            ClaimsVerificationError::Expired(why) => {
                HubError::Unreachable(format!("its clock or ours: {why}"))
            }
            other => HubError::Refused(chain(&other)),
        })?;
        let said = claims.additional_claims();
        if said.jti != jti {
            return Err(refused("delivered under another jti"));
        }
        if !said.events.get(BACK_CHANNEL_LOGOUT).is_some_and(serde_json::Value::is_object) {
            return Err(refused("not a logout"));
        }
        let person = Subject::try_from(claims.subject().to_string()).map_err(|e| refused(&e.to_string()))?;
        let sid = said.sid.clone().map(Sid::try_from).transpose().map_err(|e| refused(&e.to_string()))?;
        Ok(Ended { person, sid })
    }
}

/// Asks for events for as long as the program runs.
pub async fn watch(hub: Arc<Hub>, inbox: Inbox, admin: web::Data<Admin>) {
    let mut book = Book::default();
    loop {
        tokio::time::sleep(round(&hub, &inbox, &admin, &mut book).await).await;
    }
}

/// Asks once and deals with what came; how long to rest then.
async fn round(hub: &Hub, inbox: &Inbox, admin: &Admin, book: &mut Book) -> Duration {
    let sets = match hub.events(book, super::now()).await {
        Ok(Some(Sets { sets })) => sets,
        Ok(None) => return LATER,
        Err(error) => {
            tracing::debug!(%error, "no events from the hub");
            return LATER;
        }
    };
    (book.done, book.refused) = Default::default();
    let mut rest = if sets.is_empty() { PAUSE } else { Duration::ZERO };
    for (jti, token) in sets {
        rest = rest.max(deal(hub, inbox, admin, book, jti, &token).await);
    }
    rest
}

/// Deals with one event; how long to rest before it comes again, if it must.
async fn deal(
    hub: &Hub,
    inbox: &Inbox,
    admin: &Admin,
    book: &mut Book,
    jti: String,
    token: &str,
) -> Duration {
    if book.seen.contains(&jti) {
        book.done.push(jti);
        return Duration::ZERO;
    }
    match hub.ended(&jti, token, super::now()).await {
        Ok(ended) if end(inbox, admin, &ended).await => book.dealt_with(jti),
        // Still on its way, or the state machine is overloaded.
        Ok(_) => return PAUSE,
        Err(HubError::Unreachable(why)) => {
            tracing::warn!(why, "an event of the hub has to wait");
            return LATER;
        }
        Err(HubError::Refused(why)) => {
            tracing::warn!(why, "an event of the hub is not taken");
            let refused = Refused { err: "invalid_request", description: "the token does not hold" };
            book.refused.insert(jti, refused);
        }
    }
    Duration::ZERO
}

/// Ends what came from a login. `false` when it has not ended yet: what the hub was told is done would not come again, should
/// this program end before it is on the disk.
async fn end(inbox: &Inbox, admin: &Admin, ended: &Ended) -> bool {
    let Ended { person, sid } = ended.clone();
    admin.sessions.end_login(&person, sid.as_ref());
    let answer = inbox.ask(|answer| Message::ProviderLogOut(person, sid, answer), SITE).await;
    matches!(answer, Ok(Answer::Ended | Answer::NoPass))
}
