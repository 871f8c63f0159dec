//! The verifiable log, from outside: compared with others' implementations, attacked, and stopped at every step.

#![expect(clippy::unwrap_used, reason = "a step that fails fails the test")]

mod attacks;
mod beside;
mod commands;
mod crash;
mod faults;
mod formats;
mod kept;
mod mirror;
mod moved;
mod notes;
mod oracles;
mod prune;
mod pruned;
mod python;
mod sweep;
