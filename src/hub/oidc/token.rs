//! `/oidc/token`: a code for an ID token, once.

use super::{
    client::{self, ClientError},
    form::Parameters,
    grant::Grant,
};
use crate::{
    app::{self, Hub},
    config::Client,
    store::{Kind, StoreError},
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    post, web,
};
use openidconnect::{
    AccessToken, AdditionalClaims, Audience, AuthenticationContextClass, AuthenticationMethodReference,
    EmptyExtraTokenFields, IdToken, IdTokenClaims, IdTokenFields, IssuerUrl, Nonce, PkceCodeChallenge,
    PkceCodeVerifier, StandardClaims, StandardTokenResponse, SubjectIdentifier,
    core::{CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreTokenType},
};
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use varco_web::token;

/// How long an ID token is good for, in seconds: the gateway reads it at once.
const ID_TOKEN_LIVES: u64 = 300;

/// What an ID token says beside the standard claims.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Extra {
    /// Of an administrator's login; a citizen's token has no such claim.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    roles: Vec<String>,
    /// The login (OpenID Connect Back-Channel Logout section 2.1).
    sid: String,
    /// Whether the provider keeps a session of it, so that logging out there is worth offering.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    provider_session: bool,
}

impl AdditionalClaims for Extra {}

type Tokens = StandardTokenResponse<
    IdTokenFields<
        Extra,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

/// Why there is no token (RFC 6749 section 5.2).
#[derive(Debug)]
#[expect(missing_docs, reason = "the names are those of the protocol")]
pub enum Refusal {
    Request,
    Client,
    Grant,
    GrantType,
    Store(StoreError),
    Fault(anyhow::Error),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The token endpoint.
#[post("/oidc/token")]
pub async fn exchange_code(hub: web::Data<Hub>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    match exchange(&hub, &request, &body, app::now().as_second()).await {
        Ok(tokens) => HttpResponse::Ok().insert_header((header::PRAGMA, "no-cache")).json(tokens),
        Err(refusal) => refuse(&refusal),
    }
}

async fn exchange(hub: &Hub, request: &HttpRequest, body: &[u8], now: i64) -> Result<Tokens, Refusal> {
    let form = Parameters::parse(body);
    if form.repeated() {
        return Err(Refusal::Request);
    }
    let client = client::authenticate(hub, request, &form).map_err(|error| match error {
        ClientError::Unknown => Refusal::Client,
        ClientError::TwoWays => Refusal::Request,
    })?;
    match form.get("grant_type") {
        Some("authorization_code") => {}
        Some(_) => return Err(Refusal::GrantType),
        None => return Err(Refusal::Request),
    }
    let code = form.get("code").ok_or(Refusal::Request)?;
    let redirect_uri = form.get("redirect_uri").ok_or(Refusal::Request)?;
    let verifier = form.get("code_verifier").ok_or(Refusal::Request)?;
    let grant = redeem(hub, client, (code, redirect_uri, verifier), now).await?;
    tokens(hub, grant, now).map_err(Refusal::Fault)
}

/// What a code stands for, once: `client` shows it with the address that it was sent to and the verifier (RFC 7636).
///
/// # Errors
/// When it is not this client's, was used before or is too old, or the login was ended since.
pub async fn redeem(
    hub: &Hub,
    client: &Client,
    (code, redirect_uri, verifier): (&str, &str, &str),
    now: i64,
) -> Result<Grant, Refusal> {
    let grant: Grant = hub.store.take(Kind::Code, code, now).await?.ok_or(Refusal::Grant)?;
    if !binds(&grant, client, redirect_uri, verifier) {
        return Err(Refusal::Grant);
    }
    // The provider may have ended the login since.
    let (register, sid) = (hub.register.clone(), grant.sid.clone());
    let lasts = web::block(move || register.lasts(&sid)).await.map_err(|e| Refusal::Fault(e.into()))?;
    if !lasts.map_err(|e| Refusal::Fault(e.into()))? {
        return Err(Refusal::Grant);
    }
    Ok(grant)
}

/// Whether the code belongs to this gateway, address and verifier (RFC 6749 section 4.1.3, RFC 7636 section 4.6).
fn binds(grant: &Grant, client: &Client, redirect_uri: &str, verifier: &str) -> bool {
    let well_formed = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    well_formed
        && grant.login.client_id == client.client_id
        && grant.login.redirect_uri == redirect_uri
        && client::same(
            &grant.login.code_challenge,
            PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier.to_owned()))
                .as_str(),
        )
}

fn tokens(hub: &Hub, grant: Grant, now: i64) -> anyhow::Result<Tokens> {
    // The access token opens nothing: there is no user information to fetch.
    let access = AccessToken::new(token::random()?);
    let issued = instant(now);
    let claims = IdTokenClaims::new(
        IssuerUrl::new(hub.settings.issuer().to_owned())?,
        vec![Audience::new(grant.login.client_id)],
        (issued + Duration::from_secs(ID_TOKEN_LIVES)).into(),
        issued.into(),
        StandardClaims::new(SubjectIdentifier::new(grant.subject)),
        Extra { roles: grant.roles, sid: grant.sid, provider_session: grant.at_provider },
    )
    .set_nonce(Some(Nonce::new(grant.login.nonce)))
    .set_auth_time(Some(instant(grant.auth_time).into()))
    .set_auth_context_ref(Some(AuthenticationContextClass::new(grant.acr)))
    .set_auth_method_refs(Some(vec![AuthenticationMethodReference::new(grant.amr)]));
    let algorithm = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
    let id_token = IdToken::new(claims, &hub.signing, algorithm, Some(&access), None)?;
    let fields = IdTokenFields::new(Some(id_token), EmptyExtraTokenFields {});
    let mut answer = Tokens::new(access, CoreTokenType::Bearer, fields);
    answer.set_expires_in(Some(&Duration::from_secs(ID_TOKEN_LIVES)));
    Ok(answer)
}

fn instant(seconds: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

fn refuse(refusal: &Refusal) -> HttpResponse {
    let (status, error) = match refusal {
        Refusal::Request => (StatusCode::BAD_REQUEST, "invalid_request"),
        Refusal::Client => (StatusCode::UNAUTHORIZED, "invalid_client"),
        Refusal::Grant => (StatusCode::BAD_REQUEST, "invalid_grant"),
        Refusal::GrantType => (StatusCode::BAD_REQUEST, "unsupported_grant_type"),
        Refusal::Store(error) => {
            tracing::error!(%error, "token");
            (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
        }
        Refusal::Fault(error) => {
            tracing::error!(error = format!("{error:#}"), "token");
            (StatusCode::INTERNAL_SERVER_ERROR, "server_error")
        }
    };
    let mut answer = HttpResponse::build(status);
    if status == StatusCode::UNAUTHORIZED {
        answer.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"varco-hub\""));
    }
    answer.insert_header((header::PRAGMA, "no-cache")).json(serde_json::json!({ "error": error }))
}
