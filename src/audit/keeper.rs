//! From a database to the log folder: what a gateway and the hub share. No admission and no login waits for it.
//!
//! Order: leaves are committed in the database (acknowledged) → integrated into the log, which verifies before it signs
//! ([`crate::tlog`]) → their number is noted here → the database's next transaction removes the rows below it. Nothing
//! else removes them. A start does the same from the first row on: leaves that are in the log already are compared, the
//! others follow. A failure is told, shown, and tried again with the log opened anew.

pub mod clock;
mod folder;
mod integrator;
mod progress;
mod scrub;
mod seen;
mod signal;

pub use folder::{AuthorisedOperatorSettings, Failed, Folder, kept, origin};
pub use integrator::{Integrator, Running};
pub use progress::{LogState, Progress};
