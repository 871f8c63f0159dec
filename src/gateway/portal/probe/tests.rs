//! The probes' server as devices and idlers meet it, over real connections.

use super::{Answers, listen, serve};
use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

/// A server of its own, which ends with the process.
fn server() -> SocketAddr {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let guard = runtime.enter();
    let listener = listen::at(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let answers = Arc::new(Answers::new("wifi.example.it", Arc::default()));
    drop(guard);
    thread::spawn(move || runtime.block_on(serve::serve(listener, answers)));
    address
}

fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// Everything until the server closes.
fn whole(to: SocketAddr, request: &str) -> String {
    let mut stream = connect(to);
    stream.write_all(request.as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    said
}

fn without_date(said: &str) -> String {
    said.split_inclusive("\r\n").filter(|line| !line.starts_with("Date: ")).collect()
}

#[test]
fn an_answer_is_whole_and_dated() {
    let said = whole(server(), "GET /hotspot-detect.html HTTP/1.0\r\nHost: captive.apple.com\r\n\r\n");
    let date = said.lines().find_map(|line| line.strip_prefix("Date: ")).unwrap();
    assert!(date.len() == 29 && date.ends_with(" GMT"), "{date}");
    insta::assert_snapshot!(without_date(&said).replace('\r', ""), @r"
    HTTP/1.1 302 Found
    Cache-Control: no-store
    Location: https://wifi.example.it/
    Content-Type: text/html; charset=utf-8
    Content-Length: 60
    Connection: close

    <!DOCTYPE html><title>Wi-Fi</title><p>Wi-Fi: login / accesso
    ");
}

#[test]
fn requests_come_in_pieces_together_or_with_content() {
    let to = server();
    let mut slow = connect(to);
    for piece in
        ["GET / HT", "TP/1.1\r\nHost: a", "\r\nCookie: ", &"x".repeat(8000), "\r\n\r\nGET / HTTP/1.1\r\n"]
    {
        slow.write_all(piece.as_bytes()).unwrap();
        thread::sleep(Duration::from_millis(5));
    }
    slow.write_all(b"\r\nHEAD / HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
    let mut said = String::new();
    slow.read_to_string(&mut said).unwrap();
    assert_eq!((said.matches("302 Found").count(), said.matches("<!DOCTYPE").count()), (3, 2), "{said}");
    assert!(said.ends_with("\r\n\r\n"), "HEAD has no content");
    let posted =
        whole(to, &format!("POST / HTTP/1.1\r\nContent-Length: 300000\r\n\r\n{}", "y".repeat(300_000)));
    assert_eq!(posted.matches("302 Found").count(), 1);
}

#[test]
fn what_is_no_request_is_refused_and_closed() {
    let to = server();
    let status = |request: &str| whole(to, request).lines().next().unwrap_or_default().to_owned();
    assert_eq!(status("\u{16}\u{3}\u{1}\u{2}"), "HTTP/1.1 400 Bad Request");
    let long = format!("GET / HTTP/1.1\r\nCookie: {}", "z".repeat(20_000));
    assert_eq!(status(&long), "HTTP/1.1 431 Request Header Fields Too Large");
}

#[test]
fn one_guest_does_not_take_the_place_of_the_others() {
    let to = server();
    let idle: Vec<_> = (0..200).map(|_| connect(to)).collect();
    let mut other = TcpStream::connect(to).unwrap();
    // The server closes what is too much, but those that it took up are answered.
    let _ = other.write_all(b"GET / HTTP/1.0\r\n\r\n");
    assert!(!matches!(other.read(&mut [0; 9]), Ok(1..)), "one guest holds 64 connections at most");
    drop(idle);
    for _ in 0..1000 {
        let mut stream = connect(to);
        let _ = stream.write_all(b"GET / HTTP/1.0\r\n\r\n");
        if matches!(stream.read(&mut [0; 9]), Ok(1..)) {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("seats are not given back");
}
