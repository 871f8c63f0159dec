//! Running flows: conntrack remembers them, so what is to end at once must be forgotten there.
//!
//! The kernel finds a guest's flows by walking through its whole table of buckets (262,144 of them on a machine with
//! more than 4 GB: some milliseconds, with one flow as with many), so many guests are looked for in one walk.

use crate::{
    exec::ExecError,
    netlink::{self, attribute, native_u32},
};
use netlink_packet_core::{DefaultNla, Emitable};
use netlink_packet_netfilter::{
    NetfilterHeader, NetfilterMessage, NetfilterProtoFamily,
    conntrack::{ConntrackAttribute, ConntrackMessage, ConntrackMessageType, Status},
};
use nix::errno::Errno;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};
use varco_policy::guests::GuestNetworks;

/// Forgets every flow that these guests of `networks` began.
///
/// # Errors
/// When flows are left afterwards.
pub fn forget_all(guests: &BTreeSet<Ipv4Addr>, networks: &GuestNetworks) -> Result<(), ExecError> {
    forget_those(guests, networks, |_| true)
}

/// As [`forget_all`], but only redirected flows, so that what the portal or the captive resolver answered goes where it
/// was meant to go; flows to the portal itself and to the walled garden go on.
///
/// # Errors
/// When flows are left afterwards.
pub fn forget_all_redirected(guests: &BTreeSet<Ipv4Addr>, networks: &GuestNetworks) -> Result<(), ExecError> {
    forget_those(guests, networks, |flow| flow.redirected)
}

/// Deleted by what names it in the table and by its number, so never another that has come in its place.
fn forget_those(
    guests: &BTreeSet<Ipv4Addr>,
    networks: &GuestNetworks,
    ends: fn(&Flow<'_>) -> bool,
) -> Result<(), ExecError> {
    if guests.is_empty() {
        return Ok(());
    }
    let found = walk(only(guests), |found: &mut Vec<_>, flow| {
        if networks.contain(flow.guest) && guests.contains(&flow.guest) && ends(&flow) {
            let names = [(ORIGINAL, flow.original), (NUMBER, flow.number)];
            found.push(names.map(|(kind, value)| DefaultNla::new(kind, value.to_vec())));
        }
    })?;
    let delete = |names: [DefaultNla; 2]| {
        (0, of_ipv4(ConntrackMessage::Delete(names.map(ConntrackAttribute::Other).into())))
    };
    // What has ended by itself meanwhile is forgotten too.
    netlink::netfilter(|link| link.order(found.into_iter().map(delete), &[Errno::ENOENT]))
}

/// The guests that have flows, each with the public addresses and ports that its flows use.
pub type PublicByGuest = BTreeMap<Ipv4Addr, BTreeSet<(Ipv4Addr, u16)>>;

/// The flows of the guests of `networks`.
///
/// # Errors
/// When conntrack cannot be listed.
pub fn by_guest(networks: &GuestNetworks) -> Result<PublicByGuest, ExecError> {
    fold(networks, |guests: &mut PublicByGuest, guest, public| {
        guests.entry(guest).or_default().insert(public);
    })
}

/// Gathers the public address and port of every flow of the guests of `networks`.
///
/// # Errors
/// When conntrack cannot be listed.
pub fn fold<T: Default>(
    networks: &GuestNetworks,
    each: impl Fn(&mut T, Ipv4Addr, (Ipv4Addr, u16)),
) -> Result<T, ExecError> {
    walk(None, |found, flow| {
        if networks.contain(flow.guest) {
            each(found, flow.guest, flow.public);
        }
    })
}

// Of `enum ctattr_type`, `ctattr_tuple`, `ctattr_ip`, `ctattr_l4proto` and `ctattr_filter` in
// linux/netfilter/nfnetlink_conntrack.h. Read in place: a router has a hundred thousand flows.
const ORIGINAL: u16 = 1;
const REPLY: u16 = 2;
const STATUS: u16 = 3;
const NUMBER: u16 = 12;
const FILTER: u16 = 25;
const NESTED: u16 = netlink_packet_core::NLA_F_NESTED;
const IP: u16 = 1;
const PROTOCOL: u16 = 2;
const SOURCE: u16 = 1;
const DESTINATION: u16 = 2;
const DESTINATION_PORT: u16 = 3;
const ICMP_NUMBER: u16 = 4;
const ORIGINAL_BY: u16 = 1;
/// `CTA_FILTER_F_CTA_IP_SRC`.
const BY_SOURCE: u32 = 1;

/// What is needed of a flow.
struct Flow<'a> {
    /// Who began it.
    guest: Ipv4Addr,
    /// The destination of answers: the public address and port. ICMP has its identifier instead of a port.
    public: (Ipv4Addr, u16),
    /// Whether it goes elsewhere than it was sent.
    redirected: bool,
    original: &'a [u8],
    number: &'a [u8],
}

/// Lets the kernel (5.8 and later) look for one guest itself; an older one gives all flows.
fn only(guests: &BTreeSet<Ipv4Addr>) -> Option<Ipv4Addr> {
    guests.first().copied().filter(|_| guests.len() == 1)
}

fn walk<T: Default>(guest: Option<Ipv4Addr>, each: impl Fn(&mut T, Flow<'_>)) -> Result<T, ExecError> {
    let question = of_ipv4(guest.map_or(ConntrackMessage::Get(vec![]), only_of));
    netlink::netfilter(|link| {
        link.list(question, |found, _, payload| {
            // The family, the version and the resource come first.
            if let Some(flow) = flow(payload.get(4..)?) {
                each(found, flow);
            }
            Some(())
        })
    })
}

/// The crate's own attributes lose the mark that they hold others, which the kernel asks for in a filter.
fn only_of(guest: Ipv4Addr) -> ConntrackMessage {
    let nest = |kind, inner: DefaultNla| {
        let mut octets = vec![0; inner.buffer_len()];
        inner.emit(&mut octets);
        DefaultNla::new(kind | NESTED, octets)
    };
    let source = nest(IP, DefaultNla::new(SOURCE, guest.octets().to_vec()));
    let by = DefaultNla::new(ORIGINAL_BY, BY_SOURCE.to_ne_bytes().to_vec());
    let attributes = vec![nest(ORIGINAL, source), nest(FILTER, by)];
    ConntrackMessage::Other { message_type: ConntrackMessageType::Get.into(), attributes }
}

fn of_ipv4(message: ConntrackMessage) -> NetfilterMessage {
    NetfilterMessage::new(NetfilterHeader::new(NetfilterProtoFamily::IPv4, 0, 0), message)
}

/// `None` for what is no flow over IPv4.
fn flow(payload: &[u8]) -> Option<Flow<'_>> {
    let original = attribute(payload, ORIGINAL)?;
    let reply = attribute(payload, REPLY)?;
    let status = attribute(payload, STATUS)?.first_chunk().map(|status| u32::from_be_bytes(*status))?;
    let protocol = attribute(reply, PROTOCOL)?;
    let port = attribute(protocol, DESTINATION_PORT).or_else(|| attribute(protocol, ICMP_NUMBER));
    let port = port.and_then(<[u8]>::first_chunk).map_or(0, |port| u16::from_be_bytes(*port));
    Some(Flow {
        guest: address(original, SOURCE)?,
        public: (address(reply, DESTINATION)?, port),
        redirected: Status::from_bits_retain(status).contains(Status::DstNat),
        original,
        number: attribute(payload, NUMBER)?,
    })
}

fn address(tuple: &[u8], which: u16) -> Option<Ipv4Addr> {
    native_u32(attribute(attribute(tuple, IP)?, which)?, 0).map(|address| address.to_ne_bytes().into())
}
