//! The archive: a plain tar (POSIX ustar) of files in the order of their names, without owner, time or padding beyond its two
//! last blocks. There is one spelling of each pack, so that an octet that was turned anywhere shows.

use std::{collections::BTreeMap, io};
use tar::{EntryType, Header};

/// Files by their names.
pub type Members = BTreeMap<String, Vec<u8>>;

/// More octets than this are no pack.
pub const LONGEST: usize = 64 << 20;

const BLOCK: usize = 512;
const END: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// Writes the archive.
///
/// # Errors
/// When a name is longer than 100 octets.
pub fn write(members: &Members) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    for (name, content) in members {
        octets.extend_from_slice(header(name, content.len())?.as_bytes());
        octets.extend_from_slice(content);
        octets.resize(octets.len().next_multiple_of(BLOCK), 0);
    }
    octets.extend_from_slice(&END);
    Ok(octets)
}

fn header(name: &str, size: usize) -> io::Result<Header> {
    if name.len() > 100 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a name in a pack has 100 octets at most"));
    }
    let mut header = Header::new_ustar();
    header.set_path(name)?;
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size as u64);
    header.set_entry_type(EntryType::Regular);
    header.set_cksum();
    Ok(header)
}

/// Reads an archive; `None` for one that is not written as [`write()`] writes it.
pub fn read(octets: &[u8]) -> Option<Members> {
    let (mut members, mut rest) = (Members::new(), octets);
    while rest != END && octets.len() <= LONGEST {
        let (head, after) = rest.split_at_checked(BLOCK)?;
        let found = Header::from_byte_slice(head);
        let name = std::str::from_utf8(&found.path_bytes()).ok()?.to_owned();
        let size = usize::try_from(found.size().ok()?).ok()?;
        let is_only = header(&name, size).is_ok_and(|only| only.as_bytes() == found.as_bytes());
        let is_next = members.last_key_value().is_none_or(|(last, _)| *last < name);
        let (content, behind) = after.split_at_checked(size)?;
        let (padding, next) = behind.split_at_checked(size.next_multiple_of(BLOCK) - size)?;
        if !(is_only && is_next && padding.iter().all(|octet| *octet == 0)) {
            return None;
        }
        members.insert(name, content.to_vec());
        rest = next;
    }
    (rest == END && !members.is_empty()).then_some(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members() -> Members {
        [("answer", &b"one\n"[..]), ("empty", b""), ("records/library/7.proof", &[7; 513])]
            .map(|(name, content)| (name.to_owned(), content.to_vec()))
            .into()
    }

    #[test]
    fn there_is_one_archive_of_the_same_files() {
        let octets = write(&members()).unwrap();
        assert_eq!(octets.len() % 512, 0);
        assert_eq!(read(&octets), Some(members()));
        for place in 0..octets.len() {
            let mut turned = octets.clone();
            turned[place] ^= 1;
            assert_ne!(read(&turned), Some(members()), "octet {place}");
        }
        for end in 0..octets.len() {
            assert_ne!(read(&octets[..end]), Some(members()), "{end} octets");
        }
        assert_eq!(read(&[&octets[..], &[0; 512]].concat()), None, "padding");
    }
}
