//! A site's settings, `site.toml`: read by the gateway and by the enforcer, so that both agree on the building.

mod check;

pub(crate) use check::{meet, within};

use crate::{
    config::ConfigError,
    guests::{GuestHosts, GuestNetworks},
    hours::{Hours, Schedule, Zone},
    lane::Shares,
    limits::Limits,
    line::LineSettings,
    link::Link,
    net::IfName,
    profile,
    rate::Rate,
    shares::LaneSettings,
};
use ipnet::Ipv4Net;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::{net::Ipv4Addr, path::Path};

/// A building with a router, as its administrator describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Identifier of the site: lower-case letters, digits and dashes. In every record.
    pub name: String,
    /// The name citizens read on the portal.
    pub title: String,
    /// The time zone of opening hours and of the day that limits count in.
    #[serde(default)]
    pub timezone: Zone,
    /// The profile that this site starts from: see [`crate::profile`].
    #[serde(default)]
    pub profile: Option<String>,
    /// Which interface belongs to which lane.
    pub interfaces: Interfaces,
    /// Hosts of a lane behind another lane's interface.
    #[serde(default)]
    pub networks: Networks,
    /// What the line carries.
    pub link: Link,
    /// How the line is watched.
    #[serde(default)]
    pub line: LineSettings,
    /// What each lane is guaranteed and may reach.
    pub lanes: LaneSettings,
    /// The guest networks: `[guest]`, or several `[[guest]]`.
    pub guest: GuestNetworks,
    /// Where the portal is.
    pub portal: Portal,
    /// The public addresses and ports lent to guests.
    pub slots: SlotSettings,
    /// Hosts reachable without a pass.
    pub garden: Garden,
    /// How long a pass lasts.
    pub passes: PassSettings,
    /// What one person may use in a day, and how many may be in at once.
    #[serde(default)]
    pub limits: Limits,
    /// When the site is open; always, where nothing is said.
    #[serde(default)]
    pub hours: Option<Hours>,
    /// The hub, where it runs on this very router.
    #[serde(default)]
    pub hub_here: Option<HubHere>,
}

/// Which interface belongs to which lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interfaces {
    /// The uplink.
    pub wan: IfName,
    /// Guest networks: none at a site without guests, where nobody is admitted.
    pub guest: Vec<IfName>,
    /// Office networks.
    pub office: Vec<IfName>,
    /// Video surveillance, remote control.
    #[serde(default)]
    pub critical: Vec<IfName>,
}

/// Hosts of a lane behind another lane's interface, as cameras on the office's switch, by IPv4 network. The network wins over
/// the interface, and critical over office where both name a host. Never guests: only an interface makes a guest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Networks {
    /// Of the office lane.
    pub office: Vec<Ipv4Net>,
    /// Of the critical lane.
    pub critical: Vec<Ipv4Net>,
}

/// Where the portal is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Portal {
    /// Host name of the portal, with a public certificate (RFC 8908 section 4.1 requires HTTPS).
    pub host: String,
    /// The address that unknown names resolve to without a pass: port 80 of it is the portal, all else is
    /// refused at once. Never the portal's own address, or browsers would meet its certificate under
    /// foreign names.
    #[serde(default = "catch_address")]
    pub catch_address: Ipv4Addr,
}

/// The public addresses and ports lent to guests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotSettings {
    /// Public addresses used for guests only.
    pub addresses: Vec<Ipv4Addr>,
    /// Ports in a slot: 256, 512 or 1024.
    #[serde(default = "slot_size")]
    pub ports: u16,
    /// How long a slot rests before it is lent again. 2 minutes or more.
    #[serde(default = "quarantine")]
    pub quarantine: SignedDuration,
}

/// Hosts reachable without a pass (walled garden).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Garden {
    /// Host names; each includes the names below it. The hub and the identity providers belong here.
    pub names: Vec<String>,
    /// Resolvers of the site: asked for the walled garden without a pass, and for everything with one.
    pub resolvers: Vec<Ipv4Addr>,
}

/// The hub on the same box: guests reach it without a pass, at an address of its own in their network, since the
/// router answers guests nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubHere {
    /// Host name of the hub, as in its `public_url`.
    pub host: String,
    /// Where it listens, port 443: an address of this router inside a guest network.
    pub address: Ipv4Addr,
    /// Where it asks for smart cards, if it does: another name, another such address.
    #[serde(default)]
    pub cards: Option<CardsHere>,
}

/// The card's listener of the hub on the same box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardsHere {
    /// Its host name, as in the hub's `cns.url`.
    pub host: String,
    /// Where it listens, port 443.
    pub address: Ipv4Addr,
}

/// The least a pass may be limited to: a page still comes within a minute.
pub const SLOWEST_PASS: Rate = Rate::from_bits(64_000);

/// How long a pass lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassSettings {
    /// Length of a pass: 1 minute to 24 hours.
    #[serde(default = "pass_length")]
    pub length: SignedDuration,
    /// A pass without traffic for this long ends: 1 minute to its length.
    #[serde(default = "idle_limit")]
    pub idle: SignedDuration,
    /// What a pass may reach in each direction; the guest lane's ceiling where none is given. 64 kbit/s or more.
    #[serde(default)]
    pub rate: Option<Rate>,
}

fn catch_address() -> Ipv4Addr {
    Ipv4Addr::new(192, 0, 2, 1)
}

fn slot_size() -> u16 {
    512
}

fn quarantine() -> SignedDuration {
    SignedDuration::from_mins(10)
}

fn pass_length() -> SignedDuration {
    SignedDuration::from_hours(4)
}

fn idle_limit() -> SignedDuration {
    SignedDuration::from_mins(30)
}

impl Site {
    /// Reads and checks `site.toml`.
    ///
    /// # Errors
    /// The first mistake, with file, key and remedy.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let mut site: Self = profile::load(file)?;
        site.guest.name_interfaces(&site.interfaces.guest);
        site.check(file)?;
        Ok(site)
    }

    /// The shares in both directions.
    pub fn shares(&self) -> Shares {
        self.lanes.shares()
    }

    /// When the site is open.
    pub fn schedule(&self) -> Schedule {
        Schedule::new(self.timezone.zone().clone(), self.hours.clone())
    }

    /// The router's own addresses in the guest networks: the portal's is the first, and the hub's is among them where it is
    /// here. No guest's.
    pub fn own_addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        let routers = self.guest.all().map(|network| network.router);
        routers.chain(self.hub_here().map(|(_, _, address)| address))
    }

    /// What listens here for the hub: its key in the settings, host and address.
    pub fn hub_here(&self) -> impl Iterator<Item = (&'static str, &str, Ipv4Addr)> {
        let hub = self.hub_here.iter().map(|hub| ("hub_here", hub.host.as_str(), hub.address));
        let cards = self.hub_here.iter().filter_map(|hub| hub.cards.as_ref());
        hub.chain(cards.map(|cards| ("hub_here.cards", cards.host.as_str(), cards.address)))
    }

    /// The addresses that a guest's device may have.
    pub fn guest_hosts(&self) -> GuestHosts {
        let networks = self.guest.all().map(|network| network.subnet);
        GuestHosts::new(networks.collect(), self.own_addresses().collect())
    }

    /// The hosts whose answers tell how long the line takes.
    pub fn reflectors(&self) -> &[Ipv4Addr] {
        if self.line.reflectors.is_empty() { &self.garden.resolvers } else { &self.line.reflectors }
    }
}
