//! What the test tools themselves must do before any test may lean on them.

#![expect(clippy::unwrap_used, reason = "a test that meets what it does not expect has failed")]

mod provider;
mod server;
