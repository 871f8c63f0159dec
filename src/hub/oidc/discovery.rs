//! `/.well-known/openid-configuration` (OpenID Connect Discovery section 4).

use super::authorize::ROLES;
use crate::app::Hub;
use actix_web::{HttpResponse, get, web};
use openidconnect::{
    AdditionalProviderMetadata, AuthUrl, AuthenticationContextClass, IssuerUrl, JsonWebKeySetUrl,
    LanguageTag, ProviderMetadata, ResponseTypes, Scope, TokenUrl,
    core::{
        CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm,
        CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
    },
};
use serde::{Deserialize, Serialize};
use varco_templates::Lang;

/// What the crate's metadata lacks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Extra {
    /// RFC 8414: PKCE methods.
    code_challenge_methods_supported: Vec<String>,
    /// RFC 9207: the answer carries `iss`.
    authorization_response_iss_parameter_supported: bool,
    /// OpenID Connect RP-Initiated Logout section 2.1.
    end_session_endpoint: String,
    /// Where logouts of providers are told, as Security Event Tokens by poll: RFC 8936 names no field of metadata, and
    /// `backchannel_logout_supported` would promise that the hub calls.
    security_events_endpoint: String,
    /// RFC 8936 section 4.
    security_events_delivery_methods_supported: Vec<String>,
}

impl AdditionalProviderMetadata for Extra {}

type Metadata = ProviderMetadata<
    Extra,
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

/// The provider's description.
#[get("/.well-known/openid-configuration")]
pub async fn discovery(hub: web::Data<Hub>) -> HttpResponse {
    match metadata(&hub) {
        Ok(metadata) => HttpResponse::Ok().json(metadata),
        Err(error) => {
            tracing::error!(%error, "discovery");
            HttpResponse::InternalServerError().finish()
        }
    }
}

fn metadata(hub: &Hub) -> Result<Metadata, url::ParseError> {
    let settings = &hub.settings;
    let extra = Extra {
        code_challenge_methods_supported: vec!["S256".into()],
        authorization_response_iss_parameter_supported: true,
        end_session_endpoint: settings.url("/oidc/logout"),
        security_events_endpoint: settings.url("/oidc/events"),
        security_events_delivery_methods_supported: vec!["urn:ietf:rfc:8936".into()],
    };
    let levels = (1..=3).map(|level| AuthenticationContextClass::new(acr(level))).collect();
    let languages = Lang::ALL.map(|lang| LanguageTag::new(lang.tag().to_owned()));
    Ok(Metadata::new(
        IssuerUrl::new(settings.issuer().to_owned())?,
        AuthUrl::new(settings.url("/oidc/authorize"))?,
        JsonWebKeySetUrl::new(settings.url("/oidc/jwks"))?,
        vec![ResponseTypes::new(vec![CoreResponseType::Code])],
        vec![CoreSubjectIdentifierType::Pairwise],
        vec![CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256],
        extra,
    )
    .set_token_endpoint(Some(TokenUrl::new(settings.url("/oidc/token"))?))
    .set_scopes_supported(Some(vec![Scope::new("openid".into()), Scope::new(ROLES.into())]))
    .set_response_modes_supported(Some(vec![CoreResponseMode::Query]))
    .set_grant_types_supported(Some(vec![CoreGrantType::AuthorizationCode]))
    .set_acr_values_supported(Some(levels))
    .set_token_endpoint_auth_methods_supported(Some(vec![
        CoreClientAuthMethod::ClientSecretBasic,
        CoreClientAuthMethod::ClientSecretPost,
    ]))
    .set_ui_locales_supported(Some(languages.to_vec()))
    .set_claims_parameter_supported(Some(false))
    .set_request_parameter_supported(Some(false))
    .set_request_uri_parameter_supported(Some(false)))
}

/// The `acr` of a SPID level, 1 to 3: its name in the SPID rules.
pub fn acr(level: u8) -> String {
    format!("https://www.spid.gov.it/SpidL{level}")
}
