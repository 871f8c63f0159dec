//! The hub: SPID service provider and OpenID provider of the gateways. It knows who; it never learns addresses.

pub mod login;
