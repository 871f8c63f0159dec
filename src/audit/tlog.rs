//! The verifiable log: entries under a Merkle tree of RFC 6962, on disk as C2SP's tlog-tiles has them, its head signed as
//! C2SP's tlog-checkpoint and signed-note say. Whoever has the folder and the key's public half verifies it, with tools of
//! others too.
//!
//! ```text
//! checkpoint                     the signed head
//! tile/<level>/<index>           256 hashes; `.p/<width>` where fewer
//! tile/entries/<index>           their entries
//! pruned                         signed: which entries are over, and their bundles gone
//! tmp/, lock                     of the program that writes; no part of the log
//! ```
//!
//! Reading ([`Tiles`]) trusts nothing below the checkpoint: every hash that it gives was recomputed up to the root. The log
//! itself ([`Log`]) reads through it before it signs, and so do the auditor's commands.

pub mod add_checkpoint;
mod bundle;
mod checkpoint;
mod cosignature;
mod disk;
mod hash;
mod log;
mod mend;
mod mirror;
mod note;
pub mod package;
mod path;
pub mod proof;
pub mod prune;
mod stage;
pub mod subtree;
mod tiles;
mod tree;

pub use bundle::{ENTRY_MAX, EntryTooLong};
pub use checkpoint::{BadCheckpoint, Checkpoint, Signed};
pub use cosignature::Cosignature;
pub use disk::{Disk, Files, Folder, lock_alone};
pub use hash::{Hash, leaf_hash, node_hash, tree_hash};
pub use log::{Log, LogError};
pub use mend::{Damage, damage, mend};
pub use mirror::{Mirror, MirrorError, Standing, Taken};
pub use note::{BadNote, CosignerKey, KeyError, Note, NoteKey, VerifierKey};
pub use path::{Kind, Place};
pub use tiles::{Bundle, TileError, Tiles};
