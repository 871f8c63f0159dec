//! The list of a pack's files with their SHA-256, signed by both persons who made it: what nobody else has signed, as the
//! explanation and the digests of programs and settings, is vouched for by them.

use super::archive::Members;
use crate::case::CaseId;
use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use std::fmt::Write as _;

/// Its name in the archive.
pub const NAME: &str = "manifest";
const FORMAT: &str = "varco-pack/1";

/// What stands before the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The case.
    pub case: CaseId,
    /// When the pack was made.
    pub at: Timestamp,
}

/// The text that is signed: two lines, then those that `sha256sum --check` reads.
pub fn text(head: Head, members: &Members) -> String {
    let mut text = format!("{FORMAT}\ncase {}\nat {}\n", head.case, head.at);
    for (name, content) in members.iter().filter(|(name, _)| *name != NAME) {
        let _ = writeln!(text, "{}  {name}", hex(content));
    }
    text
}

/// Reads the head of a text that lists exactly these files; `None` where one is missing, too many, or another.
pub fn read(listed: &str, members: &Members) -> Option<Head> {
    let mut lines = listed.lines();
    if lines.next()? != FORMAT {
        return None;
    }
    let case = lines.next()?.strip_prefix("case ")?.parse().ok()?;
    let at = lines.next()?.strip_prefix("at ")?.parse().ok()?;
    let head = Head { case, at };
    (text(head, members) == listed).then_some(head)
}

/// SHA-256 as 64 hexadecimal digits.
pub fn hex(content: &[u8]) -> String {
    digest(&SHA256, content).as_ref().iter().fold(String::new(), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}
