//! What netlink writes is what `nft` would have written, octet for octet as far as the kernel shows.
//!
//! The test that needs a network of its own is this same program, started once more inside one.

use proptest::prelude::*;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    io::Write,
    net::Ipv4Addr,
    process::{Command, Stdio},
};
use varco_firewall::{
    elements,
    exec::ExecError,
    gate::{self, Actual, Step, Wanted},
    nft,
    queues::Minor,
};
use varco_policy::{Device, Mac, Site, Slot};

/// Starts a test that is ignored, alone in a network namespace where it is root.
pub fn inside(test: &str) {
    let this = std::env::current_exe().unwrap();
    let can = |args: &str| Command::new("unshare").args([args, "true"]).output().unwrap().status.success();
    let space = if can("-Urn") { "-Urn" } else { "-n" };
    let mut command = Command::new("unshare");
    command.arg(space).arg(this).args(["--exact", test, "--ignored", "--nocapture"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{failed}");
}

#[test]
fn netlink_writes_what_nft_would() {
    inside("elements::of_netlink_and_of_nft");
}

fn nft(text: &str) {
    let mut child = Command::new("nft").args(["-f", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "{text}");
}

fn anew() {
    nft("table inet varco\ndelete table inet varco\n");
    nft::load().unwrap();
}

/// The elements as `nft` lists them, without the time that is left.
fn listed() -> Vec<String> {
    let output = Command::new("nft").args(["-j", "list", "table", "inet", "varco"]).output().unwrap();
    let listing: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut all = Vec::new();
    for object in listing["nftables"].as_array().unwrap() {
        let set = if object["set"].is_null() { &object["map"] } else { &object["set"] };
        for element in set["elem"].as_array().into_iter().flatten() {
            let mut element = element.clone();
            for place in ["/elem/expires", "/0/elem/expires"] {
                if let Some(expires) = element.pointer_mut(place) {
                    *expires = Value::Null;
                }
            }
            all.push(format!("{} {element}", set["name"]));
        }
    }
    all.sort();
    all
}

fn site() -> Site {
    let mut site = Site::load(std::path::Path::new("../docker/site/site.toml")).unwrap();
    site.interfaces.critical = vec!["a".parse().unwrap(), "fifteen-letters".parse().unwrap()];
    site
}

fn timeless(mut actual: Actual) -> Actual {
    actual.values_mut().for_each(|seen| seen.seconds = seen.seconds.map(|_| 0));
    actual
}

fn written(wanted: &Wanted) {
    let steps = gate::plan(wanted, &Actual::new(), &BTreeSet::new());
    anew();
    nft(&steps.iter().map(|step| format!("{step}\n")).collect::<String>());
    let (of_nft, read) = (listed(), timeless(elements::read().unwrap()));
    anew();
    elements::exchange(&steps).unwrap();
    assert_eq!(listed(), of_nft);
    assert!(timeless(elements::read().unwrap()) == read, "read back otherwise");
    assert!(timeless(gate::as_wanted(wanted.clone())) == read, "read otherwise than written");
    assert_eq!(listed().len(), wanted.len());

    // Again, all of it or only its last: nothing of it comes.
    let number = |outcome| match outcome {
        Err(ExecError::Refused { error, .. }) => error.raw_os_error(),
        other => panic!("{other:?}"),
    };
    assert_eq!(number(elements::exchange(&steps)), Some(nix::errno::Errno::EEXIST as i32));
    let removals: Vec<_> = steps.iter().map(|step| Step::Delete(step.place().clone())).collect();
    elements::exchange(&removals[1..]).unwrap();
    let left = listed();
    assert_eq!(left.len(), 1);
    assert_eq!(number(elements::exchange(&removals)), Some(nix::errno::Errno::ENOENT as i32));
    let swapped: Vec<_> = steps.iter().rev().cloned().collect();
    assert_eq!(number(elements::exchange(&swapped)), Some(nix::errno::Errno::EEXIST as i32));
    assert_eq!(listed(), left, "a transaction that fails changes nothing");
    elements::apply(&swapped).unwrap();
    assert_eq!(listed(), of_nft);
}

fn some_pass() -> impl Strategy<Value = (u32, [u8; 5], u8, u16, u16, u32)> {
    (any::<u32>(), any::<[u8; 5]>(), 0u8..8, 0u16..126, 1u16..=0xffff, 1u32..=86_400)
}

#[test]
#[ignore = "started by the test above in a network of its own"]
fn of_netlink_and_of_nft() {
    let passes = proptest::collection::vec(some_pass(), 1..6);
    let config = ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let case = |passes: Vec<_>| {
        let mut wanted = gate::of_site(&site());
        for (address, mac, lent, block, class, seconds) in passes {
            let [a, b, c, d, e] = mac;
            let address = Ipv4Addr::from(address | 0x0100_0000);
            let device = Device { address, mac: Mac::new([a & 0xfe, b, c, d, e, 7]) };
            let first_port = 1024 + block * 512;
            let slot = Slot { address: [198, 18, 0, lent].into(), first_port, last_port: first_port + 511 };
            wanted.extend(gate::of_pass(device, slot, Minor(class), seconds));
        }
        written(&wanted);
        Ok(())
    };
    runner.run(&passes, case).unwrap();
}
