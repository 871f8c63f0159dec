//! What lies beside the tree in a log's folder: the newest checkpoint that witnesses cosigned, and timestamps.
//!
//! A log that grows while it is read, or copied, is behind what was written meanwhile: so these are read, and to be copied,
//! before `checkpoint`.

use super::{Problem, continued};
use crate::{
    timestamp::{self, Authority, Stamp},
    tlog::{BadCheckpoint, BadNote, Cosignature, Files, Note, Signed, Tiles, VerifierKey},
};
use std::io;

/// The newest checkpoint that a witness cosigned, with the cosignatures.
pub(super) const WITNESSED: &str = "checkpoint.witnessed";

/// What a witness says, and of how many entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// Who and when.
    pub by: Cosignature,
    /// Entries of the checkpoint that it cosigned.
    pub size: u64,
}

/// What an authority says, and of how many entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// When, and who says so.
    pub stamp: Stamp,
    /// Entries of the checkpoint that it stamped.
    pub size: u64,
}

/// A file, or that there is none.
pub(super) fn read(files: &impl Files, path: &str) -> Result<Option<Vec<u8>>, Problem> {
    match files.read(path) {
        Ok(octets) => Ok(Some(octets)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Problem::Unreadable { path: path.to_owned(), source }),
    }
}

/// A witness's cosignature, on the checkpoint or on the one that was witnessed last.
pub(super) fn cosigned(
    checkpoint: &Signed,
    witnessed: Option<&Signed>,
    witness: &VerifierKey,
) -> Result<Cosigned, BadNote> {
    let mut outcome = Err(BadNote::NotSigned(witness.name().to_owned()));
    for signed in [checkpoint].into_iter().chain(witnessed) {
        outcome = Cosignature::verify(signed, witness).map(|by| Cosigned { by, size: signed.size });
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

/// Compares the tree with each checkpoint that was stamped.
pub(super) fn stamped<F: Files>(
    tiles: &mut Tiles<F>,
    paths: &[String],
    key: &VerifierKey,
) -> Result<(), Problem> {
    for size in paths.iter().filter_map(|path| size_of(path, "checkpoint")) {
        // Who keeps the log removes some, so one that was listed may be gone.
        if let Some(note) = read(tiles.files(), &path(size, "checkpoint"))? {
            continued(tiles, &note, key)?;
        }
    }
    Ok(())
}

/// Whether a file is one of a stamp.
pub(super) fn is_stamp(path: &str) -> bool {
    size_of(path, "checkpoint").or_else(|| size_of(path, "tsr")).is_some()
}

fn size_of(path: &str, end: &str) -> Option<u64> {
    let name = path.strip_prefix("timestamps/")?.strip_suffix(end)?.strip_suffix('.')?;
    let size: u64 = name.parse().ok()?;
    (size.to_string() == name).then_some(size)
}

fn path(size: u64, end: &str) -> String {
    format!("timestamps/{size}.{end}")
}

/// Verifies every timestamp of a folder. That the log continues what they stamp is the business of [`super::verify`].
///
/// # Errors
/// The first problem; [`Problem::NoTimestamp`] where there is none.
pub fn stamps(
    files: &impl Files,
    paths: &[String],
    key: &VerifierKey,
    authority: &Authority,
) -> Result<Vec<Stamped>, Problem> {
    let mut stamps = Vec::new();
    for size in paths.iter().filter_map(|path| size_of(path, "tsr")) {
        let [reply, note] = ["tsr", "checkpoint"].map(|end| read(files, &path(size, end)));
        if let (Some(reply), Some(note)) = (reply?, note?) {
            stamps.push(stamp(&reply, &note, key, authority)?);
        }
    }
    stamps.sort_by_key(|stamped| stamped.size);
    if stamps.is_empty() { Err(Problem::NoTimestamp) } else { Ok(stamps) }
}

/// Verifies a timestamp on a checkpoint of this log.
///
/// # Errors
/// When the note is not the log's, or the timestamp does not hold.
pub fn stamp(
    reply: &[u8],
    note: &[u8],
    key: &VerifierKey,
    authority: &Authority,
) -> Result<Stamped, Problem> {
    let signed = Signed::verify(note, key).map_err(Problem::Seen)?;
    let text = Note::parse(note).map_err(|error| Problem::Seen(BadCheckpoint::Note(error)))?.text;
    let stamp = timestamp::verify(reply, text.as_bytes(), None, authority)
        .map_err(|why| Problem::Timestamp { size: signed.size, why })?;
    Ok(Stamped { stamp, size: signed.size })
}
