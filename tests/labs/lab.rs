//! What the lab promises to other people's scripts.

use crate::site::{Site, lab, said};
use std::collections::BTreeSet;

fn keys(value: &serde_json::Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_lab_says_exactly_what_is_promised_and_leaves_nothing() {
    let site = Site::up_with(2, &["--bare"]);
    let report = &site.report;
    let top = ["name", "addresses", "interfaces", "urls", "pids", "state", "idp_metadata_dir"];
    assert_eq!(keys(report), BTreeSet::from(top));
    assert_eq!(keys(&report["addresses"]), BTreeSet::from(["wan", "office", "gateway_guest_side"]));
    assert_eq!(keys(&report["interfaces"]), BTreeSet::from(["guest", "office", "wan"]));
    let urls = ["portal", "capport", "hub", "spid_metadata", "spid_login", "idp", "admin", "console"];
    assert_eq!(keys(&report["urls"]), BTreeSet::from(urls));
    assert_eq!(keys(&report["pids"]), BTreeSet::from(["gateway", "enforcer", "hub", "dnsmasq"]));

    assert_eq!(site.run("guest0", &["sh", "-c", "exit 7"]).status.code(), Some(7));
    assert_eq!(site.run("guest0", &["no-such-command"]).status.code(), Some(127));
    assert_eq!(site.run("guest0", &["/etc/passwd"]).status.code(), Some(126));
    assert_eq!(site.run("office", &["hostname"]).stdout, b"office\n");
    assert!(!site.succeeds("guest0", &["sh", "-c", "ip -4 addr show dev wlan0 | grep inet"]));
    for host in ["wan", "office", "gateway"] {
        assert!(site.succeeds(
            host,
            &["curl", "-sf", "-m", "5", "-o", "/dev/null", "https://idp.varco.test/metadata"]
        ));
    }
    let state = site.state("");
    said(&mut lab(&["down", "--name", site.name()]));
    assert!(!std::path::Path::new(&state).exists());
    assert!(!said(&mut lab(&["list"])).contains(site.name()));
}

/// Tools that change to a user of their own, as tcpdump does, need one; only root has others to lend.
#[test]
fn root_lends_a_lab_every_user() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let site = Site::up_with(1, &["--bare"]);
    assert!(
        site.succeeds("guest0", &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "true"])
    );
}

#[test]
fn labs_stand_side_by_side_and_a_name_is_taken_once() {
    let (one, two) = (Site::up_with(0, &["--bare"]), Site::up_with(0, &["--bare"]));
    assert!(!lab(&["up", "--name", one.name(), "--bare"]).output().unwrap().status.success());
    said(&mut lab(&["down", "--name", one.name()]));
    assert!(two.succeeds("office", &["curl", "-sf", "-m", "5", "-o", "/dev/null", "http://www.varco.test/"]));
}

#[test]
fn a_lab_whose_holder_was_killed_can_be_taken_down_with_all_its_processes() {
    let site = Site::up_with(1, &["--bare"]);
    let record = std::fs::read_to_string(site.state("lab.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    let pid = record["holder"]["pid"].to_string();
    assert!(std::process::Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    let mut left = site.on("guest0", &["env", "-i", "sleep", "600"]).spawn().unwrap();
    // `env -i` has no mark of the lab: only its network tells whose it is.
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert!(left.try_wait().unwrap().is_none());
    said(&mut lab(&["down", "--name", site.name()]));
    assert!(!left.wait().unwrap().success());
}

#[test]
fn a_door_leads_from_this_machine_to_the_portal_as_a_guest() {
    let site = Site::up(1);
    let text = said(&mut lab(&["door", "--name", site.name(), "--guest", "0"]));
    let url = |name: &str| {
        let line = text.lines().find(|l| l.starts_with(name)).unwrap();
        line.split_whitespace().last().unwrap().to_owned()
    };
    let curl = |words: &[&str]| {
        let mut command = std::process::Command::new("curl");
        said(command.args(["-q", "-sS", "-m", "10"]).args(words))
    };
    assert!(curl(&["--noproxy", "*", &url("portal")]).contains("<form method=\"post\" action=\"/login\">"));
    let ca = site.state("tls/ca.pem");
    let state = curl(&["--proxy", &url("proxy"), "--cacert", &ca, "https://wifi.varco.test/capport"]);
    assert!(state.contains("\"captive\":true"), "{state}");
    let status =
        ["--proxy", &url("proxy"), "-o", "/dev/null", "-w", "%{redirect_url}", "http://www.varco.test/"];
    assert_eq!(curl(&status), "https://wifi.varco.test/");
}
