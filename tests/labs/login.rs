//! Logging in through the whole chain: gateway, hub, identity provider and back.

use crate::site::{Site, lab};
use varco_tests::idp::{Behaviour, behaviour::Verdict};

#[test]
fn answers_that_must_be_refused_never_lead_online() {
    let site = Site::up(1);
    let guest = site.guest(0).leased();
    // So that the provider has an answer to replay.
    assert!(guest.try_login("ada", "good").status.success());
    guest.log_out();
    for behaviour in Behaviour::ALL.iter().filter(|b| b.verdict() == Verdict::Refuse) {
        let out = guest.try_login("ada", behaviour.name());
        assert!(!out.status.success() && !guest.is_online(), "{behaviour}: {out:?}");
        // The hub refused it, not something before it.
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(said.contains("https://accesso.varco.test/spid/acs says 4"), "{behaviour}: {said}");
    }
    for behaviour in Behaviour::ALL.iter().filter(|b| b.verdict() == Verdict::Explain) {
        let out = guest.try_login("ada", behaviour.name());
        assert!(!out.status.success() && !guest.is_online(), "{behaviour}: {out:?}");
    }
    // And the same device is let in as soon as the answer is good.
    assert!(guest.try_login("ada", "good").status.success() && guest.is_online());
}

#[test]
fn answers_that_spid_allows_lead_online() {
    let site = Site::up(3);
    for (number, behaviour) in [(0, "good"), (1, "assertion-signed"), (2, "higher-level")] {
        let guest = site.guest(number);
        let out = guest.try_login(["ada", "bruno", "carla"][usize::from(number)], behaviour);
        assert!(out.status.success(), "{behaviour}: {out:?}");
        assert!(guest.is_online(), "{behaviour}");
    }
}

#[test]
fn a_metadata_file_is_a_trusted_provider_within_five_seconds() {
    let site = Site::up(0);
    let folder = site.report["idp_metadata_dir"].as_str().unwrap();
    let text = std::fs::read_to_string(format!("{folder}/varco-idp.xml")).unwrap();
    let other = text.replace("https://idp.varco.test", "https://idp2.varco.test");
    let url = "https://accesso.varco.test/spid/login?entityID=https%3A%2F%2Fidp2.varco.test";
    let offered = || {
        let out =
            site.run("office", &["curl", "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", url]);
        out.stdout == b"200" || out.stdout == b"302"
    };
    assert!(!offered());
    std::fs::write(format!("{folder}/second.xml"), other).unwrap();
    assert!(crate::site::eventually(6, offered));
}

#[test]
fn a_single_site_has_the_hub_on_the_router_and_nothing_more_is_open() {
    let site = Site::up_with(2, &["--one-box"]);
    let hub = "10.64.0.2";
    let stranger = site.guest(1).leased();
    assert_eq!(stranger.page("https://accesso.varco.test/health"), 200, "the hub is reached without a pass");
    assert!(!stranger.pings(hub));
    let admin = format!("https://{hub}:8443/");
    assert!(
        !stranger.succeeds(&["curl", "-s", "-k", "-m", "3", &admin]),
        "the hub's address opens another port"
    );
    let citizen = site.guest(0).citizen("ada");
    assert!(citizen.is_online() && !stranger.is_online());
    let words = ["login", "--name", site.name(), "--guest", "1", "--card", "good"];
    let card = lab(&words).output().unwrap();
    assert!(card.status.success() && stranger.is_online(), "{card:?}");
}

#[test]
fn identities_of_cie_and_of_other_states_lead_online_too() {
    let site = Site::up_with(2, &["--schemes"]);
    // The node of eIDAS names no fiscal code: bruno is known by the identifier of another state.
    for (number, scheme, who) in [(0, "cie", "ada"), (1, "eidas", "bruno")] {
        let guest = site.guest(number).leased();
        for behaviour in ["nr22", "tampered", "wrong-audience", "no-name-id", "no-fiscal-number"] {
            let out = guest.try_scheme(scheme, who, behaviour);
            let said = String::from_utf8_lossy(&out.stderr);
            assert!(!guest.is_online() && said.contains("/acs says 4"), "{scheme}, {behaviour}: {said}");
        }
        let out = guest.try_scheme(scheme, who, "good");
        assert!(out.status.success() && guest.is_online(), "{scheme}: {out:?}");
    }
}
