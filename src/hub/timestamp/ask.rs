//! Asking an authority, within limits.

use crate::{config::TimestampsAsked, registry::octets};
use reqwest::{StatusCode, header::CONTENT_TYPE};
use ring::rand::{SecureRandom as _, SystemRandom};
use secrecy::ExposeSecret as _;
use varco_audit::timestamp::{BadTimestamp, Nonce, Query, RESPONSE_MAX, Stamp, verify};

/// Why there is no timestamp.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nobody answers, or not within the limits.
    #[error("the authority does not answer: {0}")]
    Unreachable(String),
    /// It answers something else.
    #[error("the authority answered {0}")]
    Status(String),
    /// What it answers is not taken.
    #[error(transparent)]
    Refused(#[from] BadTimestamp),
    /// Ours.
    #[error("{0}")]
    Ours(String),
}

/// The answer as it came, and what it says.
///
/// # Errors
/// [`Failure`].
pub(super) async fn ask(at: &TimestampsAsked, text: &[u8]) -> Result<(Vec<u8>, Stamp), Failure> {
    let mut random = [0; 16];
    SystemRandom::new().fill(&mut random).map_err(|_| Failure::Ours("no randomness".to_owned()))?;
    let query = Nonce::new(random).and_then(|nonce| Query::new(text, nonce));
    let query = query.map_err(|error| Failure::Ours(error.to_string()))?;
    let mut request = at.client.post(at.url.clone()).header(CONTENT_TYPE, "application/timestamp-query");
    if let Some((user, password)) = &at.login {
        request = request.basic_auth(user, Some(password.expose_secret()));
    }
    let sent = request.body(query.octets).send().await;
    let answer = sent.map_err(|error| Failure::Unreachable(format!("{:#}", anyhow::Error::from(error))))?;
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if answer.status() != StatusCode::OK || !kind.starts_with("application/timestamp-reply") {
        return Err(Failure::Status(format!("{} {kind}", answer.status())));
    }
    let reply =
        octets(answer, RESPONSE_MAX).await.map_err(|error| Failure::Unreachable(format!("{error:#}")))?;
    let stamp = verify(&reply, text, Some(&query.nonce), &at.authority)?;
    Ok((reply, stamp))
}
