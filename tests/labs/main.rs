//! A whole site in network namespaces, with the real programs. Each test brings up a lab of its own.

#![expect(clippy::unwrap_used, reason = "a test that meets what it does not expect has failed")]

mod admin;
mod cns;
mod console;
mod crash;
mod evidence;
mod expired;
mod gate;
mod lab;
mod limits;
mod login;
mod logout;
mod lookup;
mod pack;
mod passes;
mod seized;
mod settings;
mod shipping;
mod site;
mod validators;
mod witness;
