//! Two guest networks in one building, each on a bridge of its own: the library's and the ward's.

use crate::lab::{Lab, pass, slot, until};
use std::fs;
use varco_policy::{
    Device,
    wire::{KernelPass, Reply, Request},
};

const MAC: &str = "02:00:00:00:00:20";

fn two_networks(name: &str) -> Lab {
    let lab = Lab::up(name);
    for line in [
        "link add br-ward type bridge",
        "link set br-ward up",
        "addr add 10.65.0.1/24 dev br-ward",
        "netns add ward",
        "link add w0 type veth peer name eth0 address 02:00:00:00:00:20 netns ward",
        "link set w0 master br-ward up",
    ] {
        lab.must("router", &[&["ip"][..], &line.split(' ').collect::<Vec<_>>()].concat());
    }
    let file = lab.dir.join("site.toml");
    let text = fs::read_to_string(&file).unwrap().replace("[\"br-guest\"]", "[\"br-guest\", \"br-ward\"]");
    let ward = "lease = \"1h\"\ninterfaces = [\"br-guest\"]\n[[guest]]\nsubnet = \"10.65.0.0/24\"\nrouter = \"10.65.0.1\"\n\
                first = \"10.65.0.10\"\nlast = \"10.65.0.20\"\nlease = \"2h\"\ninterfaces = [\"br-ward\"]";
    fs::write(&file, text.replace("[guest]", "[[guest]]").replace("lease = \"1h\"", ward)).unwrap();
    lab
}

fn address_ward(lab: &Lab) {
    for line in [
        "link set lo up",
        "addr add 10.65.0.10/24 dev eth0",
        "link set eth0 up",
        "route add default via 10.65.0.1",
    ] {
        lab.must("ward", &[&["ip"][..], &line.split(' ').collect::<Vec<_>>()].concat());
    }
}

fn of_ward() -> KernelPass {
    let device = Device { address: [10, 65, 0, 10].into(), mac: MAC.parse().unwrap() };
    KernelPass { device, slot: slot(1), seconds: 600, rate: None }
}

fn portal(lab: &Lab, listen: &str) {
    let argv = ["socat", &format!("TCP-LISTEN:{listen},fork,reuseaddr"), "EXEC:echo portal"];
    lab.command("router", &argv).stdin(std::process::Stdio::null()).spawn().unwrap();
}

/// SECURITY.md, G7.
#[test]
fn guests_of_two_networks_go_out_and_do_not_meet() {
    let lab = two_networks("two");
    address_ward(&lab);
    portal(&lab, "80,bind=10.65.0.1");
    portal(&lab, "443,bind=10.64.0.1");
    let _enforcer = lab.enforce();
    lab.apply(1, vec![pass(0, 600)]);
    until("the portal listens", || lab.talk("ward", "TCP:10.64.0.1:443").as_deref() == Ok("portal"));
    assert_eq!(
        lab.talk("ward", "TCP:198.18.0.1:80").as_deref(),
        Ok("portal"),
        "a stranger is caught there too"
    );
    assert!(!lab.pings("ward", "198.18.0.1"));
    let admit = Request::Admit { generation: 2, passes: vec![of_ward()] };
    assert_eq!(lab.ask(&admit), Reply::Done { generation: 2 }, "{}", lab.log());
    let (address, port) = lab.seen_from("ward", "TCP:198.18.0.1:8080");
    assert!(address == "198.18.0.3" && (slot(1).first_port..=slot(1).last_port).contains(&port));
    assert_eq!(lab.seen_from("guest0", "TCP:198.18.0.1:8080").0, "198.18.0.3");

    for (from, to) in [("ward", "10.64.0.10"), ("ward", "10.64.0.11"), ("guest0", "10.65.0.10")] {
        assert!(!lab.pings(from, to), "{from} to {to}");
    }
    assert!(lab.talk("ward", "TCP:10.64.0.11:2222,connect-timeout=2").is_err());
    for to in ["10.64.0.1", "10.65.0.1"] {
        assert!(
            !lab.pings("ward", to) && lab.talk("ward", &format!("TCP:{to}:2222,connect-timeout=2")).is_err()
        );
    }
    // Each is pinned on the bridge of its network, and let go of with its pass.
    let pinned = |dev: &str| {
        lab.text("router", &["ip", "-4", "neigh", "show", "nud", "permanent", "dev", dev]).trim().to_owned()
    };
    assert_eq!(pinned("br-ward"), "10.65.0.10 lladdr 02:00:00:00:00:20 PERMANENT");
    assert_eq!(pinned("br-guest"), "10.64.0.10 lladdr 02:00:00:00:00:10 PERMANENT");
    let (mut download, _) = lab.download("ward");
    let expel = Request::Expel { generation: 3, devices: vec![of_ward().device] };
    assert_eq!(lab.ask(&expel), Reply::Done { generation: 3 });
    assert_eq!((pinned("br-ward").as_str(), lab.pings("ward", "198.18.0.1")), ("", false));
    assert_eq!(
        lab.text("router", &["conntrack", "-L", "-s", "10.65.0.10", "-p", "tcp", "--dport", "9999"]),
        ""
    );
    assert!(lab.pings("guest0", "198.18.0.1"));
    download.kill().unwrap();
    download.wait().unwrap();
}

/// SECURITY.md, G10.
#[test]
fn a_guest_of_one_network_never_speaks_as_one_of_another() {
    let lab = two_networks("two-spoof");
    address_ward(&lab);
    for line in [
        "add table ip spoof",
        "add chain ip spoof in { type filter hook input priority 0; }",
        "add rule ip spoof in udp dport 9777 counter",
    ] {
        lab.must("wan", &["nft", line]);
    }
    let arrived = || {
        let text = lab.text("wan", &["nft", "list", "table", "ip", "spoof"]);
        text.split("packets ").nth(1).unwrap().split_whitespace().next().unwrap().parse::<u64>().unwrap()
    };
    let send = |host: &str, from: &str| {
        let to = format!("UDP-SENDTO:198.18.0.1:9777,bind={from}");
        lab.run(host, &["timeout", "5", "socat", "-u", "EXEC:echo hello", &to]);
    };
    let _enforcer = lab.enforce();
    lab.apply(1, vec![pass(0, 600), of_ward()]);
    // The very device that has a pass, in the wrong network.
    lab.must("ward", &["ip", "link", "set", "eth0", "address", "02:00:00:00:00:10"]);
    lab.must("ward", &["ip", "addr", "add", "10.64.0.10/32", "dev", "eth0"]);
    lab.must("ward", &["ip", "route", "replace", "default", "via", "10.65.0.1", "dev", "eth0"]);
    for _ in 0..3 {
        send("ward", "10.64.0.10");
    }
    assert_eq!(arrived(), 0);
    assert_eq!(lab.text("router", &["conntrack", "-L", "-s", "10.64.0.10", "-p", "udp"]), "");
    until("who is at home there is heard", || {
        send("guest0", "10.64.0.10");
        arrived() > 0
    });
    let got_out = arrived();
    lab.must("ward", &["ip", "link", "set", "eth0", "address", MAC]);
    until("with the ward's own address the ward is heard", || {
        send("ward", "10.65.0.10");
        arrived() > got_out
    });
}

/// Each network leases from its own range and says its own router; the portal has one name and one address.
#[test]
fn each_network_leases_its_own_addresses() {
    let lab = two_networks("two-leases");
    let _enforcer = lab.enforce();
    lab.apply(1, vec![]);
    let script = lab.dir.join("lease.sh");
    fs::write(&script, "#!/bin/sh\n[ \"$1\" = bound ] && env > \"$LEASE\"\nexit 0\n").unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let lease = |host: &str| {
        let file = lab.dir.join(format!("lease-{host}"));
        let env = format!("LEASE={}", file.display());
        lab.must(host, &["ip", "addr", "flush", "dev", "eth0"]);
        lab.must(host, &["ip", "link", "set", "eth0", "up"]);
        let client =
            ["busybox", "udhcpc", "-i", "eth0", "-f", "-q", "-n", "-t", "9", "-s", script.to_str().unwrap()];
        lab.must(host, &[&["env", &env][..], &client].concat());
        let text = fs::read_to_string(file).unwrap();
        ["ip=", "router=", "dns=", "lease="].map(|key| {
            text.lines()
                .find_map(|l| l.strip_prefix(key))
                .unwrap_or_else(|| panic!("{key} {text}"))
                .to_owned()
        })
    };
    let [address, rest @ ..] = lease("ward");
    assert!(address.starts_with("10.65.0."), "{address}");
    assert_eq!(rest, ["10.65.0.1", "10.65.0.1", "7200"]);
    lab.must("ward", &["ip", "addr", "add", &format!("{address}/24"), "dev", "eth0"]);
    let out = lab.text("ward", &["busybox", "nslookup", "-type=a", "wifi.prova.example.it", "10.65.0.1"]);
    assert_eq!(out.lines().rev().find_map(|l| l.strip_prefix("Address: ")), Some("10.64.0.1"));
    let [address, rest @ ..] = lease("guest0");
    assert!(address.starts_with("10.64."), "{address}");
    assert_eq!(rest, ["10.64.0.1", "10.64.0.1", "3600"]);
}
