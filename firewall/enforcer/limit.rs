//! Another rate for passes that are in force: their class changes, and nothing else of them.

use super::{Enforcer, kernel, line::Removal};
use crate::rules;
use std::{collections::BTreeSet, time::Instant};
use varco_policy::wire::{PassRate, Refusal};

impl Enforcer {
    /// Where a pass goes between the class of its slot and one of its own, the element that names its class is exchanged;
    /// time, counters and flows stay. A device without a pass is passed over: it may have ended meanwhile.
    pub(super) fn limit(
        &mut self,
        generation: u64,
        rates: &[PassRate],
        now: Instant,
    ) -> Result<u64, Refusal> {
        let before = self.in_force.as_ref().ok_or(Refusal::NothingInForce)?;
        rules::generation(generation, before.generation)?;
        rules::rates(rates)?;
        let mut next = before.clone();
        next.generation = generation;
        let mut touched = BTreeSet::new();
        for PassRate { device, rate } in rates {
            let held = next.passes.get_mut(&device.address).filter(|held| held.device == *device);
            if let Some(held) = held.filter(|held| held.rate != *rate) {
                held.rate = *rate;
                touched.insert(device.address);
            }
        }
        if !touched.is_empty() {
            self.change_queues(next.shares(now), &self.rated(&next), Removal::Later).map_err(kernel)?;
            let known = self.known(&touched, now);
            let before = self.in_force.replace(next);
            if let Err(error) = self.touch(known, &touched, &BTreeSet::new(), now) {
                self.in_force = before;
                return Err(kernel(error));
            }
            return Ok(generation);
        }
        self.in_force = Some(next);
        Ok(generation)
    }
}
