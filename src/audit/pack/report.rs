//! What the verification of a pack says.

use super::session::NoAnswer;
use crate::{
    both::NotBoth,
    case::{BadDocument, CaseId, Step},
    leaf::NotALeaf,
    opener::OpenError,
    timestamp::BadTimestamp,
    tlog::{BadCheckpoint, BadNote},
};
use std::fmt;

/// What a pack says that is whole.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What was verified, line by line.
    pub lines: Vec<(&'static str, String)>,
    /// Keys that were taken from the pack itself, since the verifier had none.
    pub believed: Vec<String>,
}

impl Report {
    /// Adds a line.
    pub fn say(&mut self, what: &'static str, text: impl Into<String>) {
        self.lines.push((what, text.into()));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, text) in &self.lines {
            writeln!(f, "{what:10} {text}")?;
        }
        if !self.believed.is_empty() {
            writeln!(
                f,
                "\nThese keys were taken from the pack itself, so it proves only that it agrees with itself until you have"
            )?;
            writeln!(
                f,
                "compared them with those that the authority published or gave you (--vkey, --hub-vkey, --holders …):"
            )?;
            self.believed.iter().try_for_each(|key| writeln!(f, "  {key}"))?;
            writeln!(f)?;
        }
        f.write_str("whole\n")
    }
}

/// Why a pack proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum BadPack {
    /// It is no archive of ours.
    #[error("this is no evidence pack, or an octet of the archive was changed")]
    Archive,
    /// A file is missing or malformed.
    #[error("{0}: is missing, or is not what its name says")]
    Member(String),
    /// A file that has no place in a pack.
    #[error("{0}: has no place in a pack")]
    Stranger(String),
    /// Files are not those that were listed.
    #[error("the manifest does not list these files: one was changed, added or taken away")]
    Manifest,
    /// The manifest is not signed by both.
    #[error("manifest: {0}")]
    NotBoth(#[from] NotBoth),
    /// A key that neither the verifier nor the pack has.
    #[error("the keys are not all in the pack: give those that are missing")]
    Keys,
    /// A document.
    #[error("{0}: {1}")]
    Document(&'static str, BadDocument),
    /// The question is another than the one asked.
    #[error("the question is not the one that the request commits to")]
    Question,
    /// A file belongs to another case.
    #[error("it is of case {0}, not of the request's")]
    Case(CaseId),
    /// A checkpoint.
    #[error("{0}: {1}")]
    Checkpoint(String, BadCheckpoint),
    /// A cosignature.
    #[error("{0}: {1}")]
    Cosignature(String, BadNote),
    /// The time stamp.
    #[error("the time stamp: {0}")]
    Timestamp(#[from] BadTimestamp),
    /// A proof that does not lead to its root, or to another.
    #[error("{0}: does not prove that its entry is in the log")]
    Proof(String),
    /// An entry that is no leaf.
    #[error("{0}: {1}")]
    Leaf(String, NotALeaf),
    /// An entry that the secrets do not open.
    #[error("{0}: {1}")]
    Open(String, OpenError),
    /// An entry that does not say what it stands for.
    #[error("{0}: the entry says something else")]
    Says(String),
    /// The steps are not in their order.
    #[error("the case was {0} before it was {1}")]
    Order(Step, Step),
    /// The answer.
    #[error("{0}: {1}")]
    Answer(String, NoAnswer),
    /// The answer is another.
    #[error("the answer does not follow from the records: {0}")]
    Differs(String),
}

impl BadPack {
    /// The exit code that tells it, as that of `verify`.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::NotBoth(NotBoth::Signature(_) | NotBoth::Unknown(_))
            | Self::Document(_, BadDocument::Signature(_) | BadDocument::Unknown(_))
            | Self::Checkpoint(..)
            | Self::Cosignature(..)
            | Self::Timestamp(_)
            | Self::Keys => 5,
            _ => 4,
        }
    }
}
