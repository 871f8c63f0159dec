//! A door from the machine into a lab: what comes to it over loopback goes on from a guest's device.
//!
//! Two ways in, on one port. As a forward proxy (`CONNECT` and absolute URIs) for a browser that is told to use
//! it; and, without any setting, as `http://portal.localhost`, `http://hub.localhost`, `http://idp.localhost`:
//! each is the lab's server over HTTPS with the names in headers and pages changed.

use super::{
    enter,
    plan::{self, Host},
    state::{Lab, Record},
};
use anyhow::{Context, Result, bail, ensure};
use openssl::ssl::{SslConnector, SslMethod};
use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

/// The longest head or form taken from a browser.
const LONGEST: u64 = 1 << 20;

/// Names on the machine and in the lab.
const SITES: [(&str, &str); 3] = [
    ("portal.localhost", plan::PORTAL_NAME),
    ("hub.localhost", plan::HUB_NAME),
    ("idp.localhost", plan::IDP_NAME),
];

/// Opens a door that stays open until the lab is taken down; answers with the addresses to open. The guest gets
/// an address if it has none.
///
/// # Errors
/// When the port is taken, the guest gets no address, or the lab is not up.
pub fn open(lab: &Lab, guest: u8, port: u16) -> Result<String> {
    let record = lab.record()?;
    let own = |order: &str| {
        let mut command = Command::new("/proc/self/exe");
        command.arg(order).arg("--state").arg(&lab.folder).stdin(Stdio::null());
        command
    };
    let lease = own("lease").args(["--guest", &guest.to_string()]).output()?;
    ensure!(lease.status.success(), "{}", String::from_utf8_lossy(&lease.stderr).trim());
    let log = File::create(lab.path("logs/door.log"))?;
    let mut keeper = own("door-keeper");
    keeper.args(["--guest", &guest.to_string(), "--port", &port.to_string()]);
    // Marked as the lab's, so that taking the lab down ends it.
    keeper.env(Record::MARK, &record.id).current_dir("/").stdout(Stdio::piped()).stderr(log);
    let mut keeper = keeper.spawn()?;
    let lines = BufReader::new(keeper.stdout.take().context("no output")?).lines().take(SITES.len() + 1);
    let text = lines.map(|l| Ok(l? + "\n")).collect::<Result<String>>()?;
    ensure!(!text.is_empty(), "the door did not open; see logs/door.log");
    Ok(text)
}

/// The door itself, on `port` (0 for any) of 127.0.0.1: serves until ended. `tell` hears the port.
///
/// # Errors
/// When the port is taken or the guest cannot be entered.
pub fn keep(lab: &Lab, guest: u8, port: u16, tell: impl FnOnce(u16) -> Result<()>) -> Result<()> {
    // Of its own session: closing the terminal is not its end.
    let _ = nix::unistd::setsid();
    // Bound before entering: a socket stays in the network in which it was made.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| format!("port {port}"))?;
    let port = listener.local_addr()?.port();
    enter::enter(lab, Host::Guest(guest))?;
    tell(port)?;
    for browser in listener.incoming() {
        let browser = browser?;
        thread::spawn(move || {
            if let Err(error) = serve(&browser, port) {
                let text = format!("HTTP/1.1 502 -\r\nConnection: close\r\n\r\n{error:#}\n");
                let _ = (&browser).write_all(text.as_bytes());
            }
        });
    }
    Ok(())
}

/// A request as it came.
struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

fn serve(browser: &TcpStream, port: u16) -> Result<()> {
    browser.set_read_timeout(Some(Duration::from_secs(60)))?;
    let request = read(browser)?;
    if request.method == "CONNECT" {
        let far = TcpStream::connect(&request.target).with_context(|| request.target.clone())?;
        let mut near = browser;
        near.write_all(b"HTTP/1.1 200 -\r\n\r\n")?;
        return join(browser, &far);
    }
    match request.target.strip_prefix("http://") {
        Some(rest) => forward(browser, &request, rest),
        None => site(browser, &request, port),
    }
}

fn read(browser: &TcpStream) -> Result<Request> {
    let mut reader = BufReader::with_capacity(1, browser.take(LONGEST));
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = words.next().zip(words.next()).context("not a request")?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let mut request = Request { method, target, headers, body: Vec::new() };
    let length = request.header("content-length").and_then(|v| v.parse::<u64>().ok()).unwrap_or(0);
    ensure!(length <= LONGEST, "longer than 1 MiB");
    reader.take(length).read_to_end(&mut request.body)?;
    Ok(request)
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// The request for the far server, in HTTP/1.0 so that the answer ends with the connection.
    fn text(&self, path: &str, host: &str, port: u16) -> String {
        let dropped = [
            "host",
            "connection",
            "content-length",
            "proxy-connection",
            "accept-encoding",
            "upgrade-insecure-requests",
        ];
        // What a form of a changed page sends back, encoded.
        let (path, body) = (inwards(path, port), inwards(&String::from_utf8_lossy(&self.body), port));
        let mut out = format!("{} {path} HTTP/1.0\r\nHost: {host}\r\n", self.method);
        for (name, value) in &self.headers {
            if !dropped.contains(&name.to_lowercase().as_str()) {
                out += &format!("{name}: {}\r\n", inwards(value, port));
            }
        }
        if !body.is_empty() {
            out += &format!("Content-Length: {}\r\n", body.len());
        }
        out + "\r\n" + &body
    }
}

/// Copies both ways until both have ended.
fn join(near: &TcpStream, far: &TcpStream) -> Result<()> {
    near.set_read_timeout(None)?;
    let copy = |mut from: &TcpStream, mut to: &TcpStream| {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    };
    thread::scope(|scope| {
        scope.spawn(|| copy(near, far));
        copy(far, near);
    });
    Ok(())
}

fn forward(mut browser: &TcpStream, request: &Request, rest: &str) -> Result<()> {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let address = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
    let mut far = TcpStream::connect(&address).with_context(|| address.clone())?;
    far.write_all(request.text(&format!("/{path}"), authority, 0).as_bytes())?;
    std::io::copy(&mut far, &mut browser)?;
    Ok(())
}

fn site(mut browser: &TcpStream, request: &Request, port: u16) -> Result<()> {
    let asked = request.header("host").unwrap_or_default();
    let name = asked.split(':').next().unwrap_or_default();
    let Some((_, far_name)) = SITES.iter().find(|(near, _)| *near == name) else {
        bail!("open {}", urls(port).join(" or "));
    };
    let far = TcpStream::connect((*far_name, 443)).with_context(|| (*far_name).to_owned())?;
    let mut connector = SslConnector::builder(SslMethod::tls_client())?;
    connector.set_ca_file("/etc/ssl/certs/ca-certificates.crt")?;
    let mut far = connector.build().connect(far_name, far)?;
    far.write_all(request.text(&request.target, far_name, port).as_bytes())?;
    let mut answer = Vec::new();
    // Servers that close without a farewell are common, and the length was theirs to tell.
    let _ = far.read_to_end(&mut answer);
    browser.write_all(&outwards(&answer, port))?;
    Ok(())
}

/// The addresses to open in a browser.
pub fn urls(port: u16) -> Vec<String> {
    SITES.iter().map(|(near, _)| format!("http://{near}:{port}/")).collect()
}

/// The addresses as lines for people.
pub fn text(port: u16) -> String {
    let lines =
        ["portal", "hub", "idp"].iter().zip(urls(port)).map(|(name, url)| format!("{name:<8} {url}\n"));
    lines.chain([format!("proxy    http://127.0.0.1:{port}\n")]).collect()
}

fn inwards(text: &str, port: u16) -> String {
    SITES.iter().fold(text.to_owned(), |text, (near, far)| {
        text.replace(&format!("http://{near}:{port}"), &format!("https://{far}"))
            .replace(&format!("http%3A%2F%2F{near}%3A{port}"), &format!("https%3A%2F%2F{far}"))
    })
}

/// The answer with the machine's names; its length changes with them, so it ends with the connection.
fn outwards(answer: &[u8], port: u16) -> Vec<u8> {
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    let (head, body) = answer.split_at(end);
    let head = String::from_utf8_lossy(head).into_owned();
    let kept = head.trim_end().split("\r\n").filter(|line| {
        let name = line.split(':').next().unwrap_or_default().to_lowercase();
        !["content-length", "connection", "strict-transport-security"].contains(&name.as_str())
    });
    let head = kept.collect::<Vec<_>>().join("\r\n") + "\r\nConnection: close\r\n\r\n";
    let change = |text: &str| {
        SITES.iter().fold(text.to_owned(), |text, (near, far)| {
            text.replace(&format!("https://{far}"), &format!("http://{near}:{port}"))
        })
    };
    let body = match std::str::from_utf8(body) {
        Ok(text) if head.to_lowercase().contains("content-type: text/html") => change(text).into_bytes(),
        _ => body.to_vec(),
    };
    [change(&head).into_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_change_in_headers_and_pages_but_not_inside_encoded_values() {
        let answer = b"HTTP/1.0 303 See Other\r\nContent-Length: 9\r\nLocation: https://accesso.varco.test/a?r=https%3A%2F%2Fwifi.varco.test\r\nContent-Type: text/html\r\n\r\n<form action=\"https://idp.varco.test/sso\">";
        let text = String::from_utf8(outwards(answer, 81)).unwrap();
        assert!(
            text.contains("Location: http://hub.localhost:81/a?r=https%3A%2F%2Fwifi.varco.test\r\n"),
            "{text}"
        );
        assert!(text.ends_with("<form action=\"http://idp.localhost:81/sso\">") && !text.contains("Length"));
        assert_eq!(inwards("http://portal.localhost:81", 81), "https://wifi.varco.test");
        let form = inwards("entityID=http%3A%2F%2Fidp.localhost%3A81&x=1", 81);
        assert_eq!(form, "entityID=https%3A%2F%2Fidp.varco.test&x=1");
    }
}
