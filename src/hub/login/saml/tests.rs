//! Tests of the service provider against an identity provider of our own, honest and not.

mod attacks;
mod conformity;
mod federation;
mod fixture;
mod forms;
mod happy;
mod list;
mod logout;
mod outgoing;
mod rollover;
mod trial;
mod trusted;
mod wrapping;
