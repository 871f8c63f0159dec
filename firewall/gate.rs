//! What the sets of `base.nft` should hold, and the steps from what they hold. Pure.

use crate::queues::Minor;
use ipnet::Ipv4Net;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::Ipv4Addr,
};
use varco_policy::{Device, IfName, Site, Slot, guests::GuestNetwork};

/// The name of a set or map of `base.nft`. The walled garden is dnsmasq's and not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "base.nft explains each")]
pub enum SetName {
    GuestIf,
    OfficeIf,
    CriticalIf,
    WanIf,
    OfficeNet,
    CriticalNet,
    GuestNet,
    GuestAt,
    Router,
    Catch,
    Pass,
    PassUp,
    PassDown,
    Slots,
    PassClass,
}

impl SetName {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::GuestIf,
        Self::OfficeIf,
        Self::CriticalIf,
        Self::WanIf,
        Self::OfficeNet,
        Self::CriticalNet,
        Self::GuestNet,
        Self::GuestAt,
        Self::Router,
        Self::Catch,
        Self::Pass,
        Self::PassUp,
        Self::PassDown,
        Self::Slots,
        Self::PassClass,
    ];

    /// The name in `base.nft`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::GuestIf => "guest_if",
            Self::OfficeIf => "office_if",
            Self::CriticalIf => "critical_if",
            Self::WanIf => "wan_if",
            Self::OfficeNet => "office_net",
            Self::CriticalNet => "critical_net",
            Self::GuestNet => "guest_net",
            Self::GuestAt => "guest_at",
            Self::Router => "router",
            Self::Catch => "catch",
            Self::Pass => "pass",
            Self::PassUp => "pass_up",
            Self::PassDown => "pass_down",
            Self::Slots => "slots",
            Self::PassClass => "pass_class",
        }
    }
}

/// The key of an element.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each names its type")]
pub enum Key {
    Interface(IfName),
    Net(Ipv4Net),
    At(IfName, Ipv4Net),
    Address(Ipv4Addr),
    Device(Device),
}

impl Key {
    /// The guest's address, where the key is one.
    pub const fn address(&self) -> Option<Ipv4Addr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Device(device) => Some(device.address),
            Self::Interface(_) | Self::Net(_) | Self::At(..) => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface(name) => name.fmt(f),
            Self::Net(net) => net.fmt(f),
            Self::At(name, net) => write!(f, "{name} . {net}"),
            Self::Address(address) => address.fmt(f),
            Self::Device(device) => write!(f, "{} . {}", device.address, device.mac),
        }
    }
}

/// Where an element lives: its set and its key.
pub type Place = (SetName, Key);

/// What an element should carry.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Want {
    /// The slot, for an element of `slots`.
    pub slot: Option<Slot>,
    /// The class, for an element of `pass_class`.
    pub class: Option<Minor>,
    /// Seconds until the kernel removes it; `None` for an element that stays.
    pub seconds: Option<u32>,
}

/// What an element carries.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// The slot, for an element of `slots`.
    pub slot: Option<Slot>,
    /// The class, for an element of `pass_class`.
    pub class: Option<Minor>,
    /// Seconds until the kernel removes it.
    pub seconds: Option<u32>,
    /// Packets counted.
    pub packets: u64,
    /// Bytes counted.
    pub bytes: u64,
}

/// All elements that should be.
pub type Wanted = BTreeMap<Place, Want>;
/// All elements that are.
pub type Actual = BTreeMap<Place, Seen>;

/// One change of one element.
#[derive(Clone, PartialEq, Eq)]
pub enum Step {
    /// The element goes, at once.
    Delete(Place),
    /// The element comes.
    Add(Place, Want),
}

impl Step {
    /// The element that it changes.
    pub const fn place(&self) -> &Place {
        match self {
            Self::Delete(place) | Self::Add(place, _) => place,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delete((set, key)) => write!(f, "delete element inet varco {} {{ {key} }}", set.word()),
            Self::Add((set, key), want) => {
                write!(f, "add element inet varco {} {{ {key}", set.word())?;
                if let Some(seconds) = want.seconds {
                    write!(f, " timeout {seconds}s")?;
                }
                if let Some(slot) = want.slot {
                    write!(f, " : {} . {}-{}", slot.address, slot.first_port, slot.last_port)?;
                }
                if let Some(class) = want.class {
                    write!(f, " : 1:{class}")?;
                }
                f.write_str(" }")
            }
        }
    }
}

/// What the building itself asks for: interfaces and addresses.
pub fn of_site(site: &Site) -> Wanted {
    let names = |set, names: &[IfName]| -> Vec<Place> {
        names.iter().map(|name| (set, Key::Interface(name.clone()))).collect()
    };
    let nets = |set, nets: &[Ipv4Net]| -> Vec<Place> {
        nets.iter().map(|net| (set, Key::Net(net.trunc()))).collect()
    };
    let i = &site.interfaces;
    let places = [
        names(SetName::GuestIf, &i.guest),
        names(SetName::OfficeIf, &i.office),
        names(SetName::CriticalIf, &i.critical),
        names(SetName::WanIf, std::slice::from_ref(&i.wan)),
        nets(SetName::OfficeNet, &site.networks.office),
        nets(SetName::CriticalNet, &site.networks.critical),
        site.own_addresses().map(|address| (SetName::Router, Key::Address(address))).collect(),
        site.guest.all().flat_map(of_network).collect(),
        vec![(SetName::Catch, Key::Address(site.portal.catch_address))],
    ];
    places.into_iter().flatten().map(|place| (place, Want::default())).collect()
}

fn of_network(guests: &GuestNetwork) -> Vec<Place> {
    let net = guests.subnet.trunc();
    let at = guests.interfaces.iter().map(|name| (SetName::GuestAt, Key::At(name.clone(), net)));
    std::iter::once((SetName::GuestNet, Key::Net(net))).chain(at).collect()
}

/// The five elements of a pass.
pub fn of_pass(device: Device, slot: Slot, class: Minor, seconds: u32) -> [(Place, Want); 5] {
    let timed = Want { seconds: Some(seconds), ..Want::default() };
    [
        ((SetName::Pass, Key::Device(device)), timed),
        ((SetName::PassUp, Key::Device(device)), timed),
        ((SetName::PassDown, Key::Address(device.address)), timed),
        ((SetName::Slots, Key::Address(device.address)), Want { slot: Some(slot), ..timed }),
        ((SetName::PassClass, Key::Address(device.address)), Want { class: Some(class), ..timed }),
    ]
}

/// Elements that are as they were wanted.
pub fn as_wanted(wanted: Wanted) -> Actual {
    let seen = |want: Want| {
        let Want { slot, class, seconds } = want;
        Seen { slot, class, seconds, ..Seen::default() }
    };
    wanted.into_iter().map(|(place, want)| (place, seen(want))).collect()
}

/// The steps from `actual` to `wanted`, deletions first. An element that is there with the right slot is left
/// alone with its time and counters, except those of the addresses in `renew`, which begin anew.
pub fn plan(wanted: &Wanted, actual: &Actual, renew: &BTreeSet<Ipv4Addr>) -> Vec<Step> {
    let stays = |place: &Place, seen: &Seen| {
        let fresh = place.1.address().is_none_or(|a| !renew.contains(&a));
        fresh && wanted.get(place).is_some_and(|want| want.slot == seen.slot && want.class == seen.class)
    };
    let leaving = actual.iter().filter(|(place, seen)| !stays(place, seen));
    let coming = wanted.iter().filter(|(place, _)| actual.get(place).is_none_or(|seen| !stays(place, seen)));
    let deletions = leaving.map(|(place, _)| Step::Delete(place.clone()));
    deletions.chain(coming.map(|(place, want)| Step::Add(place.clone(), *want))).collect()
}

/// The addresses whose pass or slot a plan removes or changes. Another class ends no flow.
pub fn addresses(steps: &[Step]) -> BTreeSet<Ipv4Addr> {
    let ends = |set| (SetName::Pass..SetName::PassClass).contains(&set);
    let deleted = steps.iter().filter(|step| matches!(step, Step::Delete((set, _)) if ends(*set)));
    deleted.filter_map(|step| step.place().1.address()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use varco_policy::Mac;

    fn device(n: u8, mac: u8) -> Device {
        Device { address: Ipv4Addr::new(10, 64, 0, n), mac: Mac::new([2, 0, 0, 0, 0, mac]) }
    }

    fn slot(n: u16) -> Slot {
        Slot { address: Ipv4Addr::new(198, 18, 0, 3), first_port: 1024 + n * 512, last_port: 1535 + n * 512 }
    }

    fn wanted(passes: &[(u8, u8, u16)]) -> Wanted {
        passes
            .iter()
            .flat_map(|(n, mac, s)| of_pass(device(*n, *mac), slot(*s), Minor(0x100 + s), 600))
            .collect()
    }

    fn carry_out(steps: &[Step], actual: &mut Actual) {
        for step in steps {
            match step {
                Step::Delete(place) => {
                    assert!(actual.remove(place).is_some(), "deletes what is not there: {step}")
                }
                Step::Add(place, want) => {
                    let seen = as_wanted([(place.clone(), *want)].into()).remove(place).unwrap();
                    assert!(actual.insert(place.clone(), seen).is_none(), "adds what is there: {step}");
                }
            }
        }
    }

    fn told(wanted: &Wanted, actual: &Actual, renew: &[u8]) -> String {
        let renew = renew.iter().map(|n| device(*n, 0).address).collect();
        plan(wanted, actual, &renew).iter().map(|s| format!("{s}\n")).collect()
    }

    #[test]
    fn transcript_of_a_day() {
        let mut actual = Actual::new();
        let first = wanted(&[(10, 1, 0)]);
        insta::assert_snapshot!(told(&first, &actual, &[]), @r#"
        add element inet varco pass { 10.64.0.10 . 02:00:00:00:00:01 timeout 600s }
        add element inet varco pass_up { 10.64.0.10 . 02:00:00:00:00:01 timeout 600s }
        add element inet varco pass_down { 10.64.0.10 timeout 600s }
        add element inet varco slots { 10.64.0.10 timeout 600s : 198.18.0.3 . 1024-1535 }
        add element inet varco pass_class { 10.64.0.10 timeout 600s : 1:100 }
        "#);
        carry_out(&plan(&first, &actual, &BTreeSet::new()), &mut actual);
        insta::assert_snapshot!(told(&first, &actual, &[]), @"");
        insta::assert_snapshot!(told(&wanted(&[(10, 9, 1)]), &actual, &[10]), @r#"
        delete element inet varco pass { 10.64.0.10 . 02:00:00:00:00:01 }
        delete element inet varco pass_up { 10.64.0.10 . 02:00:00:00:00:01 }
        delete element inet varco pass_down { 10.64.0.10 }
        delete element inet varco slots { 10.64.0.10 }
        delete element inet varco pass_class { 10.64.0.10 }
        add element inet varco pass { 10.64.0.10 . 02:00:00:00:00:09 timeout 600s }
        add element inet varco pass_up { 10.64.0.10 . 02:00:00:00:00:09 timeout 600s }
        add element inet varco pass_down { 10.64.0.10 timeout 600s }
        add element inet varco slots { 10.64.0.10 timeout 600s : 198.18.0.3 . 1536-2047 }
        add element inet varco pass_class { 10.64.0.10 timeout 600s : 1:101 }
        "#);
        insta::assert_snapshot!(told(&Wanted::new(), &actual, &[]), @r#"
        delete element inet varco pass { 10.64.0.10 . 02:00:00:00:00:01 }
        delete element inet varco pass_up { 10.64.0.10 . 02:00:00:00:00:01 }
        delete element inet varco pass_down { 10.64.0.10 }
        delete element inet varco slots { 10.64.0.10 }
        delete element inet varco pass_class { 10.64.0.10 }
        "#);
    }

    proptest! {
        #[test]
        fn carrying_out_a_plan_gives_what_is_wanted(
            before in proptest::collection::vec((10u8..16, 1u8..4, 0u16..9), 0..6),
            after in proptest::collection::vec((10u8..16, 1u8..4, 0u16..9), 0..6),
            lost in proptest::collection::vec(any::<proptest::sample::Index>(), 0..5),
            renew in proptest::collection::btree_set(10u8..16, 0..3),
        ) {
            let mut actual = Actual::new();
            carry_out(&plan(&wanted(&before), &actual, &BTreeSet::new()), &mut actual);
            for index in lost {
                if !actual.is_empty() {
                    let place = index.get(&actual.keys().cloned().collect::<Vec<_>>()).clone();
                    actual.remove(&place);
                }
            }
            let wanted = wanted(&after);
            let renew = renew.into_iter().map(|n| device(n, 0).address).collect();
            carry_out(&plan(&wanted, &actual, &renew), &mut actual);
            prop_assert!(plan(&wanted, &actual, &BTreeSet::new()).is_empty());
            prop_assert!(actual.keys().eq(wanted.keys()));
        }
    }
}
