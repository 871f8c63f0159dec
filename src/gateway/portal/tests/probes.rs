//! What the devices of each maker ask, before and after a login.

use super::{super::probe::PROBES, browser::Browser, building::Building};

/// Every probe that we know of, as it is asked.
fn asked() -> impl Iterator<Item = (&'static str, &'static str, &'static super::super::probe::Probe)> {
    let pairs = |p: &'static super::super::probe::Probe| {
        p.hosts.iter().flat_map(move |host| p.paths.iter().map(move |path| (*host, *path, p)))
    };
    PROBES.iter().flat_map(pairs)
}

#[actix_web::test]
async fn before_a_login_every_probe_leads_to_the_portal() {
    let building = Building::open().await;
    let mut device = Browser::new(&building, 2);
    device_at_the_probes(&mut device, &building);
    let others = [
        ("example.org", "/"),
        ("www.msftconnecttest.com", "/redirect"),
        ("", "/x"),
        ("a\"b<c>", "/\"<script>"),
    ];
    let hosts = asked().map(|(host, path, _)| (host, path)).chain(others);
    for (host, path) in hosts {
        device.host = host.to_owned();
        let answer = device.get(path).await;
        assert_eq!(answer.status.as_u16(), 302, "{host}{path}");
        assert_eq!(answer.location, "https://wifi.library.example.it/", "{host}{path}");
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert!(answer.body.len() < 200 && !answer.body.contains("script"), "nothing is repeated");
    }
}

#[actix_web::test]
async fn after_a_login_every_probe_gets_the_real_answer() {
    let building = Building::open().await;
    let mut device = Browser::new(&building, 2);
    device.log_in().await;
    device_at_the_probes(&mut device, &building);
    for (host, path, probe) in asked() {
        device.host = host.to_owned();
        let answer = device.get(&format!("{path}?ipv4")).await;
        assert_eq!(answer.status.as_u16(), probe.status, "{} {host}{path}", probe.vendor);
        assert_eq!(answer.body, probe.body, "{} {host}{path}", probe.vendor);
    }
    device.host = "example.org".to_owned();
    assert_eq!(device.get("/").await.location, "https://wifi.library.example.it/status");
}

/// The exact bodies that makers compare with, so that a slip in the table is seen.
#[actix_web::test]
async fn the_bodies_are_those_that_makers_compare_with() {
    let building = Building::open().await;
    let mut device = Browser::new(&building, 2);
    device.log_in().await;
    device_at_the_probes(&mut device, &building);
    for (host, path, status, body) in [
        (
            "captive.apple.com",
            "/hotspot-detect.html",
            200,
            "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>",
        ),
        ("connectivitycheck.gstatic.com", "/generate_204", 204, ""),
        ("www.google.com", "/gen_204", 204, ""),
        ("www.msftconnecttest.com", "/connecttest.txt", 200, "Microsoft Connect Test"),
        ("detectportal.firefox.com", "/success.txt?ipv4", 200, "success\n"),
        ("nmcheck.gnome.org", "/check_network_status.txt", 200, "NetworkManager is online\n"),
        ("network-test.debian.org", "/nm", 200, "NetworkManager is online\n"),
        ("networkcheck.kde.org", "/", 200, "OK\n"),
    ] {
        device.host = host.to_owned();
        let answer = device.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (status, body), "{host}{path}");
    }
}

fn device_at_the_probes(device: &mut Browser, building: &Building) {
    device.base = building.probes.clone();
}
