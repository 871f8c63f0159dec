//! Tags of attributions: a look-up among millions opens a handful of leaves.
//!
//! A tag is HMAC-SHA256 over public address and first port of the block, cut to 64 bits, under a key that a site makes
//! each week. That two leaves of a week are of the same slot is all that a tag shows. The key is in the log, sealed to
//! the requester's role alone: it finds, it opens nothing.

use ring::{
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use std::{fmt, net::Ipv4Addr, str::FromStr};
use varco_policy::slot::{FIRST_PORT, SIZES};

/// The tag of a slot in a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag([u8; 8]);

impl Tag {
    /// Its octets.
    pub const fn octets(self) -> [u8; 8] {
        self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// The text is no tag.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a tag has 16 hexadecimal digits")]
pub struct NotATag;

impl FromStr for Tag {
    type Err = NotATag;

    fn from_str(text: &str) -> Result<Self, NotATag> {
        if text.len() != 16 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(NotATag);
        }
        u64::from_str_radix(text, 16).map(|number| Self(number.to_be_bytes())).map_err(|_| NotATag)
    }
}

/// The key of a site's tags in a week.
#[derive(Clone)]
pub struct TagKey(hmac::Key);

impl fmt::Debug for TagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TagKey")
    }
}

impl TagKey {
    /// Octets for a new key; `None` when the kernel has no randomness.
    pub fn fresh() -> Option<[u8; 32]> {
        let mut key = [0; 32];
        SystemRandom::new().fill(&mut key).ok().map(|()| key)
    }

    /// The key in these octets.
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The tag of a slot.
    pub fn tag(&self, address: Ipv4Addr, first_port: u16) -> Tag {
        let octets = [&address.octets()[..], &first_port.to_be_bytes()].concat();
        let mut tag = [0; 8];
        tag.copy_from_slice(&hmac::sign(&self.0, &octets).as_ref()[..8]);
        Tag(tag)
    }

    /// The tags of every slot in which a port may be: one for each size of block.
    pub fn candidates(&self, address: Ipv4Addr, port: u16) -> Vec<Tag> {
        let above = port.saturating_sub(FIRST_PORT);
        let mut firsts: Vec<_> = SIZES.iter().map(|size| FIRST_PORT + above / size * size).collect();
        firsts.dedup();
        firsts.into_iter().map(|first| self.tag(address, first)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_port_is_found_by_the_tag_of_its_block_whatever_its_size() {
        let (key, address) = (TagKey::new(&[7; 32]), [198, 18, 0, 3].into());
        for size in SIZES {
            for (first, port) in [(1024, 1024), (1024 + size, 1024 + size), (1024 + size, 1023 + 2 * size)] {
                assert!(key.candidates(address, port).contains(&key.tag(address, first)), "{size} {port}");
            }
        }
        assert!(!key.candidates(address, 5000).contains(&key.tag([198, 18, 0, 4].into(), 4608)));
        assert_ne!(TagKey::new(&[8; 32]).tag(address, 1024), key.tag(address, 1024), "another week");
        let tag = key.tag(address, 1024);
        assert_eq!(tag.to_string().parse(), Ok(tag));
    }
}
