//! The queues that share the line between the lanes, and the steps from those there are. Pure.
//!
//! Uplink: HTB on the WAN interface. Downlink: what leaves towards guests, offices and cameras is redirected
//! into one IFB, so that all share one HTB. `base.nft` names each packet's class by its priority; class 1:0 is
//! HTB's direct queue, for what does not cross the line.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};
use varco_policy::{IfName, Lane, Rate, Shares, Site, lane::Lanes, site::Link, wire::Direction};

/// The interface of the downlink's queue.
pub const IFB: &str = "ifb-varco";
/// Where our redirection stands among an interface's filters: out of the way of others.
pub const PREF: &str = "7700";
/// The class of the whole line.
pub const LINE: Minor = Minor(0x1);

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
    Pfifo,
}

impl Leaf {
    /// Best first.
    pub const ALL: [Self; 3] = [Self::Cake, Self::FqCodel, Self::Pfifo];

    /// The kernel's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Cake => "cake",
            Self::FqCodel => "fq_codel",
            Self::Pfifo => "pfifo",
        }
    }

    /// HTB shapes, so CAKE is unlimited and only shares fairly among devices: behind NAT on the way up. A short
    /// queue starves the lane that lends, so pfifo has 1,000 packets.
    const fn options(self, direction: Direction) -> &'static str {
        match (self, direction) {
            (Self::Cake, Direction::Up) => "cake unlimited besteffort dual-srchost nat",
            (Self::Cake, Direction::Down) => "cake unlimited besteffort dual-dsthost",
            (Self::FqCodel, _) => "fq_codel",
            (Self::Pfifo, _) => "pfifo limit 1000",
        }
    }
}

/// A class of HTB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// Its guarantee.
    pub rate: Rate,
    /// Its ceiling.
    pub ceil: Rate,
    /// 0 is served first; the line itself has none.
    pub prio: Option<u8>,
}

/// One HTB with its classes and leaves, as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree {
    /// Whether the root is HTB `1:` with the office as its default.
    pub rooted: bool,
    /// Its classes.
    pub classes: BTreeMap<Minor, Class>,
    /// The kind of the leaf of each class that has one.
    pub leaves: BTreeMap<Minor, String>,
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
}

/// What the site and the shares ask for.
pub fn wanted(site: &Site, shares: &Shares, leaf: Leaf) -> Wanted {
    let Link { up, down } = site.link;
    Wanted {
        wan: site.interfaces.wan.clone(),
        up: classes(&shares.up, up),
        down: classes(&shares.down, down),
        leaf,
    }
}

/// The interfaces whose egress is the downlink.
pub fn inward(site: &Site) -> BTreeSet<IfName> {
    let i = &site.interfaces;
    i.guest.iter().chain(&i.office).chain(&i.critical).cloned().collect()
}

fn classes(lanes: &Lanes, link: Rate) -> BTreeMap<Minor, Class> {
    let of_lane = |lane: Lane| {
        let share = lanes.of(lane);
        (Minor::of(lane), Class { rate: share.guaranteed, ceil: share.ceiling, prio: Some(lane.priority()) })
    };
    let line = (LINE, Class { rate: link, ceil: link, prio: None });
    std::iter::once(line).chain(Lane::ALL.map(of_lane)).collect()
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
    let parent = if minor == LINE { "1:" } else { "1:1" };
    write!(f, "class {verb} dev {dev} parent {parent} classid 1:{minor} htb")?;
    if let Some(prio) = class.prio {
        write!(f, " prio {prio}")?;
    }
    let (rate, ceil) = (class.rate.bits(), class.ceil.bits());
    write!(f, " rate {rate}bit ceil {ceil}bit")?;
    write!(f, " burst {}b cburst {}b quantum {}", burst(class.rate), burst(class.ceil), quantum(class.ceil))
}

/// What the rate carries in a millisecond: long enough for the timer to refill it, short enough that no lane
/// notices. At least two full frames; at most 64 KiB, one aggregated packet, which already carries 16 Gbit/s
/// (the default carries 12).
fn burst(rate: Rate) -> u64 {
    (rate.bytes() / 1_000).clamp(3_200, 65_536)
}

/// What a lane may send before another of its priority has its turn: two milliseconds of its ceiling, at least
/// a full frame, at most 200,000 bytes (measured with the burst above).
fn quantum(ceil: Rate) -> u64 {
    (ceil.bytes() / 500).clamp(1_600, 200_000)
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
    plan_tree(&mut steps, wanted.wan.as_str(), Direction::Up, (&wanted.up, wanted.leaf), &actual.up);
    plan_tree(&mut steps, IFB, Direction::Down, (&wanted.down, wanted.leaf), &down);
    for (dev, hook) in &actual.hooks {
        plan_hook(&mut steps, dev, *hook);
    }
    steps
}

fn plan_tree(
    steps: &mut Vec<Step>,
    dev: &str,
    direction: Direction,
    (wanted, leaf): (&BTreeMap<Minor, Class>, Leaf),
    actual: &Tree,
) {
    let nothing = Tree::default();
    let actual = if actual.rooted { actual } else { &nothing };
    if !actual.rooted {
        steps.push(Step::SetRoot(dev.to_owned()));
    }
    for minor in actual.classes.keys().filter(|minor| !wanted.contains_key(minor)) {
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
        let leaf_stands = actual.leaves.get(minor).is_some_and(|kind| kind == leaf.word());
        if *minor != LINE && !leaf_stands {
            steps.push(Step::SetLeaf(dev.to_owned(), *minor, leaf, direction));
        }
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
