//! A stranger: on the guest network, without a pass.

use crate::lab::{Lab, until};

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
        tries_everything(&lab, &router);
        lab.apply(1, vec![]);
    }
    // The office notices nothing.
    assert_eq!(lab.seen_from("office", "TCP:198.18.0.1:443").0, "10.20.0.2");
    assert!(lab.pings("wan", "10.20.0.2") && lab.pings("office", "10.20.0.1"));
}

fn tries_everything(lab: &Lab, router: &str) {
    // HTTP is caught; everything else over TCP is refused at once, HTTPS and DNS over TLS too.
    assert_eq!(lab.talk("guest0", "TCP:198.18.0.1:80").as_deref(), Ok("portal"));
    assert_eq!(lab.talk("guest0", "TCP:192.0.2.1:80").as_deref(), Ok("portal"));
    for to in ["198.18.0.1:443", "198.18.0.1:8080", "198.18.0.1:853", "192.0.2.1:443", "198.18.0.80:443"] {
        let said = lab.talk("guest0", &format!("TCP:{to}")).unwrap_err();
        assert!(said.contains("Connection refused"), "{to}: {said}");
    }
    for to in ["198.18.0.1:9000", "198.18.0.1:443"] {
        let said = lab.datagram("guest0", &format!("UDP:{to}"));
        assert!(said.contains("No route to host"), "{to}: {said}");
    }
    for to in ["198.18.0.1", "10.64.0.1", "10.20.0.2", "10.64.0.11", "fd00:18::1", "fd00:64::1", router] {
        assert!(!lab.pings("guest0", to), "ping {to}");
    }
    for to in ["10.20.0.2:2222", "10.64.0.1:2222", "10.20.0.1:2222", "198.18.0.2:2222", "10.64.0.11:2222"] {
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
}
