//! A connection to the enforcer of the line's own, so that no measure stands in line before an admission.

use std::{
    io,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};
use varco_policy::wire::{Reply, Request, read_frame, write_frame};

/// How long an answer may take: as long as a heavy transaction that is before it.
const PATIENCE: Duration = Duration::from_secs(10);
/// The least time between two attempts to connect.
const RETRY: Duration = Duration::from_secs(1);

/// The connection.
#[derive(Debug)]
pub struct Asker {
    socket: PathBuf,
    stream: Option<UnixStream>,
    retry: Duration,
    /// How often it has connected: what it was told before, it may not know any more.
    connections: u64,
}

impl Asker {
    /// A connection to `socket`, made when something is asked.
    pub fn new(socket: PathBuf) -> Self {
        Self { socket, stream: None, retry: Duration::ZERO, connections: 0 }
    }

    /// The number of the connection.
    pub const fn connections(&self) -> u64 {
        self.connections
    }

    /// The answer; `None` when the enforcer is not there.
    pub fn ask(&mut self, now: Duration, request: &Request) -> Option<Reply> {
        let stream = match self.stream.take() {
            Some(stream) => stream,
            None if now < self.retry => return None,
            None => {
                self.retry = now + RETRY;
                let stream = open(&self.socket).ok()?;
                self.connections += 1;
                stream
            }
        };
        match exchange(&stream, request) {
            Ok(reply) => {
                self.stream = Some(stream);
                Some(reply)
            }
            Err(error) => {
                tracing::debug!(%error, "the enforcer did not answer the line");
                None
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

fn exchange(stream: &UnixStream, request: &Request) -> io::Result<Reply> {
    write_frame(stream, request)?;
    read_frame(stream)?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}
