//! Datagrams without end, at a pace or as many as go.

use super::{host::Host, load};
use anyhow::{Context, Result, ensure};
use nix::sys::socket::{setsockopt, sockopt};
use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle, sleep},
    time::Duration,
};

/// Where the server is for datagrams from the guests, and for those to them.
const UP: u16 = 9_001;
const DOWN: u16 = 9_002;
/// Datagrams sent between two looks at the clock.
const BURST: u64 = 64;

/// A flood that begins and stops at a word.
#[derive(Debug)]
pub struct Flood {
    on: Arc<AtomicBool>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    _others: Vec<UdpSocket>,
}

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub struct Datagrams {
    /// Octets of content.
    pub size: usize,
    /// Bits of content a second, of all together; `None` for as many as go.
    pub pace: Option<u64>,
    /// How many the kernel is given at once and keeps together as long as it can (`UDP_SEGMENT`), as it does with what
    /// network cards put together. The cables' ends must have offload.
    pub together: usize,
}

impl Flood {
    /// From these clients to the server, which reads none.
    ///
    /// # Errors
    /// When a socket cannot be had.
    pub fn up(
        clients: &Host,
        server: &Host,
        to: Ipv4Addr,
        from: &[Ipv4Addr],
        what: Datagrams,
    ) -> Result<Self> {
        let deaf = server.within(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, UP)).context("listen"))?;
        let sockets = sockets(clients, from, (to, UP).into())?;
        sockets.iter().try_for_each(|socket| what.of(socket))?;
        Ok(Self::start(vec![deaf], what, move |number, content| {
            sockets.get(number % sockets.len()).is_some_and(|socket| socket.send(content).is_ok())
        }))
    }

    /// From the server to these clients, who have asked for it and read none.
    ///
    /// # Errors
    /// When a socket cannot be had, or the server hears nobody.
    pub fn down(
        clients: &Host,
        server: &Host,
        at: Ipv4Addr,
        to: &[Ipv4Addr],
        what: Datagrams,
    ) -> Result<Self> {
        let sender = server.within(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, DOWN)).context("listen"))?;
        sender.set_read_timeout(Some(Duration::from_secs(2)))?;
        let sockets = sockets(clients, to, (at, DOWN).into())?;
        let mut peers = Vec::new();
        for socket in &sockets {
            socket.send(b"hello")?;
            peers.push(sender.recv_from(&mut [0; 8]).context("no guest is heard")?.1);
        }
        ensure!(!peers.is_empty(), "nobody to send to");
        what.of(&sender)?;
        Ok(Self::start(sockets, what, move |number, content| {
            peers.get(number % peers.len()).is_some_and(|peer| sender.send_to(content, *peer).is_ok())
        }))
    }

    fn start(
        others: Vec<UdpSocket>,
        what: Datagrams,
        mut send: impl FnMut(usize, &[u8]) -> bool + Send + 'static,
    ) -> Self {
        let (on, end) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (told, ended) = (Arc::clone(&on), Arc::clone(&end));
        let run = move || {
            let content = vec![0; what.size * what.together];
            let (mut began, mut sent, mut number) = (load::now(), 0, 0_usize);
            let burst = BURST.div_ceil(what.together as u64);
            while !ended.load(Ordering::Relaxed) {
                if !told.load(Ordering::Relaxed) {
                    sleep(Duration::from_millis(2));
                    (began, sent) = (load::now(), 0);
                    continue;
                }
                let due = what.pace.map_or(u64::MAX, |pace| due(pace, content.len(), began.elapsed()));
                for _ in 0..due.saturating_sub(sent).min(burst) {
                    // What the kernel does not take now is lost, as on any line.
                    let _ = send(number, &content);
                    number = number.wrapping_add(1);
                    sent += 1;
                }
                if due <= sent {
                    sleep(Duration::from_millis(1));
                }
            }
        };
        Self { on, end, thread: Some(thread::spawn(run)), _others: others }
    }

    /// Begin, or stop.
    pub fn set(&self, on: bool) {
        self.on.store(on, Ordering::Relaxed);
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Datagrams {
    fn of(self, socket: &UdpSocket) -> Result<()> {
        if self.together > 1 {
            setsockopt(socket, sockopt::UdpGsoSegment, &i32::try_from(self.size)?).context("UDP_SEGMENT")?;
        }
        Ok(())
    }
}

/// How many datagrams are due after so long.
fn due(pace: u64, size: usize, time: Duration) -> u64 {
    let bits = u128::from(pace) * time.as_micros() / 1_000_000;
    u64::try_from(bits / (size as u128 * 8).max(1)).unwrap_or(u64::MAX)
}

fn sockets(clients: &Host, from: &[Ipv4Addr], to: SocketAddr) -> Result<Vec<UdpSocket>> {
    let one = |from: &Ipv4Addr| {
        let socket = UdpSocket::bind((*from, 0))?;
        socket.connect(to)?;
        Ok(socket)
    };
    clients.within(|| from.iter().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_kept_in_content() {
        assert_eq!(due(8_000_000, 1_000, Duration::from_millis(500)), 500);
        assert_eq!(due(8_000_000, 1_000, Duration::ZERO), 0);
    }
}
