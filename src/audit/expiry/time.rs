//! The time that counts: the clock, or the newest instant that somebody else has signed, whichever is earlier. So a clock that
//! jumps ahead confirms nothing, and one that falls behind only waits. Where nobody else has signed anything, nothing is
//! over. It is the rule of the hub's register (`hub/register/expire.rs`).

use crate::{
    leaf::{HUB, Leaf, NotALeaf},
    tlog::{BadCheckpoint, VerifierKey, proof::Proof},
};
use jiff::Timestamp;

/// Why a file says nothing of the time.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NoTime {
    /// It is no proof.
    #[error("this is no proof of an entry (C2SP tlog-proof): take one of a late entry of the hub's log")]
    NotAProof,
    /// Its checkpoint is not the hub's.
    #[error("the proof's checkpoint is not by the hub's key: {0}")]
    OtherHub(#[from] BadCheckpoint),
    /// It does not lead to the root.
    #[error("the proof does not lead to the root of its checkpoint")]
    Unproved,
    /// The entry is no leaf.
    #[error("the proof's entry: {0}")]
    Leaf(#[from] NotALeaf),
    /// The entry is not one of the hub's own.
    #[error("the proof's entry is not at its place in the hub's log")]
    Elsewhere,
}

/// The clock `now`, or `signed` where that is earlier; `None` where nobody has signed.
pub fn confirmed(now: Timestamp, signed: Option<Timestamp>) -> Option<Timestamp> {
    signed.map(|signed| signed.min(now))
}

/// The instant of an entry that the hub's log proves: the hub's clock, which its witnesses and logins bound.
///
/// # Errors
/// [`NoTime`].
pub fn signed_instant(proof: &[u8], hub: &VerifierKey) -> Result<Timestamp, NoTime> {
    let proof = Proof::parse(proof).ok_or(NoTime::NotAProof)?;
    proof.verify(hub)?.ok_or(NoTime::Unproved)?;
    let header = Leaf::read(&proof.entry)?.header;
    if header.site != HUB || header.sequence != proof.index {
        return Err(NoTime::Elsewhere);
    }
    Ok(header.at)
}
