//! What a site's settings promise each other: the first that is broken is named by file and key.

use super::{Interfaces, SLOWEST_PASS, Site};
use crate::{config::ConfigError, guests::GuestNetwork, link::LinkError, net::IfName, slot::SIZES};
use ipnet::Ipv4Net;
use jiff::SignedDuration;
use std::{collections::BTreeSet, net::Ipv4Addr, path::Path};

impl Site {
    pub(super) fn check(&self, file: &Path) -> Result<(), ConfigError> {
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
        self.check_networks(file)?;
        self.check_hub_here(file)?;
        self.check_slots(file)?;
        self.check_names(file)?;
        self.line.check(file)?;
        self.check_outside(file, "line.reflectors", &self.line.reflectors, "list hosts beyond the line")?;
        self.timezone.check(file, "timezone")?;
        self.hours.iter().try_for_each(|hours| hours.check(file))?;
        self.limits.check(file)?;
        self.check_passes(file)
    }

    fn check_shares(&self, file: &Path) -> Result<(), ConfigError> {
        self.link.check(file)?;
        self.link.keeps(&self.shares()).map_err(|error| match error {
            LinkError::AtBest(e) => {
                let remedy = "lower a guarantee or a ceiling until the link can keep it";
                ConfigError::new(file, "lanes", e, remedy)
            }
            LinkError::AtWorst(e) => {
                let remedy = "lower a guarantee until the line keeps it at its worst";
                ConfigError::new(file, "link.least", e, remedy)
            }
        })?;
        self.lanes.check(file)
    }

    fn check_guest(&self, file: &Path) -> Result<(), ConfigError> {
        self.guest.check(file, &self.interfaces.guest)?;
        if self.guest.contain(self.portal.catch_address) {
            let problem = format!("{} is inside guest.subnet", self.portal.catch_address);
            let remedy = "leave the default 192.0.2.1";
            return Err(ConfigError::new(file, "portal.catch_address", problem, remedy));
        }
        Ok(())
    }

    fn check_networks(&self, file: &Path) -> Result<(), ConfigError> {
        let lists =
            [("networks.office", &self.networks.office), ("networks.critical", &self.networks.critical)];
        for (key, nets) in lists {
            for (at, net) in nets.iter().enumerate() {
                if let Some(guests) = self.guest.all().find(|guests| meet(*net, guests.subnet)) {
                    let problem = format!("{net} and the guest network {} share addresses", guests.subnet);
                    return Err(ConfigError::new(file, key, problem, "name networks of the building only"));
                }
                if let Some(other) = nets.iter().take(at).find(|other| meet(*net, **other)) {
                    let problem = format!("{net} and {other} share addresses");
                    return Err(ConfigError::new(file, key, problem, "name the larger of them alone"));
                }
            }
        }
        Ok(())
    }

    fn check_hub_here(&self, file: &Path) -> Result<(), ConfigError> {
        let mut seen = BTreeSet::new();
        for (key, _, address) in self.hub_here() {
            let own = |g: &GuestNetwork| {
                g.has_host(address) && !(g.first..=g.last).contains(&address) && address != g.router
            };
            if !self.guest.all().any(own) || !seen.insert(address) {
                let problem = format!("{address} is not an address of its own in a guest network");
                let remedy = "give one inside guest.subnet beside guest.router and the leased range";
                return Err(ConfigError::new(file, &format!("{key}.address"), problem, remedy));
            }
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
        let names = self.garden.names.iter().map(|n| ("garden.names".to_owned(), n.as_str()));
        let hub = self.hub_here().map(|(key, host, _)| (format!("{key}.host"), host));
        let portal = ("portal.host".to_owned(), self.portal.host.as_str());
        for (key, name) in names.chain(hub).chain([portal]) {
            if !is_host_name(name) {
                let problem = format!("`{name}` is not a host name");
                let remedy = "write it in lower case without scheme or dot at the end: idp.example.it";
                return Err(ConfigError::new(file, &key, problem, remedy));
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
        match all.iter().find(|address| self.guest.contain(**address)) {
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
        let shorter = self.guest.all().find(|network| p.idle > network.lease);
        if let Some(network) = shorter.filter(|_| !self.interfaces.guest.is_empty()) {
            let problem = format!("{:#} is longer than guest.lease, {:#}", p.idle, network.lease);
            let remedy = "lengthen the lease: an address must not change hands while a pass is open";
            return Err(ConfigError::new(file, "passes.idle", problem, remedy));
        }
        Ok(())
    }
}

impl Interfaces {
    fn first_repeated(&self) -> Option<&IfName> {
        let mut seen = BTreeSet::new();
        let all = std::iter::once(&self.wan).chain(&self.guest).chain(&self.office).chain(&self.critical);
        all.into_iter().find(|name| !seen.insert(*name))
    }
}

pub(crate) fn within(
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

/// Two networks share addresses only where one is inside the other.
pub(crate) fn meet(one: Ipv4Net, other: Ipv4Net) -> bool {
    one.contains(&other.network()) || other.contains(&one.network())
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
