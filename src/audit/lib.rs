//! What is recorded and how it is read back: the part of Varco that an auditor builds alone.

pub mod both;
pub mod case;
pub mod ceremony;
pub mod class;
pub mod content;
pub mod entry;
pub mod expiry;
pub mod hold;
pub mod holder;
pub mod index;
pub mod journal;
pub mod keeper;
pub mod keys;
pub mod leaf;
pub mod opener;
pub mod pack;
pub mod recorder;
pub mod records;
pub mod seal;
pub mod shares;
pub mod silence;
pub mod tag;
pub mod timestamp;
pub mod tlog;
pub mod token;
pub mod verify;
pub mod week;

pub use entry::{Clock, Entry, SharesStep};
