//! What is recorded and how it is read back: the part of Varco that an auditor builds alone.

pub mod entry;
pub mod header;
pub mod journal;
pub mod shares;
pub mod tlog;
pub mod verify;
pub mod who;

pub use entry::{Entry, SharesStep};
