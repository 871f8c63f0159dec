//! A router is carried away: its whole state is searched for what must not be there.

use crate::site::{Site, eventually};
use std::path::Path;
use varco_audit::Entry;
use varco_tests::idp::citizen::Citizen;

/// Every file below a folder, with its octets.
pub fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(files(&path));
        } else if path.is_file() {
            all.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    all
}

/// The files that hold a text.
pub fn holding(files: &[(String, Vec<u8>)], text: impl AsRef<[u8]>) -> Vec<String> {
    let text = text.as_ref();
    let holds = |octets: &[u8]| octets.windows(text.len()).any(|window| window == text);
    files.iter().filter(|(_, octets)| holds(octets)).map(|(name, _)| name.clone()).collect()
}

/// The files that hold an address: not those that hold a longer one which begins so, as the hub's own does.
pub fn holding_address(files: &[(String, Vec<u8>)], address: &str) -> Vec<String> {
    let octets = address.as_bytes();
    let alone = |window: &[u8]| window.starts_with(octets) && !window[octets.len()].is_ascii_digit();
    let holds = |file: &[u8]| file.ends_with(octets) || file.windows(octets.len() + 1).any(alone);
    files.iter().filter(|(_, file)| holds(file)).map(|(name, _)| name.clone()).collect()
}

/// SECURITY.md R20: the other half. The hub knows who, and has a copy of every log; it has no address.
#[test]
fn a_seized_hub_tells_no_address() {
    let site = Site::up(1);
    let citizen = site.guest(0).citizen("ada");
    let (address, _) = citizen.tcp(crate::site::SERVER).unwrap();
    let (mac, device) = (hardware_address(&site), citizen.address());
    citizen.log_out();
    assert!(eventually(60, || site.shipped()["waiting"] == 0
        && site.shipped()["acknowledged"].as_u64() > Some(6)));
    let seized = files(Path::new(&site.state("hub")));
    assert!(!holding(&seized, b"varco-leaf/1 R2b ").is_empty(), "the copy is there, and the search finds it");
    assert!(!holding(&seized, b"varco-leaf/1 R1 @hub ").is_empty());
    for known in [&address, &mac, &device] {
        assert_eq!(holding(&seized, known.as_bytes()), [""; 0], "{known}");
    }
    let octets = |address: &str| address.parse::<std::net::Ipv4Addr>().unwrap().octets().to_vec();
    let hardware = mac.split(':').map(|two| u8::from_str_radix(two, 16).unwrap()).collect();
    for known in [octets(&address), octets(&device), hardware] {
        assert_eq!(holding(&seized, &known), [""; 0], "{known:?}");
    }
    let logs: Vec<_> = files(Path::new(&site.state("logs")));
    let logs: Vec<_> = logs.into_iter().filter(|(name, _)| name.contains("hub")).collect();
    for known in [&mac, &device] {
        assert_eq!(holding(&logs, known.as_bytes()), [""; 0], "{known}");
    }
}

fn hardware_address(site: &Site) -> String {
    let out = site.run("guest0", &["cat", "/sys/class/net/wlan0/address"]);
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

/// SECURITY.md R9, R10.
#[test]
fn a_seized_gateway_tells_nobody_who_was_there() {
    let site = Site::up(1);
    let citizen = site.guest(0).citizen("ada");
    let (address, port) = citizen.tcp(crate::site::SERVER).unwrap();
    let (ada, mac, device) = (Citizen::of("ada").unwrap(), hardware_address(&site), citizen.address());
    citizen.log_out();
    // A start empties what the last run left in the write-ahead log.
    let killed = site.kill_nine("gateway");
    assert!(site.recovered("gateway", killed));
    assert!(eventually(20, || site.log()["waiting"] == 0 && site.log()["size"].as_u64() > Some(6)));
    let entries = site.entries();
    let begun = entries.iter().find_map(|entry| match entry {
        Entry::Started { pass, subject, slot, .. } => Some((*pass, subject.clone(), *slot)),
        _ => None,
    });
    let (pass, subject, slot) = begun.expect("both officers together read who was there");
    assert!(slot.covers(address.parse().unwrap(), port));
    let seized = files(Path::new(&site.state("gateway")));
    assert!(!holding(&seized, "varco-leaf/1 R2b ").is_empty(), "the search finds what is there");
    let (pass, code) = (pass.to_string(), ada.fiscal_code());
    // Why a pass ended is sealed with it; how many ended so that day is a sum, in clear (R37).
    for known in [code.as_str(), ada.family_name, subject.as_str(), &mac, &device, &pass] {
        assert_eq!(holding(&seized, known), [""; 0], "{known}");
    }
    let logs = files(Path::new(&site.state("logs")));
    for known in [code.as_str(), subject.as_str(), mac.as_str()] {
        let ours: Vec<_> =
            holding(&logs, known).into_iter().filter(|name| name.contains("gateway")).collect();
        assert_eq!(ours, [""; 0], "{known}");
    }
    // And it is whole, by the key that the gateway names.
    let config = site.state("config/gateway.toml");
    let key = site.program("gateway", "varco-gateway", &["log-key", "--config", &config]);
    let (key, log) = (String::from_utf8(key.stdout).unwrap(), site.state("gateway/log"));
    let whole = site.program("gateway", "varco-audit", &["verify", "--log", &log, "--vkey", key.trim()]);
    assert!(whole.status.success(), "{}", String::from_utf8_lossy(&whole.stderr));
    // What the gateway was given opens nothing either: no private half is on it.
    assert!(files(Path::new(&site.state("log-keys"))).iter().all(|(name, _)| name.ends_with(".pub")));
    let case = site.who(&address, port);
    let words = [case.words(), vec!["--keys".into(), site.state("log-keys")]].concat();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let records = site.state("gateway/site.db");
    let alone =
        site.program("gateway", "varco-audit", &[&["who", "--records", &records][..], &words].concat());
    assert!(!alone.status.success(), "{}", String::from_utf8_lossy(&alone.stderr));
    assert!(alone.stdout.is_empty());
}
