//! Tests of the service provider against an identity provider of our own, honest and not.

mod attacks;
mod conformity;
mod federation;
mod fixture;
mod forms;
mod happy;
mod logout;
mod outgoing;
mod rollover;
mod trusted;
mod wrapping;
