//! The last checkpoint that was signed, kept beside the key: a log that is lost or an older copy of itself is not continued
//! under the same key, which would sign two histories. Whoever restores the whole state folder restores this too: that
//! shows only to somebody who keeps checkpoints elsewhere.

use super::{Failed, Folder};
use crate::tlog::{self, Checkpoint, Log, NoteKey, Signed, Tiles};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
};

/// What was signed last; an empty checkpoint where nothing was.
pub fn read(at: &Folder, key: &NoteKey) -> Result<Checkpoint, Failed> {
    match fs::read(at.seen()) {
        Ok(note) => {
            let signed = Signed::verify(&note, key.verifier());
            Ok(signed.map_err(|error| Failed::Seen(error.to_string()))?.checkpoint().clone())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Checkpoint::empty(&at.origin)),
        Err(error) => Err(Failed::Seen(error.to_string())),
    }
}

/// Compares: the tree that was signed must be the beginning of this one.
pub fn continues(at: &Folder, seen: &Checkpoint, log: &Log) -> Result<(), Failed> {
    let tiles = || Tiles::open(tlog::Folder::new(&at.folder), log.checkpoint());
    let same = seen.size <= log.size()
        && tiles().and_then(|mut tiles| tiles.root_at(seen.size)).map_err(tlog::LogError::from)? == seen.root;
    if same { Ok(()) } else { Err(Failed::Other { size: log.size(), seen: seen.size }) }
}

/// Keeps a checkpoint, durably, where it is another than the one kept.
pub fn note(at: &Folder, signed: &Signed) -> Result<(), Failed> {
    let failed = |error: io::Error| Failed::Seen(error.to_string());
    let path = at.seen();
    if fs::read(&path).is_ok_and(|kept| kept == signed.note().as_bytes()) {
        return Ok(());
    }
    let new = path.with_extension("seen.new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new).map_err(failed)?;
    file.write_all(signed.note().as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&new, &path).map_err(failed)?;
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    folder.map_or(Ok(()), |folder| File::open(folder).and_then(|f| f.sync_all())).map_err(failed)
}
