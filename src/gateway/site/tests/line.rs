//! The shares in the world around the site: the store's row, and the line with the enforcer's own clock. It checks that
//! nothing is tried before that is on record, and that nothing is kept that was never confirmed.

use super::world::rules;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use varco_audit::SharesStep;
use varco_policy::{Rate, Shares, wire::Desired};

pub struct Line {
    /// On record: confirmed, and on trial.
    pub confirmed: Shares,
    pub trial: Option<Shares>,
    /// Steps on record.
    pub steps: Vec<SharesStep>,
    ever: BTreeSet<String>,
    /// In force when no trial is, and the trial with its end.
    kernel: Option<Shares>,
    tried: Option<(Shares, Timestamp)>,
}

/// Shares with this ceiling of the guests in Mbit/s.
pub fn shares(guest: u64) -> Shares {
    let mut shares = rules().shares;
    shares.down.guest.ceiling = Rate::from_bits(guest * 1_000_000);
    shares
}

fn text(shares: &Shares) -> String {
    format!("{shares:?}")
}

impl Line {
    pub fn new() -> Self {
        let confirmed = rules().shares;
        let ever = BTreeSet::from([text(&confirmed)]);
        Self { confirmed, trial: None, steps: Vec::new(), ever, kernel: None, tried: None }
    }

    /// The store's own rules: see `store/shares.rs`.
    pub fn write(&mut self, step: SharesStep, shares: Shares) {
        let before = (self.confirmed, self.trial);
        match step {
            SharesStep::Tried => self.trial = Some(shares),
            SharesStep::Confirmed | SharesStep::TakenBack => (self.confirmed, self.trial) = (shares, None),
        }
        if (self.confirmed, self.trial) == before {
            return;
        }
        match step {
            SharesStep::Tried => assert!(before.1.is_none(), "two trials at a time"),
            SharesStep::Confirmed => {
                assert_eq!(before.1, Some(shares), "what is confirmed was tried");
                self.ever.insert(text(&shares));
            }
            SharesStep::TakenBack => assert!(self.ever.contains(&text(&shares)), "back to what never was"),
        }
        self.steps.push(step);
    }

    /// The law, when it is asked for: it may be done later, when the site has taken it back already, and asks for that next.
    pub fn asked(&self, desired: &Desired) {
        assert!(self.ever.contains(&text(&desired.shares)), "in force for good, but never confirmed");
        if let Some(trial) = desired.trial {
            assert_eq!(self.trial, Some(trial.shares), "tried before that was on record");
            assert!((1..=600).contains(&trial.seconds));
        }
    }

    pub fn apply(&mut self, desired: &Desired, now: Timestamp) {
        self.kernel = Some(desired.shares);
        let until = |seconds: u32| now + SignedDuration::from_secs(seconds.into());
        self.tried = desired.trial.map(|trial| (trial.shares, until(trial.seconds)));
    }

    /// The enforcer goes back by itself.
    pub fn pass(&mut self, now: Timestamp) {
        self.tried = self.tried.filter(|(_, until)| *until > now);
    }

    /// The enforcer starts anew: it knows no trial, and waits to be told.
    pub fn restart(&mut self) {
        self.tried = None;
    }

    pub fn left(&self, now: Timestamp) -> Option<u32> {
        let (_, until) = self.tried?;
        u32::try_from(until.duration_since(now).as_secs()).ok()
    }

    pub fn in_force(&self) -> Option<Shares> {
        self.tried.map(|(shares, _)| shares).or(self.kernel)
    }
}
