//! What is kept between the steps of a code flow, and the code itself.

use crate::{
    app::Hub,
    login::saml::Level,
    store::{Kind, StoreError},
};
use serde::{Deserialize, Serialize};
use url::Url;
use varco_web::token;

/// How long a citizen has from the gateway's request to the provider's answer, in seconds.
pub const LOGIN_LIVES: u32 = 30 * 60;
/// How long a code can be exchanged (RFC 6749 section 4.1.2 allows 10 minutes), in seconds.
pub const CODE_LIVES: u32 = 60;

/// A login that a gateway asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the protocol")]
pub struct Login {
    pub client_id: String,
    pub redirect_uri: String,
    pub state: String,
    pub nonce: String,
    pub code_challenge: String,
    /// Whether it is of a site's administrator: it came for the address of the admin pages.
    #[serde(default)]
    pub admin: bool,
}

impl Login {
    /// The sector of the pairwise subject (OpenID Connect Core section 8.1). An administrator has another one at their
    /// own site than as its citizen, so that nobody can join the two; no client id has a slash.
    pub fn sector(&self) -> String {
        if self.admin { format!("{}/admin", self.client_id) } else { self.client_id.clone() }
    }

    /// The lowest level that is enough where `least` is the setting: an administrator shows two factors.
    pub fn level(&self, least: Level) -> Level {
        if self.admin { least.max(Level::L2) } else { least }
    }
}

/// The role of who sets a site's shares, in the claim `roles`.
pub const SITE_ADMIN: &str = "site-admin";

/// What a code stands for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the protocol")]
pub struct Grant {
    pub login: Login,
    pub subject: String,
    /// The login, for logging out of it.
    pub sid: String,
    /// Whether the provider keeps a session of it.
    pub at_provider: bool,
    /// When the provider authenticated the citizen, in Unix seconds.
    pub auth_time: i64,
    /// Level reached, as its SPID name.
    pub acr: String,
    pub amr: String,
    /// What the person may do at the site; of an administrator's login only.
    #[serde(default)]
    pub roles: Vec<String>,
}

/// Why no code was issued.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says it")]
pub enum IssueError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("no random bytes: {0}")]
    Random(#[from] anyhow::Error),
    #[error("redirect_uri: {0}")]
    Address(#[from] url::ParseError),
}

/// Issues a code and returns the address that brings it to the gateway.
///
/// # Errors
/// When the store or the kernel's randomness fails.
pub async fn issue(hub: &Hub, grant: &Grant, now: i64) -> Result<Url, IssueError> {
    let code = token::random()?;
    hub.store.put(Kind::Code, &code, grant, CODE_LIVES, now).await?;
    Ok(answer(hub, &grant.login.redirect_uri, &[("code", &code), ("state", &grant.login.state)])?)
}

/// The address that brings an error to the gateway (RFC 6749 section 4.1.2.1).
///
/// # Errors
/// Never for a `redirect_uri` that the settings listed.
pub fn refuse(hub: &Hub, login: &Login, error: &str) -> Result<Url, url::ParseError> {
    answer(hub, &login.redirect_uri, &[("error", error), ("state", &login.state)])
}

/// `redirect_uri` with `parameters` and the issuer (RFC 9207).
pub(super) fn answer(
    hub: &Hub,
    redirect_uri: &str,
    parameters: &[(&str, &str)],
) -> Result<Url, url::ParseError> {
    let mut url = Url::parse(redirect_uri)?;
    url.query_pairs_mut().extend_pairs(parameters).append_pair("iss", hub.settings.issuer());
    Ok(url)
}
