//! A gateway's log is shipped to the hub, whatever becomes of the hub meanwhile.

use crate::site::{Site, eventually};
use std::process::Command;
use varco_audit::{
    content::{Body, Content},
    leaf::Leaf,
    tlog::{Folder, Signed, Tiles, VerifierKey},
};

fn signal(site: &Site, program: &str, signal: &str) {
    let pid = site.status()["pids"][program].to_string();
    assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
}

/// The keys and the folder that `varco-hub log-key` names: the log's, the mirror's, the copy's.
pub fn keys(site: &Site) -> [String; 3] {
    let config = site.state("config/hub.toml");
    let out = site.program("wan", "varco-hub", &["log-key", "--config", &config]).stdout;
    let text = String::from_utf8(out).unwrap();
    ["log ", "mirror ", "copy "].map(|word| {
        let line = text.lines().find_map(|line| line.strip_prefix(word)).unwrap_or_default();
        line.split(' ').next_back().unwrap_or_default().to_owned()
    })
}

/// What the hub's log says that it has copied.
fn copied(site: &Site, key: &str) -> Vec<String> {
    let (files, key) = (site.state("hub/log"), key.parse::<VerifierKey>().unwrap());
    let note = std::fs::read(format!("{files}/checkpoint")).unwrap();
    let signed = Signed::verify(&note, &key).unwrap();
    let mut tiles = Tiles::open(Folder::new(files.as_ref()), &signed).unwrap();
    let mut all = Vec::new();
    let read = tiles.leaves(0..signed.size, |_, leaf| {
        let body = Leaf::read(leaf).ok().map(|leaf| serde_json::from_slice::<Content>(leaf.body));
        if let Some(Ok(Content { body: Body::Copied { checkpoint }, .. })) = body {
            all.push(checkpoint);
        }
    });
    read.unwrap();
    all
}

#[test]
fn a_log_is_copied_when_the_hub_is_back_even_if_it_dies_meanwhile() {
    let site = Site::up(1);
    let citizen = site.guest(0).citizen("ada");
    let all = || site.shipped()["waiting"] == 0 && site.shipped()["acknowledged"] == site.log()["size"];
    assert!(eventually(60, all), "{}", site.shipped());
    let before = site.shipped()["acknowledged"].as_u64().unwrap();
    // The hub hangs; the site goes on, and records.
    signal(&site, "hub", "-STOP");
    citizen.log_out();
    assert!(eventually(30, || site.shipped()["waiting"].as_u64() > Some(0)), "{}", site.shipped());
    assert!(site.shipped()["since"].is_string());
    // It comes back, and is killed while it takes what has waited.
    signal(&site, "hub", "-CONT");
    let killed = site.kill_nine("hub");
    assert!(site.recovered("hub", killed));
    assert!(eventually(120, all), "{}", site.shipped());
    assert!(site.shipped()["acknowledged"].as_u64() > Some(before));
    // The copy verifies by the gateway's key, with the mirror's cosignature; the hub's log by its own, and says so.
    let [log, mirror, copy] = keys(&site);
    let config = site.state("config/gateway.toml");
    let gateway = site.program("gateway", "varco-gateway", &["log-key", "--config", &config]).stdout;
    let gateway = String::from_utf8(gateway).unwrap();
    let verified = |folder: &str, words: &[&str]| {
        let all = [&["verify", "--log", folder][..], words].concat();
        let done = site.program("wan", "varco-audit", &all);
        assert!(done.status.success(), "{folder}: {}", String::from_utf8_lossy(&done.stderr));
    };
    verified(&copy, &["--vkey", gateway.trim(), "--witness", &mirror]);
    verified(&site.state("hub/log"), &["--vkey", &log]);
    let newest = std::fs::read_to_string(format!("{copy}/checkpoint")).unwrap();
    assert!(eventually(20, || copied(&site, &log).contains(&newest)), "{:?}", copied(&site, &log));
    let kept = std::fs::read_to_string(site.state("gateway/log.shipped")).unwrap();
    assert_eq!(kept, newest, "both have the same acknowledgement");
}
