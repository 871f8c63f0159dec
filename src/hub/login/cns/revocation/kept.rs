//! Lists on the disk: the octets, which are verified again when they are read, and what no later list may be below.

use super::{
    doubt::Doubt,
    list::{Floor, Number},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};
use url::Url;

/// The folder.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

/// What is remembered beside a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    number: Option<String>,
    made: Timestamp,
    /// Where it came from.
    pub url: Url,
    /// When.
    pub taken: Timestamp,
}

impl Memory {
    /// Of a list just taken.
    pub fn new(floor: &Floor, url: Url, taken: Timestamp) -> Self {
        let number = floor.number.as_ref().map(|number| hex(number.octets()));
        Self { number, made: floor.made, url, taken }
    }

    /// What no later list may be below.
    pub fn floor(&self) -> Floor {
        let octets = self.number.as_ref().map(|text| unhex(text));
        Floor { number: octets.map(Number::new), made: self.made }
    }
}

impl Folder {
    /// Below the state folder.
    pub const fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// A list and what is remembered of it. Either may be missing: then the list is fetched again. What cannot be read is
    /// missing too, since an issuer's cards must not stay out for ever; that is told, for what was the newest list is lost.
    pub fn read(&self, key: &[u8]) -> (Option<Vec<u8>>, Option<Memory>) {
        let memory = some(fs::read(self.file(key, "json")));
        let memory = memory.and_then(|text| {
            let read = text.map(|text| serde_json::from_slice(&text)).transpose();
            read.map_err(|e| Doubt::new("disk", e))
        });
        (some(fs::read(self.file(key, "crl"))).unwrap_or_else(lost), memory.unwrap_or_else(lost))
    }

    /// Keeps a list. What is remembered comes first: after a crash between the two the old list is below it, and fetched again.
    pub fn write(&self, key: &[u8], octets: &[u8], memory: &Memory) -> Result<(), Doubt> {
        let fault = |e: std::io::Error| Doubt::new("disk", e);
        fs::create_dir_all(&self.0).map_err(fault)?;
        let text = serde_json::to_vec_pretty(memory).map_err(|e| Doubt::new("disk", e))?;
        write(&self.file(key, "json"), &text).map_err(fault)?;
        write(&self.file(key, "crl"), octets).map_err(fault)
    }

    fn file(&self, key: &[u8], kind: &str) -> PathBuf {
        self.0.join(format!("{}.{kind}", hex(key)))
    }
}

fn lost<T>(doubt: Doubt) -> Option<T> {
    tracing::error!(alarm = "revocation-memory", %doubt, "which revocation list was the newest is not known any more");
    None
}

fn some(read: std::io::Result<Vec<u8>>) -> Result<Option<Vec<u8>>, Doubt> {
    match read {
        Ok(octets) => Ok(Some(octets)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Doubt::new("disk", e)),
    }
}

/// Replaces a file whole: a crash leaves the old one or the new one.
fn write(file: &Path, content: &[u8]) -> std::io::Result<()> {
    let next = file.with_extension("new");
    let mut open = fs::File::create(&next)?;
    open.write_all(content)?;
    open.sync_all()?;
    fs::rename(&next, file)?;
    file.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |n| text.get(n..n + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    (0..text.len()).step_by(2).filter_map(digit).collect()
}
