//! Shares on trial, plans of them, a line that varies, and another rate for a pass.

use crate::lab::{Lab, device, pass, slot, until};
use std::fs;
use varco_firewall::queues::Minor;
use varco_policy::{
    Shares,
    wire::{Capacity, Desired, PassRate, Reply, Request, Trial},
};

/// The site's shares with another ceiling for what guests download.
fn with_ceiling(lab: &Lab, ceiling: &str) -> Shares {
    let mut shares = lab.shares();
    shares.down.guest.ceiling = ceiling.parse().unwrap();
    shares
}

fn on_trial(lab: &Lab, generation: u64, ceiling: &str, seconds: u32) -> Reply {
    let trial = Some(Trial { shares: with_ceiling(lab, ceiling), seconds });
    lab.ask(&Request::Apply(Desired { generation, shares: lab.shares(), trial, passes: vec![pass(0, 600)] }))
}

fn class(lab: &Lab, minor: &str) -> String {
    let text = lab.text("router", &["tc", "class", "show", "dev", "ifb-varco"]);
    text.lines().find(|line| line.contains(&format!("htb 1:{minor} "))).unwrap_or_default().to_owned()
}

fn refused(lab: &Lab, request: &Request) -> String {
    match lab.ask(request) {
        Reply::Refused(why) => why.to_string(),
        other => panic!("{other:?}"),
    }
}

/// SECURITY.md, S14. No connection of the gateway is open while the time runs out: each request here has its own.
#[test]
fn a_trial_that_nobody_confirms_is_taken_back_and_flows_go_on() {
    let lab = Lab::up("trial");
    let _enforcer = lab.enforce();
    lab.apply(1, vec![pass(0, 600)]);
    let (mut download, file) = lab.download("guest0");
    for seconds in [0, 601] {
        assert!(
            matches!(on_trial(&lab, 2, "7mbit", seconds), Reply::Refused(why) if why.to_string().contains("1 to 600"))
        );
    }
    assert_eq!(on_trial(&lab, 2, "7mbit", 2), Reply::Done { generation: 2 });
    assert!(class(&lab, "30").contains("ceil 7Mbit"), "in force at once");
    until("the shares as before", || class(&lab, "30").contains("ceil 100Mbit"));
    assert_eq!(lab.measure().trial, None);
    assert!(lab.log().contains("the trial of shares is over unconfirmed"));
    assert_eq!(on_trial(&lab, 2, "7mbit", 60), Reply::Done { generation: 2 });
    assert_eq!(lab.measure().trial, None, "a request that comes twice does not begin it anew");

    let size = || fs::metadata(&file).unwrap().len();
    let before = size();
    until("the same download goes on", || size() > before + 1_000_000);
    assert!(download.try_wait().unwrap().is_none());
    download.kill().unwrap();
    download.wait().unwrap();
}

/// SECURITY.md, S14.
#[test]
fn a_trial_is_confirmed_taken_back_or_ended_by_a_restart() {
    let lab = Lab::up("confirm");
    let enforcer = lab.enforce();
    // Confirmed, it stays; tried and dropped, it goes.
    assert_eq!(on_trial(&lab, 3, "7mbit", 600), Reply::Done { generation: 3 });
    assert!(lab.measure().trial.is_some_and(|left| (1..=600).contains(&left)));
    let left = || lab.dir.join("run/confirmed-shares.json").exists();
    assert!(left());
    let confirm = Desired {
        generation: 4,
        shares: with_ceiling(&lab, "7mbit"),
        trial: None,
        passes: vec![pass(0, 600)],
    };
    assert_eq!(lab.ask(&Request::Apply(confirm)), Reply::Done { generation: 4 });
    assert_eq!((lab.measure().trial, left()), (None, false));
    assert!(class(&lab, "30").contains("ceil 7Mbit"));
    lab.apply(5, vec![pass(0, 600)]);
    assert!(class(&lab, "30").contains("ceil 100Mbit"));

    // Neither a crash nor a stop of the enforcer leaves a trial behind.
    assert_eq!(on_trial(&lab, 6, "7mbit", 600), Reply::Done { generation: 6 });
    lab.end(enforcer, "-KILL");
    assert!(class(&lab, "30").contains("ceil 7Mbit"));
    let enforcer = lab.enforce();
    assert!(class(&lab, "30").contains("ceil 100Mbit"));
    assert!(!left());
    assert_eq!(on_trial(&lab, 7, "7mbit", 600), Reply::Done { generation: 7 });
    lab.end(enforcer, "-TERM");
    assert!(class(&lab, "30").contains("ceil 100Mbit"));
}

#[test]
fn a_plan_is_checked_and_told_and_changes_nothing() {
    let lab = Lab::up("plan-shares");
    let _enforcer = lab.enforce();
    lab.apply(1, vec![pass(0, 600)]);
    let planned = |shares| match lab.ask(&Request::Plan(shares)) {
        Reply::Planned(lines) => lines,
        other => panic!("{other:?}"),
    };
    assert_eq!(planned(lab.shares()), Vec::<String>::new());
    let mut shares = lab.shares();
    shares.up.critical.guaranteed = "12mbit".parse().unwrap();
    insta::assert_snapshot!(planned(shares).join("\n"), @"tc: class change dev wan0 parent 1:1 classid 1:10 htb prio 0 rate 12000000bit ceil 100000000bit burst 3200b cburst 12500b quantum 25000");
    assert_eq!(planned(lab.shares()), Vec::<String>::new(), "nothing was changed");
    let lines = planned(with_ceiling(&lab, "7mbit"));
    assert!(
        lines.len() > 100 && lines.iter().all(|line| line.contains("dev ifb-varco parent 1:")),
        "{lines:?}"
    );

    let bad = |change: fn(&mut Shares)| {
        let mut shares = lab.shares();
        change(&mut shares);
        refused(&lab, &Request::Plan(shares))
    };
    insta::assert_snapshot!(bad(|s| s.down.guest.guaranteed = "11mbit".parse().unwrap()), @"not allowed at this site: the guarantees add up to 101mbit, the link carries 100mbit");
    insta::assert_snapshot!(bad(|s| s.up.guest.ceiling = "512kbit".parse().unwrap()), @"not allowed at this site: guest.ceiling 512kbit is under its guarantee 1mbit");
    insta::assert_snapshot!(bad(|s| s.up.guest.ceiling = "101mbit".parse().unwrap()), @"not allowed at this site: guest.ceiling 101mbit is above the link's 100mbit");
    insta::assert_snapshot!(bad(|s| s.up.guest.guaranteed = "0bit".parse().unwrap()), @"not allowed at this site: guest.guaranteed is 0; a lane needs at least 1kbit or it can stall");
    insta::assert_snapshot!(bad(|s| s.down.office.guaranteed = "1mbit".parse().unwrap()), @"not allowed at this site: office would get less than site.toml says: at least 80mbit guaranteed and a ceiling of 100mbit; where that was changed, restart varco-enforcer");
}

#[test]
fn a_line_that_varies_is_followed_within_its_bounds() {
    let lab = Lab::up("carry");
    let carry = |up: &str, down: &str| {
        Request::Carry(Capacity { up: up.parse().unwrap(), down: down.parse().unwrap() })
    };
    let enforcer = lab.enforce();
    insta::assert_snapshot!(refused(&lab, &carry("100mbit", "100mbit")), @"not allowed at this site: the line does not vary: site.toml has no link.least");
    lab.end(enforcer, "-TERM");
    let file = lab.dir.join("site.toml");
    let varies = "[link]\nleast = { up = '91mbit', down = '91mbit' }";
    fs::write(&file, fs::read_to_string(&file).unwrap().replace("[link]", varies)).unwrap();
    let _enforcer = lab.enforce();
    lab.apply(1, vec![pass(0, 600)]);
    let (up, down) = ("95mbit".parse().unwrap(), "92mbit".parse().unwrap());
    assert_eq!(lab.measure().capacity, Some(lab.site().link.shaped()));
    for (up, down) in
        [("90mbit", "95mbit"), ("95mbit", "90mbit"), ("101mbit", "95mbit"), ("95mbit", "101mbit")]
    {
        assert!(refused(&lab, &carry(up, down)).contains("from link.least to link"));
    }
    let before = lab.queues();
    let lanes = || ["10", "20", "30"].map(|minor| class(&lab, minor));
    let lanes_before = lanes();
    assert_eq!(lab.ask(&carry("95mbit", "92mbit")), Reply::Carrying(Capacity { up, down }));
    assert!(class(&lab, "1").contains("rate 92Mbit ceil 92Mbit"));
    assert!(lab.text("router", &["tc", "class", "show", "dev", "wan0"]).contains("rate 95Mbit ceil 95Mbit"));
    assert_eq!(lab.measure().capacity, Some(Capacity { up, down }));
    assert_eq!((lab.queues(), lanes()), (before, lanes_before), "the line and nothing else");
    // It outlasts a change of the state, and is what another hand's change is healed to.
    lab.apply(2, vec![pass(0, 600)]);
    assert!(class(&lab, "1").contains("rate 92Mbit ceil 92Mbit"));
    assert_eq!(lab.ask(&carry("95mbit", "92mbit")), Reply::Carrying(Capacity { up, down }));
    let hand = "tc class change dev ifb-varco parent 1: classid 1:1 htb rate 50mbit ceil 60mbit";
    lab.must("router", &hand.split(' ').collect::<Vec<_>>());
    until("the line as carried", || class(&lab, "1").contains("rate 92Mbit ceil 92Mbit"));
    // Nobody says it again: a gateway that has died does not leave the building narrow.
    until("the line as site.toml says", || class(&lab, "1").contains("rate 100Mbit ceil 100Mbit"));
}

/// A rate of one's own comes, changes and goes; time, counters and what runs stay.
#[test]
fn the_rate_of_an_open_pass_changes_and_nothing_else_of_it() {
    let lab = Lab::up("limit");
    let _enforcer = lab.enforce();
    lab.apply(1, vec![pass(0, 600), pass(1, 600)]);
    let (mut download, file) = lab.download("guest0");
    let limit = |generation, device, rate: Option<&str>| {
        let rates = vec![PassRate { device, rate: rate.map(|r| r.parse().unwrap()) }];
        lab.ask(&Request::Limit { generation, rates })
    };
    let [own, of_slot] = [Minor::of_rated, Minor::of_slot].map(|of| of(&lab.site(), slot(0)).to_string());
    let named = |class: &str| {
        let map = lab.text("router", &["nft", "list", "map", "inet", "varco", "pass_class"]);
        map.split_whitespace().any(|word| word.trim_end_matches(',') == format!("1:{class}"))
    };
    let counted = || *lab.measure().passes.iter().find(|p| p.device == device(0)).unwrap();
    let port = || {
        let flows = lab.text("router", &["conntrack", "-L", "-s", "10.64.0.10", "-p", "tcp"]);
        flows.split("sport=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
    };
    let (before, flow) = (counted(), port());
    assert!(before.down_bytes > 1_000_000);
    for (generation, rate) in [(2, Some("512kbit")), (3, Some("3mbit")), (4, None), (5, Some("4mbit"))] {
        assert_eq!(limit(generation, device(0), rate), Reply::Done { generation }, "{}", lab.log());
        assert_eq!(named(&own), rate.is_some());
        if let Some(rate) = rate {
            assert!(class(&lab, &own).to_lowercase().contains(&format!("ceil {rate}")));
        }
        let after = counted();
        assert!(after.seconds <= before.seconds && after.down_bytes >= before.down_bytes, "{after:?}");
    }
    assert_eq!(port(), flow, "the same flow");
    let size = || fs::metadata(&file).unwrap().len();
    let had = size();
    until("the same download goes on", || size() > had + 500_000);
    assert!(download.try_wait().unwrap().is_none());
    // A device without a pass is passed over; rates too low and old requests are refused.
    let mut stranger = device(0);
    stranger.mac = device(1).mac;
    assert_eq!(limit(6, stranger, None), Reply::Done { generation: 6 });
    assert!(class(&lab, &own).contains("ceil 4Mbit"));
    assert!(
        matches!(limit(7, device(0), Some("1kbit")), Reply::Refused(why) if why.to_string().contains("64 kbit/s"))
    );
    assert!(matches!(limit(5, device(0), None), Reply::Refused(why) if why.to_string().contains("older")));
    // The kernel lost the element of the class: the same request puts it right.
    lab.must("router", &["nft", "flush", "map", "inet", "varco", "pass_class"]);
    assert_eq!(limit(7, device(0), None), Reply::Done { generation: 7 });
    assert!(named(&of_slot) && !named(&own));
    download.kill().unwrap();
    download.wait().unwrap();
}

/// SECURITY.md P7. What is let through, and how low an admin may go, are the site's to say.
#[test]
fn a_site_says_its_headroom_and_how_low_an_admin_may_go() {
    let lab = Lab::up("floor");
    let file = lab.dir.join("site.toml");
    let site = fs::read_to_string(&file).unwrap();
    let site = site.replace("headroom = { up = 0, down = 0 }", "headroom = { up = 2, down = 5 }");
    let office = "office = { guaranteed = \"80mbit\", ceiling = \"100mbit\"";
    fs::write(&file, site.replace(office, &format!("{office}, least = \"30mbit\""))).unwrap();
    let _enforcer = lab.enforce();
    let apply = |generation, office: &str, guest: &str| {
        let mut shares = lab.shares();
        shares.down.office.guaranteed = office.parse().unwrap();
        shares.down.guest.guaranteed = guest.parse().unwrap();
        lab.ask(&Request::Apply(Desired { generation, shares, trial: None, passes: vec![] }))
    };
    assert!(class(&lab, "1").contains("rate 95Mbit ceil 95Mbit"));
    assert!(lab.text("router", &["tc", "class", "show", "dev", "wan0"]).contains("rate 98Mbit ceil 98Mbit"));
    assert_eq!(apply(1, "30mbit", "55mbit"), Reply::Done { generation: 1 });
    assert!(class(&lab, "20").contains("rate 30Mbit") && class(&lab, "30").contains("rate 55Mbit"));
    let refused = |reply| matches!(reply, Reply::Refused(why) if why.to_string().starts_with("not allowed"));
    assert!(refused(apply(2, "29mbit", "1mbit")), "below the floor");
    assert!(refused(apply(2, "30mbit", "56mbit")), "more than is let through");
}
