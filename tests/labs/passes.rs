//! A pass from its beginning to each of its ends.

use crate::site::{Guest, SERVER, Site, eventually};

/// The open passes as the operator lists them: identifier, since, until, `address:first-last`.
pub fn passes(site: &Site) -> Vec<Vec<String>> {
    let out =
        site.program("gateway", "varco-gateway", &["passes", "--config", &site.state("config/gateway.toml")]);
    let text = String::from_utf8(out.stdout).unwrap();
    text.lines().map(|l| l.split(' ').map(str::to_owned).collect()).collect()
}

fn is_cut_off(guest: &Guest<'_>) -> bool {
    !guest.is_online() && guest.tcp(SERVER).is_none() && guest.udp(SERVER).is_none() && !guest.pings(SERVER)
}

#[test]
fn a_citizen_leaves_from_the_ports_of_their_slot_and_the_record_says_whose_they_are() {
    let site = Site::up(2);
    let citizens = [site.guest(0).citizen("ada"), site.guest(1).citizen("bruno")];
    let open = passes(&site);
    assert_eq!(open.len(), 2);
    let mut holders = Vec::new();
    for citizen in &citizens {
        for (address, port) in [citizen.tcp(SERVER).unwrap(), citizen.udp(SERVER).unwrap()] {
            let holder = open.iter().find(|p| covers(&p[3], &address, port)).unwrap();
            assert_eq!(who(&site, &address, port).trim_matches('"'), holder[0]);
            holders.push(holder[0].clone());
        }
    }
    assert_eq!(holders[0], holders[1]);
    assert_eq!(holders[2], holders[3]);
    assert_ne!(holders[0], holders[2]);
}

fn covers(slot: &str, address: &str, port: u16) -> bool {
    let (at, ports) = slot.split_once(':').unwrap();
    let (first, last) = ports.split_once('-').unwrap();
    at == address && (first.parse().unwrap()..=last.parse().unwrap()).contains(&port)
}

/// The pass that `varco-audit who` names for this port now.
fn who(site: &Site, address: &str, port: u16) -> String {
    let out = site.answer("who", &site.who(address, port));
    let said = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success(), "{said}{}", String::from_utf8_lossy(&out.stderr));
    let all: serde_json::Value = serde_json::from_str(&said).unwrap();
    find(&all, "pass").unwrap_or_default()
}

fn find(value: &serde_json::Value, key: &str) -> Option<String> {
    match value {
        serde_json::Value::Object(map) => {
            map.get(key).map(ToString::to_string).or_else(|| map.values().find_map(|v| find(v, key)))
        }
        serde_json::Value::Array(all) => all.iter().find_map(|v| find(v, key)),
        _ => None,
    }
}

#[test]
fn logging_out_stops_a_running_download() {
    let site = Site::up(2);
    let (one, two) = (site.guest(0).citizen("ada"), site.guest(1).citizen("bruno"));
    let (running, other) = (one.download(), two.download());
    one.log_out();
    assert!(running.stops());
    assert!(is_cut_off(&one));
    assert!(other.moves());
}

#[test]
fn an_expelled_citizen_is_cut_off_at_once_and_may_come_back() {
    let site = Site::up(1);
    let citizen = site.guest(0).citizen("ada");
    let running = citizen.download();
    let pass = passes(&site).remove(0).remove(0);
    let config = site.state("config/gateway.toml");
    assert!(
        site.program("gateway", "varco-gateway", &["expel", "--config", &config, "--pass", &pass])
            .status
            .success()
    );
    assert!(running.stops());
    assert!(is_cut_off(&citizen));
    assert!(passes(&site).is_empty());
    assert!(citizen.try_login("ada", "good").status.success());
    assert!(citizen.is_online());
}

#[test]
fn a_pass_ends_at_its_time_in_the_middle_of_a_download() {
    let site = Site::up_with(1, &["--pass-length", "1m", "--idle", "1m"]);
    let citizen = site.guest(0).citizen("ada");
    let running = citizen.download();
    assert!(eventually(75, || passes(&site).is_empty()));
    assert!(running.stops());
    assert!(is_cut_off(&citizen));
}
