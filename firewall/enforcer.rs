//! The desired state, and the kernel brought to it: on request, and on a timer.
//!
//! The order of a change: queues, then the gate in one transaction, read back until it is equal, then it is in
//! force, then flows that it ended are forgotten. What fails before "in force" leaves the gate as it was.

use crate::{
    bridge, classes,
    dns::View,
    dnsmasq::Instance,
    exec::ExecError,
    flows,
    gate::{self, Key, SetName},
    neighbours::{self, Table},
    nft,
    queues::{self, Leaf, Minor, Rated},
    rules,
    settings::Settings,
    tc,
};
use anyhow::Context;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    time::{Duration, Instant},
};
use varco_policy::{
    Device, Rate, Shares, Site, Slot,
    wire::{Desired, KernelPass, Measured, PortsInUse, Refusal, Reply, Request},
};

/// Around its end a pass may be in the kernel or not: the kernel's clock and ours differ by less than this.
const ENDING: Duration = Duration::from_secs(2);
/// An element may end between reading and writing, and then the transaction fails as a whole: read again.
const TRIES: usize = 3;

/// How long redirected flows of whoever was admitted may go on: looking for them is a walk through the kernel's whole
/// table of flows, so nobody waits for it, and many who are admitted one after the other share one.
const SETTLING: Duration = Duration::from_millis(50);

/// A pass in force.
#[derive(Debug, Clone, Copy)]
struct Held {
    device: Device,
    slot: Slot,
    rate: Option<Rate>,
    until: Instant,
}

impl Held {
    fn class(&self, site: &Site) -> Minor {
        if self.rate.is_some() { Minor::of_rated(site, self.slot) } else { Minor::of_slot(site, self.slot) }
    }
}

impl Held {
    /// Its class and rate, where that is not one of those made ahead.
    fn own_class(&self, site: &Site) -> Option<(Minor, Rate)> {
        let class = self.class(site);
        let rate = self.rate.or_else(|| class.comes_with_its_pass().then(|| queues::rate_of_passes(site)));
        Some((class, rate?))
    }
}

/// The state in force. One pass for an address: the newer replaces the older.
#[derive(Debug, Clone)]
struct InForce {
    generation: u64,
    shares: Shares,
    passes: BTreeMap<Ipv4Addr, Held>,
}

impl InForce {
    fn rated(&self, site: &Site) -> Rated {
        self.passes.values().filter_map(|held| held.own_class(site)).collect()
    }

    /// Whom each address of an open pass belongs to.
    fn neighbours(&self, now: Instant) -> Table {
        let open = self.passes.values().filter(|held| held.until > now);
        open.map(|held| (held.device.address, held.device.mac)).collect()
    }
}

/// When classes of guests that nobody needs go. A packet whose class is gone would wait among the office's: so
/// not before no element names the class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Removal {
    Now,
    Later,
}

/// What the kernel holds for this site, and who answers for it.
#[derive(Debug)]
pub struct Enforcer {
    settings: Settings,
    /// `None` from the start until the first [`Request::Apply`]: passes in the kernel are left alone till then.
    in_force: Option<InForce>,
    /// The rules as the kernel lists them right after they were loaded.
    rules: String,
    dns: Vec<Instance>,
    healed: u64,
    /// Whose redirected flows are to be forgotten, and when.
    unsettled: Option<(Instant, BTreeSet<Ipv4Addr>)>,
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
        let mut this =
            Self { rules: nft::whole_rules()?, in_force: None, dns, healed: 0, unsettled: None, settings };
        this.reconcile_gate(None, &BTreeSet::new(), now)?;
        this.reconcile_queues()?;
        this.isolate()?;
        // Without names nobody new gets in, but the gate must be kept: it is tried again every second.
        this.tick(now);
        this.healed = 0;
        Ok(this)
    }

    /// Does what the gateway asks.
    pub fn handle(&mut self, request: Request, now: Instant) -> Reply {
        let outcome = match request {
            Request::Apply(desired) => self.apply(desired, now),
            Request::Admit { generation, passes } => self.admit(generation, &passes, now),
            Request::Expel { generation, devices } => self.expel(generation, &devices, now),
            Request::Measure => {
                return self.measure().map_or_else(|e| Reply::Refused(kernel(e)), Reply::Measured);
            }
            Request::Lanes => {
                let lanes = crate::measure::lanes(&self.settings.site);
                return lanes.map_or_else(|e| Reply::Refused(kernel(e)), Reply::Lanes);
            }
            Request::Ports => return self.ports().map_or_else(|e| Reply::Refused(kernel(e)), Reply::Ports),
            Request::Limit { .. } | Request::Plan(_) | Request::Carry(_) => {
                return Reply::Refused(Refusal::NotAllowed("not built yet".into()));
            }
        };
        match outcome {
            Ok(generation) => {
                tracing::info!(generation, "in force");
                Reply::Done { generation }
            }
            Err(refusal) => {
                tracing::warn!(%refusal, "refused");
                Reply::Refused(refusal)
            }
        }
    }

    fn apply(&mut self, desired: Desired, now: Instant) -> Result<u64, Refusal> {
        rules::generation(desired.generation, self.in_force.as_ref().map_or(0, |s| s.generation))?;
        rules::shares(&self.settings.site, &desired.shares)?;
        rules::passes(&self.settings.site, &desired.passes, &BTreeMap::new())?;
        self.reconcile_rules().map_err(kernel)?;
        let actual = nft::read().map_err(kernel)?;
        let passes = desired.passes.iter().map(|p| (p.device.address, keep_time(p, &actual, now))).collect();
        let next = InForce { generation: desired.generation, shares: desired.shares, passes };
        self.change_queues(&next.shares, &next.rated(&self.settings.site), Removal::Later).map_err(kernel)?;
        let changed = self.reconcile_gate(Some(&next), &BTreeSet::new(), now).map_err(kernel)?;
        neighbours::reconcile(&self.settings.site, &next.neighbours(now)).map_err(kernel)?;
        let flows = flows::by_guest(self.settings.site.guest.subnet).map_err(kernel)?;
        let ended = stale(&self.settings.site, &next, &flows);
        self.in_force = Some(next);
        let ended = changed.union(&ended).copied().collect();
        flows::forget_all(&ended, self.settings.site.guest.subnet).map_err(kernel)?;
        Ok(desired.generation)
    }

    fn admit(&mut self, generation: u64, passes: &[KernelPass], now: Instant) -> Result<u64, Refusal> {
        let before = self.in_force.as_ref().ok_or(Refusal::NothingInForce)?;
        rules::generation(generation, before.generation)?;
        let held = before.passes.values().filter(|h| h.until > now);
        let held = held.map(|h| (h.device.address, h.slot)).collect();
        rules::passes(&self.settings.site, passes, &held)?;
        let before = before.clone();
        let mut next = InForce { generation, ..before };
        let (mut other, mut same, mut rated) = (BTreeSet::new(), BTreeSet::new(), false);
        for pass in passes {
            let new = hold(pass, now);
            let replaced = next.passes.insert(new.device.address, new);
            rated |=
                new.rate.is_some() && replaced.is_none_or(|old| old.rate != new.rate || old.slot != new.slot);
            let moved = replaced.is_some_and(|old| old.device != new.device || old.slot != new.slot);
            if moved { &mut other } else { &mut same }.insert(new.device.address);
        }
        if rated {
            let classes = next.rated(&self.settings.site);
            self.change_queues(&next.shares, &classes, Removal::Later).map_err(kernel)?;
        }
        let unrated = passes.iter().filter(|pass| pass.rate.is_none());
        let coming = unrated.filter_map(|pass| hold(pass, now).own_class(&self.settings.site)).collect();
        self.make_classes(&next.shares, &coming).map_err(kernel)?;
        let renew = passes.iter().map(|p| p.device.address).collect();
        self.touch(&next, &renew, now).map_err(kernel)?;
        self.in_force = Some(next);
        let pin = passes.iter().map(|p| (p.device.address, p.device.mac)).collect();
        neighbours::change(&self.settings.site, &pin, &BTreeSet::new()).map_err(kernel)?;
        let subnet = self.settings.site.guest.subnet;
        flows::forget_all(&other, subnet).map_err(kernel)?;
        self.unsettled.get_or_insert_with(|| (now + SETTLING, BTreeSet::new())).1.extend(same);
        Ok(generation)
    }

    fn expel(&mut self, generation: u64, devices: &[Device], now: Instant) -> Result<u64, Refusal> {
        let before = self.in_force.as_ref().ok_or(Refusal::NothingInForce)?;
        rules::generation(generation, before.generation)?;
        let mut next = InForce { generation, ..before.clone() };
        next.passes.retain(|_, held| !devices.contains(&held.device));
        let ours =
            |device: &&Device| before.passes.get(&device.address).is_some_and(|h| h.device == **device);
        let touched = devices.iter().filter(ours).map(|device| device.address).collect();
        self.touch(&next, &touched, now).map_err(kernel)?;
        let gone = devices.iter().map(|d| d.address).filter(|a| !next.passes.contains_key(a));
        let gone: BTreeSet<_> = gone.filter(|a| self.settings.site.guest.subnet.contains(a)).collect();
        self.in_force = Some(next);
        flows::forget_all(&gone, self.settings.site.guest.subnet).map_err(kernel)?;
        neighbours::change(&self.settings.site, &Table::new(), &gone).map_err(kernel)?;
        Ok(generation)
    }

    fn measure(&self) -> Result<Measured, ExecError> {
        let mut measured = crate::measure::kernel(&self.settings.site)?;
        measured.generation = self.in_force.as_ref().map(|s| s.generation);
        measured.healed = self.healed;
        Ok(measured)
    }

    fn ports(&self) -> Result<PortsInUse, ExecError> {
        let slots = self.in_force.iter().flat_map(|state| &state.passes);
        let slots = slots.map(|(guest, held)| (*guest, held.slot)).collect();
        crate::measure::ports(&self.settings.site, &slots)
    }

    /// Once a second: dnsmasq runs, and passes that the kernel has ended are forgotten with their flows.
    pub fn tick(&mut self, now: Instant) {
        for instance in &mut self.dns {
            match instance.tend(now) {
                Ok(false) => {}
                Ok(true) => self.healed += 1,
                Err(error) => tracing::warn!(%error, "dnsmasq does not run"),
            }
        }
        let Some(state) = &mut self.in_force else { return };
        let ended = state.passes.extract_if(.., |_, held| held.until + ENDING <= now);
        let ended: BTreeSet<_> = ended.map(|(address, _)| address).collect();
        let forgotten = flows::forget_all(&ended, self.settings.site.guest.subnet);
        if let Err(error) =
            forgotten.and_then(|()| neighbours::change(&self.settings.site, &Table::new(), &ended))
        {
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
        if let Err(error) = flows::forget_all_redirected(&guests, self.settings.site.guest.subnet) {
            tracing::warn!(%error, "redirected flows of who was admitted are left; they are tried again");
            self.unsettled = Some((now + ENDING, guests));
        }
    }

    /// Every ten seconds: whatever differs from the desired state is put right, and nothing else is touched.
    pub fn heal(&mut self, now: Instant) {
        let rules = self.reconcile_rules();
        self.note("rules", rules);
        let elements = self.heal_elements(now);
        self.note("elements", elements);
        let queues = self.reconcile_queues();
        self.note("queues", queues);
        let ports = self.isolate();
        self.note("bridge ports", ports);
        if let Some(state) = &self.in_force {
            let pinned = neighbours::reconcile(&self.settings.site, &state.neighbours(now));
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
        flows::forget_all(&changed, self.settings.site.guest.subnet)?;
        Ok(true)
    }

    /// `true` when the rules had to be loaded again.
    fn reconcile_rules(&self) -> Result<bool, ExecError> {
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

    fn plan_gate(
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
    fn reconcile_gate(
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

    /// Brings the elements of these addresses to `next`, from what is in force, at a cost that does not grow with
    /// the passes. Where the kernel holds something else than is in force, all of it is read and put right.
    fn touch(&self, next: &InForce, touched: &BTreeSet<Ipv4Addr>, now: Instant) -> Result<(), ExecError> {
        let site = &self.settings.site;
        let of = |state: &InForce| of_passes(site, touched.iter().filter_map(|a| state.passes.get(a)), now);
        let known = self.in_force.as_ref().map(of);
        if let Some((known, ending)) = known
            && ending.is_empty()
            && nft::exchange(&gate::plan(&of(next).0, &gate::as_wanted(known), touched)).is_ok()
        {
            return Ok(());
        }
        // Nobody is let in through a gate that is not whole.
        self.reconcile_rules()?;
        self.reconcile_gate(Some(next), touched, now).map(drop)
    }

    /// Queues as in force. Before the first desired state, queues that are there may carry other shares than
    /// the settings say: they are left as they are.
    fn reconcile_queues(&self) -> Result<bool, ExecError> {
        if let Some(state) = &self.in_force {
            return self.change_queues(&state.shares, &state.rated(&self.settings.site), Removal::Now);
        }
        let site = &self.settings.site;
        let actual = tc::read(&site.interfaces.wan, &queues::inward(site))?;
        let wanted = queues::wanted(site, &site.shares(), &Rated::new(), tc::leaf(&actual)?);
        if queues::is_whole(&wanted, &actual) {
            return Ok(false);
        }
        self.change_queues(&site.shares(), &Rated::new(), Removal::Later)
    }

    fn change_queues(&self, shares: &Shares, rated: &Rated, removal: Removal) -> Result<bool, ExecError> {
        let site = &self.settings.site;
        let plan = |actual: &queues::Actual| {
            let wanted = queues::wanted(site, shares, rated, tc::leaf(actual)?);
            let mut steps = queues::plan(&wanted, actual);
            let later = |step: &queues::Step| removal == Removal::Later && step.removes_a_guests_class();
            steps.retain(|step| !later(step));
            Ok::<_, ExecError>(steps)
        };
        let read = || tc::read(&site.interfaces.wan, &queues::inward(site));
        let steps = plan(&read()?)?;
        if steps.is_empty() {
            return Ok(false);
        }
        tc::apply(&steps)?;
        let left = plan(&read()?)?;
        match left.first() {
            None => Ok(true),
            Some(step) => Err(ExecError::Unreadable { program: "tc", what: format!("still to do: {step}") }),
        }
    }

    /// The classes of slots that are not made ahead. All is read back within ten seconds.
    fn make_classes(&self, shares: &Shares, coming: &Rated) -> Result<(), ExecError> {
        if coming.is_empty() {
            return Ok(());
        }
        let used = classes::leaf(queues::IFB, queues::GARDEN)?;
        let leaf =
            Leaf::ALL.into_iter().find(|leaf| used.as_deref() == Some(leaf.word())).unwrap_or(Leaf::Pfifo);
        classes::put(&queues::coming(&self.settings.site, shares, coming, leaf))
    }

    fn isolate(&self) -> Result<bool, ExecError> {
        let ports = bridge::open_ports(&self.settings.site.interfaces.guest)?;
        bridge::isolate(&ports)?;
        Ok(!ports.is_empty())
    }
}

fn kernel(error: ExecError) -> Refusal {
    Refusal::Kernel(error.to_string())
}

fn hold(pass: &KernelPass, now: Instant) -> Held {
    let KernelPass { device, slot, rate, .. } = *pass;
    Held { device, slot, rate, until: now + Duration::from_secs(pass.seconds.into()) }
}

/// A pass that the kernel holds already keeps the kernel's time.
fn keep_time(pass: &KernelPass, actual: &gate::Actual, now: Instant) -> Held {
    let seconds = actual.get(&(SetName::PassUp, Key::Device(pass.device))).and_then(|seen| seen.seconds);
    hold(&KernelPass { seconds: seconds.unwrap_or(pass.seconds), ..*pass }, now)
}

/// The elements that should be, and the addresses whose pass is just ending: those are not looked at.
fn wanted(site: &Site, state: Option<&InForce>, now: Instant) -> (gate::Wanted, BTreeSet<Ipv4Addr>) {
    let (mut wanted, ignored) = of_passes(site, state.iter().flat_map(|s| s.passes.values()), now);
    wanted.extend(gate::of_site(site));
    (wanted, ignored)
}

fn of_passes<'a>(
    site: &Site,
    passes: impl Iterator<Item = &'a Held>,
    now: Instant,
) -> (gate::Wanted, BTreeSet<Ipv4Addr>) {
    let (mut wanted, mut ignored) = (gate::Wanted::new(), BTreeSet::new());
    for held in passes {
        let left = held.until.saturating_duration_since(now);
        if left <= ENDING && held.until + ENDING > now {
            ignored.insert(held.device.address);
        } else if left > ENDING {
            let seconds = u32::try_from(left.as_secs()).unwrap_or(u32::MAX);
            wanted.extend(gate::of_pass(held.device, held.slot, held.class(site), seconds));
        }
    }
    (wanted, ignored)
}

/// The guests with a flow from a public address and port that is not theirs now: left by a pass that ended
/// while nobody looked.
fn stale(site: &Site, state: &InForce, flows: &flows::PublicByGuest) -> BTreeSet<Ipv4Addr> {
    let lent = |address: &Ipv4Addr| site.slots.addresses.contains(address);
    let theirs = |guest, (public, port)| state.passes.get(guest).is_some_and(|h| h.slot.covers(public, port));
    let is_stale = |guest, public: &(Ipv4Addr, u16)| lent(&public.0) && !theirs(guest, *public);
    let stale = flows.iter().filter(|(guest, publics)| publics.iter().any(|public| is_stale(guest, public)));
    stale.map(|(guest, _)| *guest).collect()
}
