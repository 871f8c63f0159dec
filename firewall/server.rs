//! The gateway's questions, one thread for all: nothing here waits for a peer, so that nobody delays healing.

use crate::enforcer::Enforcer;
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{MsgFlags, getsockopt, recv, sockopt::PeerCredentials},
};
use std::{
    fs,
    io::{self, Write},
    os::{
        fd::{AsFd, AsRawFd},
        unix::{
            fs::{FileTypeExt, PermissionsExt, chown},
            net::{UnixListener, UnixStream},
        },
    },
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use varco_policy::wire::{self, LONGEST_FRAME, Request};

/// The gateway has one connection; more are for a restart that overlaps, and for `status`.
const MOST_PEERS: usize = 8;
/// How long an answer may take to leave.
const WRITE_LIMIT: Duration = Duration::from_secs(2);
/// How long a connection may stay in the middle of a frame.
const FRAME_LIMIT: Duration = Duration::from_secs(5);
const TICK: Duration = Duration::from_secs(1);
const HEAL: Duration = Duration::from_secs(10);

/// The enforcer's socket.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
    gateway_uid: u32,
    peers: Vec<Peer>,
}

/// A connection of the gateway, and what has come so far of its next frame.
#[derive(Debug)]
struct Peer {
    stream: UnixStream,
    inbox: Vec<u8>,
    since: Instant,
}

impl Server {
    /// Listens at `path`, for one user.
    ///
    /// # Errors
    /// When another enforcer answers there, or the socket cannot be made.
    pub fn bind(path: &Path, gateway_uid: u32) -> io::Result<Self> {
        remove_stale(path)?;
        let listener = UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        chown(path, Some(gateway_uid), None)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o660))?;
        Ok(Self { listener, path: path.to_path_buf(), gateway_uid, peers: Vec::new() })
    }

    /// Answers, ticks and heals until `stop` can be read. `clock` reads the time.
    ///
    /// # Errors
    /// When the system cannot wait.
    pub fn serve(
        mut self,
        enforcer: &mut Enforcer,
        stop: &UnixStream,
        clock: impl Fn() -> Instant,
        mut alive: impl FnMut(),
    ) -> io::Result<()> {
        let (mut next_tick, mut next_heal) = (clock(), clock() + HEAL);
        loop {
            let settling = [enforcer.settles_at(), enforcer.late_at(clock())];
            let next = settling.into_iter().flatten().fold(next_tick, Instant::min);
            let wait = next.saturating_duration_since(clock());
            let ready = self.wait(stop, wait)?;
            if ready.stop {
                break;
            }
            if ready.listener {
                self.accept(clock());
            }
            self.peers.retain_mut(|peer| peer.listen(enforcer, &clock));
            if enforcer.settles_at().is_some_and(|at| at <= clock()) {
                enforcer.settle(clock());
            }
            if enforcer.late_at(clock()).is_some_and(|at| at <= clock()) {
                enforcer.make_late(clock());
            }
            if clock() >= next_tick {
                next_tick = clock() + TICK;
                enforcer.tick(clock());
                alive();
            }
            if clock() >= next_heal {
                enforcer.heal(clock());
                next_heal = clock() + HEAL;
            }
        }
        enforcer.settle(clock());
        fs::remove_file(&self.path)
    }

    fn wait(&self, stop: &UnixStream, wait: Duration) -> io::Result<Ready> {
        let mut fds = vec![
            PollFd::new(stop.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.listener.as_fd(), PollFlags::POLLIN),
        ];
        fds.extend(self.peers.iter().map(|p| PollFd::new(p.stream.as_fd(), PollFlags::POLLIN)));
        // Rounded up, or the last millisecond would be spent spinning.
        let millis = u16::try_from(wait.as_millis() + 1).unwrap_or(u16::MAX);
        match poll(&mut fds, PollTimeout::from(millis)) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(e) => return Err(e.into()),
        }
        let is_ready = |at: usize| fds.get(at).and_then(PollFd::any).unwrap_or(false);
        Ok(Ready { stop: is_ready(0), listener: is_ready(1) })
    }

    /// Checks who it is before a single byte is read.
    fn accept(&mut self, now: Instant) {
        let Ok((stream, _)) = self.listener.accept() else { return };
        if !is_from(&stream, self.gateway_uid) {
            tracing::warn!("a user that may not ask was turned away");
        } else if self.peers.len() < MOST_PEERS && stream.set_write_timeout(Some(WRITE_LIMIT)).is_ok() {
            self.peers.push(Peer { stream, inbox: Vec::new(), since: now });
        }
    }
}

fn is_from(stream: &UnixStream, uid: u32) -> bool {
    getsockopt(stream, PeerCredentials).is_ok_and(|peer| peer.uid() == uid)
}

struct Ready {
    stop: bool,
    listener: bool,
}

impl Peer {
    /// Reads what there is and answers each whole frame; `false` when the connection is over.
    fn listen(&mut self, enforcer: &mut Enforcer, clock: &impl Fn() -> Instant) -> bool {
        let open = self.read();
        while let Some(length) = self.frame() {
            let answered = length.is_ok_and(|length| self.answer(length, enforcer, clock));
            if !answered {
                return false;
            }
            self.since = clock();
        }
        if self.inbox.is_empty() {
            self.since = clock();
        }
        open && clock().saturating_duration_since(self.since) < FRAME_LIMIT
    }

    fn read(&mut self) -> bool {
        let mut chunk = [0; 65_536];
        // A frame at most before it is looked at: a peer that never stops sending does not hold us here.
        while self.inbox.len() <= LONGEST_FRAME {
            match recv(self.stream.as_raw_fd(), &mut chunk, MsgFlags::MSG_DONTWAIT) {
                Ok(0) => return false,
                Ok(n) => self.inbox.extend_from_slice(chunk.get(..n).unwrap_or_default()),
                Err(Errno::EAGAIN | Errno::EINTR) => return true,
                Err(_) => return false,
            }
        }
        true
    }

    /// The length of the first frame with its header, once it is whole; an error when it is too long.
    fn frame(&self) -> Option<Result<usize, ()>> {
        let header = self.inbox.first_chunk::<4>()?;
        let length = u32::from_be_bytes(*header) as usize;
        if length > LONGEST_FRAME {
            return Some(Err(()));
        }
        (self.inbox.len() >= length + 4).then_some(Ok(length + 4))
    }

    fn answer(&mut self, length: usize, enforcer: &mut Enforcer, clock: &impl Fn() -> Instant) -> bool {
        let now = clock();
        let frame: Vec<u8> = self.inbox.drain(..length).collect();
        let Ok(Some(request)) = wire::read_frame::<Request>(frame.as_slice()) else {
            tracing::warn!("a frame that is no request; the connection is closed");
            return false;
        };
        let reply = enforcer.handle(request, now);
        wire::encode(&reply).and_then(|frame| self.send(&frame, clock)).is_ok()
    }

    /// Whoever reads its answer slowly loses its connection: the time is for the whole of it.
    fn send(&self, frame: &[u8], clock: &impl Fn() -> Instant) -> io::Result<()> {
        let (end, mut rest) = (clock() + WRITE_LIMIT, frame);
        while !rest.is_empty() {
            let left = end.saturating_duration_since(clock());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.stream.set_write_timeout(Some(left))?;
            let sent = (&self.stream).write(rest)?;
            rest = rest.get(sent..).unwrap_or_default();
        }
        Ok(())
    }
}

/// A socket left by a crash is removed; one that answers, or that is no socket, is not.
fn remove_stale(path: &Path) -> io::Result<()> {
    let kind = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    };
    if !kind.is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is something else than a socket"));
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another enforcer answers there")),
        Err(_) => fs::remove_file(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own_uid() -> u32 {
        nix::unistd::getuid().as_raw()
    }

    #[test]
    fn only_one_user_may_ask() {
        let (here, _there) = UnixStream::pair().unwrap();
        assert!(is_from(&here, own_uid()));
        assert!(!is_from(&here, own_uid() + 1));
    }

    #[test]
    fn a_stale_socket_is_replaced_and_nothing_else() {
        let path = std::env::temp_dir().join(format!("varco-stale-{}", std::process::id()));
        drop(UnixListener::bind(&path).unwrap());
        let server = Server::bind(&path, own_uid()).unwrap();
        assert_eq!(Server::bind(&path, own_uid()).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        drop(server);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "somebody's").unwrap();
        assert_eq!(Server::bind(&path, own_uid()).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        fs::remove_file(&path).unwrap();
    }
}
