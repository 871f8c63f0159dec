//! One change of the queues, as `tc` writes it.

use super::{Class, IFB, Leaf, Minor, PREF};
use std::fmt;
use varco_policy::{IfName, Rate, wire::Direction};

const GIGABIT: Rate = Rate::from_bits(1_000_000_000);

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
pub(super) fn quantum(ceil: Rate) -> u64 {
    (ceil.bytes() / 500).clamp(1_600, 200_000)
}

impl Step {
    /// Whether it takes away a class in the guest lane.
    pub fn removes_a_guests_class(&self) -> bool {
        matches!(self, Self::DeleteClass(_, minor) if minor.is_of_guests())
    }
}
