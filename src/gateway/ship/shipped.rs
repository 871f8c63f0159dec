//! What the hub has acknowledged: our checkpoint with its cosignature, in `log.shipped` beside the log's key.

use jiff::Timestamp;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};
use varco_audit::tlog::{self, Cosignature, Signed, TileError, Tiles, VerifierKey};

/// What was shipped, and what there is to ship.
#[derive(Debug)]
pub struct Shipped {
    /// The log's folder.
    pub(super) folder: PathBuf,
    file: PathBuf,
    key: VerifierKey,
    mirror: Option<VerifierKey>,
    newest: Option<Signed>,
}

impl Shipped {
    /// Reads `log.shipped` in the state folder. One that is not of this log, or not signed by the mirror that is named now,
    /// says nothing: the log is shipped from where the hub says.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn open(
        folder: &Path,
        state: &Path,
        key: VerifierKey,
        mirror: Option<VerifierKey>,
    ) -> io::Result<Self> {
        let file = state.join("log.shipped");
        let mut this = Self { folder: folder.to_owned(), file, key, mirror, newest: None };
        this.newest = match fs::read(&this.file) {
            Ok(note) => this.verified(&note),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(this)
    }

    /// Entries that the hub has acknowledged; 0 before the first.
    pub fn size(&self) -> u64 {
        self.newest.as_ref().map_or(0, |signed| signed.size)
    }

    /// What is at the hub, and since when at least, by the hub's clock: the instant of its cosignature. `None` where the
    /// mirror is not named: then nobody else has signed what time it is.
    pub fn acknowledged(&self) -> Option<(u64, Timestamp)> {
        let (signed, mirror) = (self.newest.as_ref()?, self.mirror.as_ref()?);
        Some((signed.size, Cosignature::verify(signed, mirror).ok()?.at))
    }

    /// The log's name.
    pub(super) fn origin(&self) -> &str {
        self.key.name()
    }

    /// The log's newest checkpoint.
    pub(super) fn checkpoint(&self) -> anyhow::Result<Signed> {
        Ok(Signed::verify(&fs::read(self.folder.join("checkpoint"))?, &self.key)?)
    }

    /// The tree of a checkpoint.
    pub(super) fn tiles(folder: &Path, signed: &Signed) -> Result<Tiles<tlog::Folder>, TileError> {
        Tiles::open(tlog::Folder::new(folder), signed)
    }

    /// Keeps an acknowledgement durably, if it is one: `false` where the mirror that is named did not sign it.
    pub(super) fn keep(&mut self, signed: &Signed, lines: &str) -> io::Result<bool> {
        let note = format!("{}{lines}", signed.note());
        let Some(verified) = self.verified(note.as_bytes()) else { return Ok(false) };
        let new = self.file.with_extension("shipped.new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(verified.note().as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &self.file)?;
        File::open(self.file.parent().unwrap_or_else(|| Path::new(".")))?.sync_all()?;
        self.newest = Some(verified);
        Ok(true)
    }

    /// Our checkpoint, with the cosignature of the mirror where one is named. Without a name it is believed because TLS says
    /// that the hub sent it.
    fn verified(&self, note: &[u8]) -> Option<Signed> {
        let signed = Signed::verify(note, &self.key).ok()?;
        let cosigned = |mirror: &VerifierKey| Cosignature::verify(&signed, mirror).is_ok();
        self.mirror.as_ref().is_none_or(cosigned).then_some(signed)
    }
}
