//! 10,000 passes on one gateway.

use crate::lab::{Lab, device, pass, slot};
use std::{
    collections::BTreeSet,
    fs,
    net::Ipv4Addr,
    thread::sleep,
    time::{Duration, Instant},
};
use varco_policy::{
    Device, Lane, Mac, Slot,
    wire::{KernelPass, PassRate, Reply, Request},
};

const MANY: u32 = 10_000;

/// A building with a /18 of guests and slots for 10,080 passes more.
fn building(name: &str) -> Lab {
    let lab = Lab::up(name);
    let file = lab.dir.join("site.toml");
    let addresses: Vec<_> = (1..=80).map(|n| format!("\"198.18.1.{n}\"")).collect();
    let site = fs::read_to_string(&file).unwrap().replace("10.64.0.0/20", "10.64.0.0/18");
    let site = site.replace("[\"198.18.0.3\"]", &format!("[\"198.18.0.3\", {}]", addresses.join(", ")));
    fs::write(&file, site).unwrap();
    lab
}

/// One of the crowd: none has a wire.
fn of_crowd(n: u32) -> KernelPass {
    let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 64, 1, 0)) + n);
    let [a, b, c, d] = n.to_be_bytes();
    let block = u16::try_from(n % 126).unwrap();
    let public = Ipv4Addr::new(198, 18, 1, u8::try_from(n / 126 + 1).unwrap());
    let slot = Slot { address: public, ..slot(block) };
    KernelPass {
        device: Device { address, mac: Mac::new([2, 1, a, b, c, d]) },
        slot,
        seconds: 600,
        rate: None,
    }
}

fn done(lab: &Lab, request: &Request, generation: u64) {
    assert_eq!(lab.ask(request), Reply::Done { generation }, "{}", lab.log());
}

#[test]
fn ten_thousand_passes_are_held_changed_and_measured() {
    let lab = building("many");
    let _enforcer = lab.enforce();
    lab.apply(1, (0..MANY).map(of_crowd).collect());
    assert_eq!(lab.measure().passes.len(), 10_000);
    assert!(!lab.pings("guest0", "198.18.0.1"));
    done(&lab, &Request::Admit { generation: 2, passes: vec![pass(0, 600)] }, 2);
    assert!(lab.pings("guest0", "198.18.0.1"));
    assert!(lab.pings("guest0", "198.18.0.1"));
    let own = lab.measure().passes.into_iter().find(|usage| usage.device == device(0)).unwrap();
    assert!(own.up_packets >= 2 && own.down_packets >= 2 && own.up_bytes > 100, "{own:?}");
    let Reply::Ports(ports) = lab.ask(&Request::Ports) else { panic!("no ports") };
    assert_eq!((ports.eighths.iter().sum::<u32>(), ports.eighths[0]), (10_001, 10_001));
    assert!((1..=2).contains(&ports.most), "an echo has a number in place of a port: {ports:?}");
    let Reply::Lanes(lanes) = lab.ask(&Request::Lanes) else { panic!("no lanes") };
    assert!(lanes.len() == 6 && lanes.iter().all(|l| l.lane != Lane::Guest || l.packets >= 2), "{lanes:?}");

    let some: Vec<_> = (0..MANY).step_by(4).map(of_crowd).collect();
    let devices = some.iter().map(|pass| pass.device).collect();
    done(&lab, &Request::Expel { generation: 3, devices }, 3);
    assert_eq!(lab.measure().passes.len(), 7_501);
    done(&lab, &Request::Admit { generation: 4, passes: some }, 4);
    done(&lab, &Request::Expel { generation: 5, devices: vec![device(0)] }, 5);
    assert!(!lab.pings("guest0", "198.18.0.1"));
    let measured = lab.measure();
    assert_eq!((measured.passes.len(), measured.healed), (10_000, 0));
    let pinned = lab.text("router", &["ip", "-4", "neigh", "show", "nud", "permanent", "dev", "br-guest"]);
    assert_eq!(pinned.lines().count(), 10_000);
    assert!(pinned.contains("10.64.1.0 lladdr 02:01:00:00:00:00"));
    let named = all_named(&lab, 10_000);
    for dev in ["wan0", "ifb-varco"] {
        let classes = lab.text("router", &["tc", "class", "show", "dev", dev]);
        let there: BTreeSet<_> = classes.split("class htb 1:").skip(1).map(of_hex).collect();
        assert!(named.is_subset(&there), "and it is there");
    }
}

fn of_hex(text: &str) -> String {
    text.split(|c: char| !c.is_ascii_hexdigit()).next().unwrap().to_owned()
}

/// The classes that elements name, once each of so many passes has one of its own.
fn all_named(lab: &Lab, passes: usize) -> BTreeSet<String> {
    for _ in 0..600 {
        let named = named(lab);
        if named.len() == passes && !named.contains("31") {
            return named;
        }
        sleep(Duration::from_millis(200));
    }
    panic!("{} classes are named: {}", named(lab).len(), lab.log());
}

fn named(lab: &Lab) -> BTreeSet<String> {
    let elements = lab.text("router", &["nft", "list", "map", "inet", "varco", "pass_class"]);
    elements.split(" : 1:").skip(1).map(of_hex).collect()
}

/// As after a boot: thousands of passes, and none of their classes. Nobody waits for those.
#[test]
fn passes_are_in_force_before_their_classes() {
    let lab = building("boot");
    let mut enforcer = lab.enforce();
    let last = 3_999;
    let crowd = || (0..last).map(of_crowd).chain([pass(0, 600)]).collect();
    lab.apply(1, crowd());
    assert!(named(&lab).contains("31"), "many have none of their own yet");
    assert_eq!(lab.measure().passes.len(), 4_000);
    assert!(lab.pings("guest0", "198.18.0.1"));
    // Whoever comes or goes meanwhile waits for none of them, and has a class at once.
    done(&lab, &Request::Admit { generation: 2, passes: vec![of_crowd(last)] }, 2);
    done(&lab, &Request::Expel { generation: 3, devices: vec![of_crowd(last - 1).device] }, 3);
    let slower = PassRate { device: of_crowd(3).device, rate: Some("512kbit".parse().unwrap()) };
    done(&lab, &Request::Limit { generation: 4, rates: vec![slower] }, 4);
    // An enforcer that is started again meanwhile goes on with what is missing.
    enforcer.kill().unwrap();
    enforcer.wait().unwrap();
    let _enforcer = lab.enforce();
    let passes = (0..last - 1).map(of_crowd).chain([pass(0, 600), of_crowd(last)]).collect();
    lab.apply(5, passes);
    assert!(lab.pings("guest0", "198.18.0.1"));
    let named = all_named(&lab, 4_000);
    for dev in ["wan0", "ifb-varco"] {
        let classes = lab.text("router", &["tc", "class", "show", "dev", dev]);
        let there: BTreeSet<_> = classes.split("class htb 1:").skip(1).map(of_hex).collect();
        assert!(named.is_subset(&there), "and it is there");
    }
    assert_eq!(lab.measure().healed, 0, "{}", lab.log());
}

#[expect(clippy::disallowed_methods, reason = "a measurement by hand")]
fn clock() -> Instant {
    Instant::now()
}

/// Median and 99th of a hundred, in microseconds.
fn timed(rounds: u32, mut once: impl FnMut(u32)) -> String {
    let mut all: Vec<Duration> = (0..rounds)
        .map(|n| {
            let before = clock();
            once(n);
            clock() - before
        })
        .collect();
    all.sort();
    format!(
        "p50 {:>6} us, p99 {:>6} us",
        all[all.len() / 2].as_micros(),
        all[all.len() * 99 / 100].as_micros()
    )
}

/// `cargo test --release -p varco-firewall --test gate -- --ignored --nocapture many::what_it_costs`
#[test]
#[ignore = "a measurement, by hand: it asserts nothing"]
fn what_it_costs() {
    let lab = building("cost");
    let before = clock();
    let _enforcer = lab.enforce();
    eprintln!("start {:?}", clock() - before);
    let mut generation = 0;
    for crowd in [0, 9_000] {
        generation += 1;
        let before = clock();
        lab.apply(generation, (0..crowd).map(of_crowd).collect());
        eprintln!("{crowd} passes: apply {:?}", clock() - before);
        generation += 1;
        let before = clock();
        lab.apply(generation, (0..crowd).map(of_crowd).collect());
        eprintln!("  apply again {:?}", clock() - before);
        for pause in [0, 100] {
            let mut next = |request: fn(u64, u32) -> Request, n| {
                generation += 1;
                std::thread::sleep(Duration::from_millis(pause));
                let before = clock();
                done(&lab, &request(generation, n), generation);
                clock() - before
            };
            let mut kinds = [("admit", vec![]), ("expel", vec![])];
            for n in 9_000..if pause == 0 { 9_300 } else { 9_030 } {
                kinds[0]
                    .1
                    .push(next(|generation, n| Request::Admit { generation, passes: vec![of_crowd(n)] }, n));
            }
            for n in 9_000..if pause == 0 { 9_300 } else { 9_030 } {
                kinds[1].1.push(next(
                    |generation, n| Request::Expel { generation, devices: vec![of_crowd(n).device] },
                    n,
                ));
            }
            for (kind, mut all) in kinds {
                all.sort();
                let (p50, p99) = (all[all.len() / 2], all[all.len() * 99 / 100]);
                let sum: Duration = all.iter().sum();
                let rate = all.len() as u128 * 1_000_000 / sum.as_micros();
                eprintln!("  {kind}, {pause} ms between: p50 {p50:?}, p99 {p99:?}, {rate} a second");
            }
        }
        let batch = || (9_000..9_500).map(of_crowd);
        let batched = timed(20, |n| {
            generation += 1;
            let request = if n % 2 == 0 {
                Request::Admit { generation, passes: batch().collect() }
            } else {
                Request::Expel { generation, devices: batch().map(|p| p.device).collect() }
            };
            done(&lab, &request, generation);
        });
        eprintln!("  admit or expel 500 at once: {batched}");
        for (name, request) in
            [("measure", Request::Measure), ("lanes", Request::Lanes), ("ports", Request::Ports)]
        {
            eprintln!("  {name}: {}", timed(30, |_| drop(lab.ask(&request))));
        }
        let pid = lab.text("router", &["busybox", "pidof", "varco-enforcer"]);
        let status = lab.text("router", &["cat", &format!("/proc/{}/status", pid.trim())]);
        let memory: Vec<_> =
            status.lines().filter(|l| l.starts_with("VmRSS") || l.starts_with("VmHWM")).collect();
        eprintln!("  {memory:?}");
    }
}
