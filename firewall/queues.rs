//! The queues that share the line between the lanes, and the steps from those there are. Pure.
//!
//! Uplink: HTB on the WAN interface. Downlink: what leaves towards guests, offices and cameras is redirected
//! into one IFB, so that all share one HTB. `base.nft` names each packet's class by its priority; class 1:0 is
//! HTB's direct queue, for what does not cross the line.

mod minor;
mod step;

use minor::{AHEAD, FIRST_OF_PASSES, classes_of_slots};
pub use minor::{GARDEN, LINE, MOST_CLASSES, Minor};
use std::collections::{BTreeMap, BTreeSet};
pub use step::Step;
use step::quantum;
pub(crate) use step::{burst, turn};
use varco_policy::{
    IfName, Lane, Rate, Shares, Site,
    lane::{Lanes, Share},
    wire::{Capacity, Direction},
};

/// The interface of the downlink's queue.
pub const IFB: &str = "ifb-varco";
/// Where our redirection stands among an interface's filters: out of the way of others.
pub const PREF: &str = "7700";
/// A turn shorter than a packet as the kernel passes it on (up to 64 KiB, aggregated) is still a whole packet. With
/// turns of 2,000 bytes one connection took 78 % against another guest's 24; aggregation is the likely reason.
const ONE_AGGREGATE: u64 = 65_536;
/// Packets of a lane's queue, and the most of a pass's.
const LONG: u32 = 1_000;
/// Packets of a pass's queue at least.
const SHORT: u32 = 12;
/// A guarantee so small that HTB's clock still holds its burst (274 seconds), so that all together stay under
/// the lane's.
const LEAST_GUARANTEE: Rate = Rate::from_bits(200);

/// The queueing discipline inside a lane, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names of Linux")]
pub enum Leaf {
    Cake,
    FqCodel,
    /// With so many packets.
    Pfifo(u32),
}

impl Leaf {
    /// Best first.
    pub const ALL: [Self; 3] = [Self::Cake, Self::FqCodel, Self::Pfifo(LONG)];

    /// The kernel's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cake => "cake",
            Self::FqCodel => "fq_codel",
            Self::Pfifo(_) => "pfifo",
        }
    }

    /// HTB shapes, so CAKE is unlimited and only shares fairly among devices: behind NAT on the way up.
    fn options(self, direction: Direction) -> String {
        match (self, direction) {
            (Self::Cake, Direction::Up) => "cake unlimited besteffort dual-srchost nat".into(),
            (Self::Cake, Direction::Down) => "cake unlimited besteffort dual-dsthost".into(),
            (Self::FqCodel, _) => "fq_codel".into(),
            (Self::Pfifo(packets), _) => format!("pfifo limit {packets}"),
        }
    }

    /// Whether a queue is this.
    pub fn is(self, queue: &Queue) -> bool {
        let limited = match self {
            Self::Pfifo(packets) => queue.limit == Some(packets),
            Self::Cake | Self::FqCodel => true,
        };
        limited && queue.kind == self.word()
    }
}

/// A queue in the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// The kernel's word for its kind.
    pub kind: String,
    /// Its limit, where it has one.
    pub limit: Option<u32>,
}

/// Packets of a pass's queue where the kernel has nothing better than `pfifo`: what the line carries in a millisecond and a
/// half. Behind a line with a deep buffer, what makes senders slow down is what is lost here: among 50 guests with 400
/// streams on 100 Mbit/s 12 packets kept all of the office's download, 32 lost 2 %, 60 kB half of it; with 1,000 a flood of
/// datagrams stood for six seconds, and aggregated packets of 50 guests held 400 MB. Senders with BBR do not slow down for loss,
/// and are better calmed by a long queue (BENCHMARKS.md).
fn short(line: Rate) -> u32 {
    let packets = line.bytes() * 3 / 2_000 / 1_514;
    u32::try_from(packets).unwrap_or(LONG).clamp(SHORT, LONG)
}

/// A class of HTB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// Its guarantee.
    pub rate: Rate,
    /// Its ceiling.
    pub ceil: Rate,
    /// 0 is served first; the line and the guest lane, which hold others, have none.
    pub prio: Option<u8>,
    /// Bytes of its turn, where they do not follow from its ceiling; `tc` does not show them.
    pub turn: Option<u64>,
}

/// One HTB with its classes and leaves, as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    /// Whether the root is HTB `1:` with the office as its default.
    pub rooted: bool,
    /// Its classes.
    pub classes: BTreeMap<Minor, Class>,
    /// The queue of each class that was given one.
    pub leaves: BTreeMap<Minor, Queue>,
}

/// What an interface does with what leaves towards the building.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hook {
    /// Whether it has `clsact`.
    pub clsact: bool,
    /// Whether a filter stands at our place.
    pub filter: bool,
    /// Whether that filter redirects into the IFB.
    pub redirects: bool,
}

/// All queues, as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Actual {
    /// Whether the IFB is there and up.
    pub ifb: bool,
    /// The uplink's tree.
    pub up: Tree,
    /// The downlink's tree.
    pub down: Tree,
    /// The interfaces towards the building that exist.
    pub hooks: BTreeMap<IfName, Hook>,
}

/// All queues, as they should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The uplink.
    pub wan: IfName,
    /// Classes of the uplink.
    pub up: BTreeMap<Minor, Class>,
    /// Classes of the downlink.
    pub down: BTreeMap<Minor, Class>,
    /// The leaf in each lane.
    pub leaf: Leaf,
    /// Packets of a pass's queue up and down, where it is a `pfifo`.
    pub short: [u32; 2],
}

/// The classes of passes with a rate of their own, and of those whose class [comes with them](Minor::comes_with_its_pass).
pub type Rated = BTreeMap<Minor, Rate>;

/// What a pass without a rate of its own may reach: the lane's ceiling bounds it.
pub fn rate_of_passes(site: &Site) -> Rate {
    site.passes.rate.unwrap_or(Rate::from_bits(u64::MAX))
}

/// The classes that `coming` need, in both trees.
pub fn coming(site: &Site, shares: &Shares, coming: &Rated, leaf: Leaf) -> Vec<Step> {
    let mut steps = Vec::new();
    let wan = site.interfaces.wan.as_str();
    let [up, down] = short_queues(site);
    for (dev, direction, lane, short) in
        [(wan, Direction::Up, shares.up.guest, up), (IFB, Direction::Down, shares.down.guest, down)]
    {
        let all = classes_of_passes(lane, classes_of_slots(site), None, coming);
        for (minor, class) in all.filter(|(minor, _)| coming.contains_key(minor)) {
            steps.push(Step::AddClass(dev.to_owned(), minor, class));
            let leaf = leaf_of(minor, leaf, short);
            steps.extend(leaf.map(|leaf| Step::SetLeaf(dev.to_owned(), minor, leaf, direction)));
        }
    }
    steps
}

/// What the site, the shares and passes with a rate of their own ask for.
pub fn wanted(site: &Site, shares: &Shares, line: Capacity, rated: &Rated, leaf: Leaf) -> Wanted {
    let each = |lanes: &Lanes, link| {
        let mut all = classes(lanes, link);
        all.extend(classes_of_passes(lanes.guest, classes_of_slots(site), site.passes.rate, rated));
        all
    };
    Wanted {
        wan: site.interfaces.wan.clone(),
        up: each(&shares.up, line.up),
        down: each(&shares.down, line.down),
        leaf,
        short: short_queues(site),
    }
}

/// Of the contract and not of the ceiling: a share that moves exchanges no queue.
fn short_queues(site: &Site) -> [u32; 2] {
    [short(site.link.up), short(site.link.down)]
}

/// Guests take turns: equal quantum, and next to no guarantee, so that what each gets is lent by the lane.
fn classes_of_passes(
    lane: Share,
    count: u16,
    rate: Option<Rate>,
    rated: &Rated,
) -> impl Iterator<Item = (Minor, Class)> {
    let equal = Rate::from_bits(lane.guaranteed.bits() / u64::from(count)).max(LEAST_GUARANTEE);
    let class = move |limit: Option<Rate>| Class {
        rate: equal,
        ceil: limit.unwrap_or(lane.ceiling).min(lane.ceiling),
        prio: Some(Lane::Guest.priority()),
        turn: Some(quantum(lane.ceiling).max(ONE_AGGREGATE)),
    };
    let ahead = (0..count.min(AHEAD)).map(move |n| (Minor(FIRST_OF_PASSES + n), class(rate)));
    let own = rated.iter().map(move |(minor, rate)| (*minor, class(Some(*rate))));
    std::iter::once((GARDEN, class(None))).chain(ahead).chain(own)
}

/// The interfaces whose egress is the downlink.
pub fn inward(site: &Site) -> BTreeSet<IfName> {
    let i = &site.interfaces;
    i.guest.iter().chain(&i.office).chain(&i.critical).cloned().collect()
}

fn classes(lanes: &Lanes, link: Rate) -> BTreeMap<Minor, Class> {
    let of_lane = |lane: Lane| {
        let share = lanes.of(lane);
        // The guests' lane holds classes, and HTB has a priority only for those that hold none.
        let prio = (lane != Lane::Guest).then_some(lane.priority());
        (Minor::of(lane), Class { rate: share.guaranteed, ceil: share.ceiling, prio, turn: None })
    };
    std::iter::once((LINE, whole(link))).chain(Lane::ALL.map(of_lane)).collect()
}

const fn whole(line: Rate) -> Class {
    Class { rate: line, ceil: line, prio: None, turn: None }
}

/// The steps that follow a line from `before`, where that is known, to `now`.
pub fn follow(wan: &IfName, before: Option<Capacity>, now: Capacity) -> Vec<Step> {
    let each = |dev: &str, before: Option<Rate>, now| {
        (before != Some(now)).then(|| Step::ChangeClass(dev.to_owned(), LINE, whole(now)))
    };
    let up = each(wan.as_str(), before.map(|b| b.up), now.up);
    up.into_iter().chain(each(IFB, before.map(|b| b.down), now.down)).collect()
}

/// Whether every queue is there, whatever its rates.
pub fn is_whole(wanted: &Wanted, actual: &Actual) -> bool {
    let has = |tree: &Tree, wanted: &BTreeMap<Minor, Class>| {
        tree.rooted && wanted.keys().all(|minor| tree.classes.contains_key(minor))
    };
    let hooked = actual.hooks.values().all(|hook| hook.redirects);
    hooked && has(&actual.up, &wanted.up) && has(&actual.down, &wanted.down)
}

/// The steps from `actual` to `wanted`. What is right already is not touched: a queue in use never loses a
/// packet to a restart. The redirection comes last, when the IFB can carry it.
pub fn plan(wanted: &Wanted, actual: &Actual) -> Vec<Step> {
    let mut steps = Vec::new();
    // Without its IFB, whatever was read of the downlink is gone as well.
    let down = if actual.ifb { actual.down.clone() } else { Tree::default() };
    if !actual.ifb {
        steps.push(Step::AddIfb);
    }
    let [short_up, short_down] = wanted.short;
    let up = (&wanted.up, wanted.leaf, short_up);
    plan_tree(&mut steps, wanted.wan.as_str(), Direction::Up, up, &actual.up);
    plan_tree(&mut steps, IFB, Direction::Down, (&wanted.down, wanted.leaf, short_down), &down);
    for (dev, hook) in &actual.hooks {
        plan_hook(&mut steps, dev, *hook);
    }
    steps
}

fn plan_tree(
    steps: &mut Vec<Step>,
    dev: &str,
    direction: Direction,
    (wanted, leaf, short): (&BTreeMap<Minor, Class>, Leaf, u32),
    actual: &Tree,
) {
    let nothing = Tree::default();
    let actual = if actual.rooted { actual } else { &nothing };
    if !actual.rooted {
        steps.push(Step::SetRoot(dev.to_owned()));
    }
    let stays = |minor: &Minor| wanted.contains_key(minor) || minor.comes_with_its_pass();
    for minor in actual.classes.keys().filter(|minor| !stays(minor)) {
        steps.push(Step::DeleteClass(dev.to_owned(), *minor));
    }
    for (minor, class) in wanted {
        match actual.classes.get(minor) {
            None => steps.push(Step::AddClass(dev.to_owned(), *minor, *class)),
            Some(seen) if !same(*seen, *class) => {
                steps.push(Step::ChangeClass(dev.to_owned(), *minor, *class))
            }
            Some(_) => {}
        }
        let Some(leaf) = leaf_of(*minor, leaf, short) else { continue };
        if actual.leaves.get(minor).is_none_or(|queue| !leaf.is(queue)) {
            steps.push(Step::SetLeaf(dev.to_owned(), *minor, leaf, direction));
        }
    }
}

/// A guest's class needs no CAKE, since it is one guest's.
const fn leaf_of(minor: Minor, leaf: Leaf, short: u32) -> Option<Leaf> {
    match (minor.0, leaf) {
        (0x1 | 0x30, _) => None,
        (FIRST_OF_PASSES.., Leaf::Pfifo(_)) => Some(Leaf::Pfifo(short)),
        (FIRST_OF_PASSES.., Leaf::Cake | Leaf::FqCodel) => Some(Leaf::FqCodel),
        (_, leaf) => Some(leaf),
    }
}

fn plan_hook(steps: &mut Vec<Step>, dev: &IfName, hook: Hook) {
    if hook.redirects {
        return;
    }
    if !hook.clsact {
        steps.push(Step::AddHook(dev.clone()));
    } else if hook.filter {
        steps.push(Step::DeleteFilter(dev.clone()));
    }
    steps.push(Step::Redirect(dev.clone()));
}

fn same(seen: Class, wanted: Class) -> bool {
    as_shown(seen.rate) == as_shown(wanted.rate)
        && as_shown(seen.ceil) == as_shown(wanted.ceil)
        && seen.prio.unwrap_or(0) == wanted.prio.unwrap_or(0)
}

/// The rate as the kernel keeps it (whole bytes) and as `tc` shows it (six digits at least).
fn as_shown(rate: Rate) -> Rate {
    let (mut shown, mut factor) = (rate.bytes() * 8, 1);
    while shown >= 1_000
        && (shown.is_multiple_of(1_000) || shown >= 1_000_000)
        && factor < 1_000_000_000_000_u64
    {
        shown /= 1_000;
        factor *= 1_000;
    }
    Rate::from_bits(shown * factor)
}

#[cfg(test)]
#[path = "queues_tests.rs"]
mod tests;
