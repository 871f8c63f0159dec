//! The enforcer's client: one thread that asks, waits, and connects again when the line is lost.

use crate::event_loop::{Inbox, Message, Whole};
use crate::site::Event;
use std::{
    io::{self, Read},
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

/// How often a silent line is looked at, so that a lost enforcer is known before a citizen's login depends on it.
const WATCH: Duration = Duration::from_millis(250);

/// A request for one connection. One that was meant for a connection that is lost is not sent on the next: the site has
/// been told that it was lost, and decides anew.
#[derive(Debug)]
pub struct Asked {
    /// Number of the connection, as told with [`Message::EnforcerBack`].
    pub line: u64,
    /// The request.
    pub request: Request,
}

/// Serves requests until the event loop goes away.
///
/// # Errors
/// When the thread cannot be started.
pub fn start(socket: PathBuf, requests: Receiver<Asked>, inbox: Inbox) -> io::Result<()> {
    let line = Line { socket, requests, inbox, number: 0, wait: FIRST_WAIT };
    std::thread::Builder::new().name("enforcer".into()).spawn(move || {
        let _whole = Whole;
        line.run();
    })?;
    Ok(())
}

struct Line {
    socket: PathBuf,
    requests: Receiver<Asked>,
    inbox: Inbox,
    number: u64,
    wait: Duration,
}

impl Line {
    fn run(mut self) {
        // Both give `None` when the event loop has gone away.
        while let Some(stream) = self.connect() {
            if self.serve(&stream).and_then(|()| self.pause()).is_none() {
                return;
            }
        }
    }

    /// Connects, however long it takes.
    fn connect(&mut self) -> Option<UnixStream> {
        loop {
            match open(&self.socket) {
                Ok(stream) => return Some(stream),
                Err(error) => tracing::debug!(%error, "the enforcer cannot be reached"),
            }
            self.pause()?;
        }
    }

    /// Waits before the next attempt, longer each time.
    fn pause(&mut self) -> Option<()> {
        match self.requests.recv_timeout(self.wait) {
            Err(RecvTimeoutError::Disconnected) => None,
            // What is asked now was meant for the connection that is lost.
            Ok(_) | Err(RecvTimeoutError::Timeout) => {
                self.wait = (self.wait * 2).min(LONGEST_WAIT);
                Some(())
            }
        }
    }

    /// Serves one connection until it fails.
    fn serve(&mut self, stream: &UnixStream) -> Option<()> {
        self.number += 1;
        self.inbox.tell(Message::EnforcerBack(self.number)).ok()?;
        loop {
            let reply = match self.requests.recv_timeout(WATCH) {
                Ok(asked) if asked.line == self.number => ask(stream, &asked.request),
                Ok(_) => continue,
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) if is_there(stream) => continue,
                Err(RecvTimeoutError::Timeout) => Err(io::ErrorKind::BrokenPipe.into()),
            };
            match reply {
                Ok(reply) => {
                    self.wait = FIRST_WAIT;
                    self.inbox.tell(Message::Event(Event::Answered(reply))).ok()?;
                }
                Err(error) => {
                    tracing::warn!(%error, "the enforcer was lost");
                    return self.inbox.tell(Message::Event(Event::EnforcerLost)).ok();
                }
            }
        }
    }
}

fn open(socket: &Path) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Whether the other side still holds the line. It says nothing unasked.
fn is_there(mut stream: &UnixStream) -> bool {
    let looked = stream.set_nonblocking(true).and_then(|()| stream.read(&mut [0]));
    let waiting = looked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
    waiting && stream.set_nonblocking(false).is_ok()
}

fn ask(stream: &UnixStream, request: &Request) -> io::Result<Reply> {
    write_frame(stream, request)?;
    read_frame(stream)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
