//! The guest networks of a building: one, or several, each on interfaces of its own.

use crate::{
    config::ConfigError,
    net::IfName,
    site::{meet, within},
};
use ipnet::Ipv4Net;
use jiff::SignedDuration;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};
use std::{fmt, net::Ipv4Addr, ops::Deref, path::Path};

/// A guest network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuestNetwork {
    /// Addresses of the guests, for example `10.64.0.0/20`.
    pub subnet: Ipv4Net,
    /// The router's address in it: gateway and resolver of the guests.
    pub router: Ipv4Addr,
    /// First address leased.
    pub first: Ipv4Addr,
    /// Last address leased.
    pub last: Ipv4Addr,
    /// How long a lease lasts, for example `"1h"`. 2 minutes to 24 hours.
    pub lease: SignedDuration,
    /// Which of `interfaces.guest` it is on: all of them where it is the only one and names none.
    #[serde(default)]
    pub interfaces: Vec<IfName>,
}

/// The guest networks, one at least. The first is where the portal is, and stands for all where only one is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestNetworks {
    first: GuestNetwork,
    others: Vec<GuestNetwork>,
}

impl Deref for GuestNetworks {
    type Target = GuestNetwork;

    fn deref(&self) -> &GuestNetwork {
        &self.first
    }
}

impl From<GuestNetwork> for GuestNetworks {
    fn from(first: GuestNetwork) -> Self {
        Self { first, others: Vec::new() }
    }
}

impl GuestNetworks {
    /// Every one, the portal's first.
    pub fn all(&self) -> impl Iterator<Item = &GuestNetwork> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Whether one of them contains this address.
    pub fn contain(&self, address: Ipv4Addr) -> bool {
        self.all().any(|network| network.subnet.contains(&address))
    }

    pub(crate) fn name_interfaces(&mut self, guest: &[IfName]) {
        if self.others.is_empty() && self.first.interfaces.is_empty() {
            self.first.interfaces = guest.to_vec();
        }
    }

    pub(crate) fn check(&self, file: &Path, guest: &[IfName]) -> Result<(), ConfigError> {
        for (at, network) in self.all().enumerate() {
            let table = if self.others.is_empty() { "guest".to_owned() } else { format!("guest[{at}]") };
            network.check(file, &table)?;
            if let Some(other) = self.all().take(at).find(|other| meet(network.subnet, other.subnet)) {
                let problem = format!("{} and {} share addresses", network.subnet, other.subnet);
                return Err(ConfigError::new(file, &format!("{table}.subnet"), problem, "part them"));
            }
            let key = format!("{table}.interfaces");
            if let Some(foreign) = network.interfaces.iter().find(|name| !guest.contains(name)) {
                let remedy = "name it there as well";
                return Err(ConfigError::new(
                    file,
                    &key,
                    format!("{foreign} is not in interfaces.guest"),
                    remedy,
                ));
            }
            if network.interfaces.is_empty() && !guest.is_empty() {
                let remedy = "say which of interfaces.guest it is on";
                return Err(ConfigError::new(file, &key, "the network is on no interface", remedy));
            }
        }
        let networks_of = |name: &&IfName| self.all().filter(|n| n.interfaces.contains(name)).count();
        match guest.iter().find(|name| networks_of(name) != 1) {
            None => Ok(()),
            Some(name) => {
                let problem = format!("{name} is in {} guest networks", networks_of(&name));
                let remedy = "name it in `interfaces` of exactly one";
                Err(ConfigError::new(file, "interfaces.guest", problem, remedy))
            }
        }
    }
}

impl GuestNetwork {
    /// Whether this is the address of a host of the network, the router included.
    pub fn has_host(&self, address: Ipv4Addr) -> bool {
        is_host(self.subnet, address)
    }

    fn check(&self, file: &Path, table: &str) -> Result<(), ConfigError> {
        for (key, address) in [("router", self.router), ("first", self.first), ("last", self.last)] {
            if !self.has_host(address) {
                let problem = format!("{address} is not a host of {}", self.subnet);
                let remedy = "give an address inside guest.subnet";
                return Err(ConfigError::new(file, &format!("{table}.{key}"), problem, remedy));
            }
        }
        if self.first > self.last || (self.first..=self.last).contains(&self.router) {
            let problem =
                format!("{} to {} is empty or holds the router's own address", self.first, self.last);
            let remedy = "lease a range beside guest.router";
            return Err(ConfigError::new(file, &format!("{table}.first"), problem, remedy));
        }
        let (least, most) = (SignedDuration::from_mins(2), SignedDuration::from_hours(24));
        within(file, &format!("{table}.lease"), self.lease, least, most)
    }
}

/// The addresses that a guest's device may have: hosts of the guest networks, and not the router's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestHosts {
    networks: Vec<Ipv4Net>,
    own: Vec<Ipv4Addr>,
}

impl GuestHosts {
    /// The hosts of these networks, less the router's own addresses.
    pub const fn new(networks: Vec<Ipv4Net>, own: Vec<Ipv4Addr>) -> Self {
        Self { networks, own }
    }

    /// Whether this is one of them.
    pub fn have(&self, address: Ipv4Addr) -> bool {
        self.networks.iter().any(|net| is_host(*net, address)) && !self.own.contains(&address)
    }
}

fn is_host(net: Ipv4Net, address: Ipv4Addr) -> bool {
    net.contains(&address) && address != net.network() && address != net.broadcast()
}

impl Serialize for GuestNetworks {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.all())
    }
}

impl<'de> Deserialize<'de> for GuestNetworks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrSeveral)
    }
}

struct OneOrSeveral;

impl<'de> Visitor<'de> for OneOrSeveral {
    type Value = GuestNetworks;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table [guest], or several [[guest]]")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<GuestNetworks, A::Error> {
        GuestNetwork::deserialize(MapAccessDeserializer::new(map)).map(Into::into)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut networks: A) -> Result<GuestNetworks, A::Error> {
        let first = networks.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
        let mut others = Vec::new();
        while let Some(network) = networks.next_element()? {
            others.push(network);
        }
        Ok(GuestNetworks { first, others })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "[[guest]]\nsubnet = '10.64.0.0/20'\nrouter = '10.64.0.1'\nfirst = '10.64.0.10'\n\
        last = '10.64.15.250'\nlease = '1h'\ninterfaces = ['br-guest']\n\
        [[guest]]\nsubnet = '10.65.0.0/24'\nrouter = '10.65.0.1'\nfirst = '10.65.0.10'\nlast = '10.65.0.250'\n\
        lease = '2h'\ninterfaces = ['eth1.20']\n";

    #[derive(Debug, Serialize, Deserialize)]
    struct Page {
        guest: GuestNetworks,
    }

    fn read(text: &str) -> Result<GuestNetworks, ConfigError> {
        let file = Path::new("/site.toml");
        let mut guest = crate::config::parse::<Page>(file, text)?.guest;
        let interfaces = ["br-guest", "eth1.20"].map(|name| name.parse().unwrap());
        guest.name_interfaces(&interfaces);
        guest.check(file, &interfaces).map(|()| guest)
    }

    #[test]
    fn one_table_or_several() {
        let two = read(TWO).unwrap();
        assert_eq!((two.all().count(), two.router), (2, [10, 64, 0, 1].into()));
        assert!(two.contain([10, 65, 0, 3].into()) && !two.contain([10, 66, 0, 3].into()));
        let one = TWO.split("interfaces").next().unwrap().replace("[[guest]]", "[guest]");
        assert_eq!(read(&one).unwrap().interfaces.len(), 2, "it is on all of them");
        let again: Page = toml::from_str(&toml::to_string(&Page { guest: two.clone() }).unwrap()).unwrap();
        assert_eq!(again.guest, two);
    }

    #[test]
    fn mistakes_are_named() {
        let said = |from: &str, to: &str| read(&TWO.replace(from, to)).unwrap_err().to_string();
        insta::assert_snapshot!(said("router = '10.65.0.1'", "router = '10.64.0.1'"), @"/site.toml: guest[1].router: 10.64.0.1 is not a host of 10.65.0.0/24; give an address inside guest.subnet");
        insta::assert_snapshot!(said("'10.64.0.0/20'", "'10.64.0.0/15'"), @"/site.toml: guest[1].subnet: 10.65.0.0/24 and 10.64.0.0/15 share addresses; part them");
        insta::assert_snapshot!(said("['eth1.20']", "['eth1.30']"), @"/site.toml: guest[1].interfaces: eth1.30 is not in interfaces.guest; name it there as well");
        insta::assert_snapshot!(said("['eth1.20']", "['br-guest']"), @"/site.toml: interfaces.guest: br-guest is in 2 guest networks; name it in `interfaces` of exactly one");
        insta::assert_snapshot!(said("interfaces = ['eth1.20']", ""), @"/site.toml: guest[1].interfaces: the network is on no interface; say which of interfaces.guest it is on");
        insta::assert_snapshot!(said("'2h'", "'1m'"), @"/site.toml: guest[1].lease: 1m is out of range; give a duration from 2m to 24h");
        insta::assert_snapshot!(said("first = '10.65.0.10'", "begin = 1"), @"/site.toml: guest[1].begin: unknown field `begin`, expected one of `subnet`, `router`, `first`, `last`, `lease`, `interfaces`; correct line 11; docker/site holds a complete example");
        insta::assert_snapshot!(read("guest = []").unwrap_err().to_string(), @"/site.toml: guest: invalid length 0, expected a table [guest], or several [[guest]]; correct line 1; docker/site holds a complete example");
        insta::assert_snapshot!(read("guest = 1").unwrap_err().to_string(), @"/site.toml: guest: invalid type: integer `1`, expected a table [guest], or several [[guest]]; correct line 1; docker/site holds a complete example");
    }
}
