//! The line: how long it takes, what it carries where that varies, and the evidence of what was lent of it.
//!
//! Threads of their own, with an own connection to the enforcer. The site's state machine knows nothing of them, and
//! nothing they meet, a full disk or a silent host, keeps anybody from being admitted.

pub mod autorate;
pub mod echo;
pub mod ping;
pub mod probe;
