//! The sockets of the probe: an ICMP echo from an unprivileged socket (`SOCK_DGRAM`, `IPPROTO_ICMP`: allowed to the
//! groups of `net.ipv4.ping_group_range`) or, where that is closed, a DNS query for the name servers of the root.

use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};
use std::{
    io,
    net::{Ipv4Addr, SocketAddrV4, UdpSocket},
    os::fd::{AsFd, BorrowedFd},
};

/// ICMP echo request, RFC 792. The kernel writes checksum and identifier, and gives us only answers to ours.
const ECHO: u8 = 8;
const ECHO_REPLY: u8 = 0;
/// What an echo carries, so that it is as long as an ordinary one.
const PADDING: [u8; 48] = [0; 48];

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An ICMP echo.
    Echo,
    /// A DNS query.
    Query,
}

/// A host and the socket that asks it.
#[derive(Debug)]
pub struct Echo {
    to: Ipv4Addr,
    kind: Kind,
    socket: UdpSocket,
}

/// Whether this process may send echoes.
pub fn is_allowed() -> bool {
    ping_socket().is_ok()
}

fn ping_socket() -> io::Result<UdpSocket> {
    let flags = SockFlag::SOCK_CLOEXEC;
    Ok(socket(AddressFamily::Inet, SockType::Datagram, flags, SockProtocol::Icmp)?.into())
}

impl Echo {
    /// A socket for host `to`.
    ///
    /// # Errors
    /// When no socket can be had or there is no route.
    pub fn open(to: Ipv4Addr) -> io::Result<Self> {
        match ping_socket() {
            Ok(socket) => Self::with(to, Kind::Echo, socket),
            Err(_) => Self::with(to, Kind::Query, UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?),
        }
    }

    fn with(to: Ipv4Addr, kind: Kind, socket: UdpSocket) -> io::Result<Self> {
        socket.connect(SocketAddrV4::new(to, if kind == Kind::Echo { 0 } else { 53 }))?;
        socket.set_nonblocking(true)?;
        Ok(Self { to, kind, socket })
    }

    /// A new socket for the same host.
    ///
    /// # Errors
    /// As [`Echo::open`].
    pub fn again(&self) -> io::Result<Self> {
        Self::open(self.to)
    }

    /// What it sends.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Asks, with this number.
    ///
    /// # Errors
    /// When it cannot be sent, as without a route.
    pub fn ask(&self, number: u16) -> io::Result<()> {
        let message = match self.kind {
            Kind::Echo => echo(number),
            Kind::Query => query(number),
        };
        self.socket.send(&message).map(drop)
    }

    /// The number of an answer that has come, if any has. What is no answer is passed over.
    pub fn answer(&self) -> Option<u16> {
        let mut buffer = [0; 1500];
        // A host that floods us is not read for ever: what is left over is read at the next look.
        for _ in 0..64 {
            let length = match self.socket.recv(&mut buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                // An ICMP error about an earlier question.
                Err(_) => continue,
            };
            let number = buffer.get(..length).and_then(|message| number_of(self.kind, message));
            if number.is_some() {
                return number;
            }
        }
        None
    }
}

impl AsFd for Echo {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Type, code, checksum, identifier, sequence number.
fn echo(number: u16) -> Vec<u8> {
    let [high, low] = number.to_be_bytes();
    [&[ECHO, 0, 0, 0, 0, 0, high, low], PADDING.as_slice()].concat()
}

/// RFC 1035 section 4.1: one question, recursion desired, for the NS records of the root in class IN. Every resolver
/// has them at hand.
fn query(number: u16) -> Vec<u8> {
    let [high, low] = number.to_be_bytes();
    vec![high, low, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1]
}

fn number_of(kind: Kind, message: &[u8]) -> Option<u16> {
    let number = match (kind, message) {
        (Kind::Echo, [ECHO_REPLY, 0, _, _, _, _, high, low, ..]) => [*high, *low],
        // The bit QR: an answer, of whatever kind.
        (Kind::Query, [high, low, flags, ..]) if flags & 0x80 != 0 => [*high, *low],
        _ => return None,
    };
    Some(u16::from_be_bytes(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_answers_have_a_number() {
        assert_eq!(number_of(Kind::Echo, &[0, 0, 9, 9, 1, 1, 2, 3, 0]), Some(0x0203));
        for message in [&[8, 0, 9, 9, 1, 1, 2, 3][..], &[3, 1, 9, 9, 1, 1, 2, 3], &[0, 0, 0], &[]] {
            assert_eq!(number_of(Kind::Echo, message), None, "{message:?}");
        }
        assert_eq!(number_of(Kind::Query, &query(7)), None, "our own question");
        let mut answer = query(0x1234);
        answer[2] |= 0x80;
        assert_eq!(number_of(Kind::Query, &answer), Some(0x1234));
    }
}
