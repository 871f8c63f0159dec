//! Handshakes under way at the card's listener: a citizen has two minutes for the PIN, and nobody has them for nothing.

use actix_tls::accept::{TlsError, rustls_0_23::TlsStream};
use actix_web::rt::net::TcpStream;
use rustls::{ServerConfig, server::Acceptor};
use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;

/// How long the first message may take: no citizen has a part in it.
const HELLO: Duration = Duration::from_secs(10);
/// How long a handshake may take after it: the citizen writes the PIN in the middle of it.
const HANDSHAKE: Duration = Duration::from_secs(120);
/// Most handshakes under way: some 16 KiB each.
const ALL: usize = 4096;
/// Most of one peer. The guests of a site mostly come from one address, so it is more than a site has card readers; who takes
/// them all stops the cards of their own site only.
const EACH: usize = 256;
/// What an IPv6 host has for itself.
const NETWORK: u32 = 64;

/// Handshakes under way, by peer.
#[derive(Debug, Default)]
pub struct Handshakes(Mutex<HashMap<IpAddr, usize>>);

/// One of them; over when it is dropped.
#[derive(Debug)]
struct Place<'a> {
    all: &'a Handshakes,
    peer: IpAddr,
}

impl Handshakes {
    /// Does the handshake of a connection.
    ///
    /// # Errors
    /// When there are too many, it takes too long, or TLS refuses.
    pub async fn shake<E>(
        &self,
        config: Arc<ServerConfig>,
        socket: TcpStream,
    ) -> Result<(TlsStream<TcpStream>, Option<SocketAddr>), TlsError<io::Error, E>> {
        let peer = socket.peer_addr().map_err(TlsError::Tls)?;
        let Some(_place) = self.place(peer.ip()) else {
            return Err(TlsError::Tls(io::Error::other("too many handshakes")));
        };
        let hello = LazyConfigAcceptor::new(Acceptor::default(), socket);
        let hello = timeout(HELLO, hello).await.map_err(|_| TlsError::Timeout)?.map_err(TlsError::Tls)?;
        let shaken = timeout(HANDSHAKE, hello.into_stream(config)).await.map_err(|_| TlsError::Timeout)?;
        Ok((shaken.map_err(TlsError::Tls)?.into(), Some(peer)))
    }

    fn place(&self, peer: IpAddr) -> Option<Place<'_>> {
        let peer = network(peer);
        let mut peers = self.peers();
        let all: usize = peers.values().sum();
        let of_peer = peers.get(&peer).copied().unwrap_or_default();
        if all >= ALL || of_peer >= EACH {
            return None;
        }
        peers.insert(peer, of_peer.saturating_add(1));
        Some(Place { all: self, peer })
    }

    fn peers(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut peers = self.all.peers();
        let left = peers.get(&self.peer).map_or(0, |places| places.saturating_sub(1));
        if left == 0 {
            peers.remove(&self.peer);
        } else {
            peers.insert(self.peer, left);
        }
    }
}

fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(v6) => {
            let mask = u128::MAX << (128 - NETWORK);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_peer_takes_its_places_and_no_other_peers() {
        let all = Handshakes::default();
        let at = |peer: &str| all.place(peer.parse().unwrap());
        let held: Vec<_> = (0..EACH).map(|n| at(&format!("2001:db8:0:1::{n:x}")).unwrap()).collect();
        assert!(at("2001:db8:0:1:ffff::1").is_none(), "the same /64");
        assert!(at("2001:db8:0:2::1").is_some() && at("198.18.0.1").is_some());
        drop(held);
        assert!(at("2001:db8:0:1::1").is_some());
        assert!(all.peers().is_empty(), "nothing is left of who is gone");
    }

    #[test]
    fn all_peers_together_have_a_bound() {
        let all = Handshakes::default();
        let at = |n: usize| all.place(IpAddr::from([198, 18, 0, u8::try_from(n / EACH).unwrap()]));
        let held: Vec<_> = (0..ALL).map(|n| at(n).unwrap()).collect();
        assert!(at(ALL).is_none());
        drop(held);
        assert!(at(ALL).is_some());
    }
}
