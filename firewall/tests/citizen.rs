//! A citizen: admitted, online, expelled.

use crate::lab::{Lab, device, pass, slot, until};
use varco_policy::{
    Slot,
    wire::{Reply, Request},
};

/// An ICMP message that answers nothing: conntrack finds it invalid, so NAT does not see it.
const UNASKED_ECHO_REPLY: &[u8] = &[0, 0, 0xff, 0xfd, 0, 1, 0, 1];

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
        reaches_the_internet_only(&lab, host, slot);
    }
    // UDP and ICMP leave from inside the slot too: what conntrack expects back says so.
    for (protocol, key) in [("udp", "dport="), ("icmp", "id=")] {
        let flows = lab.text("router", &["conntrack", "-L", "-p", protocol, "-s", "10.64.0.10"]);
        let back = flows.lines().find(|l| l.contains("dst=198.18.0.3")).expect("a flow out of the slot");
        let port = back.rsplit(key).next().unwrap().split_whitespace().next().unwrap();
        assert!(slot(0).covers("198.18.0.3".parse().unwrap(), port.parse().unwrap()), "{back}");
    }

    // A masquerade of the router's own, loaded later and for everybody, takes nobody's slot away.
    let own =
        "table ip own { chain out { type nat hook postrouting priority srcnat; oifname wan0 masquerade; }; }";
    lab.must("router", &["nft", own]);
    reaches_the_internet_only(&lab, "guest0", slot(0));
    lab.must("router", &["nft", "delete", "table", "ip", "own"]);

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

fn reaches_the_internet_only(lab: &Lab, host: &str, slot: Slot) {
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

/// Whatever the portal or the captive resolver answered before goes on where it was sent.
#[test]
fn who_is_admitted_is_no_longer_redirected() {
    let lab = Lab::up("settled");
    let _enforcer = lab.enforce();
    lab.apply(1, vec![pass(1, 600)]);
    lab.datagram("guest0", "UDP:198.18.0.53:53,sourceport=4444");
    let redirected = || lab.text("router", &["conntrack", "-L", "-s", "10.64.0.10", "--dst-nat"]);
    assert!(redirected().contains("sport=4444"));
    assert_eq!(
        lab.ask(&Request::Admit { generation: 2, passes: vec![pass(0, 600)] }),
        Reply::Done { generation: 2 }
    );
    until("the redirection is forgotten", || redirected().is_empty());
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

/// SECURITY.md G13: nor with what the router itself answers: names here, the portal alike. A source is limited, and so are all of them
/// together, since sources can be forged.
#[test]
fn no_guest_fills_the_table_with_questions_to_the_router() {
    let lab = Lab::up("asks");
    let _enforcer = lab.enforce();
    lab.apply(1, vec![]);
    let questions = "for _ in $(seq 1600); do echo > /dev/udp/10.64.0.1/53; done";
    lab.run("guest0", &["bash", "-c", questions]);
    let flows = lab.text("router", &["conntrack", "-L", "-p", "udp", "-s", "10.64.0.10"]).lines().count();
    assert!((500..=1_024).contains(&flows), "{flows} flows");
    assert_eq!(lab.talk("guest1", "TCP:198.18.0.1:80").as_deref(), Ok("portal"), "the others are answered");
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
    // SECURITY.md G2, R2: to the walled garden like any stranger, never out of the slot of whom the address was.
    lab.must("router", &["nft", "add", "element", "inet", "varco", "garden4", "{ 198.18.0.80 }"]);
    // What is answered goes to the citizen's device and not to the borrower's.
    assert!(lab.talk("guest0", "TCP:198.18.0.80:443,connect-timeout=3").is_err());
    let flow = lab.text("router", &["conntrack", "-L", "-s", "10.64.0.10", "-d", "198.18.0.80"]);
    assert!(flow.contains("dst=198.18.0.2 ") && !flow.contains("198.18.0.3"), "{flow}");
    let mut newer = pass(0, 600);
    (newer.device.mac, newer.slot) = ("02:00:00:00:00:99".parse().unwrap(), slot(7));
    assert_eq!(
        lab.ask(&Request::Admit { generation: 2, passes: vec![newer] }),
        Reply::Done { generation: 2 }
    );
    assert!(slot(7).covers("198.18.0.3".parse().unwrap(), lab.seen_from("guest0", "TCP:198.18.0.1:8080").1));
    assert_eq!(lab.measure().passes.len(), 1);
}

/// SECURITY.md G21: what a citizen asked for goes to their device, whoever says by ARP that the address is theirs.
#[test]
fn nobody_takes_a_citizens_downlink() {
    let lab = Lab::up("downlink");
    let _enforcer = lab.enforce();
    lab.apply(1, vec![pass(0, 600)]);
    let belongs = || lab.text("router", &["ip", "neigh", "show", "to", "10.64.0.10"]);
    assert!(belongs().contains("02:00:00:00:00:10 PERMANENT"), "{}", belongs());
    lab.must("guest1", &["ip", "addr", "add", "10.64.0.10/20", "dev", "eth0"]);
    // Each question for the router's address tells the router where the asker's is.
    for _ in 0..3 {
        lab.run("guest1", &["ip", "neigh", "flush", "dev", "eth0"]);
        lab.run("guest1", &["ping", "-c1", "-W1", "-I", "10.64.0.10", "10.64.0.1"]);
    }
    assert!(belongs().contains("02:00:00:00:00:10 PERMANENT"), "{}", belongs());
    assert!(slot(0).covers("198.18.0.3".parse().unwrap(), lab.seen_from("guest0", "TCP:198.18.0.1:8080").1));
    lab.must(
        "router",
        &["ip", "neigh", "replace", "10.64.0.10", "lladdr", "02:00:00:00:00:11", "dev", "br-guest"],
    );
    until("the neighbour is healed", || belongs().contains("02:00:00:00:00:10 PERMANENT"));
    let expel = Request::Expel { generation: 2, devices: vec![device(0)] };
    assert_eq!(lab.ask(&expel), Reply::Done { generation: 2 });
    assert!(!belongs().contains("PERMANENT"), "{}", belongs());
}
