//! Asking for a list, within limits: HTTPS only, no redirection, so much time, so many octets.

use super::{Registry, Signed, Source};
use anyhow::Context;
use openssl::x509::X509;
use reqwest::{Certificate, Client, ClientBuilder, Response, redirect};
use std::{fs::File, io::Read, path::Path, sync::Once, time::Duration};

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

/// The octets that the source gives now. On a Tokio runtime.
///
/// # Errors
/// When it does not answer in time, with 200, and with no more than a list may have.
pub async fn fetch<L: Signed>(registry: &Registry<L>) -> anyhow::Result<Vec<u8>> {
    let url = match &registry.source {
        Source::Url(url) => url.clone(),
        Source::File(path) => return read(path, L::LONGEST),
    };
    let client = client(registry.ca.as_deref(), registry.limits)?;
    let answer = client.get(url).send().await?;
    anyhow::ensure!(answer.status() == reqwest::StatusCode::OK, "it answered {}", answer.status());
    octets(answer, L::LONGEST).await
}

fn read(path: &Path, most: usize) -> anyhow::Result<Vec<u8>> {
    let limit = u64::try_from(most)?.saturating_add(1);
    let mut octets = Vec::new();
    let file = File::open(path).with_context(|| path.display().to_string())?;
    file.take(limit).read_to_end(&mut octets).with_context(|| path.display().to_string())?;
    anyhow::ensure!(octets.len() <= most, "{}: more than {most} octets", path.display());
    Ok(octets)
}

/// The body of an answer, no longer than `most` octets.
///
/// # Errors
/// When it is longer, or breaks off.
pub async fn octets(mut answer: Response, most: usize) -> anyhow::Result<Vec<u8>> {
    let mut octets = Vec::new();
    while let Some(part) = answer.chunk().await? {
        anyhow::ensure!(octets.len().saturating_add(part.len()) <= most, "more than {most} octets");
        octets.extend_from_slice(&part);
    }
    Ok(octets)
}

/// Who asks: by HTTPS only, without following a redirection. `ca` takes the place of the system's authorities.
///
/// # Errors
/// When a certificate cannot be used.
pub fn client(ca: Option<&[X509]>, limits: Limits) -> anyhow::Result<Client> {
    Ok(builder(ca, limits)?.https_only(true).build()?)
}

/// The same, where what is signed may come by HTTP too.
///
/// # Errors
/// When a certificate cannot be used.
pub fn builder(ca: Option<&[X509]>, limits: Limits) -> anyhow::Result<ClientBuilder> {
    crypto();
    let mut client = Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(limits.connect)
        .timeout(limits.total);
    if let Some(ca) = ca {
        client = client.tls_built_in_root_certs(false);
        for certificate in ca {
            client = client.add_root_certificate(Certificate::from_der(&certificate.to_der()?)?);
        }
    }
    Ok(client)
}

/// The program's TLS, chosen once.
pub fn crypto() {
    static CHOSEN: Once = Once::new();
    CHOSEN.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
