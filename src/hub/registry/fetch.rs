//! Asking the registry, within limits: HTTPS only, no redirection, so much time, so many octets.

use super::Registry;
use crate::login::saml::MAX_LIST;
use openssl::x509::X509;
use reqwest::{Certificate, Client, Response, redirect};
use std::{sync::Once, time::Duration};

/// What one request may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until the host answers the handshake.
    pub connect: Duration,
    /// Until the last octet.
    pub total: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), total: Duration::from_secs(60) }
    }
}

/// The octets that the registry serves now. On a Tokio runtime.
///
/// # Errors
/// When it does not answer in time, with 200, and with no more than a list may have.
pub async fn fetch(registry: &Registry) -> anyhow::Result<Vec<u8>> {
    let client = client(registry.ca.as_deref(), registry.limits)?;
    let answer = client.get(registry.url.clone()).send().await?;
    anyhow::ensure!(answer.status() == reqwest::StatusCode::OK, "it answered {}", answer.status());
    octets(answer).await
}

/// The body of an answer, no longer than a list may be.
///
/// # Errors
/// When it is longer, or breaks off.
pub async fn octets(mut answer: Response) -> anyhow::Result<Vec<u8>> {
    let mut octets = Vec::new();
    while let Some(part) = answer.chunk().await? {
        anyhow::ensure!(octets.len().saturating_add(part.len()) <= MAX_LIST, "more than {MAX_LIST} octets");
        octets.extend_from_slice(&part);
    }
    Ok(octets)
}

/// Who asks: by HTTPS only, without following a redirection. `ca` takes the place of the system's authorities.
///
/// # Errors
/// When a certificate cannot be used.
pub fn client(ca: Option<&[X509]>, limits: Limits) -> anyhow::Result<Client> {
    crypto();
    let mut client = Client::builder()
        .https_only(true)
        .redirect(redirect::Policy::none())
        .connect_timeout(limits.connect)
        .timeout(limits.total);
    if let Some(ca) = ca {
        client = client.tls_built_in_root_certs(false);
        for certificate in ca {
            client = client.add_root_certificate(Certificate::from_der(&certificate.to_der()?)?);
        }
    }
    Ok(client.build()?)
}

/// The program's TLS, chosen once.
pub fn crypto() {
    static CHOSEN: Once = Once::new();
    CHOSEN.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
