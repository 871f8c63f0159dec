//! Neighbours of several guest networks: each is looked at as if it were the only one.

use super::Enforcer;
use crate::{
    exec::ExecError,
    flows,
    neighbours::{self, Table},
};
use std::{collections::BTreeSet, net::Ipv4Addr};
use varco_policy::{Site, site::Interfaces};

/// The site once for each of its guest networks, with that one alone and its interfaces.
pub fn each(site: &Site) -> Vec<Site> {
    let alone = |network: &varco_policy::guests::GuestNetwork| Site {
        interfaces: Interfaces { guest: network.interfaces.clone(), ..site.interfaces.clone() },
        guest: network.clone().into(),
        ..site.clone()
    };
    site.guest.all().map(alone).collect()
}

/// Lets go of every neighbour that is pinned.
///
/// # Errors
/// When the kernel refuses.
pub fn release_all(site: &Site) -> Result<(), ExecError> {
    each(site).iter().try_for_each(|site| neighbours::reconcile(site, &Table::new()).map(drop))
}

impl Enforcer {
    pub(super) fn forget_all(&self, guests: &BTreeSet<Ipv4Addr>) -> Result<(), ExecError> {
        flows::forget_all(guests, &self.settings.site.guest)
    }

    pub(super) fn pin(&self, pin: &Table, release: &BTreeSet<Ipv4Addr>) -> Result<(), ExecError> {
        let change = |site: &Site| neighbours::change(site, &within(site, pin), &of(site, release));
        self.networks.iter().try_for_each(change)
    }

    /// `true` when what was pinned differed.
    pub(super) fn reconcile_neighbours(&self, wanted: &Table) -> Result<bool, ExecError> {
        let differed = self.networks.iter().map(|site| neighbours::reconcile(site, &within(site, wanted)));
        differed.collect::<Result<Vec<_>, _>>().map(|each| each.contains(&true))
    }
}

fn of(site: &Site, guests: &BTreeSet<Ipv4Addr>) -> BTreeSet<Ipv4Addr> {
    guests.iter().copied().filter(|guest| site.guest.contain(*guest)).collect()
}

fn within(site: &Site, table: &Table) -> Table {
    table.iter().filter(|(guest, _)| site.guest.contain(**guest)).map(|(guest, mac)| (*guest, *mac)).collect()
}
