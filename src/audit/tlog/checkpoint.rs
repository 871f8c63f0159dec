//! The head of a log (C2SP tlog-checkpoint): origin, size, root hash.

use super::{
    hash::{Hash, tree_hash},
    note::{BadNote, Note, NoteKey, VerifierKey},
};

/// Why a checkpoint is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCheckpoint {
    /// Its note is not taken.
    #[error(transparent)]
    Note(#[from] BadNote),
    /// The note's text is no checkpoint.
    #[error("the note is no checkpoint")]
    Malformed,
    /// It is the checkpoint of another log.
    #[error("this is a checkpoint of {found}, not of {wanted}")]
    OtherLog {
        /// Its origin.
        found: String,
        /// The log that was asked about.
        wanted: String,
    },
}

/// What a log says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: the name of its key too.
    pub origin: String,
    /// How many entries.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

impl Checkpoint {
    /// Of a log without entries.
    pub fn empty(origin: &str) -> Self {
        Self { origin: origin.to_owned(), size: 0, root: tree_hash(&[]) }
    }

    /// The text that is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }

    /// Reads the text of a note. Extension lines are allowed and say nothing, as C2SP has it.
    pub fn parse(text: &str) -> Option<Self> {
        let lines: Vec<_> = text.strip_suffix('\n')?.split('\n').collect();
        let [origin, size, root, ..] = lines.as_slice() else { return None };
        let parsed: u64 = size.parse().ok()?;
        let whole = lines.iter().all(|line| !line.is_empty()) && parsed.to_string() == *size;
        whole.then_some(Self { origin: (*origin).to_owned(), size: parsed, root: Hash::from_base64(root)? })
    }

    /// Signs it.
    pub(super) fn sign(self, key: &NoteKey) -> Signed {
        let note = key.sign(&self.text());
        Signed { checkpoint: self, note }
    }
}

/// A checkpoint whose signature by the log was verified, or made here: nothing else makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    checkpoint: Checkpoint,
    note: String,
}

impl Signed {
    /// Reads a checkpoint and verifies that it is this key's and of the log of the key's name.
    ///
    /// # Errors
    /// When the note or its text is malformed, the signature is not by the key, or it is of another log.
    pub fn verify(note: &[u8], key: &VerifierKey) -> Result<Self, BadCheckpoint> {
        Self::verify_of(note, key.name(), std::slice::from_ref(key))
    }

    /// The same for a log whose key is called otherwise than the log, or that has several keys of which one must have signed.
    ///
    /// # Errors
    /// As [`Self::verify`]; when no key has signed, what is wrong with the last.
    pub fn verify_of(note: &[u8], origin: &str, keys: &[VerifierKey]) -> Result<Self, BadCheckpoint> {
        let parsed = Note::parse(note)?;
        let checkpoint = Checkpoint::parse(&parsed.text).ok_or(BadCheckpoint::Malformed)?;
        let nobody = Err(BadNote::NotSigned(origin.to_owned()));
        keys.iter().fold(nobody, |signed, key| signed.or_else(|_| parsed.signed_by(key)))?;
        if checkpoint.origin != origin {
            return Err(BadCheckpoint::OtherLog { found: checkpoint.origin, wanted: origin.to_owned() });
        }
        Ok(Self { checkpoint, note: String::from_utf8_lossy(note).into_owned() })
    }

    /// The same note with more signature lines, each ending in a newline. They are not verified here.
    #[must_use]
    pub fn with(&self, lines: &str) -> Self {
        Self { checkpoint: self.checkpoint.clone(), note: format!("{}{lines}", self.note) }
    }

    /// The whole signed note, with the signatures of others.
    pub fn note(&self) -> &str {
        &self.note
    }

    /// The same with the log's own signature only.
    ///
    /// # Errors
    /// Never for the key that it was verified with.
    pub(super) fn alone(&self, key: &VerifierKey) -> Result<Self, BadNote> {
        let note = Note::parse(self.note.as_bytes())?.only(std::slice::from_ref(key));
        Ok(Self { checkpoint: self.checkpoint.clone(), note })
    }

    /// What it says.
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}

impl std::ops::Deref for Signed {
    type Target = Checkpoint;

    fn deref(&self) -> &Checkpoint {
        &self.checkpoint
    }
}
