//! What an ID token of the hub says of a person: a pairwise name, how they logged in, and what they may do here.

use openidconnect::{
    AdditionalClaims, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenClaims,
    IdTokenFields, StandardErrorResponse, StandardTokenResponse,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreRevocableToken,
        CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use serde::{Deserialize, Serialize};
use varco_policy::{
    Subject,
    pass::{NotASubject, Session, Sid},
};

/// The role of who may set the shares.
const SITE_ADMIN: &str = "site-admin";
/// The SPID levels with two factors or more (*Regole tecniche SPID*), and a card with its PIN (SAML 2.0 Authentication
/// Context 3.4.16).
const TWO_FACTORS: [&str; 3] = [
    "https://www.spid.gov.it/SpidL2",
    "https://www.spid.gov.it/SpidL3",
    "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI",
];

/// What a token says beside the standard claims: `roles` in an administrator's only, and which login it is of.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Roles {
    #[serde(default)]
    pub(super) roles: Vec<String>,
    /// OpenID Connect Back-Channel Logout section 2.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sid: Option<String>,
    /// Whether the identity provider keeps a session of the login.
    #[serde(default)]
    pub(super) provider_session: bool,
}

impl AdditionalClaims for Roles {}

type Fields = IdTokenFields<
    Roles,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

/// An ID token that may say roles.
pub(super) type IdToken = openidconnect::IdToken<
    Roles,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

/// A client of a provider of such tokens.
pub(super) type Client = openidconnect::Client<
    Roles,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A person whom the hub confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    /// Who, as this site knows them.
    pub subject: Subject,
    /// What they may do.
    pub roles: Vec<String>,
    /// The level of the login, as the provider names it.
    pub acr: Option<String>,
    /// The login, where the hub names it.
    pub session: Option<Session>,
}

impl Confirmed {
    pub(super) fn of(claims: &IdTokenClaims<Roles, CoreGenderClaim>) -> Result<Self, NotASubject> {
        let said = claims.additional_claims();
        let sid = said.sid.clone().map(Sid::try_from).transpose()?;
        Ok(Self {
            session: sid.map(|sid| Session { sid, at_provider: said.provider_session }),
            subject: Subject::try_from(claims.subject().to_string())?,
            roles: claims.additional_claims().roles.clone(),
            acr: claims.auth_context_ref().map(|acr| acr.to_string()),
        })
    }

    /// Whether they may set the shares of this site.
    pub fn is_site_admin(&self) -> bool {
        self.roles.iter().any(|role| role == SITE_ADMIN)
    }

    /// Whether they showed two factors at least.
    pub fn showed_two_factors(&self) -> bool {
        self.acr.as_deref().is_some_and(|acr| TWO_FACTORS.contains(&acr))
    }
}
