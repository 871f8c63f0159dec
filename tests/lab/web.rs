//! The Internet's web server: a page, downloads of any length, an echo of the caller's address and port, and
//! what the makers of phones and computers serve to devices that ask whether they are online.

use anyhow::{Context, Result};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    thread,
    time::Duration,
};

/// The longest download: 4 GiB.
const LONGEST: u64 = 4 << 30;

/// Serves HTTP on port 80, and says the caller's address and port on TCP and UDP port 7.
///
/// # Errors
/// When a port is taken.
pub fn serve(address: IpAddr) -> Result<()> {
    let echo = UdpSocket::bind((address, 7)).context("UDP port 7")?;
    thread::spawn(move || udp_echo(&echo));
    let plain = TcpListener::bind((address, 7)).context("TCP port 7")?;
    thread::spawn(move || tcp_echo(&plain));
    let listener = TcpListener::bind((address, 80)).context("TCP port 80")?;
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || {
            let _ = answer(&stream);
        });
    }
    Ok(())
}

fn udp_echo(socket: &UdpSocket) {
    let mut packet = [0; 2048];
    while let Ok((_, from)) = socket.recv_from(&mut packet) {
        let _ = socket.send_to(whoami(from).as_bytes(), from);
    }
}

fn tcp_echo(listener: &TcpListener) {
    for mut stream in listener.incoming().flatten() {
        if let Ok(peer) = stream.peer_addr() {
            let _ = stream.write_all(whoami(peer).as_bytes());
        }
    }
}

fn whoami(peer: SocketAddr) -> String {
    format!("{} {}\n", peer.ip(), peer.port())
}

fn answer(stream: &TcpStream) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(stream.take(16 * 1024));
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let target = first.split(' ').nth(1).unwrap_or("/").to_owned();
    for line in reader.lines() {
        if line?.is_empty() {
            break;
        }
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    match path {
        "/stream" => download(stream, number(query, "bytes", LONGEST), Duration::ZERO),
        "/slow" => download(stream, number(query, "bytes", LONGEST), Duration::from_millis(100)),
        "/whoami" => page(stream, 200, "text/plain", &whoami(stream.peer_addr()?)),
        _ => {
            let (status, kind, body) = known(path);
            page(stream, status, kind, body)
        }
    }
}

fn number(query: &str, name: &str, most: u64) -> u64 {
    let mut pairs = query.split('&').filter_map(|p| p.split_once('='));
    pairs.find(|(n, _)| *n == name).and_then(|(_, v)| v.parse().ok()).unwrap_or(most).min(most)
}

/// The answers that mean "online" to each kind of device.
fn known(path: &str) -> (u16, &'static str, &'static str) {
    const APPLE: &str = "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>";
    const FIREFOX: &str =
        r#"<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>"#;
    match path {
        "/generate_204" | "/gen_204" => (204, "text/plain", ""),
        "/hotspot-detect.html" | "/library/test/success.html" => (200, "text/html", APPLE),
        "/connecttest.txt" => (200, "text/plain", "Microsoft Connect Test"),
        "/ncsi.txt" => (200, "text/plain", "Microsoft NCSI"),
        "/success.txt" => (200, "text/plain", "success\n"),
        "/canonical.html" => (200, "text/html", FIREFOX),
        "/check_network_status.txt" | "/nm" => (200, "text/plain", "NetworkManager is online\n"),
        "/" => (200, "text/html", "<!doctype html><title>The Internet</title><h1>The Internet</h1>\n"),
        _ => (404, "text/plain", "not found\n"),
    }
}

fn page(mut stream: &TcpStream, status: u16, kind: &str, body: &str) -> Result<()> {
    let head = format!(
        "HTTP/1.1 {status} -\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    Ok(stream.write_all((head + body).as_bytes())?)
}

/// Sends `bytes` zeros, 64 KiB at a time with a rest between.
fn download(mut stream: &TcpStream, bytes: u64, rest: Duration) -> Result<()> {
    let head = "HTTP/1.1 200 -\r\nContent-Type: application/octet-stream\r\nConnection: close\r\n";
    write!(stream, "{head}Content-Length: {bytes}\r\n\r\n")?;
    let block = [0; 64 * 1024];
    let mut left = bytes;
    while left > 0 {
        let now = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        stream.write_all(&block[..now])?;
        left -= now as u64;
        thread::sleep(rest);
    }
    Ok(())
}
