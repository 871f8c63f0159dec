//! What a request may ask at this site, checked before the kernel is touched. Pure.

use std::{collections::BTreeSet, net::Ipv4Addr};
use varco_policy::{
    Device, Rate, Shares, Site, Slot,
    site::SLOWEST_PASS,
    slot::FIRST_PORT,
    wire::{Capacity, KernelPass, PassRate, Refusal, Trial},
};

const A_DAY: u32 = 86_400;
const LONGEST_TRIAL: u32 = 600;

/// Checks passes one by one and against each other; `held` are the slots of passes that stay beside them.
///
/// # Errors
/// The first rule that is broken. It names no device.
pub fn passes(
    site: &Site,
    passes: &[KernelPass],
    held: impl IntoIterator<Item = (Ipv4Addr, Slot)>,
) -> Result<(), Refusal> {
    let (mut addresses, mut slots) = (BTreeSet::new(), BTreeSet::new());
    refuse_unless(passes.is_empty() || !site.interfaces.guest.is_empty(), "the site has no guests")?;
    for pass in passes {
        device(site, pass.device)?;
        slot(site, pass.slot)?;
        refuse_unless((1..=A_DAY).contains(&pass.seconds), "a pass lasts 1 to 86400 seconds")?;
        rate(pass.rate)?;
        refuse_unless(addresses.insert(pass.device.address), "an address is in the request twice")?;
        refuse_unless(slots.insert(pass.slot), "a slot is in the request twice")?;
    }
    let mut staying = held.into_iter().filter(|(address, _)| !addresses.contains(address));
    refuse_unless(staying.all(|(_, slot)| !slots.contains(&slot)), "a slot is lent to another device")
}

fn rate(rate: Option<Rate>) -> Result<(), Refusal> {
    refuse_unless(rate.is_none_or(|r| r >= SLOWEST_PASS), "a pass's rate is 64 kbit/s or more")
}

/// Checks new rates of passes.
///
/// # Errors
/// The first rule that is broken. It names no device.
pub fn rates(rates: &[PassRate]) -> Result<(), Refusal> {
    let mut addresses = BTreeSet::new();
    for new in rates {
        rate(new.rate)?;
        refuse_unless(addresses.insert(new.device.address), "an address is in the request twice")?;
    }
    Ok(())
}

fn device(site: &Site, device: Device) -> Result<(), Refusal> {
    refuse_unless(site.guest_hosts().have(device.address), "an address is not a guest's")?;
    let octets = device.mac.octets();
    refuse_unless(octets != [0; 6] && octets[0] & 1 == 0, "a hardware address is not one device's")
}

fn slot(site: &Site, slot: Slot) -> Result<(), Refusal> {
    refuse_unless(
        site.slots.addresses.contains(&slot.address),
        "a slot's address is not in slots.addresses",
    )?;
    let size = site.slots.ports;
    let aligned = slot.first_port.checked_sub(FIRST_PORT).is_some_and(|offset| offset.is_multiple_of(size));
    let whole = slot.first_port.checked_add(size - 1) == Some(slot.last_port);
    refuse_unless(aligned && whole, "a slot is not a block of slots.ports")
}

/// Checks shares against the line, and that no lane gets less than the enforcer's own settings allow an admin to leave it: a
/// seized gateway could otherwise hold the building's own traffic up.
///
/// # Errors
/// The first rule that is broken.
pub fn shares(site: &Site, shares: &Shares) -> Result<(), Refusal> {
    site.link.keeps(shares).map_err(|e| Refusal::NotAllowed(e.to_string()))?;
    match site.lanes.broken_by(shares) {
        None => Ok(()),
        Some((lane, owed)) => Err(Refusal::NotAllowed(format!(
            "{} would get less than site.toml says: at least {} guaranteed and a ceiling of {}; where that was changed, \
             restart varco-enforcer",
            lane.word(),
            owed.guaranteed,
            owed.ceiling
        ))),
    }
}

/// Checks shares on trial.
///
/// # Errors
/// As [`shares`], and when it lasts longer than ten minutes.
pub fn trial(site: &Site, trial: &Trial) -> Result<(), Refusal> {
    refuse_unless((1..=LONGEST_TRIAL).contains(&trial.seconds), "a trial lasts 1 to 600 seconds")?;
    shares(site, &trial.shares)
}

/// Checks what a line is said to carry: a seized gateway could otherwise take the line from the whole building.
///
/// # Errors
/// Where the site's line does not vary, or not as much.
pub fn capacity(site: &Site, asked: Capacity) -> Result<(), Refusal> {
    let Some(least) = site.link.least else {
        return refuse_unless(false, "the line does not vary: site.toml has no link.least");
    };
    let kept =
        (least.up..=site.link.up).contains(&asked.up) && (least.down..=site.link.down).contains(&asked.down);
    refuse_unless(kept, "the line carries from link.least to link of site.toml")
}

/// Refuses what is older than what is in force. The same number again is a repetition after a lost answer.
///
/// # Errors
/// When `asked` is older.
pub const fn generation(asked: u64, in_force: u64) -> Result<(), Refusal> {
    if asked < in_force { Err(Refusal::Stale { asked, in_force }) } else { Ok(()) }
}

fn refuse_unless(good: bool, rule: &str) -> Result<(), Refusal> {
    if good { Ok(()) } else { Err(Refusal::NotAllowed(rule.to_owned())) }
}
