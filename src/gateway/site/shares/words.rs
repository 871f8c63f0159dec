//! What is asked and answered about shares.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use varco_policy::{Shares, Subject};

/// The longest trial, in seconds.
pub const LONGEST_TRIAL: u32 = 600;

/// A change to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The confirmed shares that the change was made from; when they are others meanwhile, it is not tried.
    pub from: Shares,
    /// The shares to try.
    pub shares: Shares,
    /// How long, in seconds: 1 to [`LONGEST_TRIAL`].
    pub seconds: u32,
    /// Who tries: an administrator, as this site knows them; `None` for the command line on the router.
    pub by: Option<Subject>,
}

/// What may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SharesAsk {
    /// What would a change to these shares do?
    Plan(Shares),
    /// Put a change in force for a while.
    Try(Attempt),
    /// Keep what is on trial.
    Confirm(Option<Subject>),
    /// End the trial now.
    TakeBack(Option<Subject>),
}

/// What who asks is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SharesAnswer {
    /// The change, a line each as `nft` and `tc` would write it.
    Planned(Vec<String>),
    /// In force until then, unless confirmed.
    OnTrial(Timestamp),
    /// Confirmed, and the enforcer knows it.
    Confirmed,
    /// The confirmed shares are in force again.
    TakenBack,
    /// Confirmed or taken back, on record or about to be; the enforcer will hear of it when it answers.
    Later,
    /// The site cannot have such shares, or the kernel did not take them.
    Refused(String),
    /// Another change is on trial.
    OtherTrial,
    /// The shares have been changed since the change was made up.
    Changed,
    /// These are the shares already.
    Same,
    /// Nothing is on trial: it was taken back, or confirmed already.
    NoTrial,
    /// The enforcer does not answer.
    GateDown,
    /// The record could not be written.
    RecordsFailed,
}

/// Why a trial was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Back {
    /// Somebody asked for it.
    Asked,
    /// Nobody confirmed in time.
    TimeOver,
    /// The enforcer went away.
    EnforcerLost,
    /// The enforcer did not take it.
    Refused(String),
    /// It could not be recorded.
    RecordsFailed,
}

impl Back {
    /// What who waits for the trial is told.
    pub(super) fn answer(&self) -> SharesAnswer {
        match self {
            Self::Asked => SharesAnswer::TakenBack,
            Self::TimeOver => SharesAnswer::NoTrial,
            Self::EnforcerLost => SharesAnswer::GateDown,
            Self::Refused(why) => SharesAnswer::Refused(why.clone()),
            Self::RecordsFailed => SharesAnswer::RecordsFailed,
        }
    }
}

/// The shares, for the pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharesNow {
    /// Confirmed.
    pub confirmed: Shares,
    /// In force on trial.
    pub trial: Option<OnTrial>,
    /// When and why the last trial was taken back, until the next one or a restart.
    pub back: Option<(Timestamp, Back)>,
}

/// Shares in force on trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnTrial {
    /// The shares.
    pub shares: Shares,
    /// Until when.
    pub until: Timestamp,
}
