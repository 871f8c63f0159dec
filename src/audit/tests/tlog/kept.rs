//! What the tests keep logs in, and the logs they keep.

use secrecy::SecretString;
use std::{
    cell::RefCell,
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};
use varco_audit::{
    tlog::{Disk, Files, Folder, Log, NoteKey},
    verify::{Asked, Problem, SILENCE, Whole, verify},
};

pub const ORIGIN: &str = "hub.example.it/log/library";

/// A key made of one octet: not secret, the tests' own.
pub fn key_of(origin: &str, octet: u8) -> NoteKey {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use ring::signature::{Ed25519KeyPair, KeyPair as _};
    let pair = Ed25519KeyPair::from_seed_unchecked(&[octet; 32]).unwrap();
    let public = [origin.as_bytes(), b"\n\x01", pair.public_key().as_ref()].concat();
    let id = ring::digest::digest(&ring::digest::SHA256, &public);
    let id: String = id.as_ref()[..4].iter().map(|octet| format!("{octet:02x}")).collect();
    let secret = STANDARD.encode([&[1], &[octet; 32][..]].concat());
    NoteKey::parse(&SecretString::from(format!("PRIVATE+KEY+{origin}+{id}+{secret}"))).unwrap()
}

pub fn key() -> NoteKey {
    key_of(ORIGIN, 7)
}

/// A leaf as a gateway makes them, a few octets in place of the sealed ones.
pub fn leaf(sequence: u64) -> Vec<u8> {
    // A hundred a second: nothing goes back, and nobody is silent for long.
    let (minute, second) = (sequence / 6000 % 60, sequence / 100 % 60);
    let at = format!("2026-11-22T10:{minute:02}:{second:02}Z");
    let header = format!("varco-leaf/1 R2a library {sequence} {at} 2026-W47 -\n");
    [header.as_bytes(), b"\x05", &sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()].concat()
}

pub fn leaves(range: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    range.map(leaf).collect()
}

/// Files in memory.
#[derive(Debug, Default, Clone)]
pub struct Memory(pub RefCell<BTreeMap<String, Vec<u8>>>);

impl Files for Memory {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.0.borrow().get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk for Memory {
    fn write(&self, path: &str, content: &[u8]) -> io::Result<()> {
        self.0.borrow_mut().insert(path.to_owned(), content.to_vec());
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let content = self.0.borrow_mut().remove(from).ok_or(io::ErrorKind::NotFound)?;
        self.write(to, &content)
    }

    fn sync_folder(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn make_folder(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.0.borrow_mut().remove(path);
        Ok(())
    }

    fn remove_folder(&self, path: &str) -> io::Result<()> {
        let below = format!("{path}/");
        self.0.borrow_mut().retain(|path, _| !path.starts_with(&below));
        Ok(())
    }

    fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let below = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let files = self.0.borrow();
        let names = files.keys().filter_map(|path| path.strip_prefix(&below));
        Ok(names.map(|rest| rest.split('/').next().unwrap().to_owned()).collect())
    }
}

impl Memory {
    pub fn paths(&self) -> Vec<String> {
        self.0.borrow().keys().cloned().collect()
    }
}

/// A log of 1,000 entries, grown in steps, so that partial tiles of an earlier size are there too.
pub fn thousand() -> Memory {
    let mut log = Log::on(Memory::default(), ORIGIN, key()).unwrap();
    for (first, end) in [(0, 300), (300, 900), (900, 1000)] {
        log.integrate(first, &leaves(first..end)).unwrap();
    }
    log.into_disk()
}

pub fn asked() -> Asked {
    let key = key().verifier().clone();
    let site = Some("library".to_owned());
    let (seen, witnesses, keepers) = Default::default();
    Asked { key, seen, witnesses, site, expired: 0, keepers, silence: SILENCE }
}

pub fn check(files: &Memory) -> Result<Whole, Problem> {
    verify(files, &files.paths(), &asked())
}

/// A folder of the test's own.
pub struct Place(pub PathBuf);

impl Place {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("varco-tlog-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// Writes files into the log's folder.
    pub fn put(&self, files: &Memory) {
        for (path, content) in files.0.borrow().iter() {
            let path = self.log().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn check_folder(folder: &Path, asked: &Asked) -> Result<Whole, Problem> {
    let files = Folder::new(folder);
    verify(&files, &files.paths().unwrap(), asked)
}
