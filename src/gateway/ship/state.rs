//! What operators are told of shipping: how much the hub has not acknowledged, and since when.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
};

/// After how long, and then how often, it is an alarm that entries are not acknowledged.
const ALARM: SignedDuration = SignedDuration::from_hours(1);

/// How far shipping is.
#[derive(Debug, Default)]
pub struct Shipping {
    acknowledged: AtomicU64,
    waiting: AtomicU64,
    refused: AtomicBool,
    times: Mutex<Times>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Times {
    since: Option<Timestamp>,
    told: Option<Timestamp>,
}

/// The same, as operators read it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipState {
    /// Entries that the hub has acknowledged.
    pub acknowledged: u64,
    /// Entries of the log that it has not.
    pub waiting: u64,
    /// Since when some wait.
    pub since: Option<Timestamp>,
    /// Whether the hub says that it keeps no copy of this log.
    pub not_copied: bool,
}

impl Shipping {
    /// How it is.
    pub fn state(&self) -> ShipState {
        ShipState {
            acknowledged: self.acknowledged.load(SeqCst),
            waiting: self.waiting.load(SeqCst),
            since: self.times.lock().unwrap_or_else(PoisonError::into_inner).since,
            not_copied: self.refused.load(SeqCst),
        }
    }

    /// So many entries are acknowledged.
    pub(super) fn acknowledge(&self, size: u64) {
        self.acknowledged.store(size, SeqCst);
    }

    /// Whether the hub keeps a copy of this log.
    pub(super) fn taken(&self, taken: bool) {
        self.refused.store(!taken, SeqCst);
    }

    /// The log has `size` entries now. Tells where some have waited for an hour, and each hour then.
    pub(super) fn look(&self, size: u64, now: Timestamp) {
        let waiting = size.saturating_sub(self.acknowledged.load(SeqCst));
        self.waiting.store(waiting, SeqCst);
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting == 0 {
            *times = Times::default();
            return;
        }
        let since = *times.since.get_or_insert(now);
        let last = times.told.unwrap_or(since);
        if now.duration_since(last) >= ALARM && !self.refused.load(SeqCst) {
            times.told = Some(now);
            tracing::error!(
                alarm = "log-not-shipped",
                waiting,
                since = since.to_string(),
                "the hub has not acknowledged entries of the log"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + 60 * minute).unwrap()
    }

    #[test]
    fn it_is_known_since_when_entries_wait_and_told_each_hour() {
        let shipping = Shipping::default();
        shipping.look(5, at(0));
        shipping.look(9, at(59));
        let told = |shipping: &Shipping| shipping.times.lock().unwrap().told;
        assert_eq!(
            (shipping.state().waiting, shipping.state().since, told(&shipping)),
            (9, Some(at(0)), None)
        );
        shipping.look(9, at(60));
        shipping.look(9, at(61));
        assert_eq!(told(&shipping), Some(at(60)));
        shipping.look(9, at(120));
        assert_eq!(told(&shipping), Some(at(120)), "again");
        shipping.acknowledge(9);
        shipping.look(9, at(121));
        assert_eq!(shipping.state(), ShipState { acknowledged: 9, ..ShipState::default() });
    }
}
