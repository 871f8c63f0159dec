//! Where a log is, what signs it, and how it is taken up.

use super::seen;
use crate::{
    expiry::{AuthorisedOperator, Kept, Profile},
    holder::People,
    journal::JournalError,
    tlog::{self, Log, LogError, NoteKey},
};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};
use varco_policy::ConfigError;

/// Where the log is and what signs it.
#[derive(Debug, Clone)]
pub struct Folder {
    /// Its folder.
    pub folder: PathBuf,
    /// Its name: the first line of every checkpoint.
    pub origin: String,
    /// The file of its key.
    pub key: PathBuf,
}

impl Folder {
    /// Its key, made for a log that never was. A log that lost its key is not continued by another.
    ///
    /// # Errors
    /// When the file cannot be used, is the key of another log, or is lost.
    pub fn key(&self) -> Result<NoteKey, tlog::KeyError> {
        let was = self.folder.join("checkpoint").exists() || self.seen().exists();
        if was && !self.key.exists() {
            let problem = "is lost, and the log that it signed is there: restore it from its copy";
            return Err(io::Error::new(io::ErrorKind::NotFound, problem).into());
        }
        NoteKey::load_or_make(&self.key, &self.origin)
    }

    /// Opens the log, which must continue the last checkpoint that was signed.
    ///
    /// # Errors
    /// When the folder cannot be used, is damaged, or is not that log.
    pub fn open(&self) -> Result<Log, Failed> {
        let key = self.key()?;
        let seen = seen::read(self, &key)?;
        // A new log would sign that it is empty.
        if seen.size > 0 && !self.folder.join("checkpoint").exists() {
            return Err(Failed::Lost(seen.size));
        }
        let log = Log::open(&self.folder, &self.origin, key)?;
        seen::continues(self, &seen, &log)?;
        Ok(log)
    }

    /// Opens it at a start: the log, where it can be opened, and how many entries it has at least. A log that cannot be opened
    /// keeps nobody out, since what is recorded waits for it; only where nothing was ever recorded (`next` is 0) is it not
    /// known where to begin.
    ///
    /// # Errors
    /// As [`Self::open`], where nothing was ever recorded.
    pub fn take_up(&self, next: u64) -> Result<(Option<Log>, u64), Failed> {
        match self.open() {
            Ok(log) => {
                let size = log.size();
                Ok((Some(log), size))
            }
            Err(error) if next == 0 => Err(error),
            // Its thread tries again, and tells.
            Err(_) => Ok((None, self.known_size())),
        }
    }

    /// How many entries it had when its last checkpoint was signed; 0 where nobody knows.
    pub fn known_size(&self) -> u64 {
        let seen = self.key().map_err(Failed::from).and_then(|key| seen::read(self, &key));
        seen.map_or(0, |seen| seen.size)
    }

    /// Where the last checkpoint that was signed is kept, beside the key.
    pub(super) fn seen(&self) -> PathBuf {
        self.key.with_extension("seen")
    }
}

/// Why leaves did not come into the log.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The key.
    #[error(transparent)]
    Key(#[from] tlog::KeyError),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The database.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// What is kept of the last checkpoint.
    #[error("log.seen: {0}")]
    Seen(String),
    /// The log is gone, and its key is not.
    #[error("the log of {0} entries that this key signed is not there: restore it")]
    Lost(u64),
    /// The log is an older copy, or another than the one that was signed last.
    #[error(
        "the log has {size} entries and does not continue the {seen} that this key signed: restore the newest"
    )]
    Other {
        /// Entries in the log.
        size: u64,
        /// Entries that were signed.
        seen: u64,
    },
    /// The database is older than the log: what it counts on has other numbers there. The next record gets a number after
    /// the log's, and then it goes on; unless records wait that have numbers of the log already.
    #[error(
        "the log has {size} entries and the database knows of {next}: the database is an old copy, or another log's"
    )]
    Ahead {
        /// Entries in the log.
        size: u64,
        /// What the database gives next.
        next: u64,
    },
}

/// `[log.authorised_operator]`: that the controller is an authorised operator, whose ranges are others.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorisedOperatorSettings {
    /// What `varco-audit authorised-operator` wrote, signed by a requester and an approver.
    statement: PathBuf,
    /// Their public files.
    holders: PathBuf,
}

impl AuthorisedOperatorSettings {
    fn profile(&self, file: &Path) -> Result<Profile, ConfigError> {
        let bad = |key: &str, problem: String, remedy: &str| ConfigError::new(file, key, problem, remedy);
        let remedy = "copy `holders` of the ceremony's folder here: NAME.pub of each officer, of both roles";
        let people = People::read(&self.holders);
        let people =
            people.map_err(|error| bad("log.authorised_operator.holders", error.to_string(), remedy))?;
        let remedy = "let both officers sign it with `varco-audit authorised-operator`; a public body leaves [log.authorised_operator] out";
        let refused = |problem: String| {
            let problem = format!("{}: {problem}", self.statement.display());
            bad("log.authorised_operator.statement", problem, remedy)
        };
        let octets = std::fs::read(&self.statement).map_err(|error| refused(error.to_string()))?;
        AuthorisedOperator::read(&octets, &people).map_err(|error| refused(error.to_string()))?;
        Ok(Profile::AuthorisedOperator)
    }
}

/// How long each class is kept, by `[log.retention]` and `[log.authorised_operator]` of a settings file.
///
/// # Errors
/// The first key that is wrong.
pub fn kept(
    file: &Path,
    table: &BTreeMap<String, String>,
    operator: Option<&AuthorisedOperatorSettings>,
) -> Result<Kept, ConfigError> {
    let profile = operator.map_or(Ok(Profile::PublicBody), |operator| operator.profile(file))?;
    Kept::of(profile, table).map_err(|(key, problem)| {
        let remedy = "write what the controller has decided, within the range; leave it out for the default";
        ConfigError::new(file, &format!("log.retention.{key}"), problem, remedy)
    })
}

/// The name of a log of this host, checked: `host/path` without scheme, as tlog-checkpoint asks for.
///
/// # Errors
/// The name, where it is none.
pub fn origin(written: Option<String>, host: &str, path: &str) -> Result<String, String> {
    let origin = written.unwrap_or_else(|| format!("{host}/{path}"));
    let plain = origin.bytes().all(|b| b.is_ascii_graphic() && b != b'+');
    if plain && !origin.contains("://") && origin.contains('/') { Ok(origin) } else { Err(origin) }
}
