//! The archive: a plain tar (POSIX ustar) of files in the order of their names, without owner, time or padding beyond its two
//! last blocks. There is one spelling of each pack, so that an octet that was turned anywhere shows.

use std::{
    collections::BTreeMap,
    io::{self, Read as _},
};
use tar::{Archive, Builder, EntryType, Header};

/// Files by their names.
pub type Members = BTreeMap<String, Vec<u8>>;

/// More octets than this are no pack.
pub const LONGEST: usize = 64 << 20;

/// Writes the archive.
///
/// # Errors
/// When a name is longer than 100 octets.
pub fn write(members: &Members) -> io::Result<Vec<u8>> {
    let mut builder = Builder::new(Vec::new());
    for (name, content) in members {
        if name.len() > 100 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a name in a pack has 100 octets at most",
            ));
        }
        let mut header = Header::new_ustar();
        header.set_path(name)?;
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(content.len() as u64);
        header.set_entry_type(EntryType::Regular);
        header.set_cksum();
        builder.append(&header, content.as_slice())?;
    }
    builder.into_inner()
}

/// Reads an archive; `None` for one that is not written as [`write()`] writes it.
pub fn read(octets: &[u8]) -> Option<Members> {
    let mut members = Members::new();
    if octets.len() > LONGEST {
        return None;
    }
    for entry in Archive::new(octets).entries().ok()? {
        let mut entry = entry.ok()?;
        let name = std::str::from_utf8(&entry.path_bytes()).ok()?.to_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).ok()?;
        members.insert(name, content);
    }
    (write(&members).ok()? == octets).then_some(members)
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
