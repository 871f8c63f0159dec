//! A question of the authorities, from the citizen's surfing to the citizen's name; and what the hub has of it.

use crate::{
    pack,
    seized::{files, holding, holding_address},
    site::{SERVER, Site, eventually},
};
use serde_json::Value;
use std::path::Path;
use varco_tests::{idp::citizen::Citizen, lab::lookup};

/// SECURITY.md R29 to R31.
#[test]
fn the_citizen_behind_an_address_is_named_by_two_officers_and_the_hub_learns_no_address() {
    let site = Site::up(2);
    let citizen = site.guest(0).citizen("ada");
    let _other = site.guest(1).citizen("bruno");
    let (address, port) = citizen.tcp(SERVER).unwrap();
    let case = site.who(&address, port);
    let receipt = std::fs::read_to_string(case.file("receipt")).unwrap();
    assert!(receipt.starts_with("c2sp.org/tlog-proof@v1\n"), "{receipt}");

    // Nobody is named from a record that no signed log has yet.
    assert!(eventually(20, || site.log()["waiting"] == 0), "{}", site.log());
    let answered = site.answer("who", &case);
    assert!(answered.status.success(), "{}", String::from_utf8_lossy(&answered.stderr));
    let answer: Value = serde_json::from_slice(&answered.stdout).unwrap();
    assert_eq!((answer["outcome"].as_str(), &answer["sessions"][1]), (Some("one"), &Value::Null));
    let programs = Path::new(env!("CARGO_BIN_EXE_varco-lab")).parent().unwrap();

    // Nobody is named before the answer is on record.
    let config = site.state("config/hub.toml");
    let (file, id) = (case.file("answer"), case.id.clone());
    let name = ["name", "--case", &id, "--answer", &file, "--json", "--config", &config];
    let early = site.program("wan", "varco-hub", &name);
    assert!(String::from_utf8_lossy(&early.stderr).contains("is not answered"), "{early:?}");
    lookup::submit(&site.lab(), programs, &[&file]).unwrap();
    let named = site.program("wan", "varco-hub", &name);
    assert!(named.status.success(), "{}", String::from_utf8_lossy(&named.stderr));
    let named: Value = serde_json::from_slice(&named.stdout).unwrap();
    let ada = Citizen::of("ada").unwrap();
    assert_eq!(named["fiscal_code"].as_str(), Some(ada.fiscal_code().as_str()), "{named}");
    assert_eq!(named["way"].as_str(), Some("spid"));

    // The published count, and the auditor's from a copy of the log.
    let page = site.run(
        "guest0",
        &["curl", "-sS", &format!("https://{}/trasparenza", varco_tests::lab::plan::HUB_NAME)],
    );
    let page = String::from_utf8_lossy(&page.stdout).into_owned();
    assert!(page.contains("<td>1</td><td>1</td><td>0</td><td>1</td>"), "{page}");
    let counted = || {
        let log = site.state("hub/log");
        let words = ["count", "--log", &log, "--vkey", &case.hub_vkey, "--json"];
        let out = site.program("wan", "varco-audit", &words);
        serde_json::from_slice::<Value>(&out.stdout).unwrap_or_default()[0].clone()
    };
    assert!(eventually(20, || counted()["answered"] == 1), "{}", counted());
    assert_eq!(
        (&counted()["asked"], &counted()["allowed"], &counted()["refused"]),
        (&1.into(), &1.into(), &0.into())
    );

    pack::a_magistrate_verifies_the_pack_by_what_it_says_itself(&site, &case);

    // The hub's disk, its log of the program too: no address, and nobody's name.
    let mut seized = files(Path::new(&site.state("hub")));
    let logs = files(Path::new(&site.state("logs"))).into_iter();
    seized.extend(logs.filter(|(name, _)| name.contains("hub")));
    assert!(!holding(&seized, format!("allowed:{id}")).is_empty(), "the search finds what is there");
    for known in [ada.fiscal_code().as_str(), ada.family_name] {
        assert_eq!(holding(&seized, known), [""; 0], "{known}");
    }
    for known in [address.as_str(), &citizen.address()] {
        assert_eq!(holding_address(&seized, known), [""; 0], "{known}");
    }
}
