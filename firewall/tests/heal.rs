//! A hand in the kernel, and a change of shares.

use crate::lab::{self, Lab, pass, until};
use varco_policy::{
    Lane,
    wire::{Desired, Direction, Reply, Request},
};

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
fn a_plan_is_text_and_empty_after_a_start() {
    let lab = Lab::up("plan");
    let config = lab.dir.join("enforcer.toml");
    let plan = || lab.text("router", &[lab::ENFORCER, "plan", "--config", config.to_str().unwrap()]);
    // Which leaf is the kernel's to say.
    let without_leaf = |line: &str| match line.rsplit_once(": ") {
        Some((before, _)) if line.contains(" handle ") && !line.contains(" root ") => {
            format!("{before}: LEAF\n")
        }
        _ => format!("{line}\n"),
    };
    // One of the classes of passes stands for all, with or without a leaf.
    let of_others = |line: &&str| {
        let minor = |key: &str| {
            let word = line.split_once(key)?.1.split(' ').next()?;
            u16::from_str_radix(word, 16).ok()
        };
        minor(" classid 1:").is_some_and(|class| class > 0x100)
            || line.contains(" qdisc ") && minor(" parent 1:").is_some_and(|class| class >= 0x100)
    };
    let first = plan().replace(lab.dir.to_str().unwrap(), "");
    let first: String = first.lines().filter(|line| !of_others(line)).map(without_leaf).collect();
    insta::assert_snapshot!(first, @r#"
    nft: load base.nft
    nft: add element inet varco guest_if { br-guest }
    nft: add element inet varco office_if { off0 }
    nft: add element inet varco wan_if { wan0 }
    nft: add element inet varco guest_net { 10.64.0.0/20 }
    nft: add element inet varco guest_at { br-guest . 10.64.0.0/20 }
    nft: add element inet varco router { 10.64.0.1 }
    nft: add element inet varco catch { 192.0.2.1 }
    tc: link add ifb-varco txqueuelen 1000 type ifb
    tc: qdisc replace dev wan0 root handle 1: htb default 20 direct_qlen 1000
    tc: class add dev wan0 parent 1: classid 1:1 htb rate 100000000bit ceil 100000000bit burst 12500b cburst 12500b quantum 25000
    tc: class add dev wan0 parent 1:1 classid 1:10 htb prio 0 rate 10000000bit ceil 100000000bit burst 3200b cburst 12500b quantum 25000
    tc: qdisc replace dev wan0 parent 1:10 handle 10: LEAF
    tc: class add dev wan0 parent 1:1 classid 1:20 htb prio 1 rate 80000000bit ceil 100000000bit burst 10000b cburst 12500b quantum 25000
    tc: qdisc replace dev wan0 parent 1:20 handle 20: LEAF
    tc: class add dev wan0 parent 1:1 classid 1:30 htb rate 1000000bit ceil 100000000bit burst 3200b cburst 12500b quantum 25000
    tc: class add dev wan0 parent 1:30 classid 1:31 htb prio 7 rate 7936bit ceil 100000000bit burst 3200b cburst 12500b quantum 65536
    tc: qdisc replace dev wan0 parent 1:31 handle 31: LEAF
    tc: class add dev wan0 parent 1:30 classid 1:100 htb prio 7 rate 7936bit ceil 100000000bit burst 3200b cburst 12500b quantum 65536
    tc: qdisc replace dev ifb-varco root handle 1: htb default 20 direct_qlen 1000
    tc: class add dev ifb-varco parent 1: classid 1:1 htb rate 100000000bit ceil 100000000bit burst 12500b cburst 12500b quantum 25000
    tc: class add dev ifb-varco parent 1:1 classid 1:10 htb prio 0 rate 10000000bit ceil 100000000bit burst 3200b cburst 12500b quantum 25000
    tc: qdisc replace dev ifb-varco parent 1:10 handle 10: LEAF
    tc: class add dev ifb-varco parent 1:1 classid 1:20 htb prio 1 rate 80000000bit ceil 100000000bit burst 10000b cburst 12500b quantum 25000
    tc: qdisc replace dev ifb-varco parent 1:20 handle 20: LEAF
    tc: class add dev ifb-varco parent 1:1 classid 1:30 htb rate 1000000bit ceil 100000000bit burst 3200b cburst 12500b quantum 25000
    tc: class add dev ifb-varco parent 1:30 classid 1:31 htb prio 7 rate 7936bit ceil 100000000bit burst 3200b cburst 12500b quantum 65536
    tc: qdisc replace dev ifb-varco parent 1:31 handle 31: LEAF
    tc: class add dev ifb-varco parent 1:30 classid 1:100 htb prio 7 rate 7936bit ceil 100000000bit burst 3200b cburst 12500b quantum 65536
    tc: qdisc add dev br-guest clsact
    tc: filter add dev br-guest egress protocol all pref 7700 u32 match u32 0 0 action mirred egress redirect dev ifb-varco
    tc: qdisc add dev off0 clsact
    tc: filter add dev off0 egress protocol all pref 7700 u32 match u32 0 0 action mirred egress redirect dev ifb-varco
    bridge: link set dev g0 isolated on
    bridge: link set dev g1 isolated on
    dnsmasq: start main with /run/dnsmasq-main.conf
    dnsmasq: start captive with /run/dnsmasq-captive.conf
    "#);
    let _enforcer = lab.enforce();
    assert_eq!(plan(), "", "after a start there is nothing to do");
}

#[test]
fn a_change_of_shares_changes_the_ceiling() {
    let lab = Lab::up("shares");
    let _enforcer = lab.enforce();
    let mut shares = lab.shares();
    shares.down.guest.ceiling = "3mbit".parse().unwrap();
    let before = lab.queues();
    let desired = Desired { generation: 1, shares, trial: None, passes: vec![pass(0, 600)] };
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
    let up = |lane| {
        let lanes = lab.measure().lanes;
        lanes.iter().find(|l| l.lane == lane && l.direction == Direction::Up).unwrap().packets
    };
    assert!(up(Lane::Guest) > 5, "its acknowledgements leave in the guest lane: {}", up(Lane::Guest));
    let (office, guest) = (up(Lane::Office), up(Lane::Guest));
    download.kill().unwrap();
    download.wait().unwrap();
    lab.seen_from("office", "TCP:198.18.0.1:8080");
    assert!(up(Lane::Office) > office && up(Lane::Guest) >= guest, "the office's in its own");
}
