//! What is forgotten of running flows, and what goes on; who is pinned.

use crate::elements::inside;
use std::{collections::BTreeSet, net::Ipv4Addr, process::Command};
use varco_firewall::{flows, neighbours};
use varco_policy::{Mac, Site};

pub fn must(line: &str) -> String {
    let words: Vec<_> = line.split_whitespace().collect();
    let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn guest(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 64, 0, n)
}

fn begin(source: &str, port: u16, more: &str) {
    let both = format!("-s {source} -d 198.18.0.53 --sport {port} --dport 53");
    must(&format!("conntrack -I -p udp -t 600 {both} {more}"));
}

/// Whoever has flows, and how many of them.
fn left() -> String {
    let all = must("conntrack -L");
    let mut sources: Vec<_> =
        all.lines().filter_map(|l| l.split_whitespace().find(|w| w.starts_with("src="))).collect();
    sources.sort_unstable();
    let counted = sources.chunk_by(|a, b| a == b).map(|same| format!("{} x{}", &same[0][4..], same.len()));
    counted.collect::<Vec<_>>().join(", ")
}

#[test]
fn flows_are_forgotten_by_guest() {
    inside("flows::of_one_and_of_many");
}

#[test]
#[ignore = "started by the test above in a network of its own"]
fn of_one_and_of_many() {
    let networks = "subnet = '10.64.0.0/20'\nrouter = '10.64.0.1'\nfirst = '10.64.0.10'\nlast = '10.64.0.99'\nlease = '1h'";
    let networks = &varco_policy::config::parse(std::path::Path::new("site.toml"), networks).unwrap();
    for n in 10..18 {
        (0..3).for_each(|k| begin(&guest(n).to_string(), 4000 + k, ""));
        begin(&guest(n).to_string(), 5000, "--dst-nat 10.64.0.1:5353");
    }
    (0..150).for_each(|k| begin("10.64.0.30", 6000 + k, &format!("--src-nat 198.18.0.3:{}", 1030 + k)));
    begin("10.20.0.2", 4000, "");
    let several = |all: &[u8]| all.iter().map(|n| guest(*n)).collect::<BTreeSet<_>>();

    assert_eq!(flows::by_guest(networks).unwrap().len(), 9);
    let public = (Ipv4Addr::new(198, 18, 0, 3), 1030);
    assert!(flows::by_guest(networks).unwrap()[&guest(30)].contains(&public));
    flows::forget_all_redirected(&several(&[10]), networks).unwrap();
    flows::forget_all(&several(&[11]), networks).unwrap();
    assert_eq!(
        left(),
        "10.20.0.2 x1, 10.64.0.10 x3, 10.64.0.12 x4, 10.64.0.13 x4, 10.64.0.14 x4, 10.64.0.15 x4, 10.64.0.16 x4, 10.64.0.17 x4, 10.64.0.30 x150"
    );
    flows::forget_all_redirected(&several(&[10, 12, 13]), networks).unwrap();
    flows::forget_all(&several(&[14, 15, 30, 99]), networks).unwrap();
    assert_eq!(
        left(),
        "10.20.0.2 x1, 10.64.0.10 x3, 10.64.0.12 x3, 10.64.0.13 x3, 10.64.0.16 x4, 10.64.0.17 x4"
    );
    flows::forget_all(&several(&[]), networks).unwrap();
    // Whoever is not of the guests is not touched, whatever is asked.
    flows::forget_all(&[Ipv4Addr::new(10, 20, 0, 2)].into(), networks).unwrap();
    assert_eq!(
        left(),
        "10.20.0.2 x1, 10.64.0.10 x3, 10.64.0.12 x3, 10.64.0.13 x3, 10.64.0.16 x4, 10.64.0.17 x4"
    );
}

#[test]
fn neighbours_are_pinned_where_the_guests_are() {
    inside("flows::of_neighbours");
}

#[test]
#[ignore = "started by the test above in a network of its own"]
fn of_neighbours() {
    let site = Site::load(std::path::Path::new("../docker/site/site.toml")).unwrap();
    let name = site.interfaces.guest[0].as_str().to_owned();
    let mac = |n| Mac::new([2, 0, 0, 0, 0, n]);
    let pinned = || {
        let all = must("ip -4 neigh show nud permanent");
        let mut all: Vec<_> = all.lines().map(|line| line.trim().to_owned()).collect();
        all.sort();
        all.join("; ")
    };
    let wanted = (10..13).map(|n| (guest(n), mac(n))).collect();
    assert!(
        neighbours::reconcile(&site, &wanted).unwrap(),
        "there is no interface yet: nothing is as wanted"
    );
    assert_eq!(pinned(), "");
    must(&format!("ip link add {name} type bridge"));
    must(&format!("ip addr add {}/20 dev {name}", site.guest.router));
    must(&format!("ip link set {name} up"));
    assert!(neighbours::reconcile(&site, &wanted).unwrap());
    assert_eq!(
        pinned(),
        "10.64.0.10 dev br-guest lladdr 02:00:00:00:00:0a PERMANENT; 10.64.0.11 dev br-guest lladdr 02:00:00:00:00:0b PERMANENT; 10.64.0.12 dev br-guest lladdr 02:00:00:00:00:0c PERMANENT"
    );
    assert!(neighbours::pinned(&site).unwrap() == wanted);
    assert!(!neighbours::reconcile(&site, &wanted).unwrap());
    must(&format!("ip neigh replace 10.64.0.11 lladdr 02:00:00:00:00:99 dev {name} nud permanent"));
    must(&format!("ip neigh add 10.64.0.77 lladdr 02:00:00:00:00:77 dev {name} nud permanent"));
    assert!(neighbours::reconcile(&site, &wanted).unwrap());
    assert_eq!(
        pinned(),
        "10.64.0.10 dev br-guest lladdr 02:00:00:00:00:0a PERMANENT; 10.64.0.11 dev br-guest lladdr 02:00:00:00:00:0b PERMANENT; 10.64.0.12 dev br-guest lladdr 02:00:00:00:00:0c PERMANENT"
    );
    neighbours::change(&site, &[(guest(20), mac(20))].into(), &[guest(10), guest(66)].into()).unwrap();
    assert_eq!(
        pinned(),
        "10.64.0.11 dev br-guest lladdr 02:00:00:00:00:0b PERMANENT; 10.64.0.12 dev br-guest lladdr 02:00:00:00:00:0c PERMANENT; 10.64.0.20 dev br-guest lladdr 02:00:00:00:00:14 PERMANENT"
    );
}
