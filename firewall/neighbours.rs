//! While a pass is open, its address is pinned to its device's hardware address.
//!
//! On an open network anybody may say by ARP that a citizen's address is theirs, and would be sent what the
//! citizen asked for. A pinned neighbour does not listen. A lease lasts at least as long as the idle limit
//! (`site.toml` is refused otherwise), so an address never changes hands while it is pinned.

use crate::{
    exec::ExecError,
    netlink::{self, Order},
};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    address::{AddressAttribute, AddressMessage},
    neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState},
};
use nix::{errno::Errno, net::if_::if_nametoindex};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};
use varco_policy::{Mac, Site};

/// Hardware addresses by address.
pub type Table = BTreeMap<Ipv4Addr, Mac>;

/// What is pinned in the guest network. Nobody but Varco pins there.
///
/// # Errors
/// When the kernel cannot be asked.
pub fn pinned(site: &Site) -> Result<Table, ExecError> {
    let Some(interface) = interface(site)? else { return Ok(Table::new()) };
    let mut question = NeighbourMessage::default();
    question.header.family = AddressFamily::Inet;
    let mut table: Table = netlink::route(|link| {
        link.list(RouteNetlinkMessage::GetNeighbour(question), |table: &mut Table, _, payload| {
            let message = parsed::<NeighbourMessage>(payload)?;
            if message.header.ifindex == interface && message.header.state == NeighbourState::Permanent {
                table.extend(neighbour(&message));
            }
            Some(())
        })
    })?;
    table.retain(|address, _| site.guest.subnet.contains(address));
    Ok(table)
}

fn neighbour(message: &NeighbourMessage) -> Option<(Ipv4Addr, Mac)> {
    let address = message.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::Destination(NeighbourAddress::Inet(address)) => Some(*address),
        _ => None,
    });
    let mac = message.attributes.iter().find_map(|attribute| match attribute {
        NeighbourAttribute::LinkLayerAddress(octets) => octets.as_slice().try_into().ok().map(Mac::new),
        _ => None,
    });
    Some((address?, mac?))
}

/// Pins these, and lets go of those.
///
/// # Errors
/// When the kernel refuses.
pub fn change(site: &Site, pin: &Table, release: &BTreeSet<Ipv4Addr>) -> Result<(), ExecError> {
    if pin.is_empty() && release.is_empty() {
        return Ok(());
    }
    let Some(interface) = interface(site)? else { return Ok(()) };
    let released =
        release.iter().map(|address| (0, RouteNetlinkMessage::DelNeighbour(about(interface, *address))));
    let pinned = pin.iter().map(|(address, mac)| pin_one(interface, *address, *mac));
    // What is to be let go of may be gone already.
    netlink::route(|link| link.order(released.chain(pinned), &[Errno::ENOENT]))
}

fn pin_one(interface: u32, address: Ipv4Addr, mac: Mac) -> Order<RouteNetlinkMessage> {
    let mut message = about(interface, address);
    message.header.state = NeighbourState::Permanent;
    message.attributes.push(NeighbourAttribute::LinkLayerAddress(mac.octets().to_vec()));
    (NLM_F_CREATE | NLM_F_REPLACE, RouteNetlinkMessage::NewNeighbour(message))
}

fn about(interface: u32, address: Ipv4Addr) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = AddressFamily::Inet;
    message.header.ifindex = interface;
    message.attributes.push(NeighbourAttribute::Destination(NeighbourAddress::Inet(address)));
    message
}

/// Brings what is pinned to `wanted`; `true` when it differed.
///
/// # Errors
/// When the kernel refuses.
pub fn reconcile(site: &Site, wanted: &Table) -> Result<bool, ExecError> {
    let actual = pinned(site)?;
    let missing: Table =
        wanted.iter().filter(|(a, mac)| actual.get(*a) != Some(mac)).map(|(a, mac)| (*a, *mac)).collect();
    let unknown: BTreeSet<_> = actual.keys().filter(|a| !wanted.contains_key(a)).copied().collect();
    change(site, &missing, &unknown)?;
    Ok(!missing.is_empty() || !unknown.is_empty())
}

/// The interface with the router's address among the guests; `None` while it has none. Looked for each time: it is one
/// question, and interfaces come and go.
fn interface(site: &Site) -> Result<Option<u32>, ExecError> {
    let of_guests: BTreeSet<u32> =
        site.interfaces.guest.iter().filter_map(|name| if_nametoindex(name.as_str()).ok()).collect();
    let mut question = AddressMessage::default();
    question.header.family = AddressFamily::Inet;
    let router = IpAddr::V4(site.guest.router);
    netlink::route(|link| {
        link.list(RouteNetlinkMessage::GetAddress(question), |found: &mut Option<u32>, _, payload| {
            let message = parsed::<AddressMessage>(payload)?;
            let here =
                |a: &AddressAttribute| matches!(a, AddressAttribute::Local(address) if *address == router);
            if of_guests.contains(&message.header.index) && message.attributes.iter().any(here) {
                *found = Some(message.header.index);
            }
            Some(())
        })
    })
}

fn parsed<M: netlink_packet_core::Parseable<[u8]>>(payload: &[u8]) -> Option<M> {
    M::parse(payload).ok()
}
