//! Which shares a gateway starts with.

use super::super::words::Change;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use varco_audit::SharesStep;
use varco_policy::{Shares, Site, link::Link, shares::LaneSettings};

/// What `site.toml` says of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The line.
    pub link: Link,
    /// The shares, and how far an administrator may go.
    pub lanes: LaneSettings,
}

impl Told {
    /// What a site's settings say.
    pub fn of(site: &Site) -> Self {
        Self { link: site.link, lanes: site.lanes }
    }
}

/// What is on record of the shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Confirmed.
    pub confirmed: Shares,
    /// On trial when the gateway ended.
    pub trial: Option<Shares>,
    /// What `site.toml` said at the last start.
    pub told: Told,
}

/// The shares to start with, and what is to be recorded first. A trial is over. The confirmed shares go on, but where
/// `site.toml` has been changed since the last start, what it says now is the later decision and comes before them.
pub fn take_up(kept: Option<Kept>, told: Told, now: Timestamp) -> (Shares, Vec<Change>) {
    let record = |step, shares| Change::Shares { at: now, step, by: None, shares };
    let mut changes = Vec::new();
    changes.extend(
        kept.filter(|kept| kept.trial.is_some()).map(|kept| record(SharesStep::TakenBack, kept.confirmed)),
    );
    match kept.filter(|kept| kept.told == told) {
        Some(kept) => (kept.confirmed, changes),
        None => {
            let shares = told.lanes.shares();
            changes.extend([record(SharesStep::Confirmed, shares), Change::SharesTold(told)]);
            (shares, changes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn told(guest: u64, link: u64) -> Told {
        let lane = format!("{{ guaranteed = '1mbit', ceiling = '{guest}mbit' }}");
        let lanes = format!("critical = {lane}\noffice = {lane}\nguest = {lane}");
        let link = format!("up = '{link}mbit'\ndown = '{link}mbit'");
        let parsed = |text: &str| varco_policy::config::parse(Path::new("/site.toml"), text);
        Told {
            link: varco_policy::config::parse(Path::new("/site.toml"), &link).unwrap(),
            lanes: parsed(&lanes).unwrap(),
        }
    }

    fn shares(guest: u64) -> Shares {
        told(guest, 100).lanes.shares()
    }

    fn steps(kept: Option<Kept>, told: Told) -> (Shares, Vec<(SharesStep, Shares)>) {
        let (now, changes) = take_up(kept, told, Timestamp::UNIX_EPOCH);
        let step = |change: &Change| match change {
            Change::Shares { step, shares, by: None, .. } => Some((*step, *shares)),
            _ => None,
        };
        (now, changes.iter().filter_map(step).collect())
    }

    #[test]
    fn the_first_start_confirms_what_site_toml_says() {
        assert_eq!(steps(None, told(9, 100)), (shares(9), vec![(SharesStep::Confirmed, shares(9))]));
    }

    #[test]
    fn a_restart_keeps_what_is_confirmed_and_takes_a_trial_back() {
        let kept = Kept { confirmed: shares(5), trial: None, told: told(9, 100) };
        assert_eq!(steps(Some(kept), told(9, 100)), (shares(5), vec![]));
        let kept = Kept { trial: Some(shares(6)), ..kept };
        let back = vec![(SharesStep::TakenBack, shares(5))];
        assert_eq!(steps(Some(kept), told(9, 100)), (shares(5), back));
    }

    #[test]
    fn a_changed_site_toml_comes_first_and_that_is_recorded() {
        let kept = Kept { confirmed: shares(5), trial: Some(shares(6)), told: told(9, 100) };
        let both = [(SharesStep::TakenBack, shares(5)), (SharesStep::Confirmed, shares(8))];
        assert_eq!(steps(Some(kept), told(8, 100)), (shares(8), both.to_vec()));
        let kept = Kept { trial: None, ..kept };
        let line = vec![(SharesStep::Confirmed, shares(9))];
        assert_eq!(steps(Some(kept), told(9, 200)), (shares(9), line), "another line, other shares");
    }
}
