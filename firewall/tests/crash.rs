//! The enforcer dies: what goes on without it, and after it.

use crate::lab::{self, Lab, pass, until};
use std::fs;
use varco_policy::wire::{Refusal, Reply, Request};

#[test]
fn the_kernel_ends_a_pass_with_the_enforcer_dead() {
    let lab = Lab::up("dead");
    let enforcer = lab.enforce();
    lab.apply(1, vec![pass(0, 6), pass(1, 600)]);
    let (mut download, _) = lab.download("guest0");
    lab.end(enforcer, "-KILL");
    until("the kernel ends the pass", || download.try_wait().unwrap().is_some());
    assert!(!lab.pings("guest0", "198.18.0.1"));
    assert!(lab.pings("guest1", "198.18.0.1"), "the other pass goes on");

    // Its flows are still known to conntrack; they end before its slot can be lent again.
    let flows = || lab.text("router", &["conntrack", "-L", "-s", "10.64.0.10", "-q", "198.18.0.3"]);
    assert_ne!(flows(), "");
    let _enforcer = lab.enforce();
    lab.apply(2, vec![pass(1, 600)]);
    assert_eq!(flows(), "");
    assert!(lab.pings("guest1", "198.18.0.1"));
}

#[test]
fn a_crash_and_a_restart_touch_neither_passes_nor_queues() {
    let lab = Lab::up("crash");
    let enforcer = lab.enforce();
    lab.apply(5, vec![pass(0, 600)]);
    let (mut download, file) = lab.download("guest0");
    let before = lab.measure();
    let pids = || {
        ["main", "captive"].map(|v| fs::read_to_string(lab.dir.join(format!("run/dnsmasq-{v}.pid"))).unwrap())
    };
    let queues = || lab.queues();
    let (pids_before, queues_before) = (pids(), queues());

    let office = ["ping", "-q", "-i", "0.02", "-c", "200", "198.18.0.1"];
    let office = lab.command("office", &office).stdout(std::process::Stdio::piped()).spawn().unwrap();
    lab.end(enforcer, "-KILL");
    let enforcer = lab.enforce();
    assert_eq!(lab.measure().generation, None);
    let admit = Request::Admit { generation: 9, passes: vec![pass(1, 60)] };
    assert_eq!(lab.ask(&admit), Reply::Refused(Refusal::NothingInForce));
    let size = fs::metadata(&file).unwrap().len();
    until("the download goes on", || fs::metadata(&file).unwrap().len() > size + 1_000_000);
    lab.apply(5, vec![pass(0, 86_400)]);
    let after = lab.measure();
    assert!(after.passes[0].seconds <= before.passes[0].seconds, "the kernel's time is kept");
    assert!(after.passes[0].down_bytes > before.passes[0].down_bytes, "and its counters");
    assert!(after.lanes.iter().zip(&before.lanes).all(|(a, b)| a.bytes >= b.bytes), "queues count on");
    assert_eq!((pids(), queues()), (pids_before, queues_before));
    assert!(download.try_wait().unwrap().is_none());

    lab.end(enforcer, "-TERM");
    let office = String::from_utf8(office.wait_with_output().unwrap().stdout).unwrap();
    assert!(office.contains(" 0% packet loss"), "the office notices nothing: {office}");
    assert!(lab.pings("guest0", "198.18.0.1"), "a clean stop leaves passes");
    assert!(!lab.pings("guest1", "198.18.0.1"), "and lets nobody in");
    assert!(!lab.dir.join("run/enforcer.sock").exists());
    let config = lab.dir.join("enforcer.toml");
    lab.must("router", &[lab::ENFORCER, "remove", "--config", config.to_str().unwrap()]);
    assert_eq!(lab.text("router", &["nft", "list", "ruleset"]), "");
    assert!(!lab.text("router", &["tc", "qdisc", "show"]).contains("htb"));
    assert!(!lab.text("router", &["ss", "-Hlun"]).contains(":5353"), "nobody answers names");
    download.kill().unwrap();
    download.wait().unwrap();
}
