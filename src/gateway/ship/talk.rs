//! What is said with the hub: `add-checkpoint`, then `add-entries` until everything is acknowledged.

use super::Shipped;
use crate::hub::{Hub, HubError};
use actix_web::web;
use reqwest::StatusCode;
use std::path::PathBuf;
use varco_audit::tlog::{
    Signed, add_checkpoint,
    package::{self, Header},
};

/// Where the hub is told of a checkpoint.
const ADD_CHECKPOINT: &str = "/log/add-checkpoint";
/// Where entries go.
const ADD_ENTRIES: &str = "/log/add-entries";
/// A request ends with the package that brings it to this, in octets: the hub takes 8 MiB.
const ENOUGH: usize = 2 << 20;
/// More requests are not made in one round; the next one goes on.
const REQUESTS: usize = 10_000;

/// Why not everything was shipped.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The hub does not answer, or cannot write.
    #[error("{0}")]
    Away(String),
    /// The hub keeps no copy of this log.
    #[error("the hub keeps no copy of this log: its settings have no log_key for this gateway")]
    NotCopied,
    /// The hub knows another history of this log.
    #[error("the hub has {0}: restore the newest log, or begin another under a new name")]
    Forked(String),
    /// Our own log cannot be read.
    #[error("the log cannot be shipped: {0:#}")]
    Log(anyhow::Error),
    /// The hub answers what it should not.
    #[error("the hub does not take the log: {0}")]
    Answer(String),
}

impl From<HubError> for Refused {
    fn from(error: HubError) -> Self {
        Self::Away(error.to_string())
    }
}

/// Ships up to the newest checkpoint.
pub(super) async fn ship(hub: &Hub, shipped: &mut Shipped) -> Result<(), Refused> {
    let signed = shipped.checkpoint().map_err(Refused::Log)?;
    follow(hub, shipped, &signed).await?;
    let mut start = shipped.size();
    for _ in 0..REQUESTS {
        let header =
            Header { origin: shipped.origin().to_owned(), start, end: signed.size, ticket: Vec::new() };
        let (folder, of) = (shipped.folder.clone(), signed.clone());
        let body = blocking(move || Ok(package::body(&mut Shipped::tiles(&folder, &of)?, &header, ENOUGH)?));
        let (status, answer) = hub.post(ADD_ENTRIES, body.await?).await?;
        start = match status {
            StatusCode::OK => {
                let kept = shipped.keep(&signed, &answer).map_err(|error| Refused::Log(error.into()))?;
                let other = "its cosignature is not by hub.log_mirror";
                return if kept { Ok(()) } else { Err(Refused::Answer(other.to_owned())) };
            }
            StatusCode::ACCEPTED | StatusCode::CONFLICT => {
                let (pending, next) = info(&answer).ok_or_else(|| unexpected(status, &answer))?;
                // Another checkpoint is followed meanwhile, or nothing was taken: the next round begins anew.
                if pending != signed.size || (status == StatusCode::ACCEPTED && next <= start) {
                    return Err(Refused::Away(format!("the hub follows {pending} entries")));
                }
                next
            }
            status => return Err(unexpected(status, &answer)),
        };
    }
    Err(Refused::Away("the hub takes very little at a time".to_owned()))
}

/// Asks the hub to follow a checkpoint, from what it has.
async fn follow(hub: &Hub, shipped: &Shipped, signed: &Signed) -> Result<(), Refused> {
    let mut old = shipped.size();
    for _ in 0..3 {
        let (folder, of) = (shipped.folder.clone(), signed.clone());
        let body = blocking(move || head(folder, &of, old)).await?;
        let (status, answer) = hub.post(ADD_CHECKPOINT, body).await?;
        old = match status {
            StatusCode::OK => return Ok(()),
            StatusCode::CONFLICT => {
                let known = answer.trim_end().parse().map_err(|_| unexpected(status, &answer))?;
                if known > signed.size {
                    let more = format!("{known} entries of this log, and here are {}", signed.size);
                    return Err(Refused::Forked(more));
                }
                if known == old {
                    return Err(Refused::Forked(format!("another entry among the first {known}")));
                }
                known
            }
            StatusCode::UNPROCESSABLE_ENTITY => {
                return Err(Refused::Forked(format!("another beginning of {old} entries")));
            }
            status => return Err(unexpected(status, &answer)),
        };
    }
    Err(Refused::Away("the hub does not say what it follows".to_owned()))
}

fn head(folder: PathBuf, signed: &Signed, old: u64) -> anyhow::Result<Vec<u8>> {
    let proof = Shipped::tiles(&folder, signed)?.consistency(old)?;
    Ok(add_checkpoint::write(old, &proof, signed.note()).into_bytes())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> Result<T, Refused> {
    let done = web::block(work).await.map_err(|error| Refused::Away(error.to_string()))?;
    done.map_err(Refused::Log)
}

/// The size that is followed, and the next entry (`text/x.tlog.mirror-info`).
fn info(answer: &str) -> Option<(u64, u64)> {
    let mut lines = answer.lines();
    Some((lines.next()?.parse().ok()?, lines.next()?.parse().ok()?))
}

fn unexpected(status: StatusCode, answer: &str) -> Refused {
    if status == StatusCode::NOT_FOUND {
        return Refused::NotCopied;
    }
    if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
        return Refused::Away(format!("the hub answers {status}"));
    }
    let plain: String = answer.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(120).collect();
    Refused::Answer(format!("{status} {plain}"))
}
