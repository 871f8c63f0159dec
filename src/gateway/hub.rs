//! The hub as an OpenID provider: this gateway is its relying party (OpenID Connect Core 1.0, code flow with PKCE,
//! RFC 7636), and of nothing else. Any compliant provider can stand in for the hub.

pub mod confirmed;
pub mod events;
pub mod pending;
#[cfg(test)]
pub(crate) mod tests;

use crate::settings;
pub use confirmed::Confirmed;
use confirmed::{Client, IdToken};
use jiff::{SignedDuration, Timestamp};
use openidconnect::{
    AdditionalProviderMetadata, AuthorizationCode, ClientId, ClientSecret, CsrfToken, IssuerUrl, LanguageTag,
    Nonce, PkceCodeChallenge, PkceCodeVerifier, ProviderMetadata, RedirectUrl, Scope, TokenResponse,
    core::{
        CoreAuthDisplay, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClientAuthMethod,
        CoreGrantType, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
        CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
    },
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use varco_policy::pass::Session;
use varco_templates::Lang;

/// How long the hub is believed to be there, and its keys to be current, without asking it.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// How long the hub may take for what is posted: it waits for its disk.
const POST_PATIENCE: Duration = Duration::from_secs(30);

/// How long a page waits to know where a login is ended at the provider: its pass has ended already.
const OFFER: Duration = Duration::from_secs(2);

/// What discovery may say beyond OpenID Connect: RFC 9207 section 3, RP-Initiated Logout section 2.1, and where events are
/// told by poll.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Extras {
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end_session_endpoint: Option<url::Url>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    security_events_endpoint: Option<url::Url>,
}

impl AdditionalProviderMetadata for Extras {}

type Metadata = ProviderMetadata<
    Extras,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// Why a login did not go on.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The hub does not answer, or not as a provider would.
    #[error("the hub does not answer: {0}")]
    Unreachable(String),
    /// The hub, or what it signed, does not confirm the login.
    #[error("the login is not confirmed: {0}")]
    Refused(String),
}

/// A login that has begun: where the browser goes, and what is kept until it comes back.
#[derive(Debug)]
pub struct Begun {
    /// The hub's login page.
    pub url: url::Url,
    /// Comes back with the browser. Single use.
    pub state: String,
    /// What proves that the answer is ours.
    pub proof: Proof,
}

/// What proves that an answer belongs to a login we began. Never leaves the gateway.
#[derive(Debug)]
pub struct Proof {
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

/// What the browser brings back from the hub (OpenID Connect Core 3.1.2.5, RFC 9207).
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Response {
    /// Which login it belongs to.
    pub state: Option<String>,
    /// To be exchanged for the ID token.
    pub code: Option<String>,
    /// Who answers.
    pub iss: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
}

struct Known {
    metadata: Metadata,
    at: Timestamp,
}

/// A form that asks the hub to log out at the identity provider too (OpenID Connect RP-Initiated Logout section 2).
#[derive(Debug)]
pub struct LogoutForm {
    /// Where it is posted.
    pub action: String,
    /// Its hidden fields.
    pub fields: Vec<(&'static str, String)>,
}

/// The hub, seen from a gateway.
pub struct Hub {
    settings: settings::Hub,
    redirect: RedirectUrl,
    scopes: &'static [&'static str],
    http: reqwest::Client,
    known: tokio::sync::Mutex<Option<Arc<Known>>>,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hub(..)")
    }
}

impl Hub {
    /// A relying party of the hub, which it asks with `http` (see [`http_client`]); `origin` is that of the pages that
    /// the browser comes back to.
    ///
    /// # Errors
    /// When the origin is no address.
    pub fn new(settings: settings::Hub, origin: &str, http: reqwest::Client) -> anyhow::Result<Self> {
        let redirect = RedirectUrl::new(format!("{origin}/login/callback"))?;
        Ok(Self { settings, redirect, scopes: &[], http, known: tokio::sync::Mutex::default() })
    }

    /// As it is, asking for these scopes beside `openid`.
    #[must_use]
    pub fn asking(self, scopes: &'static [&'static str]) -> Self {
        Self { scopes, ..self }
    }

    /// The hub's origin, for the policy of forms.
    pub fn origin(&self) -> &str {
        &self.settings.origin
    }

    /// Begins a login.
    ///
    /// # Errors
    /// When the hub does not answer.
    pub async fn begin(&self, lang: Lang, now: Timestamp) -> Result<Begun, HubError> {
        let known = self.known(now, FRESH).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let (url, state, nonce) = self
            .client(&known.metadata)
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .set_pkce_challenge(challenge)
            .add_scopes(self.scopes.iter().map(|scope| Scope::new((*scope).to_owned())))
            .add_ui_locale(LanguageTag::new(lang.tag().to_owned()))
            .url();
        Ok(Begun { url, state: state.into_secret(), proof: Proof { nonce, verifier } })
    }

    /// Finishes a login: exchanges the code and verifies the ID token's signature, issuer, audience, expiry and nonce.
    ///
    /// # Errors
    /// When the hub does not answer, or the login is not confirmed.
    pub async fn finish(
        &self,
        response: Response,
        proof: Proof,
        now: Timestamp,
    ) -> Result<Confirmed, HubError> {
        let known = self.known(now, SignedDuration::MAX).await?;
        self.check_issuer(&known.metadata, response.iss.as_deref())?;
        if let Some(error) = response.error {
            return Err(HubError::Refused(code_of(&error).to_owned()));
        }
        let code = response.code.ok_or_else(|| HubError::Refused("no code".into()))?;
        let client = self.client(&known.metadata);
        let token = exchange(&client, &self.http, code, proof.verifier).await?;
        match verify(&client, &token, &proof.nonce) {
            // The hub may have changed its keys since we read them.
            Err(_) if known.at != now => {
                let newer = self.known(now, SignedDuration::ZERO).await?;
                verify(&self.client(&newer.metadata), &token, &proof.nonce)
            }
            result => result,
        }
    }

    /// The form with which a citizen whose pass has ended logs out at their provider, where it keeps a session.
    pub async fn logout_form(&self, session: &Session, now: Timestamp) -> Option<LogoutForm> {
        let known = tokio::time::timeout(OFFER, self.known(now, SignedDuration::MAX));
        let known = known.await.ok().and_then(Result::ok).filter(|_| session.at_provider)?;
        let action = known.metadata.additional_metadata().end_session_endpoint.clone()?;
        let back = self.redirect.url().origin().ascii_serialization();
        let fields = vec![
            ("client_id", self.settings.client_id.clone()),
            ("logout_hint", session.sid.as_str().to_owned()),
            ("post_logout_redirect_uri", format!("{back}/left")),
        ];
        Some(LogoutForm { action: action.into(), fields })
    }

    /// Asks the hub whether it is there, and renews what is known of it.
    ///
    /// # Errors
    /// When the hub does not answer.
    pub async fn refresh(&self, now: Timestamp) -> Result<(), HubError> {
        self.known(now, SignedDuration::ZERO).await.map(drop)
    }

    /// Posts octets to a path of the hub's own, as this gateway: what it answers.
    ///
    /// # Errors
    /// When the hub does not answer.
    pub async fn post(&self, path: &str, body: Vec<u8>) -> Result<(reqwest::StatusCode, String), HubError> {
        let down = |error: reqwest::Error| HubError::Unreachable(chain(&error));
        let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let secret = encoded(self.settings.client_secret.expose_secret());
        let request = self
            .http
            .post(format!("{}{path}", self.settings.origin))
            .timeout(POST_PATIENCE)
            .basic_auth(encoded(&self.settings.client_id), Some(secret))
            .header(reqwest::header::CONTENT_TYPE, "application/octet-stream")
            .body(body);
        let answer = request.send().await.map_err(down)?;
        let status = answer.status();
        Ok((status, answer.text().await.map_err(down)?))
    }

    /// Discovery and keys, not older than `age`.
    async fn known(&self, now: Timestamp, age: SignedDuration) -> Result<Arc<Known>, HubError> {
        let mut known = self.known.lock().await;
        if let Some(fresh) = known.as_ref().filter(|known| now.duration_since(known.at) < age) {
            return Ok(Arc::clone(fresh));
        }
        let down = |detail: String| HubError::Unreachable(detail);
        let issuer = IssuerUrl::new(self.settings.issuer.clone()).map_err(|e| down(e.to_string()))?;
        let metadata = Metadata::discover_async(issuer, &self.http).await.map_err(|e| down(chain(&e)))?;
        let found = Arc::new(Known { metadata, at: now });
        *known = Some(Arc::clone(&found));
        Ok(found)
    }

    fn client(&self, metadata: &Metadata) -> Client {
        let secret = ClientSecret::new(self.settings.client_secret.expose_secret().to_owned());
        let id = ClientId::new(self.settings.client_id.clone());
        openidconnect::Client::from_provider_metadata(metadata.clone(), id, Some(secret))
            .set_redirect_uri(self.redirect.clone())
    }

    /// RFC 9207 section 2.4: an issuer that is given must be the one asked, and must be given when it said it would.
    fn check_issuer(&self, metadata: &Metadata, iss: Option<&str>) -> Result<(), HubError> {
        let promised = metadata.additional_metadata().authorization_response_iss_parameter_supported;
        match iss {
            Some(iss) if iss == self.settings.issuer => Ok(()),
            None if !promised => Ok(()),
            _ => Err(HubError::Refused("the answer is not the hub's".into())),
        }
    }
}

/// The client for requests to the hub: HTTPS only, no redirects, and with `ca` no other authority than that one (PEM).
///
/// # Errors
/// When the authority is not PEM.
pub fn http_client(ca: Option<&[u8]>) -> anyhow::Result<reqwest::Client> {
    let mut http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(3))
        .timeout(Duration::from_secs(10))
        .https_only(true);
    if let Some(ca) = ca {
        http = http.tls_built_in_root_certs(false);
        for certificate in reqwest::Certificate::from_pem_bundle(ca)? {
            http = http.add_root_certificate(certificate);
        }
    }
    Ok(http.build()?)
}

async fn exchange(
    client: &Client,
    http: &reqwest::Client,
    code: String,
    verifier: PkceCodeVerifier,
) -> Result<IdToken, HubError> {
    use openidconnect::RequestTokenError;
    let request = client
        .exchange_code(AuthorizationCode::new(code))
        .map_err(|e| HubError::Unreachable(e.to_string()))?
        .set_pkce_verifier(verifier);
    let answer = request.request_async(http).await.map_err(|error| match &error {
        RequestTokenError::ServerResponse(refusal) => HubError::Refused(refusal.error().to_string()),
        other => HubError::Unreachable(chain(other)),
    })?;
    answer.id_token().cloned().ok_or_else(|| HubError::Refused("no ID token".into()))
}

/// An error code as it may stand in a log (RFC 6749 section 4.1.2.1 has a few more characters): whoever asks writes it.
fn code_of(error: &str) -> &str {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if error.len() <= 64 && error.bytes().all(plain) { error } else { "an error code that is none" }
}

fn verify(client: &Client, token: &IdToken, nonce: &Nonce) -> Result<Confirmed, HubError> {
    let claims =
        token.claims(&client.id_token_verifier(), nonce).map_err(|e| HubError::Refused(chain(&e)))?;
    Confirmed::of(claims).map_err(|e| HubError::Refused(e.to_string()))
}

/// An error with its causes, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |e| e.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[expect(clippy::disallowed_methods, reason = "the task that asks for events reads the clock here")]
fn now() -> Timestamp {
    Timestamp::now()
}
