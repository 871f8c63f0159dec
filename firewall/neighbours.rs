//! While a pass is open, its address is pinned to its device's hardware address.
//!
//! On an open network anybody may say by ARP that a citizen's address is theirs, and would be sent what the
//! citizen asked for. A pinned neighbour does not listen. A lease lasts at least as long as the idle limit
//! (`site.toml` is refused otherwise), so an address never changes hands while it is pinned.

use crate::exec::{self, ExecError};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    net::Ipv4Addr,
};
use varco_policy::{Mac, Site};

/// Hardware addresses by address.
pub type Table = BTreeMap<Ipv4Addr, Mac>;

#[derive(Deserialize)]
struct Neighbour {
    dst: Ipv4Addr,
    lladdr: Option<Mac>,
}

#[derive(Deserialize)]
struct Interface {
    ifname: String,
}

/// What is pinned in the guest network. Nobody but Varco pins there.
///
/// # Errors
/// When `ip` fails.
pub fn pinned(site: &Site) -> Result<Table, ExecError> {
    let Some(interface) = interface(site)? else { return Ok(Table::new()) };
    let all: Vec<Neighbour> =
        exec::json("ip", &["-4", "-j", "neigh", "show", "nud", "permanent", "dev", &interface])?;
    let of_guests = all.into_iter().filter(|n| site.guest.subnet.contains(&n.dst));
    Ok(of_guests.filter_map(|n| Some((n.dst, n.lladdr?))).collect())
}

/// Pins these, and lets go of those.
///
/// # Errors
/// When `ip` fails.
pub fn change(site: &Site, pin: &Table, release: &BTreeSet<Ipv4Addr>) -> Result<(), ExecError> {
    let Some(interface) = interface(site)? else { return Ok(()) };
    let mut lines = String::new();
    for address in release {
        // It may be gone already; writing to a string cannot fail.
        let _ = writeln!(lines, "neigh replace {address} dev {interface} nud failed");
    }
    for (address, mac) in pin {
        let _ = writeln!(lines, "neigh replace {address} lladdr {mac} dev {interface} nud permanent");
    }
    if lines.is_empty() { Ok(()) } else { exec::run("ip", &["-batch", "-"], &lines).map(drop) }
}

/// Brings what is pinned to `wanted`; `true` when it differed.
///
/// # Errors
/// When `ip` fails.
pub fn reconcile(site: &Site, wanted: &Table) -> Result<bool, ExecError> {
    let actual = pinned(site)?;
    let missing: Table =
        wanted.iter().filter(|(a, mac)| actual.get(*a) != Some(mac)).map(|(a, mac)| (*a, *mac)).collect();
    let unknown: BTreeSet<_> = actual.keys().filter(|a| !wanted.contains_key(a)).copied().collect();
    change(site, &missing, &unknown)?;
    Ok(!missing.is_empty() || !unknown.is_empty())
}

/// The interface with the router's address among the guests; `None` while it has none.
fn interface(site: &Site) -> Result<Option<String>, ExecError> {
    let router = site.guest.router.to_string();
    let found: Vec<Interface> = exec::json("ip", &["-4", "-j", "addr", "show", "to", &router])?;
    let ours = |i: &Interface| site.interfaces.guest.iter().any(|name| name.as_str() == i.ifname);
    Ok(found.into_iter().find(ours).map(|i| i.ifname))
}
