//! Which hardware address an IPv4 address of a guest network belongs to now: the kernel's neighbour table.

use ipnet::Ipv4Net;
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};
use varco_policy::{
    Device, IfName, Mac,
    guests::{GuestNetwork, GuestNetworks},
};

/// A guest interface and its network.
pub type Place = (IfName, Ipv4Net);

/// The neighbour table of the guest interfaces. What is said on one of them about an address of another's network is not
/// heard: a guest of one network could say that an address of another is theirs.
///
/// The kernel writes out the whole table to whoever wants one line of it, which takes milliseconds at 10,000 devices, so
/// it is read once a second at most. What a page shows is right all the same: a device that is not found is looked for
/// anew, and an address with a pass cannot change hands, since the kernel's entry of it is pinned as long as the pass is
/// open (SECURITY.md G21). An address without a pass has nothing to show, and a login that began with the hardware
/// address of the one before ends with a page that asks to begin again.
#[derive(Debug, Clone)]
pub struct Neighbours {
    file: PathBuf,
    places: Vec<Place>,
    known: Arc<RwLock<Known>>,
}

/// The table as it was.
#[derive(Debug, Default)]
struct Known {
    read: Option<Timestamp>,
    devices: HashMap<Ipv4Addr, Mac>,
}

/// How long a table is believed.
const FRESH: SignedDuration = SignedDuration::from_secs(1);

/// `ATF_COM` of `if_arp.h`: the entry is complete.
const COMPLETE: u32 = 0x2;

impl Known {
    /// A clock that was set back ends it too.
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.read.is_some_and(|read| (SignedDuration::ZERO..FRESH).contains(&now.duration_since(read)))
    }
}

impl Neighbours {
    /// The kernel's table, for these networks only.
    pub fn kernel(guests: &GuestNetworks) -> Self {
        let of = |network: &GuestNetwork| -> Vec<Place> {
            network.interfaces.iter().map(|name| (name.clone(), network.subnet)).collect()
        };
        Self::in_file(PathBuf::from("/proc/net/arp"), guests.all().flat_map(of).collect())
    }

    /// A table in the same form in another file.
    pub fn in_file(file: PathBuf, places: Vec<Place>) -> Self {
        Self { file, places, known: Arc::default() }
    }

    /// The device at this address; `None` when the kernel does not know it or it is not a guest's.
    #[expect(clippy::disallowed_methods, reason = "the age of the table is nobody else's matter")]
    pub fn device(&self, peer: IpAddr) -> Option<Device> {
        self.device_at(peer, Timestamp::now())
    }

    fn device_at(&self, peer: IpAddr, now: Timestamp) -> Option<Device> {
        let IpAddr::V4(address) = peer else { return None };
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(mac) = known.devices.get(&address).filter(|_| known.is_fresh(now)) {
            return Some(Device { address, mac: *mac });
        }
        drop(known);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let table = std::fs::read_to_string(&self.file).unwrap_or_default();
        known.devices = table.lines().skip(1).filter_map(|line| self.entry(line)).collect();
        known.read = Some(now);
        known.devices.get(&address).map(|mac| Device { address, mac: *mac })
    }

    /// A line is: address, hardware type, flags, hardware address, mask, interface.
    fn entry(&self, line: &str) -> Option<(Ipv4Addr, Mac)> {
        let mut words = line.split_ascii_whitespace();
        let address = words.next()?.parse().ok()?;
        let flags = u32::from_str_radix(words.nth(1)?.strip_prefix("0x")?, 16).ok()?;
        let mac = words.next()?.parse().ok()?;
        let interface = words.nth(1)?;
        let ours = self.places.iter().any(|(name, net)| name.as_str() == interface && net.contains(&address));
        (ours && flags & COMPLETE != 0).then_some((address, mac))
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

    fn written(table: &str) -> (crate::store::tests::tempdir::Folder, Neighbours) {
        let folder = crate::store::tests::tempdir::Folder::new();
        let file = folder.path().join("arp");
        std::fs::write(&file, table).unwrap();
        let places = [("br-guest", "10.64.0.0/24"), ("br-ward", "10.65.0.0/24")]
            .map(|(name, net)| (name.parse().unwrap(), net.parse().unwrap()));
        (folder, Neighbours::in_file(file, places.to_vec()))
    }

    fn found(neighbours: &Neighbours, address: &str, millisecond: i64) -> Option<String> {
        let now = Timestamp::from_millisecond(1_000_000_000 + millisecond).unwrap();
        neighbours.device_at(address.parse().unwrap(), now).map(|device| device.mac.to_string())
    }

    #[test]
    fn only_complete_entries_of_guest_interfaces_are_devices() {
        let (_folder, neighbours) = written(TABLE);
        assert_eq!(found(&neighbours, "10.64.0.10", 0).as_deref(), Some("02:00:5e:00:53:0a"));
        let other = found(&neighbours, "10.64.0.13", 0);
        assert_eq!(other.as_deref(), Some("02:00:5e:00:53:0d"), "not as another network says");
        for other in ["10.64.0.11", "10.64.0.12", "10.64.0.1", "::1"] {
            assert_eq!(found(&neighbours, other, 0), None, "{other}");
        }
    }

    #[test]
    fn a_table_is_believed_for_a_second_and_a_newcomer_is_looked_for_at_once() {
        let (folder, neighbours) = written(TABLE);
        let (first, heir) = (Some("02:00:5e:00:53:0a"), Some("02:00:5e:00:53:99"));
        assert_eq!(found(&neighbours, "10.64.0.10", 0).as_deref(), first);
        let changed =
            TABLE.replace("53:0a", "53:99").replace("10.64.0.12", "10.64.0.14").replace("office", "guest");
        std::fs::write(folder.path().join("arp"), changed).unwrap();
        assert_eq!(found(&neighbours, "10.64.0.10", 999).as_deref(), first);
        assert_eq!(found(&neighbours, "10.64.0.14", 999).as_deref(), Some("02:00:5e:00:53:0c"));
        assert_eq!(found(&neighbours, "10.64.0.10", 999).as_deref(), heir, "the whole table is newer now");
        std::fs::write(folder.path().join("arp"), TABLE).unwrap();
        assert_eq!(found(&neighbours, "10.64.0.10", 1998).as_deref(), heir);
        assert_eq!(found(&neighbours, "10.64.0.10", 1999).as_deref(), first);
        std::fs::write(folder.path().join("arp"), "").unwrap();
        assert_eq!(found(&neighbours, "10.64.0.10", 0), None, "the clock was set back");
    }
}
