//! The lanes, tried: what a packet of each carries as it leaves.

use crate::lab::{Lab, pass};

const COUNTERS: [&str; 6] = [
    "add table ip marks",
    "add chain ip marks in { type filter hook input priority 0; }",
    "add rule ip marks in ip saddr 198.18.0.3 ip dscp lephb counter comment \"guest-le\"",
    "add rule ip marks in ip saddr 198.18.0.3 ip dscp != lephb counter comment \"guest-other\"",
    "add rule ip marks in ip saddr 10.20.0.2 ip dscp ef counter comment \"office-ef\"",
    "add rule ip marks in ip saddr 10.20.0.2 ip dscp != ef counter comment \"office-other\"",
];

fn counted(lab: &Lab, host: &str, comment: &str) -> u64 {
    let text = lab.text(host, &["nft", "list", "table", "ip", "marks"]);
    let line = text.lines().find(|line| line.contains(comment)).unwrap();
    line.split("packets ").nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap()
}

/// SECURITY.md, G18.
#[test]
fn guests_leave_as_lower_effort_and_others_as_they_are() {
    let lab = Lab::up("marks");
    let _enforcer = lab.enforce();
    lab.apply(1, vec![pass(0, 600)]);
    COUNTERS.iter().for_each(|line| drop(lab.must("wan", &["nft", line])));
    for line in [
        "add table ip marks",
        "add chain ip marks in { type filter hook input priority 0; }",
        "add rule ip marks in ip saddr 198.18.0.1 ip dscp lephb counter comment \"down-le\"",
        "add rule ip marks in ip saddr 198.18.0.1 ip dscp != lephb counter comment \"down-other\"",
    ] {
        lab.must("guest0", &["nft", line]);
    }
    // Expedited forwarding, as telephony has it; ECN's two bits stay a matter between the two ends.
    for host in ["guest0", "office"] {
        lab.must(host, &["ping", "-c3", "-i0.2", "-Q", "0xb8", "198.18.0.1"]);
    }
    assert!(counted(&lab, "wan", "guest-le") >= 1 && counted(&lab, "wan", "office-ef") >= 1);
    assert_eq!(counted(&lab, "wan", "guest-other"), 0);
    assert_eq!(counted(&lab, "wan", "office-other"), 0);
    assert!(counted(&lab, "guest0", "down-le") >= 1, "the answers carried EF as well");
    assert_eq!(counted(&lab, "guest0", "down-other"), 0);
    lab.seen_from("guest0", "TCP:198.18.0.1:8080");
    assert_eq!(counted(&lab, "wan", "guest-other"), 0, "TCP as well");
}
