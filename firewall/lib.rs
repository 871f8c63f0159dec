//! The enforcer: makes the kernel hold what the gateway desires, and answers what the kernel holds.
//!
//! `base.nft` is the gate. [`gate`] and [`queues`] plan without touching anything; [`nft`], [`tc`], [`flows`],
//! [`bridge`], [`catch`] and [`dnsmasq`] read and change the kernel; [`enforcer`] holds the desired state and heals by
//! difference; [`server`] answers the gateway. One thread, no network of its own.

pub mod bridge;
pub mod catch;
pub mod classes;
pub mod commands;
pub mod dns;
pub mod dnsmasq;
pub mod elements;
pub mod enforcer;
pub mod exec;
pub mod flows;
pub mod gate;
pub mod measure;
pub mod neighbours;
pub mod netlink;
pub mod nft;
pub mod privilege;
pub mod queues;
pub mod rules;
pub mod server;
pub mod settings;
pub mod tc;
