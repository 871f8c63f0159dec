//! What the witness knows of a log, durably.
//!
//! ```text
//! logs/<SHA-256 of the origin>/checkpoint       the newest that was cosigned, with our cosignature
//!                              checkpoint.new   being written
//!                              forks/           checkpoints of one size and two roots: the log has divided
//!                              unproven/        checkpoints whose proof did not hold: perhaps the same
//! ```
//!
//! Commit order of [`Kept::note`], all of it under the log's lock and before anybody sees the signature: written beside,
//! fsync, renamed, the folder synced. A stop before the rename leaves the old checkpoint, one after it the new; neither is
//! below what was answered. After an error it is not known which, so the next call reads again, as a start does: through
//! [`Kept::read`].

use ring::digest::{SHA256, digest};
use std::{fmt::Write as _, io};
use varco_audit::tlog::{BadNote, Checkpoint, Cosignature, Disk, Note, VerifierKey};

/// Checkpoints that are kept as evidence, of each log and kind.
const EVIDENCE_MAX: usize = 64;

/// Why what is known of a log cannot be told. Nothing is signed then.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The disk.
    #[error(transparent)]
    Disk(#[from] io::Error),
    /// The file is no checkpoint that this witness cosigned.
    #[error("{path}: {problem}; restore the newest copy: an older one would let the log go back")]
    Damaged {
        /// Which.
        path: String,
        /// How.
        problem: String,
    },
}

impl From<(&str, BadNote)> for KeptError {
    fn from((path, error): (&str, BadNote)) -> Self {
        Self::Damaged { path: path.to_owned(), problem: error.to_string() }
    }
}

/// Why a checkpoint is kept as evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Another root is known for its size.
    Fork,
    /// Its proof does not hold.
    Unproven,
}

/// What is known of one log.
#[derive(Debug)]
pub struct Kept {
    origin: String,
    folder: String,
    known: Checkpoint,
    /// A call failed: memory and disk may differ.
    doubtful: bool,
}

impl Kept {
    /// Reads what is known of a log; nothing where it is new.
    ///
    /// # Errors
    /// When the disk fails, or the file is damaged.
    pub fn open(disk: &impl Disk, origin: &str, witness: &VerifierKey) -> Result<Self, KeptError> {
        let folder = format!("logs/{}", hex(digest(&SHA256, origin.as_bytes()).as_ref()));
        disk.make_folder(&folder)?;
        for above in ["", "logs"] {
            disk.sync_folder(above)?;
        }
        let known = Checkpoint::empty(origin);
        let mut kept = Self { origin: origin.to_owned(), folder, known, doubtful: true };
        kept.read(disk, witness)?;
        Ok(kept)
    }

    /// The newest checkpoint that was cosigned; that of the empty tree where there was none.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn known(&mut self, disk: &impl Disk, witness: &VerifierKey) -> Result<&Checkpoint, KeptError> {
        if self.doubtful {
            self.read(disk, witness)?;
        }
        Ok(&self.known)
    }

    fn read(&mut self, disk: &impl Disk, witness: &VerifierKey) -> Result<(), KeptError> {
        // A rename that a stop left in doubt is made durable before anything is signed upon it.
        disk.sync_folder(&self.folder)?;
        self.known = match disk.read(&self.path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Checkpoint::empty(&self.origin),
            octets => self.parse(&octets?, witness)?,
        };
        self.doubtful = false;
        Ok(())
    }

    /// The log's own key may have changed since: it is our signature that makes the file ours.
    fn parse(&self, octets: &[u8], witness: &VerifierKey) -> Result<Checkpoint, KeptError> {
        let path = self.path();
        let note = Note::parse(octets).map_err(|error| (&*path, error))?;
        Cosignature::of(&note, witness).map_err(|error| (&*path, error))?;
        let checkpoint = Checkpoint::parse(&note.text).filter(|checkpoint| checkpoint.origin == self.origin);
        checkpoint.ok_or_else(|| (&*path, BadNote::Malformed).into())
    }

    fn path(&self) -> String {
        format!("{}/checkpoint", self.folder)
    }

    /// Notes a checkpoint as the newest. `note` is the whole, with our cosignature. Durable when it returns.
    ///
    /// # Errors
    /// What the disk says; the signature is then not to be given away.
    pub fn note(&mut self, disk: &impl Disk, checkpoint: &Checkpoint, note: &str) -> io::Result<()> {
        self.doubtful = true;
        write(disk, &self.folder, "checkpoint", note.as_bytes())?;
        self.known = checkpoint.clone();
        self.doubtful = false;
        Ok(())
    }

    /// Keeps a checkpoint that the log signed and that is not cosigned; whether it was not kept before. A fork is proved by
    /// two, so the one that is known is kept with it.
    ///
    /// # Errors
    /// What the disk says.
    pub fn keep(
        &self,
        disk: &impl Disk,
        why: Evidence,
        checkpoint: &Checkpoint,
        note: &str,
    ) -> io::Result<bool> {
        let folder = format!("{}/{}", self.folder, if why == Evidence::Fork { "forks" } else { "unproven" });
        let (names, name) = (disk.names(&folder)?, name(checkpoint));
        if names.contains(&name) || names.len() >= EVIDENCE_MAX {
            return Ok(false);
        }
        disk.make_folder(&folder)?;
        disk.sync_folder(&self.folder)?;
        if why == Evidence::Fork && self.known.size > 0 {
            write(disk, &folder, &self::name(&self.known), &disk.read(&self.path())?)?;
        }
        write(disk, &folder, &name, note.as_bytes())?;
        Ok(true)
    }

    /// Checkpoints that prove a fork.
    ///
    /// # Errors
    /// What the disk says.
    pub fn forks(&self, disk: &impl Disk) -> io::Result<usize> {
        disk.names(&format!("{}/forks", self.folder)).map(|names| names.len())
    }
}

fn write(disk: &impl Disk, folder: &str, name: &str, content: &[u8]) -> io::Result<()> {
    let (new, path) = (format!("{folder}/{name}.new"), format!("{folder}/{name}"));
    disk.write(&new, content)?;
    disk.rename(&new, &path)?;
    disk.sync_folder(folder)
}

fn name(checkpoint: &Checkpoint) -> String {
    format!("{}-{}", checkpoint.size, hex(&checkpoint.root.0))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        // A String takes whatever is written to it.
        let _ = write!(text, "{octet:02x}");
        text
    })
}
