//! What a device asks first goes to the catch address.

use crate::lab::{Lab, pass};

const CATCH: &str = "TCP:192.0.2.1:80,connect-timeout=2";

/// SECURITY.md G20, G22: a probe leaves nothing in conntrack, and only guests are answered.
#[test]
fn probes_are_answered_for_guests_only_and_leave_no_trace() {
    let lab = Lab::up("probes");
    for (host, router) in [("office", "10.20.0.1"), ("wan", "198.18.0.2")] {
        lab.must(host, &["ip", "route", "add", "192.0.2.1/32", "via", router]);
    }
    let _enforcer = lab.enforce();
    lab.apply(1, vec![pass(1, 600)]);
    for host in ["guest0", "guest1", "router"] {
        assert_eq!(lab.talk(host, CATCH).as_deref(), Ok("portal"), "{host}");
    }
    let flows = |address| lab.text("router", &["conntrack", "-L", "-p", "tcp", "-s", address]);
    assert_eq!((flows("10.64.0.10"), flows("10.64.0.11")), (String::new(), String::new()));
    // Other hosts' addresses that a device knows by heart are translated, so they are in conntrack.
    assert_eq!(lab.talk("guest0", "TCP:198.18.0.1:80").as_deref(), Ok("portal"));
    assert!(flows("10.64.0.10").contains("dport=80"));
    for host in ["office", "wan"] {
        assert!(lab.talk(host, CATCH).is_err() && !lab.pings(host, "192.0.2.1"), "{host}");
    }
    for host in ["guest0", "guest1"] {
        assert!(lab.talk(host, "TCP:192.0.2.1:2222").unwrap_err().contains("Connection refused"), "{host}");
        assert!(!lab.pings(host, "192.0.2.1"), "{host}");
    }
    // Without its address the router would forward: what conntrack has not seen never leaves.
    lab.must("router", &["ip", "addr", "del", "192.0.2.1/32", "dev", "lo"]);
    assert!(lab.talk("guest1", CATCH).is_err() || lab.measure().healed > 0);
    assert_eq!(lab.leaked(), 0);
}

/// SECURITY.md G22: who begins thousands of connections is cut to a few hundred, and others are answered.
#[test]
fn nobody_begins_connections_to_the_catch_address_without_end() {
    const SENT: u64 = 5_000;
    let lab = Lab::up("syns");
    let _enforcer = lab.enforce();
    let arrived = || {
        let text = lab.text("router", &["cat", "/proc/net/snmp"]);
        let errors = text.lines().filter(|l| l.starts_with("Tcp:")).nth(1).unwrap();
        errors.split_whitespace().nth(13).unwrap().parse::<u64>().unwrap()
    };
    let before = arrived();
    // A wrong checksum, so that the router's TCP counts the segment and forgets it.
    let syn = [0x10, 0, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 1, 0, 0];
    lab.flood("guest0", "IP-SENDTO:192.0.2.1:6", &syn, SENT);
    let seen = arrived() - before;
    assert!((1..SENT / 2).contains(&seen), "{seen} of {SENT} came through");
    assert_eq!(lab.talk("guest1", CATCH).as_deref(), Ok("portal"));
}
