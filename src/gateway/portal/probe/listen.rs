//! The sockets on which probes are heard.

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, bind, listen, setsockopt, socket, sockopt,
};
use std::{
    io,
    net::{SocketAddrV4, TcpListener},
    os::fd::AsRawFd,
};

/// How many connections wait to be taken up; what comes beyond them asks again.
const WAITING: i32 = 1024;

/// A listener that may have siblings at the same address, one for each thread, and whose address may still be missing:
/// the enforcer brings the catch address, and may start later.
///
/// # Errors
/// When another program has the port, or the port is not ours to take.
pub fn at(address: SocketAddrV4) -> io::Result<TcpListener> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let fd = socket(AddressFamily::Inet, SockType::Stream, flags, None)?;
    setsockopt(&fd, sockopt::ReuseAddr, &true)?;
    setsockopt(&fd, sockopt::ReusePort, &true)?;
    setsockopt(&fd, sockopt::IpFreebind, &true)?;
    bind(fd.as_raw_fd(), &SockaddrIn::from(address))?;
    listen(&fd, Backlog::new(WAITING)?)?;
    Ok(TcpListener::from(fd))
}
