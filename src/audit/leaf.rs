//! A leaf of the log: `header line '\n' body`.
//!
//! The header is ASCII, its fields separated by one space, and can be read in an editor:
//!
//! `varco-leaf/1 <class> <site> <sequence> <instant> <period|-> <tag|tagkey|step:case|day|expired|->`
//!
//! The sequence is contiguous over all leaves of a site and equal to the leaf's index, so that a gap shows inside what
//! is signed too. A body of a class without keys is clear JSON and has no period; all others begin with an octet that names
//! how they are sealed (`seal.rs`): to two roles, but for the key of the tags. The tag of a slot finds who it was lent to and
//! when that ended without opening the others (`tag.rs`).
//!
//! [`Leaf::read`] is the only reader: whoever verifies a log refuses what whoever asks it could not read.

use crate::{
    case::{CaseId, Step},
    class::Class,
    seal,
    tag::Tag,
    week::Period,
};
use jiff::Timestamp;
use std::{fmt, str::FromStr};

/// What the hub's log has in the place of a site: no site can be called so.
pub const HUB: &str = "@hub";
/// First word of every leaf.
const FORMAT: &str = "varco-leaf/1";

/// What the last field of a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Nothing.
    None,
    /// The slot's tag.
    Tag(Tag),
    /// The leaf holds the key of the tags that follow.
    TagKey,
    /// A step of a case (R4, at the hub): who reads headers counts cases and finds each, and learns nobody.
    Case(Step, CaseId),
    /// The sums of a day of a site (R6): found among heartbeats without reading those.
    Day,
    /// What opened a class in a period was destroyed (R5, at the hub): found among copied checkpoints, of which there are many.
    Expired,
}

impl Mark {
    /// Whether a leaf of this class may have it, and need have no other.
    fn is_of(self, class: Class, site: &str) -> bool {
        match self {
            // The end of a connection is found by the slot that it gives back.
            Self::Tag(_) => matches!(class, Class::R2a | Class::R2b),
            Self::TagKey => class == Class::R2b,
            Self::Case(..) => class == Class::R4 && site == HUB,
            Self::Day => class == Class::R6,
            Self::Expired => class == Class::R5 && site == HUB,
            Self::None => class != Class::R2b,
        }
    }
}

/// The clear part of a leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The class.
    pub class: Class,
    /// The site.
    pub site: String,
    /// Its index among all leaves of the site, from 0.
    pub sequence: u64,
    /// When what it records happened.
    pub at: Timestamp,
    /// Whose key it is sealed to; `None` for a clear body.
    pub period: Option<Period>,
    /// What it can be found by.
    pub mark: Mark,
}

/// Why octets are no leaf.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a leaf of this version: {0}")]
pub struct NotALeaf(&'static str);

/// A leaf taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf<'a> {
    /// The header.
    pub header: Header,
    /// The header as it is written: what the sealed body is bound to.
    pub line: &'a str,
    /// The body.
    pub body: &'a [u8],
}

impl<'a> Leaf<'a> {
    /// Takes a leaf apart.
    ///
    /// # Errors
    /// When it has no header of ours, or its body is not sealed as its class must be. A header that is written in any
    /// other way than ours is refused.
    pub fn read(octets: &'a [u8]) -> Result<Self, NotALeaf> {
        let end = octets.iter().position(|octet| *octet == b'\n').ok_or(NotALeaf("no header line"))?;
        let (line, body) = octets.split_at(end);
        let line = std::str::from_utf8(line).map_err(|_| NotALeaf("the header is not text"))?;
        let header: Header = line.parse()?;
        if header.to_string() != line {
            return Err(NotALeaf("the header is written otherwise"));
        }
        let body = body.get(1..).unwrap_or_default();
        header.check(body.first().copied())?;
        Ok(Self { header, line, body })
    }
}

impl Header {
    /// Whether class, period, mark and the octet that says how the body is sealed fit each other.
    fn check(&self, how: Option<u8>) -> Result<(), NotALeaf> {
        let Self { class, site, period, mark, .. } = self;
        let length = Class::SEALED.contains(class).then_some(class.length());
        let sealed = match (length, mark) {
            (None, _) => b'{',
            (Some(_), Mark::TagKey) => seal::ONE,
            (Some(_), _) => seal::TWO,
        };
        let rules = [
            (!site.is_empty() && site.bytes().all(|octet| octet.is_ascii_graphic()), "the site is none"),
            (period.map(Period::length) == length, "the period is not one of its class"),
            (mark.is_of(*class, site), "the mark is not one of its class"),
            (how == Some(sealed), "the body is not sealed as its class is"),
        ];
        rules.into_iter().find(|(kept, _)| !kept).map_or(Ok(()), |(_, broken)| Err(NotALeaf(broken)))
    }
}

/// Puts a leaf together.
pub fn join(line: &str, body: &[u8]) -> Vec<u8> {
    [line.as_bytes(), b"\n", body].concat()
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { class, site, sequence, at, period, mark } = self;
        write!(f, "{FORMAT} {class} {site} {sequence} {at} ")?;
        match period {
            Some(period) => write!(f, "{period} ")?,
            None => f.write_str("- ")?,
        }
        match mark {
            Mark::None => f.write_str("-"),
            Mark::Tag(tag) => tag.fmt(f),
            Mark::TagKey => f.write_str("tagkey"),
            Mark::Day => f.write_str("day"),
            Mark::Expired => f.write_str("expired"),
            Mark::Case(step, case) => write!(f, "{step}:{case}"),
        }
    }
}

impl FromStr for Header {
    type Err = NotALeaf;

    fn from_str(line: &str) -> Result<Self, NotALeaf> {
        let fields: Vec<_> = line.split(' ').collect();
        let [format, class, site, sequence, at, period, mark] = fields[..] else {
            return Err(NotALeaf("the header has not seven fields"));
        };
        if format != FORMAT {
            return Err(NotALeaf("the format is unknown"));
        }
        let bad = |what| NotALeaf(what);
        Ok(Self {
            class: class.parse().map_err(|_| bad("the class is unknown"))?,
            site: site.to_owned(),
            sequence: sequence.parse().map_err(|_| bad("the sequence is no number"))?,
            at: at.parse().map_err(|_| bad("the instant is none"))?,
            period: optional(period).map_err(|()| bad("the period is none"))?,
            mark: mark_of(mark).map_err(|()| bad("the tag is none"))?,
        })
    }
}

fn optional(field: &str) -> Result<Option<Period>, ()> {
    if field == "-" { Ok(None) } else { field.parse().map(Some).map_err(|_| ()) }
}

fn mark_of(field: &str) -> Result<Mark, ()> {
    Ok(match field {
        "-" => Mark::None,
        "tagkey" => Mark::TagKey,
        "day" => Mark::Day,
        "expired" => Mark::Expired,
        mark => match mark.split_once(':') {
            Some((step, case)) => Mark::Case(step.parse().map_err(|_| ())?, case.parse().map_err(|_| ())?),
            None => Mark::Tag(mark.parse().map_err(|_| ())?),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "varco-leaf/1 R2b library 42 2026-11-22T10:00:00.5Z 2026-W47 00112233445566ff";

    #[test]
    fn a_leaf_is_taken_apart_and_put_together() {
        for (line, body) in [
            (LINE, &b"\x05body\nand more\xff"[..]),
            ("varco-leaf/1 R6 library 0 2026-11-22T10:00:00Z - -", b"{}"),
            ("varco-leaf/1 R6 library 0 2026-11-22T10:00:00Z - day", b"{}"),
            ("varco-leaf/1 R5 @hub 3 2026-11-22T10:00:00Z - expired", b"{}"),
            ("varco-leaf/1 R2b library 7 2026-11-22T10:00:00Z 2026-W47 tagkey", b"\x04"),
            ("varco-leaf/1 R3 library 8 2026-11-22T10:00:00Z 2026-11-22 -", b"\x05"),
            (
                "varco-leaf/1 R4 @hub 9 2026-11-22T10:00:00Z 2026-W47 asked:e3b0c44298fc1c149afbf4c8996fb924",
                b"\x05",
            ),
        ] {
            let octets = join(line, body);
            let leaf = Leaf::read(&octets).unwrap();
            assert_eq!((leaf.line, leaf.body), (line, body));
            assert_eq!(leaf.header.to_string(), line);
        }
    }

    #[test]
    fn a_header_written_otherwise_is_refused() {
        let refused = |from: &str, to: &str| {
            assert!(LINE.contains(from), "{from}");
            assert!(Leaf::read(&join(&LINE.replacen(from, to, 1), b"\x05")).is_err(), "{to}");
        };
        for (from, to) in [
            ("varco-leaf/1", "varco-leaf/2"),
            ("R2b", "R2c"),
            (" 42 ", " 042 "),
            (" 42 ", " -1 "),
            (".5Z", ".50Z"),
            ("10:00:00.5Z", "10:00:00.5+00:00"),
            ("2026-W47", "2026-W047"),
            ("ff", "FF"),
            ("ff", "f"),
            ("library", "the library"),
            ("library", ""),
            ("library", "libr\u{e0}ry"),
            ("R2b", "R9"),
            ("R2b", "R4"),
            ("2026-W47", "2026-11-22"),
            ("00112233445566ff", "-"),
            ("R2b library 42 2026-11-22T10:00:00.5Z 2026-W47", "R6 library 42 2026-11-22T10:00:00.5Z -"),
        ] {
            refused(from, to);
        }
        assert!(Leaf::read(LINE.as_bytes()).is_err(), "no end of the line");
    }

    #[test]
    fn a_body_that_is_not_sealed_as_its_class_must_be_is_refused() {
        let at = "library 42 2026-11-22T10:00:00Z";
        for (header, body) in [
            ("R2a - -", &b"{}"[..]),
            ("R2a 2026-W47 -", b"{}"),
            ("R2a 2026-W47 -", b"\x04"),
            ("R2a 2026-W47 -", b""),
            ("R2a - -", b"\x05"),
            ("R2a 2026-W47 tagkey", b"\x04"),
            ("R2b 2026-W47 tagkey", b"\x05"),
            ("R4 2026-W47 asked:e3b0c44298fc1c149afbf4c8996fb924", b"\x05"),
            ("R6 2026-W47 -", b"{}"),
            ("R6 - -", b"\x05"),
            ("R5 - expired", b"{}"),
            ("R6 - expired", b"{}"),
        ] {
            let (class, rest) = header.split_once(' ').unwrap();
            let line = format!("varco-leaf/1 {class} {at} {rest}");
            assert!(Leaf::read(&join(&line, body)).is_err(), "{header} {body:?}");
        }
    }
}
