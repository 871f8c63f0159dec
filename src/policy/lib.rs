//! The words of Varco as types: passes, lanes, shares, slots, rates, a site's settings, and the messages
//! between gateway and enforcer. Pure: no clock, no socket, no thread. Every other crate depends on this one.

pub mod config;
pub mod guests;
pub mod hours;
pub mod lane;
pub mod limits;
pub mod line;
pub mod link;
pub mod net;
pub mod pass;
pub mod profile;
pub mod rate;
pub mod share_key;
pub mod shares;
pub mod site;
pub mod size;
pub mod slot;
pub mod wire;

pub use config::ConfigError;
pub use guests::GuestHosts;
pub use hours::Schedule;
pub use lane::{Lane, Share, Shares};
pub use limits::Limits;
pub use net::{Device, IfName, Mac};
pub use pass::{Pass, PassId, Subject};
pub use rate::Rate;
pub use share_key::ShareKey;
pub use site::Site;
pub use size::Size;
pub use slot::Slot;
