//! kill -9 of each program in turn: passes keep working, nobody else gets in, the office notices nothing.

use crate::site::{SERVER, Site, said};
use serde_json::Value;

#[test]
fn killing_each_program_harms_nobody() {
    let site = Site::up(2);
    let (citizen, stranger) = (site.guest(0).citizen("ada"), site.guest(1).leased());
    let slot = citizen.tcp(SERVER).unwrap().0;
    let mut server =
        site.on("wan", &["iperf3", "-s", "-1"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(1));
    let words = ["iperf3", "-c", "198.18.0.1", "-u", "-b", "5M", "-l", "1200", "-t", "40", "--json"];
    let office = site.on("office", &words).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let running = citizen.download();
    for program in ["gateway", "hub", "enforcer"] {
        let killed = site.kill_nine(program);
        assert!(running.moves(), "{program} dead");
        assert!(citizen.pings(SERVER), "{program} dead");
        assert_eq!(stranger.tcp(SERVER), None, "{program} dead");
        assert!(!stranger.pings(SERVER), "{program} dead");
        assert!(site.recovered(program, killed), "{program} did not come back");
        assert!(running.moves(), "{program} back");
        assert_eq!(citizen.tcp(SERVER).unwrap().0, slot, "{program} back");
        assert!(!stranger.pings(SERVER), "{program} back");
    }
    let report: Value = serde_json::from_slice(&office.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(report["end"]["sum"]["lost_packets"], 0, "{}", report["end"]["sum"]);
    server.wait().unwrap();
    // After all this a new citizen can still log in.
    assert!(stranger.citizen("bruno").is_online());
    said(&mut site.on("guest0", &["true"]));
}
