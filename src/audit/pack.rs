//! The evidence pack: what an authority is given with an answer, in one file that anybody verifies without us, offline.
//!
//! It holds the case's documents, the records that the answer follows from with the secrets that open those and no other
//! record, their proofs up to the sites' signed checkpoints, the hub's copy of those, the hub's proofs that the case was asked and allowed
//! before, the witnesses' cosignatures and a time stamp, what the clocks' errors were, and an explanation in Italian
//! (`names.rs` has the list). `make.rs` makes one, `verify.rs` verifies one and recomputes the answer; a second program,
//! in Python, does the same and shares nothing with it.

pub mod archive;
mod explain;
mod hub;
mod make;
mod manifest;
mod names;
mod opened;
mod report;
mod session;
mod sites;
mod trust;
mod verify;

pub use make::{Make, NoPack, SiteLog, make};
pub use manifest::hex as sha256;
pub use opened::{content as open_leaf, read as read_keys, write as write_keys};
pub use report::{BadPack, Report};
pub use trust::Trust;
pub use verify::verify;
