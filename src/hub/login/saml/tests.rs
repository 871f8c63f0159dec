//! Tests of the service provider against an identity provider of our own, honest and not.

mod conformity;
mod federation;
pub mod fixture;
mod forms;
mod happy;
mod list;
mod logout;
mod mutated;
mod outgoing;
mod rollover;
pub mod stage;
pub mod suite;
mod trial;
mod trusted;
