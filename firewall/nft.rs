//! The gate in the kernel: one transaction to change it, one listing to read it.

use crate::{
    exec::{self, ExecError},
    gate::{Actual, Key, Seen, SetName, Step, Want},
    queues::Minor,
};
use nftables::{
    batch::Batch,
    expr::{Elem, Expression, NamedExpression, Prefix, Range},
    schema::{Chain, Element, FlushObject, NfCmd, NfListObject},
    types::NfFamily,
};
use serde::Deserialize;
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeMap, net::Ipv4Addr};
use varco_policy::{Device, Slot};

/// The gate: sets, chains and rules, without a single element.
pub const BASE: &str = include_str!("base.nft");

const TABLE: [&str; 4] = ["list", "table", "inet", "varco"];

/// Loads the gate in one transaction: rules are replaced, elements stay.
///
/// # Errors
/// When the kernel does not take it.
pub fn load() -> Result<(), ExecError> {
    exec::run("nft", &["-f", "-"], BASE).map(drop)
}

/// The rules in force, without elements and counters: only to be compared with an earlier answer.
///
/// # Errors
/// When the table is not there.
pub fn rules() -> Result<String, ExecError> {
    exec::run("nft", &[&["-s", "-t"], &TABLE[..]].concat(), "")
}

/// As [`rules`], after a look that every rule of `base.nft` is there: as many in each chain.
///
/// # Errors
/// When the table is not there or its chains are not those of `base.nft`.
pub fn whole_rules() -> Result<String, ExecError> {
    let rules = rules()?;
    if shape(&rules) == shape(BASE) {
        return Ok(rules);
    }
    Err(ExecError::Unreadable {
        program: "nft",
        what: "the rules read back are not those of base.nft".into(),
    })
}

/// The number of lines in each chain, comments aside.
fn shape(text: &str) -> BTreeMap<&str, usize> {
    let (mut shape, mut chain) = (BTreeMap::new(), None);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match (line.strip_prefix("chain "), chain) {
            (Some(name), _) => chain = Some(name.trim_end_matches([' ', '{'])),
            (None, Some(_)) if line == "}" => chain = None,
            (None, Some(name)) => *shape.entry(name).or_default() += 1,
            (None, None) => {}
        }
    }
    shape
}

/// Takes the gate away.
///
/// # Errors
/// When the kernel refuses.
pub fn remove() -> Result<(), ExecError> {
    // Adding first makes the deletion succeed where there is no table.
    exec::run("nft", &["-f", "-"], "add table inet varco\ndelete table inet varco\n").map(drop)
}

/// Carries out all steps in one transaction: all of them, or none and an error.
///
/// # Errors
/// When the kernel does not take it; nothing has changed then.
pub fn apply(steps: &[Step]) -> Result<(), ExecError> {
    transact(steps, NfCmd::Add)
}

/// As [`apply`], and fails where an element to come is there already. So success says what these elements are
/// now: each that goes was there, each that came is as given. It costs the same with one pass and with 10,000;
/// reading a single element back does not, since nft 1.0 lists its whole set for that.
///
/// # Errors
/// When the kernel holds something else than the steps begin from; nothing has changed then.
pub fn exchange(steps: &[Step]) -> Result<(), ExecError> {
    transact(steps, NfCmd::Create)
}

fn transact(steps: &[Step], bring: fn(NfListObject<'static>) -> NfCmd<'static>) -> Result<(), ExecError> {
    if steps.is_empty() {
        return Ok(());
    }
    let mut batch = Batch::new();
    // One command for neighbours of the same kind: a command for each of 10,000 elements takes seconds.
    for group in steps.chunk_by(|a, b| kind(a) == kind(b)) {
        let Some((adds, set)) = group.first().map(kind) else { continue };
        let elements = NfListObject::Element(Element {
            family: NfFamily::INet,
            table: "varco".into(),
            name: set.word().into(),
            elem: group.iter().map(element).collect(),
        });
        if adds { batch.add_cmd(bring(elements)) } else { batch.delete(elements) }
    }
    send(batch)
}

const fn kind(step: &Step) -> (bool, SetName) {
    (matches!(step, Step::Add(..)), step.place().0)
}

fn send(batch: Batch<'_>) -> Result<(), ExecError> {
    let unreadable =
        |what: serde_json::Error| ExecError::Unreadable { program: "nft", what: what.to_string() };
    let json = serde_json::to_string(&batch.to_nftables()).map_err(unreadable)?;
    exec::run("nft", &["-j", "-f", "-"], &json).map(drop)
}

fn element(step: &Step) -> Expression<'static> {
    let ((_, key), want) = match step {
        Step::Delete(place) => (place, Want::default()),
        Step::Add(place, want) => (place, *want),
    };
    let key = match want.seconds {
        Some(seconds) => Expression::Named(NamedExpression::Elem(Elem {
            val: Box::new(key_expression(key)),
            timeout: Some(seconds),
            ..Elem::default()
        })),
        None => key_expression(key),
    };
    let class = want.class.map(|class| text(format_args!("1:{class}")));
    match want.slot.map(slot_expression).or(class) {
        Some(value) => Expression::List(vec![key, value]),
        None => key,
    }
}

fn key_expression(key: &Key) -> Expression<'static> {
    match key {
        Key::Interface(name) => text(name),
        Key::Address(address) => text(address),
        Key::Device(d) => Expression::Named(NamedExpression::Concat(vec![text(d.address), text(d.mac)])),
        Key::Net(net) => prefix(*net),
        Key::At(name, net) => Expression::Named(NamedExpression::Concat(vec![text(name), prefix(*net)])),
    }
}

fn prefix(net: ipnet::Ipv4Net) -> Expression<'static> {
    let len = net.prefix_len().into();
    Expression::Named(NamedExpression::Prefix(Prefix { addr: Box::new(text(net.network())), len }))
}

fn slot_expression(slot: Slot) -> Expression<'static> {
    let ports = [slot.first_port, slot.last_port].map(|port| Expression::Number(port.into()));
    let ports = Expression::Range(Box::new(Range { range: ports }));
    Expression::Named(NamedExpression::Concat(vec![text(slot.address), ports]))
}

fn text(value: impl ToString) -> Expression<'static> {
    Expression::String(Cow::Owned(value.to_string()))
}

/// The elements in force, all from one listing.
///
/// The `nftables` crate cannot read every map back and then fails the whole document, so only the sets and
/// maps of the gate are read here, and what an element must be is spelled out.
///
/// # Errors
/// When the table is not there or holds what the gate never holds.
pub fn read() -> Result<Actual, ExecError> {
    let listing: Listing = exec::json("nft", &[&["-j"], &TABLE[..]].concat())?;
    let mut actual = Actual::new();
    for object in listing.nftables {
        let Some(set) = object.set.or(object.map) else { continue };
        let Some(name) = SetName::ALL.into_iter().find(|name| name.word() == set.name) else { continue };
        for value in &set.elem {
            let (key, seen) = read_element(name, value).ok_or_else(|| strange(name))?;
            actual.insert((name, key), seen);
        }
    }
    Ok(actual)
}

fn strange(set: SetName) -> ExecError {
    ExecError::Unreadable { program: "nft", what: format!("an element of {}", set.word()) }
}

#[derive(Deserialize)]
struct Listing {
    nftables: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    set: Option<ListedSet>,
    map: Option<ListedSet>,
}

#[derive(Deserialize)]
struct ListedSet {
    name: String,
    #[serde(default)]
    elem: Vec<Value>,
}

#[derive(Deserialize)]
struct Timed {
    val: Value,
    expires: Option<u32>,
    #[serde(default)]
    counter: Counted,
}

#[derive(Deserialize, Default)]
struct Counted {
    packets: u64,
    bytes: u64,
}

fn read_element(set: SetName, value: &Value) -> Option<(Key, Seen)> {
    let (value, slot, class) = match (set, value) {
        (SetName::Slots, Value::Array(pair)) => (pair.first()?, Some(read_slot(pair.get(1)?)?), None),
        (SetName::PassClass, Value::Array(pair)) => (pair.first()?, None, Some(read_class(pair.get(1)?)?)),
        _ => (value, None, None),
    };
    let Some(timed) = value.get("elem") else {
        return Some((read_key(set, value)?, Seen { slot, class, ..Seen::default() }));
    };
    let timed: Timed = serde_json::from_value(timed.clone()).ok()?;
    let Counted { packets, bytes } = timed.counter;
    // An element in its last second reads as 0.
    let seconds = Some(timed.expires.unwrap_or(0));
    Some((read_key(set, &timed.val)?, Seen { slot, class, seconds, packets, bytes }))
}

fn read_key(set: SetName, value: &Value) -> Option<Key> {
    match set {
        SetName::GuestIf | SetName::OfficeIf | SetName::CriticalIf | SetName::WanIf => {
            value.as_str()?.parse().ok().map(Key::Interface)
        }
        SetName::OfficeNet | SetName::CriticalNet | SetName::GuestNet => read_net(value).map(Key::Net),
        SetName::GuestAt => {
            let [name, net] = value.get("concat")?.as_array()?.as_slice() else { return None };
            Some(Key::At(name.as_str()?.parse().ok()?, read_net(net)?))
        }
        SetName::Router | SetName::Catch | SetName::PassDown | SetName::Slots | SetName::PassClass => {
            value.as_str()?.parse().ok().map(Key::Address)
        }
        SetName::Pass | SetName::PassUp => read_device(value).map(Key::Device),
    }
}

fn read_net(value: &Value) -> Option<ipnet::Ipv4Net> {
    let Some(prefix) = value.get("prefix") else {
        return value.as_str()?.parse::<Ipv4Addr>().ok().map(Into::into);
    };
    let address = prefix.get("addr")?.as_str()?.parse().ok()?;
    ipnet::Ipv4Net::new(address, u8::try_from(prefix.get("len")?.as_u64()?).ok()?).ok()
}

fn read_device(value: &Value) -> Option<Device> {
    let [address, mac] = value.get("concat")?.as_array()?.as_slice() else { return None };
    Some(Device { address: address.as_str()?.parse().ok()?, mac: mac.as_str()?.parse().ok()? })
}

fn read_slot(value: &Value) -> Option<Slot> {
    let [address, ports] = value.get("concat")?.as_array()?.as_slice() else { return None };
    let port = |v: &Value| v.as_u64().and_then(|p| u16::try_from(p).ok());
    let (first_port, last_port) = match ports.get("range").and_then(Value::as_array).map(Vec::as_slice) {
        Some([first, last]) => (port(first)?, port(last)?),
        _ => (port(ports)?, port(ports)?),
    };
    Some(Slot { address: address.as_str()?.parse().ok()?, first_port, last_port })
}

fn read_class(value: &Value) -> Option<Minor> {
    u16::from_str_radix(value.as_str()?.strip_prefix("1:")?, 16).ok().map(Minor)
}

/// Removes chains that are not in `base.nft`: loading it again does not.
///
/// # Errors
/// When the kernel refuses.
pub fn remove_strangers() -> Result<(), ExecError> {
    let listing: Value = exec::json("nft", &[&["-j"], &TABLE[..]].concat())?;
    let chains = listing["nftables"].as_array().into_iter().flatten();
    let names = chains.filter_map(|object| object["chain"]["name"].as_str());
    let mut batch = Batch::new();
    let strangers: Vec<_> = names.filter(|name| !BASE.contains(&format!("chain {name} {{"))).collect();
    for name in &strangers {
        let name = (*name).to_owned();
        let chain =
            Chain { family: NfFamily::INet, table: "varco".into(), name: name.into(), ..Chain::default() };
        batch.add_cmd(NfCmd::Flush(FlushObject::Chain(chain.clone())));
        batch.delete(NfListObject::Chain(chain));
    }
    if strangers.is_empty() { Ok(()) } else { send(batch) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_of_the_gate_is_counted() {
        let shape = shape(BASE);
        assert_eq!((shape.len(), shape["forward"], shape["leave"]), (14, 3, 3));
    }

    #[test]
    fn elements_are_read_as_the_kernel_lists_them() {
        let slot = serde_json::json!([{"elem": {"val": "10.64.0.10", "timeout": 600, "expires": 599}},
            {"concat": ["198.18.0.3", {"range": [1024, 1535]}]}]);
        let (key, seen) = read_element(SetName::Slots, &slot).unwrap();
        assert_eq!((key.to_string().as_str(), seen.seconds), ("10.64.0.10", Some(599)));
        assert_eq!(seen.slot.unwrap().last_port, 1535);
        let pass = serde_json::json!({"elem": {"val": {"concat": ["10.64.0.10", "02:00:00:00:00:01"]},
            "timeout": 600, "expires": 9, "counter": {"packets": 3, "bytes": 300}}});
        let (key, seen) = read_element(SetName::PassUp, &pass).unwrap();
        assert_eq!(key.to_string(), "10.64.0.10 . 02:00:00:00:00:01");
        assert_eq!((seen.packets, seen.bytes, seen.seconds), (3, 300, Some(9)));
        let class =
            serde_json::json!([{"elem": {"val": "10.64.0.10", "timeout": 600, "expires": 9}}, "1:10a"]);
        assert_eq!(read_element(SetName::PassClass, &class).unwrap().1.class, Some(Minor(0x10a)));
        assert!(read_element(SetName::Pass, &serde_json::json!("10.64.0.10")).is_none());
    }
}
