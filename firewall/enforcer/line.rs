//! The queues of the line: as the shares in force ask for, at what the line carries.

use super::{Enforcer, held::InForce, kernel};
use crate::{
    classes,
    exec::ExecError,
    nft,
    queues::{self, Leaf, Rated, Step},
    rules, tc,
};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use varco_policy::{
    Shares,
    wire::{Capacity, Refusal},
};

/// When classes of guests that nobody needs go. A packet whose class is gone would wait among the office's: so
/// not before no element names the class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Removal {
    Now,
    Later,
}

/// How long what was said of the line holds, unless it is said again: the gateway says it every five seconds.
const CARRIED_LASTS: Duration = Duration::from_secs(15);

impl Enforcer {
    /// What the line is shaped to.
    pub(super) fn capacity(&self) -> Capacity {
        self.carried.map_or(self.settings.site.link.shaped(), |(capacity, _)| capacity)
    }

    /// Queues as in force. Before the first desired state, queues that are there may carry other shares than
    /// the settings say: they are left as they are.
    pub(super) fn reconcile_queues(&self, now: Instant) -> Result<bool, ExecError> {
        if let Some(state) = &self.in_force {
            return self.change_queues(state.shares(now), &self.rated(state), Removal::Now);
        }
        let shares = self.settings.site.shares();
        let actual = self.queues()?;
        let wanted = self.wanted_queues(&shares, &Rated::new(), &actual)?;
        if queues::is_whole(&wanted, &actual) {
            return Ok(false);
        }
        self.change_queues(&shares, &Rated::new(), Removal::Later)
    }

    /// Brings the queues to these shares, and reads them back.
    pub(super) fn change_queues(
        &self,
        shares: &Shares,
        rated: &Rated,
        removal: Removal,
    ) -> Result<bool, ExecError> {
        let steps = self.plan_queues(shares, rated, removal)?;
        if steps.is_empty() {
            return Ok(false);
        }
        tc::apply(&steps)?;
        match self.plan_queues(shares, rated, removal)?.first() {
            // A class whose pass has ended is no difference.
            None => Ok(steps.iter().any(|step| !step.removes_a_guests_class())),
            Some(step) => Err(ExecError::Unreadable { program: "tc", what: format!("still to do: {step}") }),
        }
    }

    fn plan_queues(&self, shares: &Shares, rated: &Rated, removal: Removal) -> Result<Vec<Step>, ExecError> {
        let actual = self.queues()?;
        let mut steps = queues::plan(&self.wanted_queues(shares, rated, &actual)?, &actual);
        steps.retain(|step| removal == Removal::Now || !step.removes_a_guests_class());
        Ok(steps)
    }

    fn wanted_queues(
        &self,
        shares: &Shares,
        rated: &Rated,
        actual: &queues::Actual,
    ) -> Result<queues::Wanted, ExecError> {
        Ok(queues::wanted(&self.settings.site, shares, self.capacity(), rated, tc::leaf(actual)?))
    }

    fn queues(&self) -> Result<queues::Actual, ExecError> {
        let site = &self.settings.site;
        tc::read(&site.interfaces.wan, &queues::inward(site))
    }

    /// The classes of slots that are not made ahead. All is read back within ten seconds.
    pub(super) fn make_classes(&self, shares: &Shares, coming: &Rated) -> Result<(), ExecError> {
        if coming.is_empty() {
            return Ok(());
        }
        let used = classes::leaf(queues::IFB, queues::GARDEN)?;
        let [.., plainest] = Leaf::ALL;
        let leaf = Leaf::ALL.into_iter().find(|leaf| used.as_deref() == Some(leaf.word()));
        let leaf = leaf.unwrap_or(plainest);
        classes::put(&queues::coming(&self.settings.site, shares, coming, leaf))
    }

    pub(super) fn rated(&self, state: &InForce) -> Rated {
        state.rated(&self.settings.site)
    }

    /// What a change to these shares would do. The kernel is read and not changed. Passes are no part of it: what is said
    /// here is shown to an admin, and names no device.
    pub(super) fn plan(&self, shares: &Shares, now: Instant) -> Result<Vec<String>, Refusal> {
        rules::shares(&self.settings.site, shares)?;
        let mut lines = Vec::new();
        if nft::rules().is_ok_and(|rules| rules != self.rules) {
            lines.push("nft: load base.nft".to_owned());
        }
        let gate = self.plan_gate(None, &BTreeSet::new(), now).map_err(kernel)?;
        lines.extend(gate.iter().map(|step| format!("nft: {step}")));
        let rated = self.in_force.as_ref().map(|state| self.rated(state)).unwrap_or_default();
        let queues = self.plan_queues(shares, &rated, Removal::Later).map_err(kernel)?;
        lines.extend(queues.iter().map(|step| format!("tc: {step}")));
        Ok(lines)
    }

    /// Follows a line that varies: one class in each direction changes in place. What another hand did to the queues is left
    /// to the timer: this comes often.
    pub(super) fn carry(&mut self, capacity: Capacity, now: Instant) -> Result<Capacity, Refusal> {
        let site = &self.settings.site;
        rules::capacity(site, capacity)?;
        let before = self.carried.map(|(before, _)| before);
        tc::apply(&queues::follow(&site.interfaces.wan, before, capacity)).map_err(kernel)?;
        self.carried = Some((capacity, now));
        tracing::debug!(up = %capacity.up, down = %capacity.down, "the line carries");
        Ok(capacity)
    }

    /// A line that nobody watches any more is shaped to what `site.toml` says: a gateway that died while it was narrow must
    /// not leave the building so.
    pub(super) fn end_watch(&mut self, now: Instant) {
        let Some((before, at)) = self.carried else { return };
        if now.saturating_duration_since(at) < CARRIED_LASTS {
            return;
        }
        let site = &self.settings.site;
        match tc::apply(&queues::follow(&site.interfaces.wan, Some(before), site.link.shaped())) {
            Ok(()) => {
                self.carried = None;
                tracing::warn!("nobody says what the line carries any more; it is shaped as site.toml says");
            }
            Err(error) => tracing::warn!(%error, "the line cannot be shaped as site.toml says; tried again"),
        }
    }
}
