//! The gate, tried: real packets through the real enforcer in network namespaces. `cargo test -p varco-firewall`
//! as an ordinary user, where user namespaces are allowed.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]
#![expect(clippy::zombie_processes, reason = "programs end with their namespace, and then with the test")]

mod citizen;
mod classes;
mod crash;
mod elements;
mod flows;
mod heal;
mod lab;
mod lanes;
mod many;
mod names;
mod networks;
mod probes;
mod requests;
mod shares;
mod stranger;
