//! What the state machine lets the pages know: written by the event loop alone, read by every page without waiting for
//! it. A device is on it exactly while the kernel is believed to hold its pass.

use crate::{
    ship::Shipping,
    site::{Status, Terms},
};
use jiff::Timestamp;
use std::{
    collections::HashMap,
    net::Ipv4Addr,
    sync::{Arc, PoisonError, RwLock},
};
use varco_audit::keeper::Progress;
use varco_policy::{
    Device, Mac, Pass, PassId, Slot,
    pass::{EndCause, Session},
};

/// A pass as the pages may know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its identifier.
    pub id: PassId,
    /// The device's hardware address.
    pub mac: Mac,
    /// Its slot.
    pub slot: Slot,
    /// From.
    pub since: Timestamp,
    /// Until, at the latest.
    pub until: Timestamp,
    /// What else it is bound by.
    pub terms: Terms,
    /// The login that it came from.
    pub session: Option<Session>,
}

impl Shown {
    /// Whether logging in again would give more time: the pass ends by its length, not by the hours or the day.
    pub fn can_extend(&self) -> bool {
        self.terms.ends == EndCause::Expired
    }
}

/// The board.
#[derive(Debug, Default)]
pub struct Board {
    passes: RwLock<HashMap<Ipv4Addr, Shown>>,
    status: RwLock<Status>,
    /// How far the log is: written by the store and the log's own thread.
    pub log: Arc<Progress>,
    /// How far the hub has acknowledged it: written by the task that ships.
    pub shipping: Shipping,
}

impl Board {
    /// The pass of whoever has this address, if it has not ended at `now`.
    pub fn at_address(&self, address: Ipv4Addr, now: Timestamp) -> Option<Shown> {
        let passes = self.passes.read().unwrap_or_else(PoisonError::into_inner);
        passes.get(&address).cloned().filter(|shown| shown.until > now)
    }

    /// The pass of this device, if it has not ended at `now`.
    pub fn of_device(&self, device: Device, now: Timestamp) -> Option<Shown> {
        self.at_address(device.address, now).filter(|shown| shown.mac == device.mac)
    }

    /// Every pass shown.
    pub fn all(&self) -> Vec<Shown> {
        self.passes.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The site's state.
    pub fn status(&self) -> Status {
        self.status.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn show(&self, pass: &Pass, terms: Terms) {
        let Pass { id, device, slot, since, until, .. } = *pass;
        let session = pass.session.clone();
        let shown = Shown { id, mac: device.mac, slot, since, until, terms, session };
        self.passes.write().unwrap_or_else(PoisonError::into_inner).insert(device.address, shown);
    }

    pub(crate) fn left(&self, left: &[(Device, u64)]) {
        let mut passes = self.passes.write().unwrap_or_else(PoisonError::into_inner);
        for (device, bytes) in left {
            if let Some(shown) = passes.get_mut(&device.address).filter(|shown| shown.mac == device.mac) {
                shown.terms.bytes = Some(*bytes);
            }
        }
    }

    pub(crate) fn hide(&self, device: Device) {
        let mut passes = self.passes.write().unwrap_or_else(PoisonError::into_inner);
        if passes.get(&device.address).is_some_and(|shown| shown.mac == device.mac) {
            passes.remove(&device.address);
        }
    }

    pub(crate) fn publish(&self, status: Status) {
        let mut shown = self.status.write().unwrap_or_else(PoisonError::into_inner);
        if *shown != status {
            *shown = status;
        }
    }
}
