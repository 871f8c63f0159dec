//! The body of `add-entries` (C2SP tlog-mirror): which log, from where to where, and packages of at most 256 entries, each
//! with the proof that they are in the checkpoint that the mirror follows.

use super::{
    bundle,
    disk::Files,
    hash::{Hash, leaf_hash, tree_hash},
    path::FULL,
    subtree,
    tiles::{TileError, Tiles},
};
use std::ops::Range;

/// More packages are not sent at once.
const PACKAGES_MAX: usize = 32;
/// More hashes of a proof are refused.
const PROOF_MAX: usize = 63;

/// What comes before the packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The log.
    pub origin: String,
    /// The first entry that is sent.
    pub start: u64,
    /// The size of the checkpoint that the packages lead to.
    pub end: u64,
    /// What the mirror gave, opaque.
    pub ticket: Vec<u8>,
}

/// Entries and the proof that they are in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The entries that are sent.
    pub entries: Vec<Vec<u8>>,
    /// The subtree consistency proof from the whole subtree to the checkpoint.
    pub proof: Vec<Hash>,
}

impl Header {
    /// As it is sent. An origin or a ticket that is longer than the format can say is cut: neither is one.
    pub fn write(&self) -> Vec<u8> {
        let mut octets = Vec::new();
        short(&mut octets, self.origin.as_bytes());
        octets.extend_from_slice(&self.start.to_be_bytes());
        octets.extend_from_slice(&self.end.to_be_bytes());
        short(&mut octets, &self.ticket);
        octets
    }

    /// Reads it from the beginning of a body; what follows.
    pub fn read(body: &[u8]) -> Option<(Self, &[u8])> {
        let (origin, rest) = counted(body)?;
        let (start, rest) = rest.split_first_chunk()?;
        let (end, rest) = rest.split_first_chunk()?;
        let (ticket, rest) = counted(rest)?;
        let origin = String::from_utf8(origin.to_vec()).ok()?;
        let (start, end) = (u64::from_be_bytes(*start), u64::from_be_bytes(*end));
        Some((Self { origin, start, end, ticket: ticket.to_vec() }, rest))
    }

    /// The packages that a whole upload has: which entries each sends, and which subtree its proof is of.
    pub fn packages(&self) -> impl Iterator<Item = (Range<u64>, Range<u64>)> {
        let (start, end, full) = (self.start, self.end, u64::from(FULL));
        let firsts = (start / full..end.div_ceil(full)).map(move |n| n * full);
        let ranges = firsts.map(move |first| {
            let last = first.saturating_add(full).min(end);
            (start.max(first)..last, first..last)
        });
        ranges.filter(move |_| start < end)
    }
}

impl Package {
    /// Takes the entries of a package from a tree of the checkpoint's size, with their proof.
    ///
    /// # Errors
    /// When a tile or bundle cannot be read or was changed.
    pub fn of<F: Files>(
        tiles: &mut Tiles<F>,
        entries: Range<u64>,
        subtree: Range<u64>,
    ) -> Result<Self, TileError> {
        let mut sent = Vec::new();
        tiles.leaves(entries, |_, entry| sent.push(entry.to_vec()))?;
        Ok(Self { entries: sent, proof: tiles.subtree(subtree)? })
    }

    /// Appends it to a body.
    pub fn write(&self, body: &mut Vec<u8>) {
        for entry in &self.entries {
            short(body, entry);
        }
        body.push(u8::try_from(self.proof.len()).unwrap_or(u8::MAX));
        self.proof.iter().for_each(|hash| body.extend_from_slice(&hash.0));
    }

    /// Reads a package of so many entries; what follows. `None` where it breaks off or its proof is too long.
    pub fn read(mut body: &[u8], count: u64) -> Option<(Self, &[u8])> {
        let mut entries = Vec::new();
        for _ in 0..count.min(FULL.into()) {
            let (entry, rest) = counted(body)?;
            entries.push(entry.to_vec());
            body = rest;
        }
        let (hashes, rest) = body.split_first()?;
        let length = usize::from(*hashes);
        let (proof, rest) = rest.split_at_checked(length * Hash::LENGTH).filter(|_| length <= PROOF_MAX)?;
        let (proof, _) = proof.as_chunks::<{ Hash::LENGTH }>();
        Some((Self { entries, proof: proof.iter().map(|hash| Hash(*hash)).collect() }, rest))
    }

    /// Whether its entries, after those of the subtree that are there already, are in the tree of `size` and `root`.
    pub fn holds(&self, before: &[Hash], subtree: Range<u64>, (size, root): (u64, Hash)) -> bool {
        let hashes = before.iter().copied().chain(self.entries.iter().map(|entry| leaf_hash(entry)));
        let hashes: Vec<_> = hashes.collect();
        let whole = subtree.end.checked_sub(subtree.start) == Some(hashes.len() as u64);
        whole && subtree::proved(subtree, tree_hash(&hashes), size, root, &self.proof)
    }
}

/// A body with packages from the first on, until it has `most` octets; one package at least, if there is any. At most 32, as
/// the specification asks.
///
/// # Errors
/// When a tile or bundle cannot be read or was changed.
pub fn body<F: Files>(tiles: &mut Tiles<F>, header: &Header, most: usize) -> Result<Vec<u8>, TileError> {
    let mut body = header.write();
    for (entries, subtree) in header.packages().take(PACKAGES_MAX) {
        Package::of(tiles, entries, subtree)?.write(&mut body);
        if body.len() >= most {
            break;
        }
    }
    Ok(body)
}

/// Appends octets behind their length, as an entry stands in a bundle.
fn short(to: &mut Vec<u8>, octets: &[u8]) {
    let octets = octets.get(..bundle::ENTRY_MAX).unwrap_or(octets);
    let _ = bundle::push(to, octets);
}

fn counted(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = octets.split_first_chunk()?;
    rest.split_at_checked(u16::from_be_bytes(*length).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(start: u64, end: u64) -> Header {
        Header { origin: "example.it/log/library".into(), start, end, ticket: b"opaque".to_vec() }
    }

    #[test]
    fn a_body_is_read_as_it_was_written_and_not_where_it_breaks_off() {
        let package =
            Package { entries: vec![b"one".to_vec(), Vec::new()], proof: vec![leaf_hash(b"x"); 63] };
        let mut body = header(3, 5).write();
        let end = body.len();
        package.write(&mut body);
        body.extend_from_slice(b"rest");
        let (read, rest) = Header::read(&body).unwrap();
        assert_eq!(read, header(3, 5));
        assert_eq!(Package::read(rest, 2).unwrap(), (package, &b"rest"[..]));
        (0..end).for_each(|cut| assert!(Header::read(&body[..cut]).is_none(), "{cut}"));
        (end..body.len() - 4).for_each(|cut| assert!(Package::read(&body[end..cut], 2).is_none(), "{cut}"));
        let long = Package { entries: Vec::new(), proof: vec![leaf_hash(b"x"); 64] };
        let mut body = Vec::new();
        long.write(&mut body);
        assert!(Package::read(&body, 0).is_none(), "64 hashes");
    }

    #[test]
    fn packages_are_those_of_the_specification() {
        let of = |start, end| header(start, end).packages().collect::<Vec<_>>();
        assert_eq!(of(0, 0), []);
        assert_eq!(of(7, 7), []);
        assert_eq!(of(0, 1), [(0..1, 0..1)]);
        assert_eq!(of(300, 300 + 256), [(300..512, 256..512), (512..556, 512..556)]);
        assert_eq!(of(0, 512), [(0..256, 0..256), (256..512, 256..512)]);
        assert_eq!(of(9, 8), []);
    }
}
