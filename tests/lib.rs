//! What the tests need: an identity provider that signs real SAML and misbehaves on demand, a development
//! certification authority, and the lab. No crate depends on this one, so nothing of it reaches production.

pub mod ca;
pub mod cns;
pub mod idp;
pub mod lab;
pub mod start;
