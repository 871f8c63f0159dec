//! Guests on one bridge do not see each other: every port of a guest bridge is isolated.
//!
//! Frames between two ports of a bridge never reach the gate, so the bridge itself keeps them apart. An
//! isolated port talks only to ports that are not: the router's own.

use crate::exec::{self, ExecError};
use serde::Deserialize;
use varco_policy::IfName;

#[derive(Deserialize)]
struct Port {
    ifname: String,
    master: Option<String>,
    #[serde(default)]
    isolated: bool,
}

/// The ports of guest bridges that are not isolated.
///
/// # Errors
/// When `bridge` fails.
pub fn open_ports(guest: &[IfName]) -> Result<Vec<String>, ExecError> {
    let ports: Vec<Port> = exec::json("bridge", &["-j", "-d", "link", "show"])?;
    let of_guests = |port: &Port| port.master.as_ref().is_some_and(|m| guest.iter().any(|g| g.as_str() == m));
    let open = ports.into_iter().filter(|port| of_guests(port) && !port.isolated);
    Ok(open.map(|port| port.ifname).collect())
}

/// Isolates these ports.
///
/// # Errors
/// When `bridge` fails, for example because a port has just gone.
pub fn isolate(ports: &[String]) -> Result<(), ExecError> {
    for port in ports {
        exec::run("bridge", &["link", "set", "dev", port, "isolated", "on"], "")?;
    }
    Ok(())
}
