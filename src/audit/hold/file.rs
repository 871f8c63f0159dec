//! The file of a hold: each leaf with its proof, and the secrets that open it, sealed to the approver's own key, that once more
//! to the requester's. A deputy of either gets a sealing of their own.
//!
//! ```text
//! varco-hold/1
//! case <case>
//! made <instant>
//! leaf <tlog-proof, base64>
//! sealed <requester> <approver> <base64>         one for each two who can open it
//! ```

use crate::{
    case::CaseId,
    content::Content,
    holder::{Holder, HolderError, HolderKey},
    leaf::{Leaf, NotALeaf},
    opener::{OpenError, Opener},
    pack::{open_leaf, read_keys, write_keys},
    seal::{Role, SealError},
    tlog::{BadCheckpoint, VerifierKey, proof::Proof},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use std::{collections::BTreeSet, fmt::Write as _};

const FORMAT: &str = "varco-hold/1";

/// A hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The case for which records are held.
    pub case: CaseId,
    /// When it was made.
    pub made: Timestamp,
    /// The records.
    pub leaves: Vec<Held>,
}

/// A record that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The leaf with its way to the signed root.
    pub proof: Proof,
    /// Requester, approver, and what both open together.
    sealed: Vec<(String, String, Vec<u8>)>,
}

/// Why a record was not held or opened.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// The key of its week.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A holder's own key.
    #[error(transparent)]
    Holder(#[from] HolderError),
    /// Sealing.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The leaf.
    #[error(transparent)]
    Leaf(#[from] NotALeaf),
    /// Nobody who is there opens it.
    #[error("record {0} is sealed to other holders than {1} and {2}")]
    Others(u64, String, String),
    /// The checkpoint is not by the log's key.
    #[error(transparent)]
    Checkpoint(#[from] BadCheckpoint),
    /// The record is not in the log.
    #[error("record {0} is not in the log of its checkpoint")]
    Unproved(u64),
    /// What was sealed is no secret of a leaf.
    #[error("record {0}: what was sealed opens nothing")]
    Damaged(u64),
}

impl Held {
    /// Seals the secrets of a leaf, which the holders who are there can open now, to each two of these.
    ///
    /// # Errors
    /// When a key is missing or is none.
    pub fn of(
        proof: Proof,
        case: CaseId,
        opener: &mut Opener,
        holders: &[Holder],
    ) -> Result<Self, HoldError> {
        let leaf = Leaf::read(&proof.entry)?;
        let keys = write_keys(&opener.disclose(&leaf)?);
        let of = |role| holders.iter().filter(move |holder| holder.role == role);
        let mut sealed = Vec::new();
        for requester in of(Role::Requester) {
            for approver in of(Role::Approver) {
                let bound = bound(case, leaf.line, &requester.name, &approver.name);
                let inner = approver.opening.seal(&info(Role::Approver), &bound, keys.as_bytes())?;
                let outer = requester.opening.seal(&info(Role::Requester), &bound, &inner)?;
                sealed.push((requester.name.clone(), approver.name.clone(), outer));
            }
        }
        Ok(Self { proof, sealed })
    }

    /// To whom it is sealed, by name.
    pub fn holders(&self) -> BTreeSet<String> {
        self.sealed.iter().flat_map(|(one, other, _)| [one.clone(), other.clone()]).collect()
    }

    /// Opens the record with both persons' own keys, and verifies that it is in its log.
    ///
    /// # Errors
    /// [`HoldError`].
    pub fn open(
        &self,
        case: CaseId,
        [requester, approver]: [&HolderKey; 2],
        log: &VerifierKey,
    ) -> Result<(String, Content), HoldError> {
        let index = self.proof.index;
        self.proof.verify(log)?.ok_or(HoldError::Unproved(index))?;
        let leaf = Leaf::read(&self.proof.entry)?;
        let ours =
            self.sealed.iter().find(|(one, other, _)| (one, other) == (&requester.name, &approver.name));
        let others = || HoldError::Others(index, requester.name.clone(), approver.name.clone());
        let (.., outer) = ours.ok_or_else(others)?;
        let bound = bound(case, leaf.line, &requester.name, &approver.name);
        let inner = requester.open(&info(Role::Requester), &bound, outer)?;
        let keys = approver.open(&info(Role::Approver), &bound, &inner)?;
        let keys = read_keys(&keys).ok_or(HoldError::Damaged(index))?;
        Ok((leaf.line.to_owned(), open_leaf(&leaf, &keys)?))
    }
}

impl Hold {
    /// The file.
    pub fn text(&self) -> String {
        let mut text = format!("{FORMAT}\ncase {}\nmade {}\n", self.case, self.made);
        for Held { proof, sealed } in &self.leaves {
            let _ = writeln!(text, "leaf {}", STANDARD.encode(proof.to_string()));
            for (requester, approver, octets) in sealed {
                let _ = writeln!(text, "sealed {requester} {approver} {}", STANDARD.encode(octets));
            }
        }
        text
    }

    /// Reads a file; `None` for what is written otherwise.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        (lines.next()? == FORMAT).then_some(())?;
        let case = lines.next()?.strip_prefix("case ")?.parse().ok()?;
        let made = lines.next()?.strip_prefix("made ")?.parse().ok()?;
        let mut leaves = Vec::<Held>::new();
        for line in lines {
            match line.split_once(' ')? {
                ("leaf", proof) => {
                    let proof = Proof::parse(&STANDARD.decode(proof).ok()?)?;
                    leaves.push(Held { proof, sealed: Vec::new() });
                }
                ("sealed", words) => {
                    let words: Vec<_> = words.split(' ').collect();
                    let [requester, approver, octets] = words[..] else { return None };
                    let octets = STANDARD.decode(octets).ok()?;
                    leaves.last_mut()?.sealed.push((requester.to_owned(), approver.to_owned(), octets));
                }
                _ => return None,
            }
        }
        let hold = Self { case, made, leaves };
        (hold.text() == text).then_some(hold)
    }
}

fn info(role: Role) -> String {
    format!("varco hold {role}")
}

/// A sealing is of this case, this leaf and these two.
fn bound(case: CaseId, line: &str, requester: &str, approver: &str) -> String {
    format!("{FORMAT} {case} {requester} {approver} {line}")
}
