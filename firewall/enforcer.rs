//! The desired state, and the kernel brought to it: on request, and on a timer.
//!
//! The order of a change: queues, then the gate in one transaction, read back until it is equal, then it is in
//! force, then flows that it ended are forgotten. What fails before "in force" leaves the gate as it was.

mod heal;
mod held;
mod late;
mod limit;
mod line;
pub mod networks;
mod trial;

use crate::{
    catch, dns::View, dnsmasq::Instance, exec::ExecError, flows, gate, neighbours::Table, nft, queues::Rated,
    rules, settings::Settings,
};
use anyhow::Context;
use held::{Change, InForce, hold, keep_time, of_passes, stale};
use line::Removal;
use std::{
    collections::BTreeSet,
    net::Ipv4Addr,
    time::{Duration, Instant},
};
use varco_policy::{
    Device, Site,
    wire::{Capacity, Desired, KernelPass, Measured, PortsInUse, Refusal, Reply, Request},
};

/// Around its end a pass may be in the kernel or not: the kernel's clock and ours differ by less than this.
const ENDING: Duration = Duration::from_secs(2);

/// How long redirected flows of whoever was admitted may go on: looking for them is a walk through the kernel's whole
/// table of flows, so nobody waits for it, and many who are admitted one after the other share one.
const SETTLING: Duration = Duration::from_millis(50);

/// What the kernel holds for this site, and who answers for it.
#[derive(Debug)]
pub struct Enforcer {
    settings: Settings,
    /// The site once for each guest network, with that one alone.
    networks: Vec<Site>,
    /// `None` from the start until the first [`Request::Apply`]: passes in the kernel are left alone till then.
    in_force: Option<InForce>,
    /// The rules as the kernel lists them right after they were loaded.
    rules: String,
    dns: Vec<Instance>,
    healed: u64,
    /// What the line carries, where it varies and that was said.
    carried: Option<(Capacity, Instant)>,
    /// Whose redirected flows are to be forgotten, and when.
    unsettled: Option<(Instant, BTreeSet<Ipv4Addr>)>,
    /// When classes that are late are tried again, where the kernel refused them.
    retry: Option<Instant>,
}

impl Enforcer {
    /// Closes the gate, sets the queues up where there are none and starts dnsmasq. Passes, queues and programs
    /// that are there already are not touched.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn start(settings: Settings, now: Instant) -> anyhow::Result<Self> {
        nft::load()
            .context("base.nft; where an older version's sets differ, run `varco-enforcer remove` first")?;
        nft::remove_strangers()?;
        let dns = View::of(&settings.site).iter().map(|view| Instance::new(*view, &settings)).collect();
        let rules = nft::whole_rules()?;
        let networks = networks::each(&settings.site);
        let mut this = Self {
            rules,
            networks,
            in_force: None,
            dns,
            healed: 0,
            carried: None,
            unsettled: None,
            retry: None,
            settings,
        };
        this.reconcile_gate(None, &BTreeSet::new(), now)?;
        if !this.return_from_trial()? {
            this.reconcile_queues(now)?;
        }
        this.isolate()?;
        catch::reconcile(&this.settings.site)?;
        // Without names nobody new gets in, but the gate must be kept: it is tried again every second.
        this.tick(now);
        this.healed = 0;
        Ok(this)
    }

    /// Does what the gateway asks.
    pub fn handle(&mut self, request: Request, now: Instant) -> Reply {
        match self.answer(request, now) {
            Ok(reply) => {
                if let Reply::Done { generation } = reply {
                    tracing::info!(generation, "in force");
                }
                reply
            }
            Err(refusal) => {
                tracing::warn!(%refusal, "refused");
                Reply::Refused(refusal)
            }
        }
    }

    fn answer(&mut self, request: Request, now: Instant) -> Result<Reply, Refusal> {
        let done = |generation| Reply::Done { generation };
        match request {
            Request::Apply(desired) => {
                let applied = self.apply(desired, now);
                if applied.is_ok() {
                    self.settle_trial();
                }
                applied.map(done)
            }
            Request::Admit { generation, passes } => self.admit(generation, &passes, now).map(done),
            Request::Expel { generation, devices } => self.expel(generation, &devices, now).map(done),
            Request::Limit { generation, rates } => self.limit(generation, &rates, now).map(done),
            Request::Measure => self.measure(now).map(Reply::Measured).map_err(kernel),
            Request::Plan(shares) => self.plan(&shares, now).map(Reply::Planned),
            Request::Carry(capacity) => self.carry(capacity, now).map(Reply::Carrying),
            Request::Lanes => crate::measure::lanes(&self.settings.site).map(Reply::Lanes).map_err(kernel),
            Request::Ports => self.ports().map(Reply::Ports).map_err(kernel),
        }
    }

    fn apply(&mut self, desired: Desired, now: Instant) -> Result<u64, Refusal> {
        rules::generation(desired.generation, self.in_force.as_ref().map_or(0, |s| s.generation))?;
        rules::shares(&self.settings.site, &desired.shares)?;
        desired.trial.map_or(Ok(()), |trial| rules::trial(&self.settings.site, &trial))?;
        rules::passes(&self.settings.site, &desired.passes, [])?;
        self.reconcile_rules().map_err(kernel)?;
        let actual = nft::read().map_err(kernel)?;
        let passes = desired.passes.iter().map(|p| (p.device.address, keep_time(p, &actual, now))).collect();
        let trial = trial::asked(&desired, self.in_force.as_ref(), now);
        let (generation, confirmed) = (desired.generation, desired.shares);
        let mut next = InForce { generation, confirmed, trial, passes, late: BTreeSet::new() };
        next.late = self.too_many_at_once(&next).map_err(kernel)?;
        self.prepare_trial(&next)?;
        self.change_queues(next.shares(now), &self.rated(&next), Removal::Later).map_err(kernel)?;
        let changed = self.reconcile_gate(Some(&next), &BTreeSet::new(), now).map_err(kernel)?;
        self.reconcile_neighbours(&next.neighbours(now)).map_err(kernel)?;
        let flows = flows::by_guest(&self.settings.site.guest).map_err(kernel)?;
        let ended = stale(&self.settings.site, &next, &flows);
        self.in_force = Some(next);
        let ended = changed.union(&ended).copied().collect();
        self.forget_all(&ended).map_err(kernel)?;
        Ok(desired.generation)
    }

    fn admit(&mut self, generation: u64, passes: &[KernelPass], now: Instant) -> Result<u64, Refusal> {
        let before = self.in_force.as_ref().ok_or(Refusal::NothingInForce)?;
        rules::generation(generation, before.generation)?;
        let held = before.passes.values().filter(|h| h.until > now);
        rules::passes(&self.settings.site, passes, held.map(|h| (h.device.address, h.slot)))?;
        let (mut other, mut same) = (BTreeSet::new(), BTreeSet::new());
        let rated = self.rated_anew(before, passes, now);
        for pass in passes {
            let old = before.passes.get(&pass.device.address);
            let moved = old.is_some_and(|old| old.device != pass.device || old.slot != pass.slot);
            if moved { &mut other } else { &mut same }.insert(pass.device.address);
        }
        if let Some(rated) = rated {
            self.change_queues(before.shares(now), &rated, Removal::Later).map_err(kernel)?;
        }
        let unrated = passes.iter().filter(|pass| pass.rate.is_none());
        let coming = unrated.filter_map(|pass| hold(pass, now).own_class(&self.settings.site)).collect();
        self.make_classes(before.shares(now), &coming).map_err(kernel)?;
        let change = passes.iter().map(|pass| (pass.device.address, Some(hold(pass, now)))).collect();
        self.exchange(generation, change, now).map_err(kernel)?;
        let pin = passes.iter().map(|p| (p.device.address, p.device.mac)).collect();
        self.pin(&pin, &BTreeSet::new()).map_err(kernel)?;
        self.forget_all(&other).map_err(kernel)?;
        self.unsettled.get_or_insert_with(|| (now + SETTLING, BTreeSet::new())).1.extend(same);
        Ok(generation)
    }

    fn expel(&mut self, generation: u64, devices: &[Device], now: Instant) -> Result<u64, Refusal> {
        let before = self.in_force.as_ref().ok_or(Refusal::NothingInForce)?;
        rules::generation(generation, before.generation)?;
        let another =
            |device: &&Device| before.passes.get(&device.address).is_some_and(|h| h.device != **device);
        let gone = devices.iter().filter(|device| !another(device)).map(|device| device.address);
        let gone: BTreeSet<_> = gone.filter(|a| self.settings.site.guest.contain(*a)).collect();
        let ours = gone.iter().filter(|address| before.passes.contains_key(address));
        let change = ours.map(|address| (*address, None)).collect();
        self.exchange(generation, change, now).map_err(kernel)?;
        self.forget_all(&gone).map_err(kernel)?;
        self.pin(&Table::new(), &gone).map_err(kernel)?;
        Ok(generation)
    }

    fn measure(&self, now: Instant) -> Result<Measured, ExecError> {
        let mut measured = crate::measure::kernel(&self.settings.site)?;
        measured.generation = self.in_force.as_ref().map(|s| s.generation);
        measured.healed = self.healed;
        let known = self.carried.is_some() || self.in_force.is_some();
        measured.capacity = known.then(|| self.capacity());
        let trial = self.in_force.as_ref().and_then(InForce::running);
        // A part of a second is a second left.
        measured.trial = trial.map(|trial| {
            let left = trial.until.saturating_duration_since(now);
            u32::try_from(left.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX)
        });
        Ok(measured)
    }

    fn ports(&self) -> Result<PortsInUse, ExecError> {
        let slots = self.in_force.iter().flat_map(|state| &state.passes);
        let slots = slots.map(|(guest, held)| (*guest, held.slot)).collect();
        crate::measure::ports(&self.settings.site, &slots)
    }

    /// Once a second: dnsmasq runs, a trial of shares ends, and passes that the kernel has ended are forgotten with their flows.
    pub fn tick(&mut self, now: Instant) {
        for instance in &mut self.dns {
            match instance.tend(now) {
                Ok(false) => {}
                Ok(true) => self.healed += 1,
                Err(error) => tracing::warn!(%error, "dnsmasq does not run"),
            }
        }
        self.end_trial(now);
        self.end_watch(now);
        let Some(state) = &mut self.in_force else { return };
        let ended = state.passes.extract_if(.., |_, held| held.until + ENDING <= now);
        let ended: BTreeSet<_> = ended.map(|(address, _)| address).collect();
        let forgotten = self.forget_all(&ended);
        if let Err(error) = forgotten.and_then(|()| self.pin(&Table::new(), &ended)) {
            tracing::warn!(%error, "something of an ended pass is left");
        }
    }

    /// When [`Self::settle`] has something to do.
    pub fn settles_at(&self) -> Option<Instant> {
        self.unsettled.as_ref().map(|(at, _)| *at)
    }

    /// Forgets the redirected flows of whoever was admitted lately.
    pub fn settle(&mut self, now: Instant) {
        let Some((_, guests)) = self.unsettled.take() else { return };
        if let Err(error) = flows::forget_all_redirected(&guests, &self.settings.site.guest) {
            tracing::warn!(%error, "redirected flows of who was admitted are left; they are tried again");
            self.unsettled = Some((now + ENDING, guests));
        }
    }

    /// Gives each of these addresses the pass that is said, or none, beginning anew; where the kernel refuses, all is in
    /// force that was. Its cost does not grow with the passes: nothing of the others is looked at or copied.
    fn exchange(&mut self, generation: u64, change: Change, now: Instant) -> Result<(), ExecError> {
        let touched: BTreeSet<_> = change.keys().copied().collect();
        let known = self.known(&touched, now);
        let Some(state) = &mut self.in_force else { return Ok(()) };
        let before = std::mem::replace(&mut state.generation, generation);
        let undo = state.put(change);
        let outcome = self.touch(known, &touched, &touched, now);
        if outcome.is_err()
            && let Some(state) = &mut self.in_force
        {
            state.generation = before;
            state.put(undo);
        }
        outcome
    }

    /// What the kernel holds of these addresses, as far as is known; `None` while one of them is just ending.
    fn known(&self, touched: &BTreeSet<Ipv4Addr>, now: Instant) -> Option<gate::Wanted> {
        let state = self.in_force.as_ref()?;
        let passes = touched.iter().filter_map(|a| state.passes.get(a));
        let (known, ending) = of_passes(&self.settings.site, passes, &state.late, now);
        ending.is_empty().then_some(known)
    }

    /// Brings the elements of these addresses from what is known to what is in force. Where the kernel holds something
    /// else, all of it is read and put right. Those in `renew` begin anew.
    fn touch(
        &self,
        known: Option<gate::Wanted>,
        touched: &BTreeSet<Ipv4Addr>,
        renew: &BTreeSet<Ipv4Addr>,
        now: Instant,
    ) -> Result<(), ExecError> {
        let Some(state) = &self.in_force else { return Ok(()) };
        let next = touched.iter().filter_map(|a| state.passes.get(a));
        let (next, _) = of_passes(&self.settings.site, next, &state.late, now);
        if let Some(known) = known
            && nft::exchange(&gate::plan(&next, &gate::as_wanted(known), renew)).is_ok()
        {
            return Ok(());
        }
        // Nobody is let in through a gate that is not whole.
        self.reconcile_rules()?;
        self.reconcile_gate(Some(state), renew, now).map(drop)
    }

    /// The classes of passes with a rate of their own, where these passes change one.
    fn rated_anew(&self, before: &InForce, passes: &[KernelPass], now: Instant) -> Option<Rated> {
        let old = |pass: &KernelPass| before.passes.get(&pass.device.address);
        let anew = |pass: &&KernelPass| {
            pass.rate.is_some() && old(pass).is_none_or(|old| old.rate != pass.rate || old.slot != pass.slot)
        };
        passes.iter().any(|pass| anew(&pass)).then(|| {
            let staying = before
                .passes
                .values()
                .filter(|held| !passes.iter().any(|p| p.device.address == held.device.address));
            let coming = passes.iter().filter_map(|pass| hold(pass, now).own_class(&self.settings.site));
            before.rated_of(&self.settings.site, staying).into_iter().chain(coming).collect()
        })
    }
}

fn kernel(error: ExecError) -> Refusal {
    Refusal::Kernel(error.to_string())
}
