//! What is over is destroyed: first the keys that open it, by two persons (`due.rs`, `statement.rs`), whose statement
//! is on the disk before (`journal.rs`); later the bundles that hold it (`bundles.rs`).
//!
//! No clock alone destroys anything (`time.rs`). What was done was signed by both persons and is told to the hub, which records it.

mod bundles;
mod due;
mod journal;
mod kept;
mod profile;
mod statement;
mod time;

pub use bundles::{Over, Terms, prune_copy, prune_log};
pub use due::{Due, destroy, due};
pub use journal::{JournalError, Unfinished, begin, end, unfinished};
pub use kept::{BadKept, Kept};
pub use profile::{AuthorisedOperator, Profile};
pub use statement::{Destroyed, Expired, Statement};
pub use time::{NoTime, confirmed, signed_instant};
