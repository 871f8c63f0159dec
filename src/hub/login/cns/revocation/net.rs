//! Asking a host, within limits: no redirection, no proxy, so much time, so many octets, public addresses only.

mod ldap;
mod public;

use super::{
    Settings,
    doubt::{Doubt, ensure},
    pace::Pace,
    question::permitted,
};
use crate::registry::crypto;
use jiff::Timestamp;
use public::{Public, resolve};
use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;
use url::Url;

/// The network, as far as it is asked.
#[derive(Debug)]
pub struct Net {
    client: Client,
    public: Arc<Public>,
    /// Turns at responders, and turns at lists: a long list takes no responder's.
    answers: Pace,
    lists: Pace,
    /// How long a question may last.
    pub patience: Duration,
}

/// What a question may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until the last octet.
    pub time: Duration,
    /// Most octets of the answer.
    pub octets: usize,
}

impl Net {
    /// # Errors
    /// When the system's authorities cannot be used.
    pub fn new(settings: &Settings) -> anyhow::Result<Self> {
        crypto();
        let public = Arc::new(Public::new(settings.networks.clone()));
        let [answers, lists] = [(); 2].map(|()| Pace::new(settings.parallel));
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .pool_idle_timeout(Duration::from_secs(30))
            .connect_timeout(settings.patience())
            .dns_resolver(public.clone())
            .build()?;
        Ok(Self { client, public, answers, lists, patience: settings.patience() })
    }

    /// A responder's answer to a request.
    ///
    /// # Errors
    /// When none is had within the limits.
    pub async fn ask(
        &self,
        url: &Url,
        request: Vec<u8>,
        limits: Limits,
        now: Timestamp,
    ) -> Result<Vec<u8>, Doubt> {
        let asked =
            self.client.post(url.clone()).header("content-type", "application/ocsp-request").body(request);
        let answer = self.in_turn(&self.answers, url, limits, now, http(asked, limits)).await?;
        self.answers.ended(&host(url), true, now);
        Ok(answer)
    }

    /// The list at an address; whether it was any good is told to [`Self::listed`].
    ///
    /// # Errors
    /// When none is had within the limits.
    pub async fn list(&self, url: &Url, limits: Limits, now: Timestamp) -> Result<Vec<u8>, Doubt> {
        if url.scheme() == "ldap" {
            return self.in_turn(&self.lists, url, limits, now, ldap::list(url, &self.public, limits)).await;
        }
        self.in_turn(&self.lists, url, limits, now, http(self.client.get(url.clone()), limits)).await
    }

    /// Whether a list that was had is believed: one that is not counts as a failure, or each login would fetch it again.
    pub fn listed(&self, url: &Url, well: bool, now: Timestamp) {
        self.lists.ended(&host(url), well, now);
    }

    async fn in_turn(
        &self,
        pace: &Pace,
        url: &Url,
        limits: Limits,
        now: Timestamp,
        asking: impl Future<Output = Result<Vec<u8>, Doubt>>,
    ) -> Result<Vec<u8>, Doubt> {
        permitted(url)?;
        self.public.literal(url)?;
        let host = host(url);
        let _turn = pace.turn(&host, now, self.patience).await?;
        let silent = || Doubt::new("silence", format!("no answer in {} s", limits.time.as_secs()));
        let mut asked = Asked { pace, host: &host, now, failed: true };
        let answer = timeout(limits.time, asking).await.unwrap_or_else(|_| Err(silent()));
        // That an address may not be asked is no failure of its host, and must not end as one that passes.
        asked.failed = answer.as_ref().is_err_and(|doubt| !matches!(doubt.rule, "network" | "address"));
        answer
    }
}

/// A question under way. Who stops waiting for it drops it: the host has failed then too.
struct Asked<'a> {
    pace: &'a Pace,
    host: &'a str,
    now: Timestamp,
    failed: bool,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if self.failed {
            self.pace.ended(self.host, false, self.now);
        }
    }
}

/// Name and port.
fn host(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}

async fn http(asked: RequestBuilder, limits: Limits) -> Result<Vec<u8>, Doubt> {
    let answer = asked.send().await.map_err(unreached)?;
    ensure(answer.status() == StatusCode::OK, "http", answer.status())?;
    octets(answer, limits.octets).await
}

async fn octets(mut answer: Response, most: usize) -> Result<Vec<u8>, Doubt> {
    let mut octets = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(unreached)? {
        ensure(octets.len().saturating_add(part.len()) <= most, "size", format!("more than {most} octets"))?;
        octets.extend_from_slice(&part);
    }
    Ok(octets)
}

/// What went wrong at the bottom, without the address, which stands beside it already.
fn unreached(e: reqwest::Error) -> Doubt {
    let mut cause: &dyn std::error::Error = &e.without_url();
    let mut deepest = cause.to_string();
    while let Some(next) = cause.source() {
        if let Some(refused) = next.downcast_ref::<Doubt>() {
            return refused.clone();
        }
        (deepest, cause) = (next.to_string(), next);
    }
    Doubt::new("silence", deepest)
}
