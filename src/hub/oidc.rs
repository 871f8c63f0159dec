//! The OpenID provider of the gateways: code flow with PKCE, pairwise subjects, nothing about the person.

pub mod authorize;
pub mod client;
pub mod discovery;
pub mod end_session;
pub mod events;
pub mod form;
pub mod grant;
pub mod jwks;
pub mod key;
pub mod subject;
#[cfg(test)]
pub(crate) mod tests;
pub mod token;
