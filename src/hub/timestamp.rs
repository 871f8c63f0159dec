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
