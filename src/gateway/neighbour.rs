//! Which hardware address an IPv4 address of a guest network belongs to now: the kernel's neighbour table.

use ipnet::Ipv4Net;
use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};
use varco_policy::{
    Device, IfName, Mac,
    guests::{GuestNetwork, GuestNetworks},
};

/// A guest interface and its network.
pub type Place = (IfName, Ipv4Net);

/// The neighbour table of the guest interfaces. What is said on one of them about an address of another's network is not heard:
/// a guest of one network could say that an address of another is theirs.
#[derive(Debug, Clone)]
pub struct Neighbours {
    file: PathBuf,
    places: Vec<Place>,
}

/// `ATF_COM` of `if_arp.h`: the entry is complete.
const COMPLETE: u32 = 0x2;

impl Neighbours {
    /// The kernel's table, for these networks only.
    pub fn kernel(guests: &GuestNetworks) -> Self {
        let of = |network: &GuestNetwork| -> Vec<Place> {
            network.interfaces.iter().map(|name| (name.clone(), network.subnet)).collect()
        };
        Self { file: PathBuf::from("/proc/net/arp"), places: guests.all().flat_map(of).collect() }
    }

    /// A table in the same form in another file.
    pub fn in_file(file: PathBuf, places: Vec<Place>) -> Self {
        Self { file, places }
    }

    /// The device at this address; `None` when the kernel does not know it or it is not a guest's.
    pub fn device(&self, peer: IpAddr) -> Option<Device> {
        let IpAddr::V4(address) = peer else { return None };
        let table = std::fs::read_to_string(&self.file).ok()?;
        let mac = table.lines().skip(1).find_map(|line| self.mac_of(address, line))?;
        Some(Device { address, mac })
    }

    /// A line is: address, hardware type, flags, hardware address, mask, interface.
    fn mac_of(&self, address: Ipv4Addr, line: &str) -> Option<Mac> {
        let mut words = line.split_ascii_whitespace();
        let at: Ipv4Addr = words.next()?.parse().ok()?;
        if at != address {
            return None;
        }
        let flags = u32::from_str_radix(words.nth(1)?.strip_prefix("0x")?, 16).ok()?;
        let mac = words.next()?.parse().ok()?;
        let interface = words.nth(1)?;
        let ours = self.places.iter().any(|(name, net)| name.as_str() == interface && net.contains(&address));
        (ours && flags & COMPLETE != 0).then_some(mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
IP address       HW type     Flags       HW address            Mask     Device
10.64.0.10       0x1         0x2         02:00:5e:00:53:0a     *        br-guest
10.64.0.11       0x1         0x0         00:00:00:00:00:00     *        br-guest
10.64.0.12       0x1         0x2         02:00:5e:00:53:0c     *        br-office
10.64.0.13       0x1         0x2         02:00:5e:00:53:ee     *        br-ward
10.64.0.13       0x1         0x2         02:00:5e:00:53:0d     *        br-guest
";

    #[test]
    fn only_complete_entries_of_guest_interfaces_are_devices() {
        let n = Neighbours::in_file(
            PathBuf::new(),
            [("br-guest", "10.64.0.0/24"), ("br-ward", "10.65.0.0/24")]
                .map(|(name, net)| (name.parse().unwrap(), net.parse().unwrap()))
                .to_vec(),
        );
        let found = |address: &str| {
            let address = address.parse().unwrap();
            TABLE.lines().skip(1).find_map(|line| n.mac_of(address, line)).map(|mac| mac.to_string())
        };
        assert_eq!(found("10.64.0.10").as_deref(), Some("02:00:5e:00:53:0a"));
        assert_eq!(found("10.64.0.11"), None);
        assert_eq!(found("10.64.0.12"), None);
        assert_eq!(found("10.64.0.1"), None);
        assert_eq!(found("10.64.0.13").as_deref(), Some("02:00:5e:00:53:0d"), "not as another network says");
    }
}
