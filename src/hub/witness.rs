//! Witnesses of the hub's log (C2SP tlog-witness, the client's part): after a new checkpoint, at most once a minute unless
//! the settings say otherwise, each is asked to cosign it. What they sign is in `checkpoint.witnessed` in the log's folder: the newest checkpoint that one of
//! them cosigned, with every cosignature on it, whole or not at all.
//!
//! A witness that is not reached costs the hub nothing: records, logins and proofs do not wait for it.

mod answer;
mod ask;
mod round;
#[cfg(test)]
mod tests;
mod witnessed;

pub use answer::Failure;
pub use round::{Standing, watch};
pub use witnessed::{cosignatures, cosigned};

use crate::registry::{Limits, client};
use jiff::SignedDuration;
use openssl::x509::X509;
use reqwest::Client;
use std::time::Duration;
use url::Url;
use varco_audit::tlog::VerifierKey;

/// What one question to a witness may cost.
const LIMITS: Limits = Limits { connect: Duration::from_secs(5), total: Duration::from_secs(15) };

/// How often witnesses are asked, and how long a checkpoint may wait for a cosignature before that is an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Between two rounds.
    pub every: Duration,
    /// Of one witness.
    pub late: SignedDuration,
}

/// A witness, ready to be asked.
#[derive(Debug, Clone)]
pub struct Witness {
    /// What its cosignatures are verified with.
    pub key: VerifierKey,
    url: Url,
    client: Client,
}

impl Witness {
    /// A witness with this submission prefix. `ca` takes the place of the system's authorities.
    ///
    /// # Errors
    /// When a certificate cannot be used.
    pub fn new(prefix: &Url, key: VerifierKey, ca: Option<&[X509]>) -> anyhow::Result<Self> {
        let prefix = prefix.as_str().trim_end_matches('/');
        Ok(Self { key, url: format!("{prefix}/add-checkpoint").parse()?, client: client(ca, LIMITS)? })
    }
}
