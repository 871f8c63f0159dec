//! What becomes of records: held, shown to an authority, destroyed. By the real command on real folders.

#![expect(clippy::unwrap_used, reason = "a step that fails fails the test")]

mod case;
mod expire;
mod export;
mod gone;
mod hold;
mod octets;
mod pack;
mod python;
mod search;
#[path = "../site/mod.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod site;
mod stamps;
#[path = "../timestamp/tsa.rs"]
#[expect(dead_code, reason = "this suite stamps, and has no other units")]
mod tsa;
