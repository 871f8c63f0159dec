//! The operator's door: a Unix socket in the state folder, frames as between gateway and enforcer. Only root and the
//! gateway's own user may ask.

mod state;

use crate::{
    board::{Board, Shown},
    event_loop::{Inbox, Message},
    site::{
        Answer,
        shares::{Attempt, LONGEST_TRIAL, SharesAnswer, SharesAsk},
    },
};
use anyhow::Context;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use serde::{Deserialize, Serialize};
pub use state::{LaneState, SharesState, State, TrialState};
use std::{
    io,
    os::unix::{
        fs::PermissionsExt,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::oneshot;
use varco_policy::{
    PassId, Rate, Shares, Slot,
    site::SLOWEST_PASS,
    wire::{read_frame, write_frame},
};

const PATIENCE: Duration = Duration::from_secs(15);

/// What an operator may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ask {
    /// The state of the site.
    Status,
    /// The open passes.
    Passes,
    /// End a pass.
    Expel(PassId),
    /// What would a change to these shares do?
    Plan(Shares),
    /// Put a change on trial.
    Try {
        /// The confirmed shares that it was made from.
        from: Shares,
        /// The shares to try.
        shares: Shares,
        /// How long, in seconds: 1 to 600.
        seconds: u32,
    },
    /// Keep what is on trial.
    Confirm,
    /// End the trial now.
    TakeBack,
    /// Give a pass another rate, in each direction.
    Rate {
        /// The pass.
        pass: PassId,
        /// The rate; `None` for what the site allows.
        rate: Option<Rate>,
    },
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// The state of the site.
    Status(Box<State>),
    /// The open passes.
    Passes(Vec<OpenPass>),
    /// The pass has ended.
    Ended,
    /// The pass ends when the enforcer answers again, or at its time.
    EndsLater,
    /// There is no such pass.
    NoPass,
    /// About the shares.
    Shares(SharesAnswer),
    /// The pass has its new rate.
    RateSet,
    /// The new rate is recorded and holds when the enforcer answers again.
    RateLater,
    /// It could not be done.
    Failed,
}

/// An open pass; names nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPass {
    /// Its identifier.
    pub id: PassId,
    /// From.
    pub since: jiff::Timestamp,
    /// Until, at the latest.
    pub until: jiff::Timestamp,
    /// Its public address and ports.
    pub slot: Slot,
}

/// Where the socket is.
pub fn socket(state: &Path) -> PathBuf {
    state.join("control.sock")
}

/// Asks the running gateway.
///
/// # Errors
/// When no gateway runs or it does not answer.
pub fn ask(state: &Path, ask: Ask) -> anyhow::Result<Told> {
    let path = socket(state);
    let stream = UnixStream::connect(&path)
        .with_context(|| format!("no varco-gateway answers at {}", path.display()))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write_frame(&stream, &ask)?;
    read_frame(&stream)?.context("the gateway refused to answer: run this as root or as the gateway's user")
}

/// Serves operators in a thread of its own until the process ends.
///
/// # Errors
/// When the socket cannot be made.
pub fn serve(state: &Path, board: Arc<Board>, inbox: Inbox) -> anyhow::Result<()> {
    let path = socket(state);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let listener = UnixListener::bind(&path).with_context(|| path.display().to_string())?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    std::thread::Builder::new().name("control".into()).spawn(move || {
        for stream in listener.incoming().flatten() {
            if let Err(error) = answer(&stream, &board, &inbox) {
                tracing::debug!(%error, "an operator was not answered");
            }
        }
    })?;
    Ok(())
}

fn answer(stream: &UnixStream, board: &Board, inbox: &Inbox) -> anyhow::Result<()> {
    let peer = getsockopt(stream, PeerCredentials)?;
    anyhow::ensure!(peer.uid() == 0 || peer.uid() == nix::unistd::geteuid().as_raw(), "user {}", peer.uid());
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let Some(ask) = read_frame(stream)? else { return Ok(()) };
    let told = match ask {
        Ask::Status => Told::Status(Box::new(State::of(
            &board.status(),
            board.log.state(),
            board.shipping.state(),
            now(),
        ))),
        Ask::Passes => Told::Passes(board.all().iter().map(open_pass).collect()),
        Ask::Expel(pass) => changed(inbox, |answer| Message::Expel(pass, answer)),
        Ask::Rate { rate: Some(rate), .. } if rate < SLOWEST_PASS => Told::Failed,
        Ask::Rate { pass, rate } => changed(inbox, |answer| Message::Rate(pass, rate, answer)),
        Ask::Plan(shares) => about_shares(SharesAsk::Plan(shares), inbox),
        Ask::Try { from, shares, seconds } => try_shares(from, shares, seconds, inbox),
        Ask::Confirm => about_shares(SharesAsk::Confirm(None), inbox),
        Ask::TakeBack => about_shares(SharesAsk::TakeBack(None), inbox),
    };
    Ok(write_frame(stream, &told)?)
}

fn open_pass(shown: &Shown) -> OpenPass {
    let Shown { id, slot, since, until, .. } = *shown;
    OpenPass { id, since, until, slot }
}

fn changed(inbox: &Inbox, message: impl FnOnce(oneshot::Sender<Answer>) -> Message) -> Told {
    let (sender, receiver) = oneshot::channel();
    if inbox.tell(message(sender)).is_err() {
        return Told::Failed;
    }
    match receiver.blocking_recv() {
        Ok(Answer::Ended) => Told::Ended,
        Ok(Answer::EndsLater) => Told::EndsLater,
        Ok(Answer::NoPass) => Told::NoPass,
        Ok(Answer::RateSet) => Told::RateSet,
        Ok(Answer::RateLater) => Told::RateLater,
        _ => Told::Failed,
    }
}

fn try_shares(from: Shares, shares: Shares, seconds: u32, inbox: &Inbox) -> Told {
    if !(1..=LONGEST_TRIAL).contains(&seconds) {
        return Told::Failed;
    }
    about_shares(SharesAsk::Try(Attempt { from, shares, seconds, by: None }), inbox)
}

fn about_shares(ask: SharesAsk, inbox: &Inbox) -> Told {
    let (sender, receiver) = oneshot::channel();
    match inbox.tell(Message::Shares(ask, sender)).map(|()| receiver.blocking_recv()) {
        Ok(Ok(answer)) => Told::Shares(answer),
        _ => Told::Failed,
    }
}

#[expect(clippy::disallowed_methods, reason = "an operator's question is an edge of the program")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
