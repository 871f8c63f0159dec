//! Probes are answered: two threads, each with listeners of its own, and little for each connection.

use super::{
    answers::{Answer, Answers},
    head::{Fault, Head},
    listen,
};
use crate::portal::now;
use jiff::fmt::rfc2822::DateTimePrinter;
use nix::sys::socket::{Shutdown, shutdown};
use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddrV4, TcpListener},
    os::fd::AsRawFd,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};
use tokio::{
    net::{TcpListener as Listener, TcpStream},
    time::{Instant, timeout, timeout_at},
};

const THREADS: usize = 2;
/// How long a whole request may take to come, and a connection may be idle.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long what follows a last answer is taken and dropped, so that the answer is not lost with it.
const FAREWELL: Duration = Duration::from_secs(1);
/// Octets of a head: browsers add cookies to what they ask other hosts.
const LONGEST: usize = 16 * 1024;
const USUAL: usize = 1024;
/// Connections at a time of one listener, and of one guest on it.
const MOST: usize = 2048;
const MOST_EACH: usize = 64;

/// Listens at these addresses and answers, until the process ends.
///
/// # Errors
/// When a listener or a thread cannot be had.
pub fn start(addresses: &[SocketAddrV4], answers: &Arc<Answers>) -> io::Result<()> {
    for number in 0..THREADS {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        for address in addresses {
            runtime.spawn(serve(listen::at(*address)?, Arc::clone(answers)));
        }
        let run = move || runtime.block_on(std::future::pending::<()>());
        thread::Builder::new().name(format!("probes-{number}")).spawn(run)?;
    }
    Ok(())
}

/// Answers on this listener, without end. It must be non-blocking.
pub async fn serve(listener: TcpListener, answers: Arc<Answers>) {
    let listener = match Listener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "nobody listens to probes"),
    };
    let seats = Arc::new(Seats::default());
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of files, most likely: others must end first.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let IpAddr::V4(from) = peer.ip() else { continue };
        if let Some(seat) = Seats::take(&seats, from) {
            let answers = Arc::clone(&answers);
            tokio::spawn(async move {
                // Who goes away in the middle is nobody's concern.
                let _ = converse(&stream, &seat, &answers).await;
            });
        }
    }
}

/// Who is connected, and how often.
#[derive(Debug, Default)]
struct Seats {
    taken: Mutex<HashMap<Ipv4Addr, usize>>,
}

impl Seats {
    fn take(this: &Arc<Self>, from: Ipv4Addr) -> Option<Seat> {
        // Seats are counted by their shares of this: one is the listener's own.
        let full = Arc::strong_count(this) > MOST;
        let mut taken = this.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let his = taken.get(&from).copied().unwrap_or_default();
        if full || his >= MOST_EACH {
            return None;
        }
        taken.insert(from, his + 1);
        Some(Seat { seats: Arc::clone(this), from })
    }
}

#[derive(Debug)]
struct Seat {
    seats: Arc<Seats>,
    from: Ipv4Addr,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.from) {
            Some(more) if *more > 1 => *more -= 1,
            _ => drop(taken.remove(&self.from)),
        }
    }
}

/// Request after request, until one side has enough.
async fn converse(stream: &TcpStream, seat: &Seat, answers: &Answers) -> io::Result<()> {
    let (mut come, mut out) = (Vec::with_capacity(USUAL), Vec::new());
    let mut until = Instant::now() + PATIENCE;
    loop {
        let head = match Head::read(&come) {
            Ok(head) => head,
            Err(Fault::Partial) if come.len() < LONGEST => {
                if timeout_at(until, receive(stream, &mut come)).await?? == 0 {
                    return Ok(());
                }
                continue;
            }
            Err(Fault::Malformed) => return refuse(stream, "400 Bad Request").await,
            Err(_) => return refuse(stream, "431 Request Header Fields Too Large").await,
        };
        // Who sends without end takes no other's turn.
        tokio::task::coop::consume_budget().await;
        let now = now();
        let connection = match (head.stays, head.told) {
            (true, false) => "",
            (true, true) => "Connection: keep-alive\r\n",
            (false, _) => "Connection: close\r\n",
        };
        write(&mut out, answers.find(seat.from, &head, now), connection, head.head_only, now);
        let (length, stays, content) = (head.length, head.stays, head.content);
        timeout(PATIENCE, send(stream, &out)).await??;
        until = Instant::now() + PATIENCE;
        match (stays, content) {
            (true, _) => drop(come.drain(..length)),
            (false, true) => return farewell(stream).await,
            (false, false) => return Ok(()),
        }
    }
}

async fn refuse(stream: &TcpStream, status: &str) -> io::Result<()> {
    let mut out = Vec::new();
    write(&mut out, &Answer::refusal(status), "Connection: close\r\n", false, now());
    timeout(PATIENCE, send(stream, &out)).await??;
    farewell(stream).await
}

/// RFC 9110 section 6.6.1 asks for the date.
fn write(out: &mut Vec<u8>, answer: &Answer, connection: &str, head_only: bool, now: jiff::Timestamp) {
    out.clear();
    out.extend_from_slice(answer.head.as_bytes());
    out.extend_from_slice(b"Date: ");
    // Before the year 0 there is none to print.
    let _ = DateTimePrinter::new().print_timestamp_rfc9110(&now, &mut *out);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(connection.as_bytes());
    out.extend_from_slice(b"\r\n");
    if !head_only {
        out.extend_from_slice(answer.body.as_bytes());
    }
}

async fn receive(stream: &TcpStream, into: &mut Vec<u8>) -> io::Result<usize> {
    loop {
        let mut part = [0; USUAL];
        match stream.try_read(&mut part) {
            Ok(count) => {
                into.extend_from_slice(part.get(..count).unwrap_or_default());
                return Ok(count);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.readable().await?,
            Err(error) => return Err(error),
        }
    }
}

async fn send(stream: &TcpStream, mut octets: &[u8]) -> io::Result<()> {
    while !octets.is_empty() {
        match stream.try_write(octets) {
            Ok(count) => octets = octets.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A connection that is closed over octets nobody has read is reset, and the answer is lost with it.
async fn farewell(stream: &TcpStream) -> io::Result<()> {
    shutdown(stream.as_raw_fd(), Shutdown::Write)?;
    let rest = async {
        let mut dropped = Vec::new();
        while receive(stream, &mut dropped).await? > 0 {
            dropped.clear();
        }
        Ok(())
    };
    timeout(FAREWELL, rest).await.unwrap_or(Ok(()))
}
