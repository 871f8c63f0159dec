//! A witness (C2SP tlog-witness): it signs the head of a log only when that continues every head of it that it has signed
//! before. Run by another body than the log's own, it makes a rewritten or a divided log impossible to hide. It works for
//! any log of C2SP, sees sizes and hashes only, and keeps no personal data.

pub mod config;
pub mod kept;
pub mod routes;
pub mod serve;
pub mod witness;
