//! The names of classes: which class a lane, a slot and a pass with a rate of its own have.

use std::fmt;
use varco_policy::{Lane, Site, Slot, slot::FIRST_PORT};

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
pub(super) const AHEAD: u16 = 2_048;
/// Where the classes of passes begin.
pub(super) const FIRST_OF_PASSES: u16 = 0x100;
pub(super) const FIRST_OF_RATED: u16 = FIRST_OF_PASSES + MOST_CLASSES;

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

pub(super) fn classes_of_slots(site: &Site) -> u16 {
    let slots = usize::from(blocks(site)) * site.slots.addresses.len();
    u16::try_from(slots).unwrap_or(u16::MAX).clamp(1, MOST_CLASSES)
}

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}
