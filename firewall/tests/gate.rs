//! The gate, tried: real packets through the real enforcer in network namespaces. `cargo test -p varco-firewall`
//! as an ordinary user, where user namespaces are allowed.
#![expect(clippy::zombie_processes, reason = "programs end with their namespace, and then with the test")]

mod lab;

use lab::{Lab, device, pass, slot, until};
use std::fs;
use varco_policy::wire::{Desired, Refusal, Reply, Request};

/// An ICMP message that answers nothing: conntrack finds it invalid, so NAT does not see it.
const UNASKED_ECHO_REPLY: &[u8] = &[0, 0, 0xff, 0xfd, 0, 1, 0, 1];

/// A stranger: on the guest network, without a pass.
#[test]
fn a_stranger_reaches_the_portal_and_nothing_else() {
    let lab = Lab::up("stranger");
    // Everything works while there is no gate, or the rest of this test would prove nothing.
    let router = lab.link_local();
    until("IPv6 works", || lab.pings("guest0", "fd00:18::1") && lab.pings("guest0", &router));
    assert!(lab.pings("guest0", "10.64.0.11") && lab.pings("guest0", "10.20.0.2"));
    assert!(lab.datagram("guest0", "UDP:198.18.0.1:9000").starts_with("10.64.0.10"));
    assert_eq!(lab.talk("guest0", "TCP:198.18.0.1:443").unwrap().lines().next(), Some("10.64.0.10"));
    assert_eq!(lab.talk("guest0", "TCP6:[fd00:64::1]:443").as_deref(), Ok("portal"));

    lab.must("guest0", &["ip", "addr", "add", "10.20.0.77/32", "dev", "eth0"]);
    let _enforcer = lab.enforce();
    for _state in ["before the first desired state", "after it"] {
        // HTTP is caught; everything else over TCP is refused at once, HTTPS and DNS over TLS too.
        assert_eq!(lab.talk("guest0", "TCP:198.18.0.1:80").as_deref(), Ok("portal"));
        assert_eq!(lab.talk("guest0", "TCP:192.0.2.1:80").as_deref(), Ok("portal"));
        for to in ["198.18.0.1:443", "198.18.0.1:8080", "198.18.0.1:853", "192.0.2.1:443", "198.18.0.80:443"]
        {
            let said = lab.talk("guest0", &format!("TCP:{to}")).unwrap_err();
            assert!(said.contains("Connection refused"), "{to}: {said}");
        }
        for to in ["198.18.0.1:9000", "198.18.0.1:443"] {
            let said = lab.datagram("guest0", &format!("UDP:{to}"));
            assert!(said.contains("No route to host"), "{to}: {said}");
        }
        for to in ["198.18.0.1", "10.64.0.1", "10.20.0.2", "10.64.0.11", "fd00:18::1", "fd00:64::1", &router]
        {
            assert!(!lab.pings("guest0", to), "ping {to}");
        }
        for to in ["10.20.0.2:2222", "10.64.0.1:2222", "10.20.0.1:2222", "198.18.0.2:2222", "10.64.0.11:2222"]
        {
            assert!(lab.talk("guest0", &format!("TCP:{to},connect-timeout=2")).is_err(), "{to}");
        }
        assert!(lab.talk("guest0", "TCP6:[fd00:64::1]:443,connect-timeout=2").is_err());
        let received = lab.icmp6_received("guest0");
        assert!(!lab.pings("router", "fd00:64::10"), "nor does IPv6 come from the router");
        assert_eq!(lab.icmp6_received("guest0"), received);
        // A guest cannot speak in another's name, not even to the portal.
        lab.run("guest0", &["busybox", "timeout", "2", "socat", "-", "TCP:10.64.0.1:80,bind=10.20.0.77"]);
        assert_eq!(lab.text("router", &["conntrack", "-L", "-s", "10.20.0.77"]), "");
        assert!(!lab.pings("office", "10.64.0.10"), "the office does not reach guests either");
        lab.apply(1, vec![]);
    }
    // The office notices nothing.
    assert_eq!(lab.seen_from("office", "TCP:198.18.0.1:443").0, "10.20.0.2");
    assert!(lab.pings("wan", "10.20.0.2") && lab.pings("office", "10.20.0.1"));
}

#[test]
fn a_citizen_is_online_from_inside_the_slot_until_expelled() {
    let lab = Lab::up("citizen");
    lab.raw("guest0", 47, b"GRE");
    lab.raw("guest0", 1, UNASKED_ECHO_REPLY);
    let leaked = lab.leaked();
    assert!(leaked >= 2, "without a gate packets leave as they are");
    let _enforcer = lab.enforce();
    lab.apply(1, vec![pass(1, 600)]);
    assert_eq!(
        lab.ask(&Request::Admit { generation: 2, passes: vec![pass(0, 600)] }),
        Reply::Done { generation: 2 }
    );

    for (host, slot) in [("guest0", slot(0)), ("guest1", slot(1))] {
        for to in ["TCP:198.18.0.1:8080", "TCP:198.18.0.1:443", "TCP:198.18.0.1:80"] {
            let (address, port) = lab.seen_from(host, to);
            assert!(slot.covers(address.parse().unwrap(), port), "{host} {to} from {address} {port}");
        }
        let said = lab.datagram(host, "UDP:198.18.0.1:9000");
        let (_, port) = said.trim().split_once('\n').unwrap_or_else(|| panic!("{said}"));
        assert!(slot.covers("198.18.0.3".parse().unwrap(), port.parse().unwrap()), "{host} UDP from {port}");
        assert!(lab.pings(host, "198.18.0.1"));
        for to in ["10.64.0.1", "10.20.0.2", "10.64.0.10", "10.64.0.11", "fd00:18::1", &lab.link_local()] {
            let itself = to == device(u8::from(host == "guest1")).address.to_string();
            assert_eq!(lab.pings(host, to), itself, "{host}: ping {to}");
        }
        for to in ["10.20.0.2", "10.64.0.1", "10.20.0.1", "198.18.0.2"] {
            assert!(lab.talk(host, &format!("TCP:{to}:2222")).unwrap_err().contains("refused"), "{to}");
        }
    }
    // UDP and ICMP leave from inside the slot too: what conntrack expects back says so.
    for (protocol, key) in [("udp", "dport="), ("icmp", "id=")] {
        let flows = lab.text("router", &["conntrack", "-L", "-p", protocol, "-s", "10.64.0.10"]);
        let back = flows.lines().find(|l| l.contains("dst=198.18.0.3")).expect("a flow out of the slot");
        let port = back.rsplit(key).next().unwrap().split_whitespace().next().unwrap();
        assert!(slot(0).covers("198.18.0.3".parse().unwrap(), port.parse().unwrap()), "{back}");
    }

    // What has no port, or no connection, would leave with the guest's own address.
    lab.raw("guest0", 47, b"GRE");
    lab.raw("guest0", 1, UNASKED_ECHO_REPLY);
    assert_eq!(lab.leaked(), leaked);

    let (mut download, _) = lab.download("guest0");
    let used = *lab.measure().passes.iter().find(|p| p.device == device(0)).unwrap();
    assert!(used.down_bytes > 1_000_000 && used.up_bytes > 1_000 && used.down_packets > 0, "{used:?}");
    let expel = Request::Expel { generation: 3, devices: vec![device(0)] };
    assert_eq!(lab.ask(&expel), Reply::Done { generation: 3 });
    until("the download is cut", || download.try_wait().unwrap().is_some());
    assert!(lab.talk("guest0", "TCP:198.18.0.1:8080").unwrap_err().contains("refused"));
    assert_eq!(lab.talk("guest0", "TCP:198.18.0.1:80").as_deref(), Ok("portal"));
    assert!(lab.seen_from("guest1", "TCP:198.18.0.1:8080").1 >= slot(1).first_port, "the other stays");
    assert_eq!(lab.text("router", &["conntrack", "-L", "-s", "10.64.0.10", "-r", "198.18.0.1"]), "");
    assert_eq!(lab.leaked(), leaked);
}

/// conntrack is the office's too.
#[test]
fn no_guest_fills_the_table_of_connections() {
    let lab = Lab::up("flows");
    let _enforcer = lab.enforce();
    lab.apply(1, vec![pass(0, 600), pass(1, 600)]);
    let scan = "for p in $(seq 10001 12500); do echo > /dev/udp/198.18.0.1/$p; done";
    lab.run("guest0", &["bash", "-c", scan]);
    let flows = lab.text("router", &["conntrack", "-L", "-p", "udp", "-s", "10.64.0.10"]).lines().count();
    assert!((1_500..=2_048).contains(&flows), "{flows} flows");
    lab.seen_from("guest1", "TCP:198.18.0.1:8080");
}

/// The same address with another hardware address is another device.
#[test]
fn a_borrowed_address_is_not_admitted_and_the_newer_pass_replaces() {
    let lab = Lab::up("borrowed");
    let _enforcer = lab.enforce();
    lab.apply(1, vec![pass(0, 600)]);
    assert!(lab.pings("guest0", "198.18.0.1"));
    lab.must("guest0", &["ip", "link", "set", "eth0", "address", "02:00:00:00:00:99"]);
    lab.must("guest0", &["ip", "route", "replace", "default", "via", "10.64.0.1"]);
    assert!(!lab.pings("guest0", "198.18.0.1"));
    let mut newer = pass(0, 600);
    (newer.device.mac, newer.slot) = ("02:00:00:00:00:99".parse().unwrap(), slot(7));
    assert_eq!(
        lab.ask(&Request::Admit { generation: 2, passes: vec![newer] }),
        Reply::Done { generation: 2 }
    );
    assert!(slot(7).covers("198.18.0.3".parse().unwrap(), lab.seen_from("guest0", "TCP:198.18.0.1:8080").1));
    assert_eq!(lab.measure().passes.len(), 1);
}

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

#[test]
fn what_a_hand_changed_is_healed_and_flows_go_on() {
    let lab = Lab::up("heal");
    let _enforcer = lab.enforce();
    lab.apply(1, vec![pass(0, 600)]);
    let classes = || lab.text("router", &["tc", "class", "show", "dev", "ifb-varco"]).replace("Gbit", "");
    let rules = || lab.run("router", &["nft", "-s", "-t", "list", "table", "inet", "varco"]).stdout;
    let (rules_before, rate) = (rules(), |text: &str| text.contains("rate 1Mbit"));
    assert!(rate(&classes()));
    for hand in [
        "nft flush set inet varco pass_up",
        "nft delete element inet varco slots { 10.64.0.10 }",
        "nft add element inet varco pass_up { 10.64.0.11 . 02:00:00:00:00:11 }",
        "nft add element inet varco pass_down { 10.64.0.11 }",
        "nft flush chain inet varco from_guest",
        "nft add chain inet varco stranger { type filter hook forward priority 5; }",
        "nft delete element inet varco guest_if { br-guest }",
        "tc class change dev ifb-varco parent 1:1 classid 1:30 htb rate 50mbit ceil 60mbit prio 7",
        "tc qdisc del dev off0 clsact",
        "bridge link set dev g1 isolated off",
    ] {
        lab.must("router", &hand.split(' ').collect::<Vec<_>>());
    }
    until("rules", || rules() == rules_before);
    until("passes", || lab.pings("guest0", "198.18.0.1"));
    until("queues", || rate(&classes()));
    until("isolation", || {
        lab.text("router", &["bridge", "-d", "link", "show", "dev", "g1"]).contains("isolated on")
    });
    assert!(!lab.pings("guest1", "198.18.0.1"), "a pass that nobody gave is taken");
    let measured = lab.measure();
    assert!(measured.healed >= 4 && measured.passes.len() == 1, "{measured:?}");
    assert!(measured.passes[0].seconds < 600, "the time goes on, it does not begin anew");

    lab.must("router", &["nft", "delete", "table", "inet", "varco"]);
    until("the whole gate", || rules() == rules_before && lab.pings("guest0", "198.18.0.1"));
}

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

#[test]
fn requests_that_break_a_rule_are_refused_and_change_nothing() {
    let lab = Lab::up("refused");
    let _enforcer = lab.enforce();
    lab.apply(10, vec![pass(0, 600)]);
    let refused = |request| match lab.ask(&request) {
        Reply::Refused(refusal) => refusal.to_string(),
        other => panic!("{other:?}"),
    };
    let admit = |change: fn(&mut varco_policy::wire::KernelPass)| {
        let mut pass = pass(1, 60);
        change(&mut pass);
        refused(Request::Admit { generation: 11, passes: vec![pass] })
    };
    insta::assert_snapshot!(admit(|p| p.device.address = "10.64.0.1".parse().unwrap()), @"not allowed at this site: an address is not a guest's");
    insta::assert_snapshot!(admit(|p| p.device.address = "10.20.0.2".parse().unwrap()), @"not allowed at this site: an address is not a guest's");
    insta::assert_snapshot!(admit(|p| p.device.mac = "ff:ff:ff:ff:ff:ff".parse().unwrap()), @"not allowed at this site: a hardware address is not one device's");
    insta::assert_snapshot!(admit(|p| p.slot.address = "198.18.0.2".parse().unwrap()), @"not allowed at this site: a slot's address is not in slots.addresses");
    insta::assert_snapshot!(admit(|p| p.slot.first_port += 1), @"not allowed at this site: a slot is not a block of slots.ports");
    insta::assert_snapshot!(admit(|p| p.slot = slot(0)), @"not allowed at this site: a slot is lent to another device");
    insta::assert_snapshot!(admit(|p| p.seconds = 0), @"not allowed at this site: a pass lasts 1 to 86400 seconds");
    insta::assert_snapshot!(admit(|p| p.seconds = 86_401), @"not allowed at this site: a pass lasts 1 to 86400 seconds");
    let twice = Request::Admit { generation: 11, passes: vec![pass(1, 60), pass(1, 60)] };
    insta::assert_snapshot!(refused(twice), @"not allowed at this site: an address is in the request twice");
    let stale = Request::Expel { generation: 9, devices: vec![device(0)] };
    insta::assert_snapshot!(refused(stale), @"generation 9 is older than 10");
    let mut shares = lab.shares();
    shares.down.office.guaranteed = "95mbit".parse().unwrap();
    insta::assert_snapshot!(refused(Request::Apply(Desired { generation: 11, shares, passes: vec![] })), @"not allowed at this site: the guarantees add up to 106mbit, the link carries 100mbit");
    let measured = lab.measure();
    assert_eq!((measured.generation, measured.passes.len()), (Some(10), 1));
    assert!(lab.pings("guest0", "198.18.0.1"));

    // A stuck peer does not keep others waiting, and a frame that is none ends its connection only.
    let stuck = lab.connect().unwrap();
    std::io::Write::write_all(&mut &stuck, &[0, 0, 1]).unwrap();
    let noise = lab.connect().unwrap();
    std::io::Write::write_all(&mut &noise, &[0, 0, 0, 2, b'x', b'x']).unwrap();
    assert_eq!(varco_policy::wire::read_frame::<Reply>(&noise).unwrap(), None);
    assert_eq!(lab.measure().generation, Some(10));

    // Another enforcer is not started beside this one.
    let mut second = lab.enforce_quietly();
    assert_eq!(second.wait().unwrap().code(), Some(1));
    assert!(lab.log().contains("another enforcer answers there"));
}

#[test]
fn a_change_of_shares_changes_the_ceiling() {
    let lab = Lab::up("shares");
    let _enforcer = lab.enforce();
    let mut shares = lab.shares();
    shares.down.guest.ceiling = "3mbit".parse().unwrap();
    let before = lab.queues();
    let desired = Desired { generation: 1, shares, passes: vec![pass(0, 600)] };
    assert_eq!(lab.ask(&Request::Apply(desired)), Reply::Done { generation: 1 });
    let ceilings: Vec<_> = lab
        .measure()
        .lanes
        .iter()
        .map(|l| format!("{} {:?} {}", l.lane.word(), l.direction, l.ceiling))
        .collect();
    insta::assert_snapshot!(ceilings.join(", "), @"critical Up 100mbit, office Up 100mbit, guest Up 100mbit, critical Down 100mbit, office Down 100mbit, guest Down 3mbit");
    assert_eq!(lab.queues(), before, "no queue was made anew");
    // What does not cross the line does not wait for it: it goes past the classes.
    let direct = || {
        let text = lab.text("router", &["tc", "qdisc", "show", "dev", "ifb-varco"]);
        let count = text.split("direct_packets_stat ").nth(1).unwrap();
        count.split_whitespace().next().unwrap().parse::<u64>().unwrap()
    };
    let before = direct();
    assert!(lab.pings("office", "10.20.0.1"));
    assert!(direct() > before);
    let (mut download, _) = lab.download("guest0");
    let guest = lab.measure().lanes.into_iter().find(|l| l.ceiling == "3mbit".parse().unwrap()).unwrap();
    assert!(
        guest.bytes > 1_000_000 && guest.overlimits > 0,
        "the download waits in the guest lane: {guest:?}"
    );
    download.kill().unwrap();
    download.wait().unwrap();
}

#[test]
fn wrong_arguments_and_settings_are_refused() {
    let run =
        |arguments: &[&str]| std::process::Command::new(lab::ENFORCER).args(arguments).output().unwrap();
    assert_eq!(run(&["open-the-gate"]).status.code(), Some(64));
    let missing = run(&["check-config", "--config", "/nonexistent/enforcer.toml"]);
    assert_eq!(missing.status.code(), Some(78));
    let said = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(said.contains("/nonexistent/enforcer.toml: (file): No such file"), "{said}");
}
