//! The secrets that open one leaf, as a file: whoever has the leaf reads it, and no other leaf.

use crate::{
    content::Content,
    leaf::Leaf,
    opener::{self, OpenError},
    seal::{Disclosed, LeafKey, open_disclosed},
};
use std::fmt::Write as _;

/// Writes them: `requester` and `approver`, 64 hexadecimal digits each.
pub fn write(keys: &Disclosed) -> String {
    let hex = |key: &LeafKey| {
        key.expose().iter().fold(String::new(), |mut text, octet| {
            let _ = write!(text, "{octet:02x}");
            text
        })
    };
    let approver = keys.approver.as_ref().map(|approver| format!("approver {}\n", hex(approver)));
    format!("requester {}\n{}", hex(&keys.requester), approver.unwrap_or_default())
}

/// Reads them; `None` for what is written otherwise.
pub fn read(content: &[u8]) -> Option<Disclosed> {
    let text = std::str::from_utf8(content).ok()?;
    let mut lines = text.lines();
    let requester = key(lines.next()?.strip_prefix("requester ")?)?;
    let approver = match lines.next() {
        Some(line) => Some(key(line.strip_prefix("approver ")?)?),
        None => None,
    };
    let keys = Disclosed { requester, approver };
    (write(&keys) == text).then_some(keys)
}

/// The content of a leaf that these secrets open.
///
/// # Errors
/// When they are not its own, or what they open is not what its header says.
pub fn content(leaf: &Leaf<'_>, keys: &Disclosed) -> Result<Content, OpenError> {
    let damaged = |error: crate::seal::SealError| OpenError::Damaged(leaf.header.sequence, error.to_string());
    opener::read(leaf, &open_disclosed(leaf, keys).map_err(damaged)?)
}

fn key(hex: &str) -> Option<LeafKey> {
    let octets: Option<Vec<u8>> = (0..hex.len())
        .step_by(2)
        .map(|at| hex.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    LeafKey::from_octets(&octets?)
}
