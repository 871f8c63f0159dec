//! The hub: SPID service provider and OpenID provider of the gateways. It knows who; it never learns addresses.

pub mod app;
pub mod attempt;
pub mod bodies;
pub mod browser;
pub mod commands;
pub mod config;
pub mod console;
pub mod database;
pub mod expiry;
pub mod here;
pub mod index;
pub mod keys;
pub mod log;
pub mod login;
pub mod lookup;
pub mod mirror;
pub mod oidc;
pub mod pages;
pub mod pairs;
pub mod register;
pub mod registry;
pub mod routes;
pub mod serve;
pub mod store;
pub mod timestamp;
pub mod witness;

#[cfg(test)]
mod testing;
