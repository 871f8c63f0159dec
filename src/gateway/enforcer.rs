//! The enforcer's client: one thread that asks, waits, and connects again when the line is lost.

use crate::event_loop::{Inbox, Message};
use crate::site::Event;
use std::{
    io,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::Duration,
};
use varco_policy::wire::{Reply, Request, read_frame, write_frame};

/// How long an answer may take: longer than a heavy transaction of 50,000 passes.
const PATIENCE: Duration = Duration::from_secs(10);
/// The first wait after a lost connection; doubled up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Serves requests until the event loop goes away.
///
/// # Errors
/// When the thread cannot be started.
pub fn start(socket: PathBuf, requests: Receiver<Request>, inbox: Inbox) -> io::Result<()> {
    std::thread::Builder::new().name("enforcer".into()).spawn(move || {
        let mut wait = FIRST_WAIT;
        while let Some(stream) = connect(&socket, &requests, &mut wait) {
            if serve(&stream, &requests, &inbox).is_none() {
                break;
            }
        }
    })?;
    Ok(())
}

/// Connects, however long it takes; `None` when the event loop has gone away.
fn connect(socket: &Path, requests: &Receiver<Request>, wait: &mut Duration) -> Option<UnixStream> {
    loop {
        match open(socket) {
            Ok(stream) => {
                *wait = FIRST_WAIT;
                return Some(stream);
            }
            Err(error) => tracing::debug!(%error, "the enforcer cannot be reached"),
        }
        // Nothing is asked while we are not connected; the channel only tells whether the loop still lives.
        match requests.recv_timeout(*wait) {
            Err(RecvTimeoutError::Disconnected) => return None,
            Ok(_) | Err(RecvTimeoutError::Timeout) => *wait = (*wait * 2).min(LONGEST_WAIT),
        }
    }
}

fn open(socket: &Path) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Serves one connection until it fails; `None` when the event loop has gone away.
fn serve(stream: &UnixStream, requests: &Receiver<Request>, inbox: &Inbox) -> Option<()> {
    inbox.tell(Message::Event(Event::EnforcerBack)).ok()?;
    loop {
        let request = requests.recv().ok()?;
        match ask(stream, &request) {
            Ok(reply) => inbox.tell(Message::Event(Event::Answered(reply))).ok()?,
            Err(error) => {
                tracing::warn!(%error, "the enforcer was lost");
                return inbox.tell(Message::Event(Event::EnforcerLost)).ok();
            }
        }
    }
}

fn ask(stream: &UnixStream, request: &Request) -> io::Result<Reply> {
    write_frame(stream, request)?;
    read_frame(stream)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
