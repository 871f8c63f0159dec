//! The first line of a leaf, which anybody can read: `varco-leaf/1 <class> <site> <sequence> <time> <period> <tag|->`.

use jiff::Timestamp;

/// A leaf's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header<'a> {
    /// The class of record: `R2a`, `R2b`, …
    pub class: &'a str,
    /// The site.
    pub site: &'a str,
    /// Its place in the site's log, from 0.
    pub sequence: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// Which key sealed it.
    pub period: &'a str,
    /// By which it is found; `None` for `-`.
    pub tag: Option<&'a str>,
}

impl<'a> Header<'a> {
    /// Splits a leaf into header and body; `None` when it is no leaf of this version.
    pub fn parse(leaf: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let end = leaf.iter().position(|octet| *octet == b'\n')?;
        let line = std::str::from_utf8(leaf.get(..end)?).ok().filter(|line| line.is_ascii())?;
        let words: Vec<_> = line.split(' ').collect();
        let ["varco-leaf/1", class, site, number, at, period, tag] = words.as_slice() else { return None };
        let sequence: u64 = number.parse().ok()?;
        let whole = words.iter().all(|word| !word.is_empty()) && sequence.to_string() == *number;
        let tag = Some(*tag).filter(|tag| *tag != "-");
        let header = Self { class, site, sequence, at: at.parse().ok()?, period, tag };
        whole.then_some((header, leaf.get(end + 1..)?))
    }
}
