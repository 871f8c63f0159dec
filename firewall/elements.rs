//! The elements of the gate's sets in the kernel: written in one transaction, and read back.
//!
//! The bytes are those of nft 1.0: a concatenation is its parts, each padded to four octets; the ports of a slot are
//! an interval in the data of a map, so the value is its first and its last point; times are milliseconds. A
//! counter is not sent: the kernel makes it from the set's own.

use crate::{
    exec::ExecError,
    gate::{Actual, Key, Seen, SetName, Step, Want},
    netlink::{self, Link, attribute, attributes, big_u64},
    queues::Minor,
};
use ipnet::Ipv4Net;
use netlink_packet_core::{DefaultNla, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_netfilter::{
    NetfilterHeader, NetfilterMessage, NetfilterMessageInner, NetfilterProtoFamily,
    nftables::{
        DataAttribute, ListAttribute, NfTablesMessage, SetElementAttribute, SetElementFlags, SetElementList,
        SetElementMessage,
    },
    none::ControlMessage,
};
use nix::errno::Errno;
use std::{io, net::Ipv4Addr};
use varco_policy::{Device, IfName, Mac, Slot};

/// The number of nftables among the parts of netfilter (`NFNL_SUBSYS_NFTABLES`).
const NFTABLES: u16 = 10;
/// Elements in one message: its attributes are at most 64 KiB, an element at most 60 octets.
const IN_A_MESSAGE: usize = 500;
/// HTB's handle is `1:`, the upper half of a class's number.
const HTB: u32 = 1 << 16;

type Element = ListAttribute<SetElementAttribute>;

/// Carries out all steps in one transaction: all of them, or none and an error. Where the system does not let as much
/// be sent at once (`net.core.wmem_max`, in a user namespace), in several, each whole for its passes.
///
/// # Errors
/// When the kernel does not take it.
pub fn apply(steps: &[Step]) -> Result<(), ExecError> {
    netlink::netfilter(|link| match transact(link, steps, NLM_F_CREATE) {
        Err(ExecError::Refused { error, .. }) if error.raw_os_error() == Some(Errno::EMSGSIZE as i32) => {
            split(link, steps)
        }
        outcome => outcome,
    })
}

/// As [`apply`] in one transaction always, and fails where an element to come is there already. So success says what
/// these elements are now: each that goes was there, each that came is as given. It costs the same with one pass and with
/// 10,000; reading back does not, since the kernel lists whole sets.
///
/// # Errors
/// When the kernel holds something else than the steps begin from; nothing has changed then.
pub fn exchange(steps: &[Step]) -> Result<(), ExecError> {
    netlink::netfilter(|link| transact(link, steps, NLM_F_CREATE | NLM_F_EXCL))
}

/// By address, so that no pass is ever there by half.
fn split(link: &mut Link, steps: &[Step]) -> Result<(), ExecError> {
    let mut steps = steps.to_vec();
    steps.sort_by_key(|step| step.place().1.address());
    let (mut part, mut parts) = (Vec::new(), Vec::new());
    for pass in steps.chunk_by(|a, b| a.place().1.address() == b.place().1.address()) {
        if part.len() + pass.len() > IN_A_MESSAGE {
            parts.push(std::mem::take(&mut part));
        }
        part.extend_from_slice(pass);
    }
    parts.push(part);
    parts.iter().try_for_each(|part| transact(link, part, NLM_F_CREATE))
}

fn transact(link: &mut Link, steps: &[Step], bring: u16) -> Result<(), ExecError> {
    if steps.is_empty() {
        return Ok(());
    }
    let mut frames = link.frame((0, control(ControlMessage::BatchBegin)))?;
    let mut orders = 0;
    for group in steps.chunk_by(|a, b| kind(a) == kind(b)).flat_map(|group| group.chunks(IN_A_MESSAGE)) {
        let Some((adds, set)) = group.first().map(kind) else { continue };
        let elements = SetElementMessage { attributes: list(set, group.iter().flat_map(elements).collect()) };
        let order = if adds {
            (NLM_F_ACK | bring, of_gate(NfTablesMessage::NewSetElement(elements)))
        } else {
            (NLM_F_ACK, of_gate(NfTablesMessage::DeleteSetElement(elements)))
        };
        frames.extend(link.frame(order)?);
        orders += 1;
    }
    frames.extend(link.frame((0, control(ControlMessage::BatchEnd)))?);
    if frames.len() > link.room() {
        let error = io::Error::from_raw_os_error(Errno::EMSGSIZE as i32);
        return Err(ExecError::Refused { what: "netfilter", error });
    }
    link.transact(&frames, orders)
}

const fn kind(step: &Step) -> (bool, SetName) {
    (matches!(step, Step::Add(..)), step.place().0)
}

fn control(message: ControlMessage) -> NetfilterMessage {
    NetfilterMessage::new(NetfilterHeader::new(NetfilterProtoFamily::Unspec, 0, NFTABLES), message)
}

fn of_gate(message: NfTablesMessage) -> NetfilterMessage {
    let header = NetfilterHeader::new(NetfilterProtoFamily::Inet, 0, 0);
    NetfilterMessage::new(header, NetfilterMessageInner::NfTables(message))
}

fn list(set: SetName, elements: Vec<Element>) -> Vec<SetElementList> {
    let mut list = vec![SetElementList::Table("varco".into()), SetElementList::Set(set.word().into())];
    if !elements.is_empty() {
        list.push(SetElementList::Elements(elements));
    }
    list
}

/// One for each step; for a network two, where it begins and where what is beyond it begins.
fn elements(step: &Step) -> Vec<Element> {
    let ((_, key), want) = match step {
        Step::Delete(place) => (place, Want::default()),
        Step::Add(place, want) => (place, *want),
    };
    let net = match key {
        Key::Net(net) => net,
        Key::At(name, net) => return vec![range_of(name, *net)],
        _ => return vec![Element::Element(attributes_of(key_octets(key), want))],
    };
    let mut both = vec![Element::Element(attributes_of(net.network().octets().to_vec(), want))];
    // The last address of all has nothing beyond it.
    if let Some(beyond) = u32::from(net.broadcast()).checked_add(1) {
        let mut end = vec![SetElementAttribute::Flags(SetElementFlags::IntervalEnd)];
        end.extend(attributes_of(beyond.to_be_bytes().to_vec(), want));
        both.push(Element::Element(end));
    }
    both
}

fn attributes_of(key: Vec<u8>, want: Want) -> Vec<SetElementAttribute> {
    let timeout = want.seconds.map(|seconds| SetElementAttribute::Timeout(u64::from(seconds) * 1_000));
    let class = want.class.map(|class| (HTB | u32::from(class.0)).to_ne_bytes().to_vec());
    let data = want.slot.map(slot_octets).or(class);
    let data = data.map(|octets| SetElementAttribute::Data(DataAttribute::Value(octets)));
    let key = SetElementAttribute::Key(DataAttribute::Value(key));
    timeout.into_iter().chain([key]).chain(data).collect()
}

/// A network in a concatenation is its first and its last address, unlike one alone.
fn range_of(name: &IfName, net: Ipv4Net) -> Element {
    let point = |address: Ipv4Addr| [&interface_octets(name)[..], &address.octets()].concat();
    let first = SetElementAttribute::Key(DataAttribute::Value(point(net.network())));
    let last = DefaultNla::new(VALUE, point(net.broadcast()));
    Element::Element(vec![first, SetElementAttribute::KeyEnd(vec![last])])
}

fn interface_octets(name: &IfName) -> Vec<u8> {
    let mut octets = name.as_str().as_bytes().to_vec();
    octets.resize(16, 0);
    octets
}

fn key_octets(key: &Key) -> Vec<u8> {
    match key {
        Key::Interface(name) => interface_octets(name),
        Key::Net(net) => net.network().octets().to_vec(),
        Key::At(name, net) => [&interface_octets(name)[..], &net.network().octets()].concat(),
        Key::Address(address) => address.octets().to_vec(),
        Key::Device(device) => [&device.address.octets()[..], &device.mac.octets(), &[0, 0]].concat(),
    }
}

fn slot_octets(slot: Slot) -> Vec<u8> {
    let point = |port: u16| [&slot.address.octets()[..], &port.to_be_bytes(), &[0, 0]].concat();
    [point(slot.first_port), point(slot.last_port)].concat()
}

/// The elements in force.
///
/// # Errors
/// When the table is not there or holds what the gate never holds.
pub fn read() -> Result<Actual, ExecError> {
    let mut actual = Actual::new();
    for set in SetName::ALL {
        actual.extend(read_set(set)?.into_iter().map(|(key, seen)| ((set, key), seen)));
    }
    Ok(actual)
}

/// The elements of one set.
///
/// # Errors
/// As [`read`].
pub fn read_set(set: SetName) -> Result<Vec<(Key, Seen)>, ExecError> {
    let question =
        of_gate(NfTablesMessage::GetSetElement(SetElementMessage { attributes: list(set, vec![]) }));
    let found = netlink::netfilter(|link| {
        link.list(question, |found: &mut Vec<Listed>, _, payload| {
            // The family, the version and the resource come first.
            let elements = attribute(payload.get(4..)?, ELEMENTS);
            for (_, element) in elements.into_iter().flat_map(attributes) {
                found.push(listed(element)?);
            }
            Some(())
        })
    })?;
    keyed(set, found).ok_or_else(|| ExecError::Unreadable {
        program: "netfilter",
        what: format!("an element of {}", set.word()),
    })
}

// Of `enum nft_set_elem_list_attributes`, `nft_set_elem_attributes`, `nft_expr_attributes`, `nft_counter_attributes` and
// `nft_data_attributes` in linux/netfilter/nf_tables.h. The crate reads no further than the name of a counter.
const ELEMENTS: u16 = 3;
const KEY: u16 = 1;
const DATA: u16 = 2;
const FLAGS: u16 = 3;
const TIMEOUT: u16 = 4;
const EXPIRATION: u16 = 5;
const EXPRESSION: u16 = 7;
const KEY_END: u16 = 10;
const EXPRESSION_DATA: u16 = 2;
const BYTES: u16 = 1;
const PACKETS: u16 = 2;
const VALUE: u16 = 1;
const INTERVAL_END: u8 = 1;

/// An element as the kernel lists it.
struct Listed {
    key: Vec<u8>,
    /// Where the key is a range: its last point.
    last: Option<Vec<u8>>,
    data: Option<Vec<u8>>,
    ends: bool,
    seen: Seen,
}

fn listed(element: &[u8]) -> Option<Listed> {
    let mut found = Listed { key: Vec::new(), last: None, data: None, ends: false, seen: Seen::default() };
    for (kind, value) in attributes(element) {
        match kind {
            KEY => found.key = attribute(value, VALUE)?.to_vec(),
            KEY_END => found.last = Some(attribute(value, VALUE)?.to_vec()),
            DATA => found.data = Some(attribute(value, VALUE)?.to_vec()),
            FLAGS => found.ends = value.last()? & INTERVAL_END != 0,
            // In its last second it reads as 0.
            TIMEOUT => found.seen.seconds = found.seen.seconds.or(Some(0)),
            EXPIRATION => {
                found.seen.seconds = Some(u32::try_from(big_u64(value)? / 1_000).unwrap_or(u32::MAX))
            }
            EXPRESSION => {
                let counter = attribute(value, EXPRESSION_DATA)?;
                found.seen.bytes = big_u64(attribute(counter, BYTES)?)?;
                found.seen.packets = big_u64(attribute(counter, PACKETS)?)?;
            }
            _ => {}
        }
    }
    Some(found)
}

fn keyed(set: SetName, found: Vec<Listed>) -> Option<Vec<(Key, Seen)>> {
    if matches!(set, SetName::GuestNet | SetName::OfficeNet | SetName::CriticalNet) {
        return nets(&found);
    }
    found.into_iter().map(|listed| keyed_one(set, &listed)).collect()
}

fn keyed_one(set: SetName, listed: &Listed) -> Option<(Key, Seen)> {
    let key = match set {
        SetName::GuestIf | SetName::OfficeIf | SetName::CriticalIf | SetName::WanIf => {
            Key::Interface(read_interface(&listed.key)?)
        }
        SetName::GuestAt => read_at(listed)?,
        // Read as points and not one by one.
        SetName::GuestNet | SetName::OfficeNet | SetName::CriticalNet => return None,
        SetName::Router | SetName::Catch | SetName::PassDown | SetName::Slots | SetName::PassClass => {
            Key::Address(address(&listed.key).filter(|_| listed.key.len() == 4)?)
        }
        SetName::Pass | SetName::PassUp => Key::Device(read_device(&listed.key)?),
    };
    let data = listed.data.as_deref();
    let (slot, class) = match set {
        SetName::Slots => (Some(read_slot(data?)?), None),
        SetName::PassClass => (None, Some(read_class(data?)?)),
        _ => (None, None),
    };
    Some((key, Seen { slot, class, ..listed.seen }))
}

fn read_interface(octets: &[u8]) -> Option<IfName> {
    let name = octets.split(|octet| *octet == 0).next()?;
    std::str::from_utf8(name).ok()?.parse().ok()
}

fn read_at(listed: &Listed) -> Option<Key> {
    let (name, first) = listed.key.split_at_checked(16)?;
    let last = listed.last.as_deref().unwrap_or(&listed.key).get(16..)?;
    let (first, last) = (u32::from(address(first)?), u32::from(address(last)?));
    let length = u8::try_from((last.checked_sub(first)?).leading_zeros()).ok()?;
    let net = Ipv4Net::new(first.into(), length).ok().filter(|net| u32::from(net.broadcast()) == last)?;
    Some(Key::At(read_interface(name)?, net))
}

fn address(octets: &[u8]) -> Option<Ipv4Addr> {
    octets.first_chunk().map(|octets: &[u8; 4]| Ipv4Addr::from(*octets))
}

fn read_device(octets: &[u8]) -> Option<Device> {
    let octets: &[u8; 12] = octets.try_into().ok()?;
    let mac = octets.get(4..10)?.try_into().ok().map(Mac::new)?;
    Some(Device { address: address(octets)?, mac })
}

fn read_slot(octets: &[u8]) -> Option<Slot> {
    let octets: &[u8; 16] = octets.try_into().ok()?;
    let port = |at: usize| octets.get(at..)?.first_chunk().map(|port| u16::from_be_bytes(*port));
    let slot = Slot { address: address(octets)?, first_port: port(4)?, last_port: port(12)? };
    (slot_octets(slot) == octets).then_some(slot)
}

fn read_class(octets: &[u8]) -> Option<Minor> {
    let class = u32::from_ne_bytes(octets.try_into().ok()?);
    class.checked_sub(HTB).and_then(|minor| u16::try_from(minor).ok()).map(Minor)
}

/// A network is a point where it begins and one where it has ended; before the first network everything has.
fn nets(found: &[Listed]) -> Option<Vec<(Key, Seen)>> {
    let mut points: Vec<_> =
        found.iter().map(|l| Some((u32::from(address(&l.key)?), !l.ends))).collect::<Option<_>>()?;
    // Where one ends and the next begins, the end comes first.
    points.sort_unstable();
    let mut nets = Vec::new();
    let mut points = points.into_iter().skip_while(|(_, begins)| !begins);
    while let Some((first, begins)) = points.next() {
        let beyond = points.next().map_or(1 << 32, |(point, _)| u64::from(point));
        let size = beyond.checked_sub(first.into()).filter(|size| begins && size.is_power_of_two())?;
        let length = u8::try_from(32_u32.checked_sub(size.trailing_zeros())?).ok()?;
        let net = Ipv4Net::new(first.into(), length).ok().filter(|net| net.network() == net.addr())?;
        nets.push((Key::Net(net), Seen::default()));
    }
    Some(nets)
}
