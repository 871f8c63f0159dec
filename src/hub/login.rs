//! The ways a citizen proves who they are, and the endpoints that lead them there and back.

pub mod cancel;
pub mod choose;
pub mod finish;
pub mod logout;
pub mod metadata;
pub mod receive;
pub mod send;
pub mod spid;
#[cfg(test)]
mod tests;
pub mod trusted;

use serde::{Deserialize, Serialize};
use spid::SentRequest;

/// A way to log in. CIE and CNS come here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// SPID, SAML 2.0.
    Spid,
}

impl Way {
    /// The short name, in the register and in `amr` of the ID token.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spid => "spid",
        }
    }
}

/// A request that a provider has not answered yet, kept under its relay state.
#[derive(Debug, Serialize, Deserialize)]
pub struct Asked {
    /// What was sent.
    pub sent: SentRequest,
    /// Digest of the browser's value.
    pub browser: String,
}
