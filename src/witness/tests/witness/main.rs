//! The witness, from outside: with logs that others' crates make, stopped at every step, and as a program.

#![expect(clippy::unwrap_used, reason = "a step that fails fails the test")]

mod disks;
mod faults;
mod logs;
mod program;
mod rules;
