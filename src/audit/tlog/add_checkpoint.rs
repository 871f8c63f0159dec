//! `add-checkpoint` (C2SP tlog-witness, tlog-mirror): how a log asks a witness or a mirror to follow it to its newest
//! checkpoint, and the rules by which they do, without any file or network.

mod decide;
mod request;

pub use decide::{Verdict, decide};
pub use request::{Request, write};
