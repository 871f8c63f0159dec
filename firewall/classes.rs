//! HTB's classes in the kernel: listed with what they have carried, and changed many at once.
//!
//! `tc` sends each class with two tables of 1 KiB that the kernel has not looked at since Linux 3.8, and lists classes as
//! text. To make one costs what the kernel takes for it, see [`MOST_CLASSES`](crate::queues::MOST_CLASSES).

use crate::{
    exec::ExecError,
    netlink::{self, Order, attribute, native_u32, native_u64},
    queues::{Class, Leaf, Minor, Queue, Step, burst, turn},
};
use netlink_packet_core::{DefaultNla, NLM_F_CREATE, NLM_F_ECHO, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::{
    RouteNetlinkMessage,
    tc::{TcAttribute, TcHandle, TcHeader, TcMessage, TcOption},
};
use nix::net::if_::if_nametoindex;
use std::{collections::BTreeMap, io};
use varco_policy::{Lane, Rate};

/// A class with what it has carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Which class.
    pub minor: Minor,
    /// Its rates.
    pub class: Class,
    /// What it has carried.
    pub load: Load,
}

/// What a class or a whole tree has carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Bytes sent.
    pub bytes: u64,
    /// Packets sent.
    pub packets: u64,
    /// Packets dropped.
    pub drops: u64,
    /// Packets that had to wait.
    pub overlimits: u64,
    /// Bytes waiting.
    pub backlog: u64,
}

// Of rtnetlink's `TCA_…`, linux/gen_stats.h and `TCA_HTB_…` in linux/pkt_sched.h.
const KIND: u16 = 1;
const OPTIONS: u16 = 2;
const STATISTICS: u16 = 7;
const BASIC: u16 = 1;
const QUEUE: u16 = 3;
const PACKETS_64: u16 = 8;
const PARAMETERS: u16 = 1;
const INIT: u16 = 2;
const RATE_64: u16 = 6;
const CEIL_64: u16 = 7;
/// `struct tcmsg` comes before the attributes.
const HEADER: usize = 20;
/// `TC_LINKLAYER_ETHERNET`: the kernel counts by itself and wants no tables.
const ETHERNET: u8 = 1;
const ROOT: TcHandle = TcHandle { major: 1, minor: 0 };

/// The classes of an interface's HTB `1:` with what they have carried.
///
/// # Errors
/// When the interface is not there, or the kernel answers what cannot be read.
pub fn list(dev: &str) -> Result<Vec<Counted>, ExecError> {
    let question = TcMessage::with_index(index(dev)?);
    netlink::route(|link| {
        link.list(RouteNetlinkMessage::GetTrafficClass(question), |found: &mut Vec<Counted>, _, payload| {
            if ours(payload)? {
                found.push(counted(payload)?);
            }
            Some(())
        })
    })
}

/// One class, at the same cost however many there are; `None` when it is not there.
///
/// # Errors
/// As [`list`].
pub fn one(dev: &str, minor: Minor) -> Result<Option<Counted>, ExecError> {
    let mut question = TcMessage::with_index(index(dev)?);
    question.header.handle = handle(minor);
    let found = ask(RouteNetlinkMessage::GetTrafficClass(question), counted)?;
    Ok(found.filter(|found| found.minor == minor))
}

/// What the whole tree of an interface has carried, dropped and holds back; `None` when there is none.
///
/// # Errors
/// As [`list`].
pub fn whole(dev: &str) -> Result<Option<Load>, ExecError> {
    let mut question = TcMessage::with_index(index(dev)?);
    question.header.handle = ROOT;
    ask(RouteNetlinkMessage::GetQueueDiscipline(question), load)
}

/// The queue in a class that was given one, by name.
///
/// # Errors
/// As [`list`].
pub fn leaf(dev: &str, minor: Minor) -> Result<Option<String>, ExecError> {
    let mut question = TcMessage::with_index(index(dev)?);
    question.header.handle = TcHandle { major: minor.0, minor: 0 };
    ask(RouteNetlinkMessage::GetQueueDiscipline(question), |payload| {
        let kind = attribute(payload.get(HEADER..)?, KIND)?;
        String::from_utf8(kind.strip_suffix(b"\0")?.to_vec()).ok()
    })
}

/// A queueing discipline of any interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qdisc {
    /// Of which interface, by its number.
    pub dev: i32,
    /// What it is, and its limit where that is known.
    pub queue: Queue,
    /// Its own name and that of the class it is in.
    handles: (u32, u32),
    /// HTB's class for what names none.
    default: Option<u32>,
}

impl Qdisc {
    /// Whether it is HTB `1:` at the root, with the office as its default.
    pub fn is_our_root(&self) -> bool {
        let office = u32::from(Minor::of(Lane::Office).0);
        self.queue.kind == "htb" && self.handles == (0x1_0000, u32::MAX) && self.default == Some(office)
    }

    /// The class of HTB `1:` that it is in.
    pub fn class(&self) -> Option<Minor> {
        let (_, parent) = self.handles;
        let minor = u16::try_from(parent & 0xffff).ok().filter(|minor| *minor > 0);
        minor.filter(|_| parent >> 16 == 1).map(Minor)
    }
}

/// All of them: the kernel lists those of every interface, whichever is asked for, and a site with 10,000 passes has 20,000.
///
/// # Errors
/// As [`list`].
pub fn qdiscs() -> Result<Vec<Qdisc>, ExecError> {
    let question = RouteNetlinkMessage::GetQueueDiscipline(TcMessage::default());
    netlink::route(|link| {
        link.list(question, |found: &mut Vec<Qdisc>, _, payload| {
            found.push(qdisc(payload)?);
            Some(())
        })
    })
}

fn qdisc(payload: &[u8]) -> Option<Qdisc> {
    let dev = i32::from_ne_bytes(*payload.get(4..)?.first_chunk()?);
    let all = payload.get(HEADER..)?;
    let kind = String::from_utf8(attribute(all, KIND)?.strip_suffix(b"\0")?.to_vec()).ok()?;
    let options = attribute(all, OPTIONS).unwrap_or_default();
    // `struct tc_fifo_qopt` is the limit; `struct tc_htb_glob` begins with version and divisor.
    let limit = if kind == "pfifo" { native_u32(options, 0) } else { None };
    let default =
        if kind == "htb" { attribute(options, INIT).and_then(|init| native_u32(init, 8)) } else { None };
    let handles = (native_u32(payload, 8)?, native_u32(payload, 12)?);
    Some(Qdisc { dev, queue: Queue { kind, limit }, handles, default })
}

fn ask<T>(question: RouteNetlinkMessage, read: fn(&[u8]) -> Option<T>) -> Result<Option<T>, ExecError> {
    netlink::route(|link| link.ask((NLM_F_ECHO, question), read))
}

/// The number of an interface.
///
/// # Errors
/// When it is not there.
pub fn index(dev: &str) -> Result<i32, ExecError> {
    let found = if_nametoindex(dev).map_err(io::Error::from);
    let found = found.and_then(|index| i32::try_from(index).map_err(io::Error::other));
    found.map_err(|error| ExecError::Refused { what: "the network", error })
}

fn ours(payload: &[u8]) -> Option<bool> {
    let kind = attribute(payload.get(HEADER..)?, KIND)?;
    // The upper half of the handle.
    Some(kind == b"htb\0" && native_u32(payload, 8)? >> 16 == 1)
}

fn counted(payload: &[u8]) -> Option<Counted> {
    let minor = Minor(u16::try_from(native_u32(payload, 8)? & 0xffff).ok()?);
    let options = attribute(payload.get(HEADER..)?, OPTIONS)?;
    // `struct tc_htb_opt`: two `tc_ratespec` of 12 octets that end with the rate, then five numbers.
    let known = attribute(options, PARAMETERS)?;
    let rate = |at, wide| {
        let bytes = attribute(options, wide).and_then(|wide| native_u64(wide, 0));
        let bytes = bytes.or_else(|| native_u32(known, at).map(u64::from))?;
        bytes.checked_mul(8).map(Rate::from_bits)
    };
    let prio = u8::try_from(native_u32(known, 40)?).ok();
    let class = Class { rate: rate(8, RATE_64)?, ceil: rate(20, CEIL_64)?, prio, turn: None };
    Some(Counted { minor, class, load: load(payload)? })
}

fn load(payload: &[u8]) -> Option<Load> {
    let statistics = attribute(payload.get(HEADER..)?, STATISTICS)?;
    let (basic, queue) = (attribute(statistics, BASIC)?, attribute(statistics, QUEUE)?);
    let packets = attribute(statistics, PACKETS_64).and_then(|wide| native_u64(wide, 0));
    let of_queue = |at| native_u32(queue, at).map(u64::from);
    Some(Load {
        bytes: native_u64(basic, 0)?,
        packets: packets.or_else(|| native_u32(basic, 8).map(u64::from))?,
        backlog: of_queue(4)?,
        drops: of_queue(8)?,
        overlimits: of_queue(16)?,
    })
}

/// Whether a step is carried out here; the others are for `tc`.
pub const fn is_ours(step: &Step) -> bool {
    match step {
        Step::AddClass(..) | Step::ChangeClass(..) | Step::DeleteClass(..) => true,
        Step::SetLeaf(_, _, leaf, _) => matches!(leaf, Leaf::Pfifo(_) | Leaf::FqCodel),
        Step::AddIfb | Step::SetRoot(_) | Step::AddHook(_) | Step::DeleteFilter(_) | Step::Redirect(_) => {
            false
        }
    }
}

/// Carries out the steps that are [`is_ours`], in order.
///
/// # Errors
/// The first that failed; those after it have been tried all the same.
pub fn apply(steps: &[Step]) -> Result<(), ExecError> {
    carry_out(steps, NLM_F_CREATE | NLM_F_EXCL)
}

/// As [`apply`], and a class to be added that is there is changed.
///
/// # Errors
/// As [`apply`].
pub fn put(steps: &[Step]) -> Result<(), ExecError> {
    carry_out(steps, NLM_F_CREATE)
}

fn carry_out(steps: &[Step], bring: u16) -> Result<(), ExecError> {
    let mut devices = BTreeMap::new();
    for (dev, ..) in steps.iter().filter_map(parts) {
        if !devices.contains_key(dev) {
            devices.insert(dev, index(dev)?);
        }
    }
    let order = |step: &Step| {
        let (dev, minor) = parts(step)?;
        order(step, *devices.get(dev)?, minor, bring)
    };
    netlink::route(|link| link.order(steps.iter().filter_map(order), &[]))
}

fn parts(step: &Step) -> Option<(&str, Minor)> {
    match step {
        Step::AddClass(dev, minor, _)
        | Step::ChangeClass(dev, minor, _)
        | Step::DeleteClass(dev, minor)
        | Step::SetLeaf(dev, minor, ..) => Some((dev, *minor)),
        Step::AddIfb | Step::SetRoot(_) | Step::AddHook(_) | Step::DeleteFilter(_) | Step::Redirect(_) => {
            None
        }
    }
}

fn order(step: &Step, index: i32, minor: Minor, bring: u16) -> Option<Order<RouteNetlinkMessage>> {
    let class = |attributes| {
        let parent = minor.parent().map_or(ROOT, handle);
        let header = TcHeader { index, handle: handle(minor), parent, ..TcHeader::default() };
        TcMessage::from_parts(header, attributes)
    };
    Some(match step {
        Step::AddClass(_, _, wanted) => (bring, RouteNetlinkMessage::NewTrafficClass(class(htb(wanted)))),
        Step::ChangeClass(_, _, wanted) => (0, RouteNetlinkMessage::NewTrafficClass(class(htb(wanted)))),
        Step::DeleteClass(..) => (0, RouteNetlinkMessage::DelTrafficClass(class(vec![]))),
        Step::SetLeaf(_, _, leaf, _) => {
            let own = TcHandle { major: minor.0, minor: 0 };
            let header = TcHeader { index, handle: own, parent: handle(minor), ..TcHeader::default() };
            let message = TcMessage::from_parts(header, queue(*leaf));
            (NLM_F_CREATE | NLM_F_REPLACE, RouteNetlinkMessage::NewQueueDiscipline(message))
        }
        _ => return None,
    })
}

const fn handle(minor: Minor) -> TcHandle {
    TcHandle { major: 1, minor: minor.0 }
}

fn queue(leaf: Leaf) -> Vec<TcAttribute> {
    let mut attributes = vec![TcAttribute::Kind(leaf.word().to_owned())];
    if let Leaf::Pfifo(packets) = leaf {
        // `struct tc_fifo_qopt` and nothing around it.
        let limit = packets.to_ne_bytes().to_vec();
        attributes.push(TcAttribute::Other(DefaultNla::new(OPTIONS, limit)));
    }
    attributes
}

/// `struct tc_htb_opt`, and the rates again where 32 bits do not hold them (above 34 Gbit/s).
fn htb(class: &Class) -> Vec<TcAttribute> {
    let mut octets = Vec::with_capacity(44);
    for rate in [class.rate, class.ceil] {
        // cell_log, linklayer, overhead (2), cell_align (2), mpu (2).
        octets.extend([0, ETHERNET, 0, 0, 0, 0, 0, 0]);
        octets.extend(narrow(rate.bytes()));
    }
    for (size, rate) in [(burst(class.rate), class.rate), (burst(class.ceil), class.ceil)] {
        octets.extend(narrow(ticks(size, rate)));
    }
    let level = 0;
    for number in [turn(class), level, class.prio.unwrap_or(0).into()] {
        octets.extend(narrow(number));
    }
    let mut options = vec![DefaultNla::new(PARAMETERS, octets)];
    for (kind, rate) in [(RATE_64, class.rate), (CEIL_64, class.ceil)] {
        if rate.bytes() > u32::MAX.into() {
            options.push(DefaultNla::new(kind, rate.bytes().to_ne_bytes().to_vec()));
        }
    }
    let options = options.into_iter().map(TcOption::Other).collect();
    vec![TcAttribute::Kind("htb".into()), TcAttribute::Options(options)]
}

/// The time that these bytes take, in the clock of queues: 64 nanoseconds a tick (`PSCHED_SHIFT` in net/pkt_sched.h), of
/// whole microseconds as `tc` counts them.
fn ticks(bytes: u64, rate: Rate) -> u64 {
    let microseconds = bytes.saturating_mul(1_000_000) / rate.bytes().max(1);
    microseconds.saturating_mul(1_000) / 64
}

fn narrow(number: u64) -> [u8; 4] {
    u32::try_from(number).unwrap_or(u32::MAX).to_ne_bytes()
}
