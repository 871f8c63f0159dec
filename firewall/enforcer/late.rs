//! Classes that are made after their passes are in force: the kernel walks through all there are to make one, so the ten
//! thousand of a gateway that comes back after a boot take it half a minute, which nobody waits for.

use super::{ENDING, Enforcer, held::InForce};
use crate::{
    classes,
    exec::ExecError,
    queues::{IFB, Minor, Rated},
};
use std::{collections::BTreeSet, net::Ipv4Addr, time::Instant};

/// Classes made before an [`Apply`](varco_policy::wire::Request::Apply) is answered: where it needs more, it is answered first.
const AT_ONCE: usize = 256;
/// Classes made between two looks at who asks: less than a tenth of a second among 10,000.
const SLICE: usize = 32;

impl Enforcer {
    /// The classes that come with these passes and are not there, where they are many.
    pub(super) fn too_many_at_once(&self, next: &InForce) -> Result<BTreeSet<Minor>, ExecError> {
        let site = &self.settings.site;
        let own = next.rated(site).into_keys();
        let mut missing: BTreeSet<_> = own.filter(|minor| minor.comes_with_its_pass()).collect();
        if missing.len() > AT_ONCE && classes::whole(IFB).is_ok_and(|tree| tree.is_some()) {
            let there = |dev| -> Result<BTreeSet<_>, ExecError> {
                Ok(classes::list(dev)?.into_iter().map(|class| class.minor).collect())
            };
            let (up, down) = (there(site.interfaces.wan.as_str())?, there(IFB)?);
            missing.retain(|minor| !up.contains(minor) || !down.contains(minor));
        }
        if missing.len() <= AT_ONCE {
            missing.clear();
        }
        Ok(missing)
    }

    /// When [`Self::make_late`] has something to do.
    pub fn late_at(&self, now: Instant) -> Option<Instant> {
        let late = self.in_force.as_ref().is_some_and(|state| !state.late.is_empty());
        late.then(|| self.retry.unwrap_or(now))
    }

    /// Makes some of the classes that are late, and names each to its pass.
    pub fn make_late(&mut self, now: Instant) {
        self.retry = match self.some_late(now) {
            Ok(()) => None,
            Err(error) => {
                tracing::warn!(%error, "classes of passes cannot be made; they are tried again");
                Some(now + ENDING)
            }
        };
    }

    fn some_late(&mut self, now: Instant) -> Result<(), ExecError> {
        let Some(state) = &self.in_force else { return Ok(()) };
        let some: BTreeSet<_> = state.late.iter().take(SLICE).copied().collect();
        let (mut coming, mut touched) = (Rated::new(), BTreeSet::<Ipv4Addr>::new());
        for held in state.passes.values() {
            if let Some((minor, rate)) = held.own_class(&self.settings.site)
                && some.contains(&minor)
            {
                coming.insert(minor, rate);
                touched.insert(held.device.address);
            }
        }
        self.make_classes(state.shares(now), &coming)?;
        let known = self.known(&touched, now);
        if let Some(state) = &mut self.in_force {
            state.late.retain(|minor| !some.contains(minor));
        }
        self.touch(known, &touched, &BTreeSet::new(), now)
    }
}
