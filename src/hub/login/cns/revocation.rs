//! Whether a card is revoked: the responder of its issuer is asked (RFC 6960), then its list is looked up (RFC 5280 section 5).
//! What is not believed is as if it had not been said: the next way is tried, and in the end the card is silent.

mod doubt;
mod extensions;
mod kept;
pub mod list;
mod lists;
mod net;
pub mod ocsp;
mod pace;
pub mod question;
pub mod serial;
mod settings;
mod signed;
#[cfg(test)]
mod tests;
mod when;

use super::standing::{Proof, Source, Standing};
use doubt::ensure;
pub use doubt::{Doubt, RULES};
use jiff::Timestamp;
use kept::Folder;
use lists::Lists;
use net::{Limits, Net};
use ocsp::{Asked, Said, Status};
use openssl::x509::X509;
use question::{Authority, Question};
pub use settings::Settings;
use std::{path::PathBuf, sync::Arc};
use url::Url;

/// Who asks, and what is kept of the answers.
#[derive(Debug)]
pub struct Revocation {
    net: Arc<Net>,
    lists: Arc<Lists>,
}

impl Revocation {
    /// `folder` is where lists are kept, below the state folder; made when the first is.
    ///
    /// # Errors
    /// When the system's authorities cannot be used.
    pub fn new(settings: &Settings, folder: PathBuf) -> anyhow::Result<Self> {
        let net = Arc::new(Net::new(settings)?);
        Ok(Self { lists: Lists::new(net.clone(), Folder::new(folder)), net })
    }

    /// What `issuer` says of `card` now. Both were verified before: the addresses asked are those in the card. On a Tokio runtime.
    pub async fn standing(&self, card: &X509, issuer: &X509, now: Timestamp) -> Standing {
        match (Question::new(card), Authority::new(issuer)) {
            (Ok(question), Ok(issuer)) => self.answered(&question, &issuer, now).await,
            (Err(doubt), _) | (_, Err(doubt)) => Standing::Unaskable(vec![doubt.to_string()]),
        }
    }

    async fn answered(&self, question: &Question, issuer: &Authority, now: Timestamp) -> Standing {
        let mut tried = Vec::new();
        for url in &question.responders {
            match self.ask(url, question, issuer, now).await {
                Ok(standing) => return standing,
                Err(doubt) => tried.push(format!("{url}: {doubt}")),
            }
        }
        match self.lists.ask(question, issuer, now).await {
            Ok(standing) => standing,
            Err(vain) => {
                tried.extend(vain);
                in_vain(tried)
            }
        }
    }

    /// What a responder says.
    async fn ask(
        &self,
        url: &Url,
        question: &Question,
        issuer: &Authority,
        now: Timestamp,
    ) -> Result<Standing, Doubt> {
        let asked = Asked::new(question, issuer)?;
        let limits = Limits { time: self.net.patience, octets: ocsp::MOST };
        let answer = self.net.ask(url, asked.octets.clone(), limits, now).await?;
        let said = asked.believe(&answer, issuer, now)?;
        if let Some(responder) = &said.vouch {
            self.vouched(responder, issuer, now).await?;
        }
        Ok(standing(&said, answer, url))
    }

    /// A responder's certificate without id-pkix-ocsp-nocheck must not be revoked itself, by the issuer's list.
    async fn vouched(&self, responder: &X509, issuer: &Authority, now: Timestamp) -> Result<(), Doubt> {
        let listed = self.lists.ask(&Question::new(responder)?, issuer, now).await;
        ensure(matches!(listed, Ok(Standing::Good(_))), "signer-standing", "its certificate may be revoked")
    }
}

/// Silence passes; that no address may be asked, or that there is none, does not.
fn in_vain(tried: Vec<String>) -> Standing {
    let refused = |one: &String| matches!(one.split(": ").nth(1), Some("network" | "address"));
    if tried.iter().all(refused) { Standing::Unaskable(tried) } else { Standing::Silent(tried) }
}

fn standing(said: &Said, answer: Vec<u8>, url: &Url) -> Standing {
    let digest = openssl::sha::sha256(&answer);
    let (source, url, produced) = (Source::Ocsp, url.clone(), said.produced);
    let proof = Proof { source, url, produced, digest, answer: Some(answer) };
    match said.status {
        Status::Good => Standing::Good(proof),
        Status::Revoked(since) => Standing::Revoked { since, proof },
        Status::Unknown => Standing::Unknown(proof),
    }
}
