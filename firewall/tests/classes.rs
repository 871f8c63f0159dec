//! The classes that netlink makes are those that `tc` would have made.

use crate::{elements::inside, flows::must};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    process::{Command, Stdio},
};
use varco_firewall::{
    classes,
    queues::{self, Class, Leaf, Minor, Rated, Step, Wanted},
    tc,
};
use varco_policy::{IfName, Site};

#[test]
fn classes_are_those_of_tc() {
    inside("classes::of_netlink_and_of_tc");
}

fn batch(steps: &[Step]) {
    let mut child = Command::new("tc").args(["-batch", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let text: String = steps.iter().map(|step| format!("{step}\n")).collect();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "{text}");
}

fn shown(dev: &str) -> BTreeSet<String> {
    let classes = must(&format!("tc -d class show dev {dev}"));
    let leaves = must(&format!("tc -d qdisc show dev {dev}")).replace(dev, "DEV");
    let lines = classes.lines().chain(leaves.lines());
    lines.map(|line| line.split("direct_packets_stat").next().unwrap().trim().to_owned()).collect()
}

/// Classes from 64 kbit/s, through the numbers that 32 bits hold, to 100 Gbit/s; `n` varies them.
fn wanted(n: u64) -> Wanted {
    let mut site = Site::load(std::path::Path::new("../docker/site/site.toml")).unwrap();
    site.interfaces.wan = "none".parse().unwrap();
    let own = |(k, rate): (u16, &str)| (Minor(0x3100 + k), rate.parse().unwrap());
    let rates = ["64kbit", "1003kbit", "7mbit", "34359738360", "34359738368", "100gbit"];
    let rates =
        rates.into_iter().map(|rate| if rate.ends_with("bit") { rate.into() } else { format!("{rate}bit") });
    let rates: Vec<String> = rates.collect();
    let rated: Rated = (0..).zip(rates.iter().map(String::as_str)).map(own).collect();
    let mut shares = site.shares();
    shares.down.office.guaranteed = format!("{}kbit", 50_000 + n).parse().unwrap();
    let mut wanted = queues::wanted(&site, &shares, site.link.shaped(), &rated, Leaf::Pfifo(1_000));
    for (minor, rate) in rated {
        wanted.down.insert(minor, Class { rate, ceil: rate, prio: Some(7), turn: Some(65_536) });
    }
    wanted
}

/// The steps that concern one tree alone, told of another interface.
fn steps(wanted: &Wanted, dev: &str) -> Vec<Step> {
    let actual = if shown(dev).iter().any(|line| line.contains(" htb ")) {
        tc::read(&dev.parse().unwrap(), &BTreeSet::<IfName>::new()).unwrap()
    } else {
        queues::Actual::default()
    };
    let wanted = Wanted { wan: dev.parse().unwrap(), up: wanted.down.clone(), ..wanted.clone() };
    let of_dev = |step: &Step| step.to_string().contains(&format!(" dev {dev} "));
    queues::plan(&wanted, &actual).into_iter().filter(of_dev).collect()
}

#[test]
#[ignore = "started by the test above in a network of its own"]
fn of_netlink_and_of_tc() {
    for dev in ["of-tc", "of-netlink"] {
        must(&format!("ip link add {dev} type ifb"));
        must(&format!("ip link set {dev} up"));
    }
    for n in [0, 1] {
        let wanted = wanted(n);
        let first = steps(&wanted, "of-tc");
        batch(&first);
        tc::apply(&steps(&wanted, "of-netlink")).unwrap();
        let (of_netlink, of_tc) = (shown("of-netlink"), shown("of-tc"));
        let different: Vec<_> = of_netlink.symmetric_difference(&of_tc).collect();
        assert!(different.is_empty(), "{different:#?}");
        assert!(n == 0 || first.len() == 1, "one share has changed: {first:?}");
        assert!(steps(&wanted, "of-netlink").is_empty(), "read back, all is as wanted");

        let listed: BTreeMap<_, _> =
            classes::list("of-netlink").unwrap().into_iter().map(|c| (c.minor, c.class)).collect();
        let rates = |all: &BTreeMap<Minor, Class>| -> Vec<_> {
            all.iter().map(|(m, c)| (*m, c.rate.bytes(), c.ceil.bytes(), c.prio.unwrap_or(0))).collect()
        };
        assert_eq!(rates(&listed), rates(&wanted.down));
    }
    let again = Step::AddClass("of-netlink".into(), Minor(0x100), wanted(0).down[&Minor(0x100)]);
    assert!(classes::apply(&[again]).is_err(), "it is there already");
    let gone = Step::DeleteClass("of-netlink".into(), Minor(0x3103));
    classes::apply(std::slice::from_ref(&gone)).unwrap();
    assert!(classes::apply(&[gone]).is_err(), "it is there no more");
    assert!(classes::one("of-netlink", Minor(0x3103)).unwrap().is_none());
    assert!(classes::one("of-netlink", Minor(0x3104)).unwrap().is_some());
    assert!(classes::whole("of-netlink").unwrap().is_some());
    assert!(classes::whole("lo").unwrap().is_none());
    assert!(classes::list("no-such").is_err());
}
