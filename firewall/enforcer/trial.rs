//! Shares on trial: in force at once, and taken back by the enforcer alone when they are not confirmed in time.
//!
//! The shares to return to are in a file before the first queue changes, so that an enforcer that is started again
//! after a crash ends the trial too.

use super::{
    Enforcer,
    held::{InForce, Tried},
    line::Removal,
};
use crate::{queues::Rated, rules};
use anyhow::Context;
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use varco_policy::{
    Shares,
    wire::{Desired, Refusal},
};

/// Where the shares to return to are while a trial runs.
fn file(run: &Path) -> PathBuf {
    run.join("confirmed-shares.json")
}

/// The trial that a request asks for. The same once more, as after a lost answer, can shorten what runs, but neither
/// lengthen it nor begin it anew when it is over.
pub(super) fn asked(desired: &Desired, before: Option<&InForce>, now: Instant) -> Option<Tried> {
    let trial = desired.trial?;
    let until = now + Duration::from_secs(trial.seconds.into());
    let new = Tried { shares: trial.shares, until, over: false };
    let same = |old: &&Tried| old.shares == trial.shares;
    match before.and_then(|state| state.trial.as_ref().filter(same).map(|old| (state.generation, old))) {
        Some((_, old)) if !old.over => Some(Tried { until: until.min(old.until), ..new }),
        Some((generation, old)) if generation == desired.generation => Some(*old),
        _ => Some(new),
    }
}

impl Enforcer {
    /// Writes down what `next` would return to.
    pub(super) fn prepare_trial(&self, next: &InForce) -> Result<(), Refusal> {
        if next.running().is_none() {
            return Ok(());
        }
        let at = file(&self.settings.run);
        let text = serde_json::to_vec(&next.confirmed).map_err(io::Error::other);
        text.and_then(|text| {
            let new = at.with_extension("new");
            fs::write(&new, text)?;
            fs::rename(&new, &at)
        })
        .map_err(|error| Refusal::Kernel(format!("the shares to return to cannot be written: {error}")))
    }

    /// Without a trial there is nothing to return to.
    pub(super) fn settle_trial(&self) {
        if self.in_force.as_ref().is_none_or(|state| state.running().is_none())
            && let Err(error) = fs::remove_file(file(&self.settings.run))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the shares of a trial that is over are left on disk");
        }
    }

    /// A trial that an enforcer before this one left behind is over. `true` when there was one.
    pub(super) fn return_from_trial(&self) -> anyhow::Result<bool> {
        let text = match fs::read(file(&self.settings.run)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error).context("the shares to return to"),
        };
        let site = &self.settings.site;
        let confirmed = serde_json::from_slice::<Shares>(&text).ok();
        let confirmed = confirmed.filter(|shares| rules::shares(site, shares).is_ok());
        self.change_queues(&confirmed.unwrap_or_else(|| site.shares()), &Rated::new(), Removal::Later)?;
        self.settle_trial();
        tracing::warn!("a trial of shares was left unfinished; the shares are as confirmed before it");
        Ok(true)
    }

    /// Returns to the confirmed shares once the time of the trial is over.
    pub(super) fn end_trial(&mut self, now: Instant) {
        let Some(state) = self.in_force.as_ref().filter(|s| s.running().is_some_and(|t| t.until <= now))
        else {
            return;
        };
        let back = self.change_queues(state.shares(now), &self.rated(state), Removal::Later);
        match back {
            Ok(_) => {
                if let Some(trial) = self.in_force.as_mut().and_then(|state| state.trial.as_mut()) {
                    trial.over = true;
                }
                self.settle_trial();
                tracing::warn!("the trial of shares is over unconfirmed; the shares are as before it");
            }
            Err(error) => tracing::error!(%error, "the trial of shares is over and cannot be taken back yet"),
        }
    }

    /// Before a stop: nobody would end the trial.
    pub fn stop(&mut self, now: Instant) {
        if let Some(trial) = self.in_force.as_mut().and_then(|state| state.trial.as_mut()) {
            trial.until = now;
        }
        self.end_trial(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use varco_policy::{Site, wire::Trial};

    #[test]
    fn a_repeated_request_never_lengthens_a_trial() {
        let shares = Site::load(Path::new("../docker/site/site.toml")).unwrap().shares();
        let mut tried = shares;
        tried.down.guest.ceiling = "20mbit".parse().unwrap();
        let desired = |generation, seconds| Desired {
            generation,
            shares,
            trial: Some(Trial { shares: tried, seconds }),
            passes: vec![],
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "any instant will do, and there is no other way to one"
        )]
        let start = Instant::now();
        let second = |n| start + Duration::from_secs(n);
        let first = asked(&desired(1, 60), None, start).unwrap();
        assert_eq!((first.until, first.over), (second(60), false));
        let state = |tried| InForce {
            generation: 1,
            confirmed: shares,
            trial: Some(tried),
            passes: std::collections::BTreeMap::new(),
            late: std::collections::BTreeSet::new(),
        };
        let again = |generation, seconds, tried| {
            asked(&desired(generation, seconds), Some(&state(tried)), second(30)).unwrap()
        };
        assert_eq!(again(2, 60, first).until, second(60), "it does not last longer");
        assert_eq!(again(2, 10, first).until, second(40), "it may be shorter");
        let over = Tried { over: true, ..first };
        assert!(again(1, 60, over).over, "the same request does not begin it anew");
        assert_eq!(again(2, 60, over).until, second(90), "a new one does");
        assert_eq!(state(first).shares(second(59)), &tried);
        assert_eq!(state(first).shares(second(60)), &shares);
        assert_eq!(state(over).shares(second(59)), &shares);
    }
}
