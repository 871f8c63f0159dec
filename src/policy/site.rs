//! A site's settings, `site.toml`: read by the gateway and by the enforcer, so that both agree on the building.

use crate::{
    config::ConfigError,
    hours::{Hours, Schedule, Zone},
    lane::{Lanes, Share, Shares},
    limits::Limits,
    net::IfName,
    profile,
    rate::Rate,
    slot::SIZES,
};
use ipnet::Ipv4Net;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, net::Ipv4Addr, path::Path};

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
    /// What the line carries.
    pub link: Link,
    /// What each lane is guaranteed and may reach.
    pub lanes: LaneSettings,
    /// The guest network.
    pub guest: GuestNetwork,
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

/// What the line carries in each direction. On a real line set each a little below the contract (90 %), so that
/// the queue is here and not at the provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// From the building to the Internet.
    pub up: Rate,
    /// From the Internet to the building.
    pub down: Rate,
    /// Where it varies, as behind a 5G mast: the least it carries; `up` and `down` are the most.
    #[serde(default)]
    pub least: Option<LeastLink>,
}

/// The least that a varying line carries. The guarantees are kept even then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeastLink {
    /// From the building to the Internet.
    pub up: Rate,
    /// From the Internet to the building.
    pub down: Rate,
}

/// The shares of one lane: the same in both directions, or different in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LaneShare {
    /// The same upwards and downwards.
    Both(Share),
    /// Different upwards and downwards.
    Each {
        /// From the building to the Internet.
        up: Share,
        /// From the Internet to the building.
        down: Share,
    },
}

/// The shares of each lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LaneSettings {
    /// Share of the critical lane.
    pub critical: LaneShare,
    /// Share of the office lane.
    pub office: LaneShare,
    /// Share of the guest lane.
    pub guest: LaneShare,
}

/// The guest network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuestNetwork {
    /// Addresses of the guests, for example `10.64.0.0/20`.
    pub subnet: Ipv4Net,
    /// The router's address in it: gateway, resolver and portal of the guests.
    pub router: Ipv4Addr,
    /// First address leased.
    pub first: Ipv4Addr,
    /// Last address leased.
    pub last: Ipv4Addr,
    /// How long a lease lasts, for example `"1h"`. 2 minutes to 24 hours.
    pub lease: SignedDuration,
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
    /// Where it listens, port 443: an address of this router inside [`GuestNetwork::subnet`].
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
        let site: Self = profile::load(file)?;
        site.check(file)?;
        Ok(site)
    }

    /// The shares in both directions.
    pub fn shares(&self) -> Shares {
        let lanes = |pick: fn(LaneShare) -> Share| Lanes {
            critical: pick(self.lanes.critical),
            office: pick(self.lanes.office),
            guest: pick(self.lanes.guest),
        };
        Shares { up: lanes(LaneShare::up), down: lanes(LaneShare::down) }
    }

    /// When the site is open.
    pub fn schedule(&self) -> Schedule {
        Schedule::new(self.timezone.zone().clone(), self.hours.clone())
    }

    /// The router's own addresses in the guest network: the portal's, and the hub's where it is here. No guest's.
    pub fn own_addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        std::iter::once(self.guest.router).chain(self.hub_here.iter().map(|hub| hub.address))
    }

    fn check(&self, file: &Path) -> Result<(), ConfigError> {
        let bad =
            |key: &str, problem: String, remedy: &str| Err(ConfigError::new(file, key, problem, remedy));
        if !is_label(&self.name) {
            let problem = format!("`{}` is not an identifier", self.name);
            return bad("name", problem, "use lower-case letters, digits and dashes: biblioteca-civica");
        }
        if self.title.trim().is_empty() {
            return bad("title", "no title".into(), "write the name that citizens read on the portal");
        }
        if let Some(twice) = self.interfaces.first_repeated() {
            return bad("interfaces", format!("{twice} is named twice"), "give each interface one lane");
        }
        self.check_shares(file)?;
        self.check_guest(file)?;
        self.check_hub_here(file)?;
        self.check_slots(file)?;
        self.check_names(file)?;
        self.timezone.check(file)?;
        self.hours.iter().try_for_each(|hours| hours.check(file))?;
        self.limits.check(file)?;
        self.check_passes(file)
    }

    fn check_shares(&self, file: &Path) -> Result<(), ConfigError> {
        let remedy = "lower a guarantee or a ceiling until the link can keep it";
        let at = |e| ConfigError::new(file, "lanes", e, remedy);
        let shares = self.shares();
        shares.up.check(self.link.up).map_err(at)?;
        shares.down.check(self.link.down).map_err(at)?;
        let Some(least) = self.link.least else { return Ok(()) };
        let remedy = "lower a guarantee until the line keeps it at its worst";
        let at = |e| ConfigError::new(file, "link.least", e, remedy);
        shares.up.check_guarantees(least.up).map_err(at)?;
        shares.down.check_guarantees(least.down).map_err(at)
    }

    fn check_guest(&self, file: &Path) -> Result<(), ConfigError> {
        let g = &self.guest;
        for (key, address) in [("guest.router", g.router), ("guest.first", g.first), ("guest.last", g.last)] {
            if !g.subnet.contains(&address)
                || address == g.subnet.network()
                || address == g.subnet.broadcast()
            {
                let problem = format!("{address} is not a host of {}", g.subnet);
                return Err(ConfigError::new(file, key, problem, "give an address inside guest.subnet"));
            }
        }
        if g.first > g.last || (g.first..=g.last).contains(&g.router) {
            let problem = format!("{} to {} is empty or holds the router's own address", g.first, g.last);
            return Err(ConfigError::new(file, "guest.first", problem, "lease a range beside guest.router"));
        }
        if g.subnet.contains(&self.portal.catch_address) {
            let problem = format!("{} is inside guest.subnet", self.portal.catch_address);
            let remedy = "leave the default 192.0.2.1";
            return Err(ConfigError::new(file, "portal.catch_address", problem, remedy));
        }
        within(file, "guest.lease", g.lease, SignedDuration::from_mins(2), SignedDuration::from_hours(24))
    }

    fn check_hub_here(&self, file: &Path) -> Result<(), ConfigError> {
        let Some(hub) = &self.hub_here else { return Ok(()) };
        let g = &self.guest;
        let leased = (g.first..=g.last).contains(&hub.address);
        let edge = hub.address == g.subnet.network() || hub.address == g.subnet.broadcast();
        if !g.subnet.contains(&hub.address) || edge || leased || hub.address == g.router {
            let problem = format!("{} is not an address of its own in {}", hub.address, g.subnet);
            let remedy = "give one inside guest.subnet beside guest.router and the leased range";
            return Err(ConfigError::new(file, "hub_here.address", problem, remedy));
        }
        Ok(())
    }

    fn check_slots(&self, file: &Path) -> Result<(), ConfigError> {
        let s = &self.slots;
        if !SIZES.contains(&s.ports) {
            let problem = format!("{} ports do not divide an address evenly", s.ports);
            return Err(ConfigError::new(file, "slots.ports", problem, "use 256, 512 or 1024"));
        }
        let distinct: BTreeSet<_> = s.addresses.iter().collect();
        if s.addresses.is_empty() || distinct.len() != s.addresses.len() {
            let problem = "no address, or one twice";
            return Err(ConfigError::new(file, "slots.addresses", problem, "list each public address once"));
        }
        self.check_outside(file, "slots.addresses", &s.addresses, "list public addresses of this router")?;
        within(
            file,
            "slots.quarantine",
            s.quarantine,
            SignedDuration::from_mins(2),
            SignedDuration::from_hours(24),
        )
    }

    fn check_names(&self, file: &Path) -> Result<(), ConfigError> {
        let names = self.garden.names.iter().map(|n| ("garden.names", n));
        let hub = self.hub_here.iter().map(|h| ("hub_here.host", &h.host));
        for (key, name) in names.chain(hub).chain([("portal.host", &self.portal.host)]) {
            if !is_host_name(name) {
                let problem = format!("`{name}` is not a host name");
                let remedy = "write it in lower case without scheme or dot at the end: idp.example.it";
                return Err(ConfigError::new(file, key, problem, remedy));
            }
        }
        if self.garden.resolvers.is_empty() {
            let remedy = "list the resolvers that the site may ask";
            return Err(ConfigError::new(file, "garden.resolvers", "no resolver", remedy));
        }
        self.check_outside(file, "garden.resolvers", &self.garden.resolvers, "list resolvers outside it")
    }

    /// A guest could take an address of its own network.
    fn check_outside(
        &self,
        file: &Path,
        key: &str,
        all: &[Ipv4Addr],
        remedy: &str,
    ) -> Result<(), ConfigError> {
        match all.iter().find(|address| self.guest.subnet.contains(*address)) {
            Some(inside) => {
                Err(ConfigError::new(file, key, format!("{inside} is inside guest.subnet"), remedy))
            }
            None => Ok(()),
        }
    }

    fn check_passes(&self, file: &Path) -> Result<(), ConfigError> {
        let p = &self.passes;
        let minute = SignedDuration::from_mins(1);
        if let Some(rate) = p.rate.filter(|rate| *rate < SLOWEST_PASS) {
            let problem = format!("{rate} is too slow to be of use");
            return Err(ConfigError::new(file, "passes.rate", problem, "give 64kbit or more, or nothing"));
        }
        within(file, "passes.length", p.length, minute, SignedDuration::from_hours(24))?;
        within(file, "passes.idle", p.idle, minute, p.length)?;
        if p.idle > self.guest.lease && !self.interfaces.guest.is_empty() {
            let problem = format!("{:#} is longer than guest.lease, {:#}", p.idle, self.guest.lease);
            let remedy = "lengthen the lease: an address must not change hands while a pass is open";
            return Err(ConfigError::new(file, "passes.idle", problem, remedy));
        }
        Ok(())
    }
}

impl LaneShare {
    fn up(self) -> Share {
        match self {
            Self::Both(share) | Self::Each { up: share, .. } => share,
        }
    }

    fn down(self) -> Share {
        match self {
            Self::Both(share) | Self::Each { down: share, .. } => share,
        }
    }
}

impl Interfaces {
    fn first_repeated(&self) -> Option<&IfName> {
        let mut seen = BTreeSet::new();
        let all = std::iter::once(&self.wan).chain(&self.guest).chain(&self.office).chain(&self.critical);
        all.into_iter().find(|name| !seen.insert(*name))
    }
}

fn within(
    file: &Path,
    key: &str,
    value: SignedDuration,
    least: SignedDuration,
    most: SignedDuration,
) -> Result<(), ConfigError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    let remedy = format!("give a duration from {least:#} to {most:#}");
    Err(ConfigError::new(file, key, format!("{value:#} is out of range"), remedy))
}

fn is_label(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(plain)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_host_name(text: &str) -> bool {
    let address = text.parse::<Ipv4Addr>().is_ok();
    !address && text.len() <= 253 && text.contains('.') && text.split('.').all(is_label)
}
