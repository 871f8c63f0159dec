//! The lanes, tried: what a packet of each carries as it leaves, and what guests get of theirs.

use crate::lab::{Lab, pass, until};
use std::{
    collections::{BTreeMap, BTreeSet},
    process::{Child, Stdio},
};
use varco_policy::{
    Lane,
    wire::{Desired, Direction, Reply, Request},
};

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

/// How much of what comes through goes to guest 1, in percent, once 3 MB have come.
fn greedy_percent(arrived: impl Fn(u8) -> u64) -> u64 {
    let both = || [0, 1].map(&arrived);
    let first = both();
    until("both transfer", || both().iter().zip(first).all(|(now, then)| now - then > 500_000));
    let before = both();
    let since = || [0, 1].map(|n| arrived(n) - before[usize::from(n)]);
    until("3 MB", || since().iter().sum::<u64>() > 3_000_000);
    let [modest, greedy] = since();
    100 * greedy / (modest + greedy)
}

/// The building with both guests admitted and a lane of 16 Mbit/s.
fn shared(name: &str) -> (Lab, Child) {
    let lab = Lab::up(name);
    let enforcer = lab.enforce();
    let mut shares = lab.shares();
    let ceiling = "16mbit".parse().unwrap();
    (shares.up.guest.ceiling, shares.down.guest.ceiling) = (ceiling, ceiling);
    let passes = vec![pass(0, 600), pass(1, 600)];
    let applied = lab.ask(&Request::Apply(Desired { generation: 1, shares, trial: None, passes }));
    assert_eq!(applied, Reply::Done { generation: 1 });
    (lab, enforcer)
}

/// SECURITY.md, G19.
#[test]
fn whoever_opens_many_downloads_gets_no_more() {
    let (lab, _enforcer) = shared("fair-down");
    let down = ["socat", "-u", "TCP:198.18.0.1:9999", "OPEN:/dev/null,wronly"];
    let _running = [("guest0", 1), ("guest1", 12)].map(|(host, count)| transfers(&lab, host, count, down));
    let received = ["cat", "/sys/class/net/eth0/statistics/rx_bytes"];
    let percent = greedy_percent(|n| lab.text(&format!("guest{n}"), &received).trim().parse().unwrap());
    assert!(percent <= 60, "12 downloads have {percent} % of the lane");
}

/// SECURITY.md, G19.
#[test]
fn whoever_opens_many_uploads_gets_no_more() {
    let (lab, _enforcer) = shared("fair-up");
    for line in [
        "add table ip marks",
        "add chain ip marks in { type filter hook input priority 0; }",
        "add rule ip marks in tcp sport 1024-1535 counter comment \"slot 0\"",
        "add rule ip marks in tcp sport 1536-2047 counter comment \"slot 1\"",
    ] {
        lab.must("wan", &["nft", line]);
    }
    let sink = ["socat", "-u", "TCP-LISTEN:9998,fork,reuseaddr", "OPEN:/dev/null,wronly"];
    let _sink = lab.command("wan", &sink).stderr(Stdio::null()).spawn().unwrap();
    until("the sink", || lab.text("wan", &["ss", "-Hltn"]).contains(":9998 "));
    let up = ["socat", "-u", "OPEN:/dev/zero,rdonly", "TCP:198.18.0.1:9998"];
    let _running = [("guest0", 1), ("guest1", 12)].map(|(host, count)| transfers(&lab, host, count, up));
    let percent = greedy_percent(|n| counted(&lab, "wan", &format!("slot {n}"), "bytes "));
    assert!(percent <= 60, "12 uploads have {percent} % of the lane");
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

/// A police site: its lanes are kept, and nobody is a guest.
#[test]
fn a_site_without_guests_admits_nobody() {
    let lab = Lab::up("police");
    std::fs::create_dir(lab.dir.join("profiles")).unwrap();
    std::fs::copy("../docker/site/profiles/police.toml", lab.dir.join("profiles/police.toml")).unwrap();
    let site = "name = 'questura'\ntitle = 'Questura'\nprofile = 'police'\n\
                [interfaces]\nwan = 'wan0'\noffice = ['off0']\n";
    std::fs::write(lab.dir.join("site.toml"), site).unwrap();
    let _enforcer = lab.enforce();
    let desired = Desired { generation: 1, shares: lab.shares(), trial: None, passes: vec![pass(0, 600)] };
    let refused = lab.ask(&Request::Apply(desired));
    assert!(
        matches!(&refused, Reply::Refused(why) if why.to_string().contains("has no guests")),
        "{refused:?}"
    );
    lab.apply(2, vec![]);
    lab.seen_from("office", "TCP:198.18.0.1:8080");
    assert!(lab.text("router", &["tc", "class", "show", "dev", "wan0"]).contains("rate 600Mbit"));
    assert!(!lab.dir.join("run/dnsmasq-main.conf").exists(), "nobody is leased an address");
}

/// SECURITY.md, G22. Cameras on the office's switch, and a guest who has put on one of their addresses.
#[test]
fn a_network_puts_hosts_into_their_lane() {
    let lab = Lab::up("networks");
    let file = lab.dir.join("site.toml");
    let networks =
        "[networks]\ncritical = ['10.20.0.64/26', '10.20.9.0/24']\noffice = ['10.20.0.0/16']\n[link]";
    std::fs::write(&file, std::fs::read_to_string(&file).unwrap().replace("[link]", networks)).unwrap();
    lab.must("office", &["ip", "addr", "add", "10.20.0.70/24", "dev", "eth0"]);
    let _enforcer = lab.enforce();
    lab.apply(1, vec![pass(0, 600)]);
    let carried = || {
        lab.measure()
            .lanes
            .into_iter()
            .map(|l| ((l.lane, l.direction), l.packets))
            .collect::<BTreeMap<_, _>>()
    };
    let grown = |from: &str, source: &str| {
        let before = carried();
        lab.must(from, &["ping", "-c40", "-i0.01", "-I", source, "198.18.0.1"]);
        let after = carried();
        let grew = after.into_iter().filter(|(key, packets)| *packets >= before[key] + 40);
        grew.map(|(key, _)| key).collect::<BTreeSet<_>>()
    };
    let both = |lane| BTreeSet::from([(lane, Direction::Up), (lane, Direction::Down)]);
    assert_eq!(grown("office", "10.20.0.70"), both(Lane::Critical));
    assert_eq!(grown("office", "10.20.0.2"), both(Lane::Office));
    assert_eq!(grown("guest0", "10.64.0.10"), both(Lane::Guest));
    lab.must("guest0", &["ip", "addr", "add", "10.20.0.71/32", "dev", "eth0"]);
    assert!(!lab.run("guest0", &["ping", "-c1", "-W1", "-I", "10.20.0.71", "198.18.0.1"]).status.success());
}
