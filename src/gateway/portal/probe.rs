//! Plain HTTP: devices ask hosts of their makers whether they are online. Before a login every question is answered
//! with the way to the portal. After it, a device whose resolver still remembers us gets what the real host says, or
//! it would believe that it is captive again.
//!
//! Every device in the building asks, and asks again: so this is not the pages' server but a small one of its own,
//! that holds little for each connection. What a request says is only compared, never repeated: the answer is one of
//! a few made when the program starts.

pub mod answers;
mod head;
pub mod listen;
pub mod serve;
mod table;
#[cfg(test)]
mod tests;

pub use answers::Answers;
pub use table::{PROBES, Probe};
