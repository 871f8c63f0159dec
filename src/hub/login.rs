//! The ways a citizen proves who they are, and the endpoints that lead them there and back.

pub mod cancel;
pub mod choose;
pub mod cns;
pub mod finish;
pub mod logout;
pub mod metadata;
pub mod receive;
pub mod saml;
pub mod send;
#[cfg(test)]
mod tests;
pub mod trusted;

use saml::{Scheme, SentRequest};
use serde::{Deserialize, Serialize};

/// A way to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// By SAML 2.0, in a scheme.
    Saml(Scheme),
    /// By a smart card: CNS, TS-CNS, CIE used as a card.
    Card,
}

impl Way {
    /// The short name, in the register and in `amr` of the ID token.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Saml(scheme) => scheme.name(),
            Self::Card => "cns",
        }
    }
}

/// A request that a provider has not answered yet, kept under its relay state.
#[derive(Debug, Serialize, Deserialize)]
pub struct Asked {
    /// What was sent.
    pub sent: SentRequest,
    /// The path of the body that asked.
    pub body: String,
    /// The scheme of the provider asked.
    pub scheme: Scheme,
    /// Whether the body lets minors in, whom a parent may take a day to allow.
    #[serde(default)]
    pub minors: bool,
    /// Digest of the browser's value.
    pub browser: String,
}
