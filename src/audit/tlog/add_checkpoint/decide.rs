//! Whether a checkpoint is followed: the rules of C2SP tlog-witness.

use crate::tlog::{Checkpoint, Hash, proof::consistent};

/// What is to be done about a checkpoint that the log signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It continues what is known: note it, then sign.
    Cosign,
    /// The size that the log believes is known here is above that of its own checkpoint.
    OldAbove,
    /// The log believes that another size is known here than this one.
    OtherSize(u64),
    /// Another root is known for this size: the log has divided, and two of its signatures prove it.
    Forked,
    /// The proof does not lead from what is known to this checkpoint.
    Unproven,
}

/// Judges a checkpoint. `known` is the newest that was cosigned, the empty tree where there was none; `old` and `proof` are
/// what the log sent with `new`.
pub fn decide(known: &Checkpoint, old: u64, proof: &[Hash], new: &Checkpoint) -> Verdict {
    let same_size = new.size == known.size;
    match () {
        () if old > new.size => Verdict::OldAbove,
        // Said of whatever old size: nothing that could still come makes both true.
        () if same_size && new.root != known.root => Verdict::Forked,
        () if old != known.size => Verdict::OtherSize(known.size),
        // Nothing was cosigned yet, and everything continues nothing.
        () if old == 0 && proof.is_empty() => Verdict::Cosign,
        () if old > 0 && consistent(old, known.root, new.size, new.root, proof) => Verdict::Cosign,
        () => Verdict::Unproven,
    }
}
