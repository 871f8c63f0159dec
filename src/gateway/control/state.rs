//! The state of a site as operators read it; names nobody.

use crate::{
    ship::ShipState,
    site::{
        Status,
        shares::{Back, SharesNow},
    },
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use varco_audit::keeper::LogState;
use varco_policy::{
    Rate, Shares,
    wire::{Capacity, LaneUsage},
};

/// The state of a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Passes online.
    pub online: usize,
    /// Slots lent.
    pub slots_lent: usize,
    /// Slots of the site.
    pub slots_total: usize,
    /// Number of the desired state.
    pub generation: u64,
    /// Whether the enforcer answers and holds the desired state.
    pub enforcer: bool,
    /// Whether records can be written.
    pub recording: bool,
    /// How far the verifiable log is.
    pub log: LogState,
    /// How far the hub has acknowledged it.
    pub shipped: ShipState,
    /// Queueing discipline at the leaves.
    pub leaf: Option<String>,
    /// Differences healed by the enforcer.
    pub healed: Option<u64>,
    /// The shares.
    pub shares: Option<SharesState>,
    /// What the line is shaped to.
    pub capacity: Option<Capacity>,
    /// Every lane in both directions.
    pub lanes: Vec<LaneState>,
}

/// The shares of the lanes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharesState {
    /// Confirmed.
    pub confirmed: Shares,
    /// On trial, if any.
    pub trial: Option<TrialState>,
    /// Why the last trial was taken back, until the next one.
    pub taken_back: Option<String>,
}

/// Shares on trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialState {
    /// In force meanwhile.
    pub shares: Shares,
    /// Whole seconds left.
    pub seconds: i64,
}

/// A lane in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneState {
    /// What it has carried, and its share in force.
    #[serde(flatten)]
    pub usage: LaneUsage,
    /// How fast it is; `None` before it was measured twice.
    pub rate: Option<Rate>,
}

impl State {
    /// The state at `now`.
    pub fn of(status: &Status, log: LogState, shipped: ShipState, now: Timestamp) -> Self {
        let measured = status.measured.as_ref();
        let lanes = measured.iter().flat_map(|m| &m.lanes).map(|usage| lane(*usage, status)).collect();
        Self {
            online: status.online,
            slots_lent: status.slots_lent,
            slots_total: status.slots_total,
            generation: status.generation,
            enforcer: status.enforcer_ready,
            recording: status.recording,
            log,
            shipped,
            leaf: measured.map(|m| m.leaf.clone()),
            healed: measured.map(|m| m.healed),
            shares: status.shares.as_ref().map(|shares| SharesState::of(shares, now)),
            capacity: measured.and_then(|m| m.capacity),
            lanes,
        }
    }
}

impl SharesState {
    fn of(shares: &SharesNow, now: Timestamp) -> Self {
        let trial = shares.trial.map(|trial| TrialState {
            shares: trial.shares,
            seconds: trial.until.duration_since(now).as_secs().max(0),
        });
        let taken_back = shares.back.as_ref().map(|(_, why)| word(why).to_owned());
        Self { confirmed: shares.confirmed, trial, taken_back }
    }
}

const fn word(why: &Back) -> &'static str {
    match why {
        Back::Asked => "asked",
        Back::TimeOver => "time-over",
        Back::EnforcerLost => "enforcer-lost",
        Back::Refused(_) => "refused",
        Back::RecordsFailed => "records-failed",
    }
}

fn lane(usage: LaneUsage, status: &Status) -> LaneState {
    let rate = status.rates.iter().find(|r| (r.lane, r.direction) == (usage.lane, usage.direction));
    LaneState { usage, rate: rate.map(|rate| rate.rate) }
}
