//! The list in force on the disk, and what is known about it.

use super::{Registry, Signed};
use crate::login::saml::{List, Unfit};
use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::{fs, io::Write, path::PathBuf, time::SystemTime};

/// Most lists remembered as having been in force: years of them.
const REMEMBERED: usize = 1000;
/// Lists that may be missed before that is an alarm.
const MISSED: i32 = 3;

/// What is known of the list in force.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The signed digest of the list in force; empty when there is none.
    pub digest: String,
    /// When it was taken.
    pub taken: Option<Timestamp>,
    /// When its source last confirmed it.
    pub confirmed: Option<Timestamp>,
    /// Its number, if it has one.
    #[serde(default)]
    pub number: Option<u64>,
    /// When it was made, if it says so.
    pub made: Option<Timestamp>,
    /// The end of its validity, if it says so.
    pub valid_until: Option<Timestamp>,
    /// How often in a row its source gave no list that could be taken.
    pub failures: u32,
    /// Why it could not the last time.
    pub why: Option<String>,
    /// Digests of the lists that were in force before.
    pub superseded: Vec<String>,
    /// What was known before could not be read: whether a list is an old one cannot be told, and the operator must say.
    #[serde(default)]
    pub lost: bool,
}

/// What is kept of a registry.
#[derive(Debug)]
pub struct Kept<'a, L: Signed = List>(&'a Registry<L>);

impl<'a, L: Signed> Kept<'a, L> {
    pub(super) const fn new(registry: &'a Registry<L>) -> Self {
        Self(registry)
    }

    /// The file of the list in force.
    pub fn file(&self) -> PathBuf {
        self.0.folder.join("list.xml")
    }

    fn status_file(&self) -> PathBuf {
        self.0.folder.join("status.json")
    }

    /// The list in force, verified again: whoever can write this folder is not trusted. `None` when there is none yet.
    ///
    /// # Errors
    /// When it is not what the registry signed, or it is longer past its end than the grace.
    pub fn list(&self, now: Timestamp) -> Result<Option<L>, Unfit> {
        let octets = match fs::read(self.file()) {
            Ok(octets) => octets,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Unfit { rule: "file", why: e.to_string() }),
        };
        L::verify(&octets, &self.0.signers, now.saturating_sub(self.0.grace).unwrap_or(now)).map(Some)
    }

    /// When the file of the list in force was changed last, and its length: another look, another file.
    pub fn look(&self) -> Option<(SystemTime, u64)> {
        let about = fs::metadata(self.file()).ok()?;
        Some((about.modified().ok()?, about.len()))
    }

    /// What is known of it; nothing when the file is not there.
    pub fn status(&self) -> Status {
        let lost = Status { lost: true, ..Status::default() };
        match fs::read(self.status_file()) {
            Ok(text) => serde_json::from_slice(&text).unwrap_or(lost),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Status::default(),
            Err(_) => lost,
        }
    }

    /// Puts a verified list in force: the list first, then what is known of it, each whole or not at all. Between the two
    /// the old status names the list before, and the next fetch only takes the same list once more.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn take(&self, octets: &[u8], list: &L, now: Timestamp) -> anyhow::Result<()> {
        let mut status = self.status();
        fs::create_dir_all(&self.0.folder).with_context(|| self.0.folder.display().to_string())?;
        write(&self.file(), octets)?;
        let before = std::mem::replace(&mut status.digest, list.digest().to_owned());
        // One that comes again after its file was damaged is the one in force, as often as that happens.
        status.superseded.extend(Some(before).filter(|digest| !digest.is_empty()));
        status.superseded.retain(|digest| digest != list.digest());
        let forget = status.superseded.len().saturating_sub(REMEMBERED);
        status.superseded.drain(..forget);
        let age = list.age();
        (status.number, status.made, status.valid_until) = (age.number, age.made, age.valid_until);
        (status.taken, status.lost) = (Some(now), false);
        self.good(status, now)
    }

    /// The registry confirmed the list in force.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn confirm(&self, now: Timestamp) -> anyhow::Result<()> {
        self.good(self.status(), now)
    }

    fn good(&self, mut status: Status, now: Timestamp) -> anyhow::Result<()> {
        status.confirmed = Some(now);
        (status.failures, status.why) = (0, None);
        self.write_status(&status)
    }

    /// The registry gave no list that can be taken.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn fail(&self, why: &str) -> anyhow::Result<Status> {
        let mut status = self.status();
        status.failures = status.failures.saturating_add(1);
        status.why = Some(why.to_owned());
        fs::create_dir_all(&self.0.folder).with_context(|| self.0.folder.display().to_string())?;
        self.write_status(&status)?;
        Ok(status)
    }

    /// Whether nobody has confirmed the list for three times as long as it should take.
    pub fn stale(&self, status: &Status, now: Timestamp) -> bool {
        let most = self.0.every.checked_mul(MISSED).unwrap_or(SignedDuration::MAX);
        status.confirmed.is_none_or(|at| now.duration_since(at) > most)
    }

    fn write_status(&self, status: &Status) -> anyhow::Result<()> {
        write(&self.status_file(), &serde_json::to_vec_pretty(status)?)
    }
}

/// Replaces a file whole: a crash leaves the old one or the new one.
fn write(file: &std::path::Path, content: &[u8]) -> anyhow::Result<()> {
    let next = file.with_extension("new");
    let done = fs::File::create(&next).and_then(|mut f| f.write_all(content).and_then(|()| f.sync_all()));
    done.and_then(|()| fs::rename(&next, file)).with_context(|| format!("writing {}", file.display()))?;
    let folder = file.parent().context("a file without a folder")?;
    fs::File::open(folder)?.sync_all().with_context(|| folder.display().to_string())
}
