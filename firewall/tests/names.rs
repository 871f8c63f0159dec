//! Addresses and names: DHCP and both views.

use crate::lab::{Lab, pass, until};
use std::fs;
use varco_policy::wire::{Reply, Request};

#[test]
fn names_and_leases() {
    let lab = Lab::bare("names");
    let _enforcer = lab.enforce();
    lab.apply(1, vec![]);
    // A real DHCP client; its script only writes down what it was given.
    let script = lab.dir.join("lease.sh");
    fs::write(&script, "#!/bin/sh\n[ \"$1\" = bound ] && env > \"$LEASE\"\nexit 0\n").unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let lease = lab.dir.join("lease");
    lab.must("guest0", &["ip", "link", "set", "eth0", "up"]);
    let env = format!("LEASE={}", lease.display());
    let client =
        ["busybox", "udhcpc", "-i", "eth0", "-f", "-q", "-n", "-t", "9", "-s", script.to_str().unwrap()];
    lab.must("guest0", &[&["env", &env][..], &client].concat());
    let lease = fs::read_to_string(lease).unwrap();
    let given = |key: &str| {
        lease.lines().find_map(|l| l.strip_prefix(key)).unwrap_or_else(|| panic!("{key} {lease}")).to_owned()
    };
    let hex: String = b"https://wifi.prova.example.it/capport".iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(
        (given("router="), given("dns="), given("opt114=")),
        ("10.64.0.1".into(), "10.64.0.1".into(), hex)
    );
    let address = given("ip=");
    lab.must("guest0", &["ip", "addr", "add", &format!("{address}/20"), "dev", "eth0"]);
    lab.must("guest0", &["ip", "route", "add", "default", "via", "10.64.0.1"]);

    let name = |name: &str, server: &str| {
        let out = lab.run("guest0", &["busybox", "nslookup", "-type=a", name, server]);
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        text.lines().rev().find_map(|l| l.strip_prefix("Address: ")).map(str::to_owned)
    };
    let is = |address: &str| Some(address.to_owned());
    // Without a pass: whichever resolver the device asks.
    for server in ["10.64.0.1", "198.18.0.53"] {
        assert_eq!(name("www.example.it", server), is("192.0.2.1"));
        assert_eq!(name("wifi.prova.example.it", server), is("10.64.0.1"));
    }
    let said = lab.talk("guest0", "TCP:198.18.0.53:53").unwrap_err();
    assert!(!said.contains("refused"), "names over TCP are answered too: {said}");
    let empty = lab.run("guest0", &["busybox", "nslookup", "-type=aaaa", "www.example.it", "10.64.0.1"]);
    let empty = String::from_utf8_lossy(&empty.stdout).into_owned();
    assert!(!empty.contains("can't find") && !empty.contains("::"), "answered, with nothing: {empty}");
    assert!(lab.talk("guest0", "TCP:198.18.0.80:443").unwrap_err().contains("refused"), "not asked for yet");
    assert_eq!(name("idp.example.it", "10.64.0.1"), is("198.18.0.80"));
    assert_eq!(
        lab.seen_from("guest0", "TCP:198.18.0.80:443").0,
        "198.18.0.2",
        "the walled garden sees the router"
    );
    assert_eq!(lab.seen_from("guest0", "TCP:198.18.0.80:80").0, "198.18.0.2");
    assert!(lab.talk("guest0", "TCP:198.18.0.80:8080").unwrap_err().contains("refused"), "web ports only");

    // In use, an address stays in the garden: each packet begins its hour anew.
    let element = |more: &str| ["nft", more, "element", "inet", "varco", "garden4"].map(str::to_owned);
    let set = |verb: &str, value: &str| {
        let argv = [&element(verb)[..], &[value.to_owned()]].concat();
        lab.must("router", &argv.iter().map(String::as_str).collect::<Vec<_>>());
    };
    set("delete", "{ 198.18.0.80 }");
    set("add", "{ 198.18.0.80 timeout 60s }");
    let garden = || lab.text("router", &["nft", "list", "set", "inet", "varco", "garden4"]);
    assert!(!garden().contains("expires 59m"), "{}", garden());
    lab.seen_from("guest0", "TCP:198.18.0.80:443");
    assert!(garden().contains("expires 59m"), "{}", garden());

    // With one.
    let mut citizen = pass(0, 600);
    citizen.device.address = address.parse().unwrap();
    assert_eq!(
        lab.ask(&Request::Admit { generation: 2, passes: vec![citizen] }),
        Reply::Done { generation: 2 }
    );
    assert_eq!(name("www.example.it", "10.64.0.1"), is("198.18.0.1"));
    assert_eq!(name("wifi.prova.example.it", "10.64.0.1"), is("10.64.0.1"));
    assert_eq!(name("www.example.it", "198.18.0.53"), is("198.18.0.1"));
    assert_eq!(lab.talk("guest0", "TCP:192.0.2.1:80").as_deref(), Ok("portal"), "what a browser remembers");

    // dnsmasq dies: it comes back.
    let pid = lab.dir.join("run/dnsmasq-captive.pid");
    lab.must("router", &["kill", "-KILL", fs::read_to_string(pid).unwrap().trim()]);
    assert_eq!(
        lab.ask(&Request::Expel { generation: 3, devices: vec![citizen.device] }),
        Reply::Done { generation: 3 }
    );
    until("names again", || name("www.example.it", "10.64.0.1") == is("192.0.2.1"));
}
