//! The lanes, tried: what a packet of each carries as it leaves, and what guests get of theirs.

use crate::lab::{Lab, pass, until};
use std::process::{Child, Stdio};
use varco_policy::wire::{Desired, Reply, Request};

const COUNTERS: [&str; 6] = [
    "add table ip marks",
    "add chain ip marks in { type filter hook input priority 0; }",
    "add rule ip marks in ip saddr 198.18.0.3 ip dscp lephb counter comment \"guest-le\"",
    "add rule ip marks in ip saddr 198.18.0.3 ip dscp != lephb counter comment \"guest-other\"",
    "add rule ip marks in ip saddr 10.20.0.2 ip dscp ef counter comment \"office-ef\"",
    "add rule ip marks in ip saddr 10.20.0.2 ip dscp != ef counter comment \"office-other\"",
];

fn packets(lab: &Lab, host: &str, comment: &str) -> u64 {
    counted(lab, host, comment, "packets ")
}

fn counted(lab: &Lab, host: &str, comment: &str, what: &str) -> u64 {
    let text = lab.text(host, &["nft", "list", "table", "ip", "marks"]);
    let line = text.lines().find(|line| line.contains(comment)).unwrap();
    line.split(what).nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap()
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
    assert!(packets(&lab, "wan", "guest-le") >= 1 && packets(&lab, "wan", "office-ef") >= 1);
    assert_eq!(packets(&lab, "wan", "guest-other"), 0);
    assert_eq!(packets(&lab, "wan", "office-other"), 0);
    assert!(packets(&lab, "guest0", "down-le") >= 1, "the answers carried EF as well");
    assert_eq!(packets(&lab, "guest0", "down-other"), 0);
    lab.seen_from("guest0", "TCP:198.18.0.1:8080");
    assert_eq!(packets(&lab, "wan", "guest-other"), 0, "TCP as well");
}

/// Transfers without end, `count` at once.
fn transfers(lab: &Lab, host: &str, count: usize, argv: [&str; 4]) -> Vec<Child> {
    let one = |_| lab.command(host, &argv).stderr(Stdio::null()).spawn().unwrap();
    (0..count).map(one).collect()
}

fn end(children: Vec<Child>) {
    for mut child in children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

fn connected(lab: &Lab, count: usize) {
    let there = || lab.text("wan", &["ss", "-Hnt", "state", "established"]).lines().count();
    until("all are connected", || there() >= count);
}

/// How much of what comes through goes to guest 1, in percent, once 3 MB have come.
fn greedy_percent(arrived: impl Fn(u8) -> u64) -> u64 {
    let both = || [0, 1].map(&arrived);
    let first = both();
    until("both transfer", || both().iter().zip(first).all(|(now, then)| now - then > 200_000));
    let before = both();
    let since = || [0, 1].map(|n| arrived(n) - before[usize::from(n)]);
    until("3 MB", || since().iter().sum::<u64>() > 3_000_000);
    let [modest, greedy] = since();
    100 * greedy / (modest + greedy)
}

/// SECURITY.md, G19.
#[test]
fn whoever_opens_many_connections_gets_no_more() {
    let lab = Lab::up("fair");
    let _enforcer = lab.enforce();
    let mut shares = lab.shares();
    (shares.up.guest.ceiling, shares.down.guest.ceiling) =
        ("8mbit".parse().unwrap(), "8mbit".parse().unwrap());
    let passes = vec![pass(0, 600), pass(1, 600)];
    assert_eq!(
        lab.ask(&Request::Apply(Desired { generation: 1, shares, passes })),
        Reply::Done { generation: 1 }
    );
    let sink = ["socat", "-u", "TCP-LISTEN:9998,fork,reuseaddr", "OPEN:/dev/null,wronly"];
    let mut sink = lab.command("wan", &sink).stderr(Stdio::null()).spawn().unwrap();
    for line in [
        "add table ip marks",
        "add chain ip marks in { type filter hook input priority 0; }",
        "add rule ip marks in tcp sport 1024-1535 counter comment \"slot 0\"",
        "add rule ip marks in tcp sport 1536-2047 counter comment \"slot 1\"",
    ] {
        lab.must("wan", &["nft", line]);
    }
    until("the sink", || lab.text("wan", &["ss", "-Hltn"]).contains(":9998 "));

    let down = ["socat", "-u", "TCP:198.18.0.1:9999", "OPEN:/dev/null,wronly"];
    let running = [("guest0", 1), ("guest1", 24)].map(|(host, count)| transfers(&lab, host, count, down));
    let received = ["cat", "/sys/class/net/eth0/statistics/rx_bytes"];
    connected(&lab, 25);
    let percent = greedy_percent(|n| lab.text(&format!("guest{n}"), &received).trim().parse().unwrap());
    assert!(percent <= 60, "24 downloads have {percent} % of the lane");
    running.into_iter().for_each(end);

    let up = ["socat", "-u", "OPEN:/dev/zero,rdonly", "TCP:198.18.0.1:9998"];
    let running = [("guest0", 1), ("guest1", 24)].map(|(host, count)| transfers(&lab, host, count, up));
    connected(&lab, 25);
    let percent = greedy_percent(|n| counted(&lab, "wan", &format!("slot {n}"), "bytes "));
    assert!(percent <= 60, "24 uploads have {percent} % of the lane");
    running.into_iter().for_each(end);
    sink.kill().unwrap();
    sink.wait().unwrap();
}

/// A rate of one's own comes and goes while what runs goes on.
#[test]
fn the_rate_of_a_pass_changes_while_it_is_used() {
    let lab = Lab::up("rate");
    let _enforcer = lab.enforce();
    lab.apply(1, vec![pass(0, 600), pass(1, 600)]);
    let (mut download, file) = lab.download("guest0");
    let own_classes =
        || lab.text("router", &["tc", "class", "show", "dev", "ifb-varco"]).matches("1:1000 ").count();
    let rated = |generation, rate: Option<&str>| {
        let passes =
            vec![varco_policy::wire::KernelPass { rate: rate.map(|r| r.parse().unwrap()), ..pass(0, 600) }];
        let reply = lab.ask(&Request::Admit { generation, passes });
        assert_eq!(reply, Reply::Done { generation }, "{}", lab.log());
        lab.text("router", &["tc", "class", "show", "dev", "ifb-varco"])
    };
    assert_eq!(own_classes(), 0);
    assert!(rated(2, Some("512kbit")).contains("ceil 512Kbit"));
    assert!(rated(3, Some("3mbit")).contains("ceil 3Mbit"));
    assert!(lab.text("router", &["nft", "list", "map", "inet", "varco", "pass_class"]).contains(": 1:1000"));
    rated(4, None);
    until("the class of its own goes", || own_classes() == 0);
    let size = || std::fs::metadata(&file).unwrap().len();
    let before = size();
    until("the same download goes on", || size() > before + 1_000_000);
    assert!(download.try_wait().unwrap().is_none());
    download.kill().unwrap();
    download.wait().unwrap();
}
