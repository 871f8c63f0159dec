//! The answers, made once.

use super::{
    head::Head,
    table::{self, PROBES, Probe},
};
use crate::board::Board;
use jiff::Timestamp;
use std::{net::Ipv4Addr, sync::Arc};

/// The same few words for every browser that does not follow by itself.
const WORDS: &str = "<!DOCTYPE html><title>Wi-Fi</title><p>Wi-Fi: login / accesso";

/// What there is to answer, and to whom.
#[derive(Debug)]
pub struct Answers {
    board: Arc<Board>,
    captive: Answer,
    status: Answer,
    /// In the order of the table.
    online: Vec<Answer>,
}

/// An answer but for what differs from one time to the next: the date, and whether the connection stays.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status line and header fields.
    pub head: String,
    /// The content, not sent in answer to HEAD.
    pub body: &'static str,
}

impl Answers {
    /// For the portal on this host.
    pub fn new(host: &str, board: Arc<Board>) -> Self {
        let online = PROBES.iter().map(Answer::of_the_real_host).collect();
        let to = |path| Answer::redirect(&format!("https://{host}/{path}"));
        Self { board, captive: to(""), status: to("status"), online }
    }

    /// The answer for whoever asks from this address. While a pass is open its address is pinned to its device
    /// (SECURITY.md G21), so nobody else hears it.
    pub fn find(&self, from: Ipv4Addr, head: &Head<'_>, now: Timestamp) -> &Answer {
        if self.board.at_address(from, now).is_none() {
            return &self.captive;
        }
        table::find(head.host, head.path).and_then(|index| self.online.get(index)).unwrap_or(&self.status)
    }
}

impl Answer {
    /// A device must not remember this answer, or it would keep coming back to the portal.
    fn redirect(location: &str) -> Self {
        let fields = format!("Location: {location}\r\nContent-Type: text/html; charset=utf-8\r\n");
        Self::new("302 Found", &fields, WORDS)
    }

    fn of_the_real_host(probe: &Probe) -> Self {
        let marker = probe.header.map(|(name, value)| format!("{name}: {value}\r\n")).unwrap_or_default();
        match probe.status {
            // RFC 9110 section 15.3.5: no content, and so no length of it (section 8.6).
            204 => Self {
                head: format!("HTTP/1.1 204 No Content\r\nCache-Control: no-store\r\n{marker}"),
                body: "",
            },
            _ => {
                Self::new("200 OK", &format!("{marker}Content-Type: {}\r\n", probe.content_type), probe.body)
            }
        }
    }

    /// A refusal, after which the connection is closed.
    pub fn refusal(status: &str) -> Self {
        Self::new(status, "", "")
    }

    fn new(status: &str, fields: &str, body: &'static str) -> Self {
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status}\r\nCache-Control: no-store\r\n{fields}Content-Length: {length}\r\n");
        Self { head, body }
    }
}
