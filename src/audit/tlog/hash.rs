//! The hashes of RFC 6962, section 2.1, with SHA-256.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::digest::{Context, SHA256, digest};
use std::fmt;

/// A SHA-256 value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; Self::LENGTH]);

impl Hash {
    /// Octets.
    pub const LENGTH: usize = 32;

    /// Reads the base64 of RFC 4648, section 4; the only spelling of a hash is taken.
    pub fn from_base64(text: &str) -> Option<Self> {
        STANDARD.decode(text).ok()?.try_into().ok().map(Self)
    }

    fn of(context: Context) -> Self {
        Self::from(context.finish())
    }
}

impl From<ring::digest::Digest> for Hash {
    fn from(digest: ring::digest::Digest) -> Self {
        let mut octets = [0; Self::LENGTH];
        octets.copy_from_slice(digest.as_ref());
        Self(octets)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The hash of an entry: `SHA-256(0x00 || entry)`.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[0]);
    context.update(entry);
    Hash::of(context)
}

/// The hash of two subtrees: `SHA-256(0x01 || left || right)`.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut octets = [1; 1 + 2 * Hash::LENGTH];
    octets[1..=Hash::LENGTH].copy_from_slice(&left.0);
    octets[1 + Hash::LENGTH..].copy_from_slice(&right.0);
    Hash::from(digest(&SHA256, &octets))
}

/// The Merkle Tree Hash over leaf hashes, or over the roots of full subtrees of one height.
pub fn tree_hash(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => Hash::from(digest(&SHA256, &[])),
        [one] => *one,
        many => {
            let (left, right) = many.split_at(split(many.len() as u64) as usize);
            node_hash(&tree_hash(left), &tree_hash(right))
        }
    }
}

/// The largest power of two below `n`; `n` is 2 or more.
pub(super) const fn split(n: u64) -> u64 {
    1 << (63 - (n - 1).leading_zeros())
}
