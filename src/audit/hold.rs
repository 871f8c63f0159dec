//! A hold: named records are frozen for an authority, beyond the end of their class. The secrets that open those leaves
//! and no others are kept, sealed to the two persons' own keys, one inside the other; so when the week's keys are
//! destroyed these records are opened by both still, and by nobody alone, and the others of that week by nobody.
//!
//! `<case>.hold` has the leaves with their proofs and sealed secrets (`file.rs`). `<case>.held` says until when, signed by
//! both (`statement.rs`), and is what the hub is told. Ninety days, renewable to six months in all.

mod file;
mod folder;
mod statement;

pub use file::{Held, Hold, HoldError};
pub use folder::{Folder, FolderError, Over};
pub use statement::{Holding, Standing, TooLong, longest, renewed};
