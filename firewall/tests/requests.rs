//! Who may ask what.

use crate::lab::{self, Lab, device, pass, slot};
use varco_policy::wire::{Desired, Reply, Request, Trial};

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
    insta::assert_snapshot!(refused(Request::Apply(Desired { generation: 11, shares, trial: None, passes: vec![] })), @"not allowed at this site: the guarantees add up to 106mbit, the link carries 100mbit");
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

/// SECURITY.md P7: a seized gateway cannot hold up the building's own traffic.
#[test]
fn no_request_gives_the_building_less_than_its_settings_say() {
    let lab = Lab::up("promise");
    let _enforcer = lab.enforce();
    let one = "1mbit".parse().unwrap();
    let (mut critical, mut office) = (lab.shares(), lab.shares());
    critical.up.critical.guaranteed = one;
    (office.down.office.guaranteed, office.down.office.ceiling) = (one, one);
    for shares in [critical, office] {
        let tried = Some(Trial { shares, seconds: 60 });
        for (shares, trial) in [(shares, None), (lab.shares(), tried)] {
            let reply = lab.ask(&Request::Apply(Desired { generation: 1, shares, trial, passes: vec![] }));
            let Reply::Refused(why) = reply else { panic!("{reply:?}") };
            assert!(why.to_string().contains("less than site.toml says"), "{why}");
        }
    }
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

/// What is in force is believed only until the kernel says otherwise.
#[test]
fn a_change_over_what_a_hand_has_done_is_put_right() {
    let lab = Lab::up("beliefs");
    let _enforcer = lab.enforce();
    lab.apply(1, vec![pass(0, 600)]);
    lab.must("router", &["nft", "flush", "map", "inet", "varco", "slots"]);
    let admit = |generation, passes| lab.ask(&Request::Admit { generation, passes });
    assert_eq!(admit(2, vec![pass(0, 500)]), Reply::Done { generation: 2 });
    assert!(lab.pings("guest0", "198.18.0.1"));
    lab.must("router", &["nft", "add element inet varco pass_down { 10.64.0.11 }"]);
    assert_eq!(admit(3, vec![pass(1, 500)]), Reply::Done { generation: 3 });
    assert!(lab.pings("guest1", "198.18.0.1"));
    lab.must("router", &["nft", "flush", "set", "inet", "varco", "pass"]);
    let expelled = lab.ask(&Request::Expel { generation: 4, devices: vec![device(0)] });
    assert_eq!(expelled, Reply::Done { generation: 4 });
    assert!(!lab.pings("guest0", "198.18.0.1"));
    assert!(lab.pings("guest1", "198.18.0.1"));
    lab.must("router", &["nft", "delete", "table", "inet", "varco"]);
    assert_eq!(admit(5, vec![pass(0, 500)]), Reply::Done { generation: 5 });
    assert_eq!(lab.measure().passes.len(), 2);
}
