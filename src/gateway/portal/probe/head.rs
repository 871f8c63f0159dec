//! The head of a request: the few parts that are looked at.

use httparse::{EMPTY_HEADER, Error, Request, Status};

/// Browsers send some dozen.
const MOST_FIELDS: usize = 64;

/// What is looked at.
#[derive(Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// How many octets it has, the empty line included.
    pub length: usize,
    /// The host that is asked; empty where none is said.
    pub host: &'a str,
    /// The path, without its query.
    pub path: &'a str,
    /// Whether the answer's content is not wanted.
    pub head_only: bool,
    /// Whether the connection stays open (RFC 9112 section 9.3).
    pub stays: bool,
    /// Whether HTTP/1.0 asks for it, and so wants to be told.
    pub told: bool,
    /// Whether content follows, which is not read.
    pub content: bool,
}

/// Why there is no head.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    /// More is to come.
    Partial,
    /// It has more header fields than anybody sends.
    TooMany,
    /// It is not HTTP.
    Malformed,
}

impl<'a> Head<'a> {
    /// Reads one from the beginning of `octets`.
    ///
    /// # Errors
    /// When it is not complete, or never will be.
    pub fn read(octets: &'a [u8]) -> Result<Self, Fault> {
        let mut fields = [EMPTY_HEADER; MOST_FIELDS];
        let mut request = Request::new(&mut fields);
        let length = match request.parse(octets) {
            Ok(Status::Complete(length)) => length,
            Ok(Status::Partial) => return Err(Fault::Partial),
            Err(Error::TooManyHeaders) => return Err(Fault::TooMany),
            Err(_) => return Err(Fault::Malformed),
        };
        let (method, target) = (request.method.unwrap_or_default(), request.path.unwrap_or_default());
        let (authority, path) = split(target);
        let mut head = Self {
            length,
            host: authority,
            path,
            head_only: method == "HEAD",
            stays: request.version == Some(1),
            told: false,
            content: false,
        };
        for field in request.headers.iter() {
            head.note(field.name, std::str::from_utf8(field.value).unwrap_or_default());
        }
        head.stays &= !head.content;
        Ok(head)
    }

    fn note(&mut self, name: &str, value: &'a str) {
        if name.eq_ignore_ascii_case("host") && self.host.is_empty() {
            self.host = value;
        } else if name.eq_ignore_ascii_case("connection") {
            let says = |word: &str| value.split(',').any(|w| w.trim().eq_ignore_ascii_case(word));
            self.told = !self.stays && says("keep-alive");
            self.stays = (self.stays || self.told) && !says("close");
        } else if name.eq_ignore_ascii_case("content-length") {
            self.content |= value.trim() != "0";
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            self.content = true;
        }
    }
}

/// Authority and path of a request target: in the absolute form the host there goes before the field (RFC 9112
/// section 3.2.2).
fn split(target: &str) -> (&str, &str) {
    let (authority, rest) = match target.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|b| b.is_ascii_alphabetic()) => {
            rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()))
        }
        _ => ("", target),
    };
    let path = rest.split('?').next().unwrap_or_default();
    (authority, if path.is_empty() { "/" } else { path })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        match Head::read(text.as_bytes()) {
            Ok(h) => format!(
                "{} {}{}{}{}{}",
                h.host,
                h.path,
                if h.head_only { " head" } else { "" },
                if h.stays { " stays" } else { "" },
                if h.told { " told" } else { "" },
                if h.content { " content" } else { "" }
            ),
            Err(fault) => format!("{fault:?}"),
        }
    }

    #[test]
    fn only_what_matters_is_read() {
        let get = |rest: &str| told(&format!("GET {rest}\r\n\r\n"));
        assert_eq!(get("/a?b=/c HTTP/1.1\r\nHost: x.example"), "x.example /a stays");
        assert_eq!(get("http://y.example?q HTTP/1.1\r\nHost: x.example"), "y.example / stays");
        assert_eq!(get("/?to=http://z.example/ HTTP/1.1\r\nhost: x.example:80"), "x.example:80 / stays");
        assert_eq!(get("/ HTTP/1.1\r\nConnection: x, Close"), " /");
        assert_eq!(get("/ HTTP/1.0\r\nHost: x"), "x /");
        assert_eq!(get("/ HTTP/1.0\r\nConnection: Keep-Alive"), " / stays told");
        assert_eq!(told("HEAD / HTTP/1.1\r\n\r\n"), " / head stays");
        assert_eq!(told("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"), " / content");
        assert_eq!(told("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"), " / stays");
        assert_eq!(told("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), " / content");
        assert_eq!(
            told("POST / HTTP/1.0\r\nContent-Length: 9\r\nConnection: keep-alive\r\n\r\n"),
            " / told content"
        );
    }

    #[test]
    fn what_is_no_request_is_refused() {
        assert_eq!(told("GET / HTTP/1.1\r\nHo"), "Partial");
        assert_eq!(told("\u{16}\u{3}\u{1}"), "Malformed");
        assert_eq!(told("GET / HTTP/2.0\r\n\r\n"), "Malformed");
        assert_eq!(told(&format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(65))), "TooMany");
    }
}
