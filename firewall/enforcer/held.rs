//! What is in force: passes, shares, and what of them should be in the kernel. Pure.

use super::ENDING;
use crate::{
    flows,
    gate::{self, Key, SetName},
    neighbours::Table,
    queues::{self, GARDEN, Minor, Rated},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    time::{Duration, Instant},
};
use varco_policy::{Device, Rate, Shares, Site, Slot, wire::KernelPass};

/// A pass in force.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub device: Device,
    pub slot: Slot,
    pub rate: Option<Rate>,
    pub until: Instant,
}

impl Held {
    pub fn class(&self, site: &Site) -> Minor {
        if self.rate.is_some() { Minor::of_rated(site, self.slot) } else { Minor::of_slot(site, self.slot) }
    }

    /// Its class and rate, where that is not one of those made ahead.
    pub fn own_class(&self, site: &Site) -> Option<(Minor, Rate)> {
        let class = self.class(site);
        let rate = self.rate.or_else(|| class.comes_with_its_pass().then(|| queues::rate_of_passes(site)));
        Some((class, rate?))
    }
}

/// What some addresses have from now on: a pass or none.
pub(super) type Change = BTreeMap<Ipv4Addr, Option<Held>>;

/// The state in force. One pass for an address: the newer replaces the older.
#[derive(Debug, Clone)]
pub(super) struct InForce {
    pub generation: u64,
    /// As confirmed; see [`InForce::shares`].
    pub confirmed: Shares,
    pub trial: Option<Tried>,
    pub passes: BTreeMap<Ipv4Addr, Held>,
    /// Classes of slots that are still to be made, see [`super::late`]. Until then their passes share the walled garden's.
    pub late: BTreeSet<Minor>,
}

/// Shares on trial, or a trial that is over: the request that began it may come again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tried {
    pub shares: Shares,
    pub until: Instant,
    pub over: bool,
}

impl InForce {
    /// The shares in force at `now`.
    pub fn shares(&self, now: Instant) -> &Shares {
        self.trial.as_ref().filter(|t| !t.over && t.until > now).map_or(&self.confirmed, |t| &t.shares)
    }

    /// The trial that runs.
    pub fn running(&self) -> Option<&Tried> {
        self.trial.as_ref().filter(|trial| !trial.over)
    }

    /// Gives each address the pass that is said, or none, and says what each had.
    pub fn put(&mut self, change: Change) -> Change {
        let put = |(address, held): (Ipv4Addr, Option<Held>)| match held {
            Some(held) => (address, self.passes.insert(address, held)),
            None => (address, self.passes.remove(&address)),
        };
        change.into_iter().map(put).collect()
    }

    /// The classes that passes need besides those made ahead, but for those that are late.
    pub fn rated(&self, site: &Site) -> Rated {
        self.rated_of(site, self.passes.values())
    }

    /// As [`Self::rated`], of these passes.
    pub fn rated_of<'a>(&self, site: &Site, passes: impl Iterator<Item = &'a Held>) -> Rated {
        let own = passes.filter_map(|held| held.own_class(site));
        own.filter(|(minor, _)| !self.late.contains(minor)).collect()
    }

    /// Whom each address of an open pass belongs to.
    pub fn neighbours(&self, now: Instant) -> Table {
        let open = self.passes.values().filter(|held| held.until > now);
        open.map(|held| (held.device.address, held.device.mac)).collect()
    }
}

pub(super) fn hold(pass: &KernelPass, now: Instant) -> Held {
    let KernelPass { device, slot, rate, .. } = *pass;
    Held { device, slot, rate, until: now + Duration::from_secs(pass.seconds.into()) }
}

/// A pass that the kernel holds already keeps the kernel's time.
pub(super) fn keep_time(pass: &KernelPass, actual: &gate::Actual, now: Instant) -> Held {
    let seconds = actual.get(&(SetName::PassUp, Key::Device(pass.device))).and_then(|seen| seen.seconds);
    hold(&KernelPass { seconds: seconds.unwrap_or(pass.seconds), ..*pass }, now)
}

/// The elements that should be, and the addresses whose pass is just ending: those are not looked at.
pub(super) fn wanted(
    site: &Site,
    state: Option<&InForce>,
    now: Instant,
) -> (gate::Wanted, BTreeSet<Ipv4Addr>) {
    let (mut wanted, ignored) = match state {
        Some(state) => of_passes(site, state.passes.values(), &state.late, now),
        None => Default::default(),
    };
    wanted.extend(gate::of_site(site));
    (wanted, ignored)
}

pub(super) fn of_passes<'a>(
    site: &Site,
    passes: impl Iterator<Item = &'a Held>,
    late: &BTreeSet<Minor>,
    now: Instant,
) -> (gate::Wanted, BTreeSet<Ipv4Addr>) {
    let (mut wanted, mut ignored) = (gate::Wanted::new(), BTreeSet::new());
    for held in passes {
        let left = held.until.saturating_duration_since(now);
        if left <= ENDING && held.until + ENDING > now {
            ignored.insert(held.device.address);
        } else if left > ENDING {
            let seconds = u32::try_from(left.as_secs()).unwrap_or(u32::MAX);
            let own = held.class(site);
            let class = if late.contains(&own) { GARDEN } else { own };
            wanted.extend(gate::of_pass(held.device, held.slot, class, seconds));
        }
    }
    (wanted, ignored)
}

/// The guests with a flow from a public address and port that is not theirs now: left by a pass that ended
/// while nobody looked.
pub(super) fn stale(site: &Site, state: &InForce, flows: &flows::PublicByGuest) -> BTreeSet<Ipv4Addr> {
    let lent = |address: &Ipv4Addr| site.slots.addresses.contains(address);
    let theirs = |guest, (public, port)| state.passes.get(guest).is_some_and(|h| h.slot.covers(public, port));
    let is_stale = |guest, public: &(Ipv4Addr, u16)| lent(&public.0) && !theirs(guest, *public);
    let stale = flows.iter().filter(|(guest, publics)| publics.iter().any(|public| is_stale(guest, public)));
    stale.map(|(guest, _)| *guest).collect()
}
