//! The kernel brought to what is in force: what differs is put right, read back until it is equal, and nothing else is touched.

use super::{
    Enforcer,
    held::{InForce, wanted},
};
use crate::{
    bridge, catch,
    exec::ExecError,
    gate::{self, SetName},
    nft,
};
use std::{collections::BTreeSet, net::Ipv4Addr, time::Instant};

/// An element may end between reading and writing, and then the transaction fails as a whole: read again.
const TRIES: usize = 3;

impl Enforcer {
    /// Every ten seconds: whatever differs from the desired state is put right, and nothing else is touched.
    pub fn heal(&mut self, now: Instant) {
        let rules = self.reconcile_rules();
        self.note("rules", rules);
        let elements = self.heal_elements(now);
        self.note("elements", elements);
        let queues = self.reconcile_queues(now);
        self.note("queues", queues);
        let ports = self.isolate();
        self.note("bridge ports", ports);
        let caught = catch::reconcile(&self.settings.site);
        self.note("catch address", caught);
        if let Some(state) = &self.in_force {
            let pinned = self.reconcile_neighbours(&state.neighbours(now));
            self.note("neighbours", pinned);
        }
    }

    fn note(&mut self, part: &str, outcome: Result<bool, ExecError>) {
        match outcome {
            Ok(false) => {}
            Ok(true) => {
                self.healed += 1;
                tracing::warn!(part, "the kernel differed and was healed");
            }
            Err(error) => tracing::error!(part, %error, "the kernel differs and cannot be healed"),
        }
    }

    fn heal_elements(&self, now: Instant) -> Result<bool, ExecError> {
        let (state, nobody) = (self.in_force.as_ref(), BTreeSet::new());
        if self.plan_gate(state, &nobody, now)?.is_empty() {
            return Ok(false);
        }
        let changed = self.reconcile_gate(state, &nobody, now)?;
        self.forget_all(&changed)?;
        Ok(true)
    }

    /// `true` when the rules had to be loaded again.
    pub(super) fn reconcile_rules(&self) -> Result<bool, ExecError> {
        if nft::rules().is_ok_and(|rules| rules == self.rules) {
            return Ok(false);
        }
        nft::load()?;
        nft::remove_strangers()?;
        if nft::rules()? == self.rules {
            return Ok(true);
        }
        Err(ExecError::Unreadable { program: "nft", what: "the rules differ after they were loaded".into() })
    }

    pub(super) fn plan_gate(
        &self,
        state: Option<&InForce>,
        renew: &BTreeSet<Ipv4Addr>,
        now: Instant,
    ) -> Result<Vec<gate::Step>, ExecError> {
        let (wanted, ignored) = wanted(&self.settings.site, state, now);
        let mut actual = nft::read()?;
        actual.retain(|(set, key), _| match (state, key.address()) {
            (None, _) => *set < SetName::Pass,
            (Some(_), Some(address)) => *set < SetName::Pass || !ignored.contains(&address),
            (Some(_), None) => true,
        });
        Ok(gate::plan(&wanted, &actual, renew))
    }

    /// Brings the elements to `state` and reads them back until they are equal. Gives the addresses that lost
    /// an element.
    pub(super) fn reconcile_gate(
        &self,
        state: Option<&InForce>,
        renew: &BTreeSet<Ipv4Addr>,
        now: Instant,
    ) -> Result<BTreeSet<Ipv4Addr>, ExecError> {
        let (mut changed, mut renew, mut refused) = (BTreeSet::new(), renew.clone(), None);
        for _ in 0..TRIES {
            let steps = self.plan_gate(state, &renew, now)?;
            if steps.is_empty() {
                return Ok(changed);
            }
            match nft::apply(&steps) {
                Ok(()) => {
                    changed.extend(gate::addresses(&steps).difference(&renew));
                    renew.clear();
                }
                Err(error) => refused = Some(error),
            }
        }
        if self.plan_gate(state, &renew, now)?.is_empty() {
            return Ok(changed);
        }
        let differs = || ExecError::Unreadable { program: "nft", what: "what was read back differs".into() };
        Err(refused.unwrap_or_else(differs))
    }

    pub(super) fn isolate(&self) -> Result<bool, ExecError> {
        let ports = bridge::open_ports(&self.settings.site.interfaces.guest)?;
        bridge::isolate(&ports)?;
        Ok(!ports.is_empty())
    }
}
