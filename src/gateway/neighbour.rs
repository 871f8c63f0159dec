//! Which hardware address an IPv4 address of the guest network belongs to now: the kernel's neighbour table.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};
use varco_policy::{Device, IfName, Mac};

/// The neighbour table of the guest interfaces.
#[derive(Debug, Clone)]
pub struct Neighbours {
    file: PathBuf,
    interfaces: Vec<IfName>,
}

/// `ATF_COM` of `if_arp.h`: the entry is complete.
const COMPLETE: u32 = 0x2;

impl Neighbours {
    /// The kernel's table, for these interfaces only.
    pub fn kernel(interfaces: Vec<IfName>) -> Self {
        Self { file: PathBuf::from("/proc/net/arp"), interfaces }
    }

    /// A table in the same form in another file.
    pub fn in_file(file: PathBuf, interfaces: Vec<IfName>) -> Self {
        Self { file, interfaces }
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
        let ours = self.interfaces.iter().any(|name| name.as_str() == interface);
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
";

    #[test]
    fn only_complete_entries_of_guest_interfaces_are_devices() {
        let n = Neighbours::in_file(PathBuf::new(), vec!["br-guest".parse().unwrap()]);
        let found = |address: &str| {
            let address = address.parse().unwrap();
            TABLE.lines().skip(1).find_map(|line| n.mac_of(address, line)).map(|mac| mac.to_string())
        };
        assert_eq!(found("10.64.0.10").as_deref(), Some("02:00:5e:00:53:0a"));
        assert_eq!(found("10.64.0.11"), None);
        assert_eq!(found("10.64.0.12"), None);
        assert_eq!(found("10.64.0.1"), None);
    }
}
