//! The operator's door to look-ups: a Unix socket in the state folder, frames as between gateway and enforcer. Only root and
//! the hub's own user may ask. What is recorded is recorded by the hub that runs, since its log has one writer.

use super::{Refusal, cases, receipt, submit};
use crate::{
    app::{self, Hub},
    expiry,
};
use anyhow::{Context as _, ensure};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use serde::{Deserialize, Serialize};
use std::{
    fs::Permissions,
    io,
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use varco_audit::case::{CaseId, Step};
use varco_policy::wire::{read_frame, write_frame};

/// A receipt waits for the log's next checkpoint.
const PATIENCE: Duration = Duration::from_secs(20);

/// What an operator may ask.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// Take a document.
    Submit(String),
    /// Record what officers signed of keys or of a hold.
    Statement(String),
    /// List the cases.
    List,
    /// Give the receipt of a case.
    Receipt(CaseId),
    /// Record that the person in this answer is looked up, and prove it.
    Name {
        /// The case.
        case: CaseId,
        /// SHA-256 of the answer.
        digest: String,
    },
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// It was taken: the case, and which step of it.
    Taken(CaseId, String),
    /// A statement was recorded: so many entries, from this one of the log on.
    Recorded {
        /// How many.
        entries: usize,
        /// The first.
        first: u64,
    },
    /// The cases.
    Cases(Vec<super::Case>),
    /// A proof of an entry.
    Proof(String),
    /// It was not done, and why.
    Refused(String),
}

/// Where the socket is.
fn socket(state: &Path) -> PathBuf {
    state.join("control.sock")
}

/// Asks the hub that runs.
///
/// # Errors
/// When none runs or it does not answer.
pub fn ask(state: &Path, ask: &Ask) -> anyhow::Result<Told> {
    let path = socket(state);
    let stream = UnixStream::connect(&path)
        .with_context(|| format!("no varco-hub with look-ups answers at {}", path.display()))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write_frame(&stream, ask)?;
    read_frame(&stream)?.context("the hub refused to answer: run this as root or as the hub's user")
}

/// Serves operators in a thread of its own until the process ends.
///
/// # Errors
/// When the socket cannot be made.
pub fn serve(hub: Arc<Hub>) -> anyhow::Result<()> {
    let path = socket(&hub.settings.state);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let listener = UnixListener::bind(&path).with_context(|| path.display().to_string())?;
    std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    std::thread::Builder::new().name("control".into()).spawn(move || {
        for stream in listener.incoming().flatten() {
            if let Err(error) = answer(&stream, &hub) {
                tracing::debug!(%error, "an operator was not answered");
            }
        }
    })?;
    Ok(())
}

fn answer(stream: &UnixStream, hub: &Hub) -> anyhow::Result<()> {
    let peer = getsockopt(stream, PeerCredentials)?;
    ensure!(peer.uid() == 0 || peer.uid() == nix::unistd::geteuid().as_raw(), "user {}", peer.uid());
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let Some(ask) = read_frame(stream)? else { return Ok(()) };
    let told = told(hub, ask, peer.uid()).unwrap_or_else(|refusal| Told::Refused(refusal.to_string()));
    Ok(write_frame(stream, &told)?)
}

fn told(hub: &Hub, ask: Ask, user: u32) -> Result<Told, Refusal> {
    Ok(match ask {
        Ask::Submit(document) => {
            let taken = submit(hub, document.as_bytes(), app::now())?;
            tracing::info!(case = %taken.case, step = %taken.step, "look-up");
            Told::Taken(taken.case, taken.step.to_string())
        }
        Ask::Statement(text) => {
            let lookup = super::of(hub)?;
            match expiry::record(lookup, (&hub.log, &hub.kept), text.as_bytes(), app::now()) {
                Ok((entries, first)) => {
                    hub.expired.notify_one();
                    Told::Recorded { entries, first }
                }
                Err(error) => Told::Refused(format!("{error:#}")),
            }
        }
        Ask::List => Told::Cases(cases(hub)?),
        Ask::Receipt(case) => Told::Proof(receipt(hub, case)?),
        Ask::Name { case, digest } => {
            let by = format!("uid {user}");
            super::submit::name(super::of(hub)?, &hub.log, (case, by, digest), app::now())?;
            tracing::warn!(%case, user, "look-up: the person of an answer is looked up in the register");
            Told::Proof(super::prove(hub, case, Step::Named)?)
        }
    })
}
