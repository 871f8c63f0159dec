//! Timestamps of an authority on the hub's checkpoints (RFC 3161 over HTTP, section 3.4): once a day the newest checkpoint is
//! stamped, so that a log which is rewritten, key and witnesses and all, cannot show what it was before that day.
//!
//! ```text
//! timestamps/<size>.checkpoint   what was stamped: the SHA-256 of its text, without the signatures
//! timestamps/<size>.tsr          the answer, as it came
//! ```
//!
//! An answer is kept only after it was verified; the checkpoint is written first, so no answer is ever without it.

mod ask;
mod command;
mod kept;
#[cfg(test)]
mod tests;
mod watch;

pub use command::now;
pub use watch::watch;

use kept::Kept;
use std::path::Path;
use varco_audit::{
    timestamp::{Authority, Stamp},
    tlog::{Signed, VerifierKey},
};

/// The first stamp by this authority on a checkpoint of the log in `folder` with so many entries or more: how many it has, and
/// the stamp. Reads the disk.
pub fn covering(
    folder: &Path,
    key: &VerifierKey,
    entries: u64,
    authority: &Authority,
) -> Option<(u64, Stamp)> {
    let kept = Kept::of(folder);
    let mut sizes = kept.sizes().ok()?.into_iter().filter(|size| *size >= entries);
    sizes.find_map(|size| verified(&kept, key, size, authority))
}

/// The newest stamp by this authority on a checkpoint of the log in `folder`. Reads the disk.
pub fn newest(folder: &Path, key: &VerifierKey, authority: &Authority) -> Option<(u64, Stamp)> {
    let kept = Kept::of(folder);
    let mut sizes = kept.sizes().ok()?.into_iter().rev();
    sizes.find_map(|size| verified(&kept, key, size, authority))
}

fn verified(kept: &Kept, key: &VerifierKey, size: u64, authority: &Authority) -> Option<(u64, Stamp)> {
    let (checkpoint, stamp) = kept.stamp(size, authority)?;
    let signed = Signed::verify(&checkpoint, key).ok()?;
    (signed.size == size).then_some((size, stamp))
}
