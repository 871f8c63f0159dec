//! The ways a citizen proves who they are.

pub mod spid;
