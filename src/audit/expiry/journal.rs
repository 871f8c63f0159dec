//! The files of statements in a folder: `<instant>.expiring` is signed by both and on the disk before anything is destroyed;
//! `<instant>.expired` is the same when all of it was. So a stop between leaves what both signed, and the next run goes on
//! from it.

use super::Expired;
use crate::{
    both::NotBoth,
    holder::People,
    keys::{self, KeyError},
};
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// What both signed, of which something may not be destroyed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// `<instant>.expiring`.
    pub path: PathBuf,
    /// What it says.
    pub said: Expired,
}

/// Why a statement is not written, or not gone on with.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A file.
    #[error(transparent)]
    File(#[from] KeyError),
    /// It is not by both, or not known to be.
    #[error("{0}: {1}")]
    NotBoth(PathBuf, NotBoth),
}

/// The oldest statement in a folder that was not carried out to its end.
///
/// # Errors
/// When the folder or the file cannot be read, or is not by both of these.
pub fn unfinished(folder: &Path, people: &People) -> Result<Option<Unfinished>, JournalError> {
    let failed = |error| KeyError::File(folder.to_owned(), error);
    let paths = std::fs::read_dir(folder).map_err(failed)?.flatten().map(|entry| entry.path());
    let oldest = paths.filter(|path| path.extension().is_some_and(|end| end == "expiring")).min();
    let Some(path) = oldest else { return Ok(None) };
    let octets = std::fs::read(&path).map_err(|error| KeyError::File(path.clone(), error))?;
    match Expired::read(&octets, people) {
        Ok(said) => Ok(Some(Unfinished { path, said })),
        Err(error) => Err(JournalError::NotBoth(path, error)),
    }
}

/// Writes what both signed, durably, before it is done.
///
/// # Errors
/// When the folder cannot be written, or has a statement of that second.
pub fn begin(folder: &Path, at: Timestamp, signed: &str) -> Result<PathBuf, JournalError> {
    let path = folder.join(format!("{}.expiring", at.strftime("%Y%m%dT%H%M%SZ")));
    let done = path.with_extension("expired");
    if std::fs::exists(&done).map_err(|error| KeyError::File(done.clone(), error))? {
        return Err(KeyError::There(done).into());
    }
    keys::write_new(&path, signed, 0o644)?;
    Ok(path)
}

/// Says that it is done; the file to bring to the hub.
///
/// # Errors
/// When the folder cannot be written.
pub fn end(path: &Path) -> Result<PathBuf, JournalError> {
    let done = path.with_extension("expired");
    std::fs::rename(path, &done).map_err(|error| KeyError::File(path.to_owned(), error))?;
    path.parent().map_or(Ok(()), keys::sync)?;
    Ok(done)
}
