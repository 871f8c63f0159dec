//! The queues that share the line between the lanes, and the steps from those there are. Pure.
//!
//! Uplink: HTB on the WAN interface. Downlink: what leaves towards guests, offices and cameras is redirected
//! into one IFB, so that all share one HTB. `base.nft` names each packet's class by its priority; class 1:0 is
//! HTB's direct queue, for what does not cross the line.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};
use varco_policy::{
    IfName, Lane, Rate, Shares, Site, Slot,
    lane::Lanes,
    lane::Share,
    slot::FIRST_PORT,
    wire::{Capacity, Direction},
};

/// The interface of the downlink's queue.
pub const IFB: &str = "ifb-varco";
/// Where our redirection stands among an interface's filters: out of the way of others.
pub const PREF: &str = "7700";
/// The class of the whole line.
pub const LINE: Minor = Minor(0x1);

/// In the guest lane, the class of whoever has no pass: the walled garden.
pub const GARDEN: Minor = Minor(0x31);
/// The most classes for passes by their slots. A packet finds its class by a hash; what bounds it is the kernel's memory
/// (about 2.4 KB for a class with its queue, in each direction), and that to make one the kernel walks through all
/// there are (`tc_bind_tclass` in net/sched/sch_api.c): 10,000 at once take it seconds, whoever asks.
pub const MOST_CLASSES: u16 = 12_288;
/// So no more than these are made ahead, in a tenth of a second; the others as passes come, each in less than a
/// millisecond.
const AHEAD: u16 = 2_048;
/// A turn shorter than a packet as the kernel passes it on (up to 64 KiB, aggregated) is still a whole packet. With
/// turns of 2,000 bytes one connection took 78 % against another guest's 24; aggregation is the likely reason.
const ONE_AGGREGATE: u64 = 65_536;
/// Packets of a lane's queue, and the most of a pass's.
const LONG: u32 = 1_000;
/// Packets of a pass's queue at least.
const SHORT: u32 = 12;
/// Where the classes of passes begin.
const FIRST_OF_PASSES: u16 = 0x100;
const FIRST_OF_RATED: u16 = FIRST_OF_PASSES + MOST_CLASSES;
const GIGABIT: Rate = Rate::from_bits(1_000_000_000);
/// A guarantee so small that HTB's clock still holds its burst (274 seconds), so that all together stay under
/// the lane's.
const LEAST_GUARANTEE: Rate = Rate::from_bits(200);

/// The second half of a class's name: `10` in `1:10`, hexadecimal as `tc` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Minor(pub u16);

impl Minor {
    /// The class of a lane, as `base.nft` names it.
    pub const fn of(lane: Lane) -> Self {
        match lane {
            Lane::Critical => Self(0x10),
            Lane::Office => Self(0x20),
            Lane::Guest => Self(0x30),
        }
    }

    /// The class that a pass has by its slot: one each. Past [`MOST_CLASSES`] slots, passes share.
    pub fn of_slot(site: &Site, slot: Slot) -> Self {
        Self(FIRST_OF_PASSES + slot_number(site, slot) % classes_of_slots(site))
    }

    /// Whether it is a slot's and not made ahead: made when its first pass comes, and left when that goes.
    pub fn comes_with_its_pass(self) -> bool {
        (FIRST_OF_PASSES + AHEAD..FIRST_OF_RATED).contains(&self.0)
    }

    /// The class of a pass with a rate of its own: made when it is admitted.
    pub fn of_rated(site: &Site, slot: Slot) -> Self {
        Self(FIRST_OF_RATED + slot_number(site, slot) % (u16::MAX - FIRST_OF_RATED))
    }

    /// The class it is under; none for the line.
    pub(crate) const fn parent(self) -> Option<Self> {
        match self.0 {
            0x1 => None,
            0x10 | 0x20 | 0x30 => Some(LINE),
            _ => Some(Self::of(Lane::Guest)),
        }
    }

    /// Whether it is one of several in the guest lane.
    pub fn is_of_guests(self) -> bool {
        self.parent() == Some(Self::of(Lane::Guest))
    }
}

/// The place of a slot among the site's, counted from 0.
fn slot_number(site: &Site, slot: Slot) -> u16 {
    let address = site.slots.addresses.iter().position(|a| *a == slot.address).unwrap_or(0);
    let block = (slot.first_port.saturating_sub(FIRST_PORT)) / site.slots.ports.max(1);
    u16::try_from(address).unwrap_or(u16::MAX).wrapping_mul(blocks(site)).wrapping_add(block)
}

/// Slots on one address.
fn blocks(site: &Site) -> u16 {
    (u16::MAX - FIRST_PORT) / site.slots.ports.max(1) + 1
}

fn classes_of_slots(site: &Site) -> u16 {
    let slots = usize::from(blocks(site)) * site.slots.addresses.len();
    u16::try_from(slots).unwrap_or(u16::MAX).clamp(1, MOST_CLASSES)
}

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

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

/// One change of the queues.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "Display says each as tc does")]
pub enum Step {
    AddIfb,
    SetRoot(String),
    AddClass(String, Minor, Class),
    ChangeClass(String, Minor, Class),
    DeleteClass(String, Minor),
    SetLeaf(String, Minor, Leaf, Direction),
    AddHook(IfName),
    DeleteFilter(IfName),
    Redirect(IfName),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddIfb => write!(f, "link add {IFB} txqueuelen 1000 type ifb"),
            Self::SetRoot(dev) => {
                write!(f, "qdisc replace dev {dev} root handle 1: htb default 20 direct_qlen 1000")
            }
            Self::AddClass(dev, minor, class) => class_line(f, "add", dev, *minor, *class),
            Self::ChangeClass(dev, minor, class) => class_line(f, "change", dev, *minor, *class),
            Self::DeleteClass(dev, minor) => write!(f, "class del dev {dev} classid 1:{minor}"),
            Self::SetLeaf(dev, minor, leaf, direction) => {
                write!(
                    f,
                    "qdisc replace dev {dev} parent 1:{minor} handle {minor}: {}",
                    leaf.options(*direction)
                )
            }
            Self::AddHook(dev) => write!(f, "qdisc add dev {dev} clsact"),
            Self::DeleteFilter(dev) => write!(f, "filter del dev {dev} egress pref {PREF}"),
            // u32 with an empty match: kernels without `matchall` have it too.
            Self::Redirect(dev) => write!(
                f,
                "filter add dev {dev} egress protocol all pref {PREF} u32 match u32 0 0 \
                 action mirred egress redirect dev {IFB}"
            ),
        }
    }
}

fn class_line(f: &mut fmt::Formatter<'_>, verb: &str, dev: &str, minor: Minor, class: Class) -> fmt::Result {
    let parent = minor.parent().map_or(String::new(), |parent| parent.to_string());
    write!(f, "class {verb} dev {dev} parent 1:{parent} classid 1:{minor} htb")?;
    if let Some(prio) = class.prio {
        write!(f, " prio {prio}")?;
    }
    let (rate, ceil) = (class.rate.bits(), class.ceil.bits());
    write!(f, " rate {rate}bit ceil {ceil}bit")?;
    write!(f, " burst {}b cburst {}b quantum {}", burst(class.rate), burst(class.ceil), turn(&class))
}

/// Bytes of its turn.
pub(crate) fn turn(class: &Class) -> u64 {
    class.turn.unwrap_or_else(|| quantum(class.ceil))
}

/// What the rate carries in a millisecond, or above 1 Gbit/s in four: a timer that comes later than that loses what the line
/// would have carried, and short enough that no lane notices. Two full frames at least. Measured at 5 Gbit/s on a busy
/// machine: 64 KiB carries 4.3 Gbit/s, one millisecond 4.3 to 4.6, four 4.76 and ten no more.
pub(crate) fn burst(rate: Rate) -> u64 {
    let millisecond = rate.bytes() / 1_000;
    if rate > GIGABIT { millisecond * 4 } else { millisecond.max(3_200) }
}

/// What a lane may send before another of its priority has its turn: two milliseconds of its ceiling, at least
/// a full frame, at most 200,000 bytes (measured with the burst above).
fn quantum(ceil: Rate) -> u64 {
    (ceil.bytes() / 500).clamp(1_600, 200_000)
}

impl Step {
    /// Whether it takes away a class in the guest lane.
    pub fn removes_a_guests_class(&self) -> bool {
        matches!(self, Self::DeleteClass(_, minor) if minor.is_of_guests())
    }
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
