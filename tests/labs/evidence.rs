//! What the line carries and what was lent of it, as the office side can read it.

use crate::site::{Site, eventually};

/// What `path` of the admin pages answers.
fn page(site: &Site, path: &str) -> String {
    let url = format!("https://10.20.0.1:8443{path}");
    String::from_utf8(site.run("office", &["curl", "-s", "-m", "5", &url]).stdout).unwrap()
}

/// The value of a metric with these labels, as it is written.
fn metric(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
}

/// The CSV of today and of the days around it, whatever the zone: one map of a row by column.
fn rows(site: &Site) -> Vec<Vec<(String, u64)>> {
    let day = |by: &str| {
        let out = site.run("gateway", &["date", "-d", by, "+%Y-%m-%d"]).stdout;
        String::from_utf8(out).unwrap().trim().to_owned()
    };
    let config = site.state("config/gateway.toml");
    let (from, to) = (day("yesterday"), day("tomorrow"));
    let words = ["evidence", "--config", &config, "--from", &from, "--to", &to];
    let text = String::from_utf8(site.program("gateway", "varco-gateway", &words).stdout).unwrap();
    let mut lines = text.split("\r\n").filter(|line| !line.is_empty());
    let names: Vec<_> = lines.next().unwrap_or_default().split(',').map(str::to_owned).collect();
    let row = |line: &str| {
        let values = line.split(',').map(|value| value.parse().unwrap_or(0));
        names.iter().cloned().zip(values).collect()
    };
    lines.map(row).collect()
}

fn of(row: &[(String, u64)], name: &str) -> u64 {
    row.iter().find(|(column, _)| column == name).unwrap().1
}

#[test]
fn what_a_guest_borrows_is_in_the_minute_and_the_office_waited_0() {
    let site = Site::up(1);
    let citizen = site.guest(0).citizen("ada");
    let running = citizen.download();
    assert!(running.moves());
    let lent = "varco_lane_bytes_total{lane=\"guest\",direction=\"down\"}";
    let much =
        |text: &str| metric(text, lent).and_then(|bytes| bytes.parse().ok()).unwrap_or(0_u64) > 1_000_000;
    assert!(eventually(10, || much(&page(&site, "/metrics"))), "{}", page(&site, "/metrics"));
    // A minute has to end.
    let mut found = Vec::new();
    assert!(eventually(90, || {
        found = rows(&site);
        found.iter().any(|row| of(row, "guest_down_bytes") > 1_000_000)
    }));
    let row = found.iter().find(|row| of(row, "guest_down_bytes") > 1_000_000).unwrap();
    assert_eq!((of(row, "office_waited_ms"), of(row, "passes")), (0, 1), "{row:?}");
    assert!(of(row, "probes") > 0 && of(row, "observed_ms") > 0, "{row:?}");
    assert!(page(&site, "/evidence?lang=en").contains("the offices waited 0 seconds"));
    // SECURITY.md E2: guests do not see it.
    assert!(!citizen.succeeds(&["curl", "-sk", "-m", "3", "https://10.20.0.1:8443/evidence"]));
}

/// A queue at the provider's: the line carries 5 Mbit/s from now on, or all again.
fn narrow(site: &Site, to: Option<&str>) {
    let queue = ["tc", "qdisc", "replace", "dev", "eth0", "root"];
    let kind = match to {
        Some(rate) => vec!["tbf", "rate", rate, "burst", "16kb", "limit", "400000"],
        None => vec!["pfifo"],
    };
    assert!(site.succeeds("wan", &[&queue[..], &kind].concat()));
}

/// SECURITY.md E4.
#[test]
fn a_line_that_narrows_is_followed_and_opens_again() {
    let site = Site::up_with(1, &["--rate", "20mbit", "--least", "2mbit"]);
    let citizen = site.guest(0).citizen("ada");
    let shaped = || {
        let text = page(&site, "/metrics");
        let bytes = metric(&text, "varco_line_bytes_per_second{direction=\"down\"}");
        bytes.and_then(|bytes| bytes.parse::<u64>().ok()).map(|bytes| bytes * 8 / 1_000_000)
    };
    assert!(eventually(20, || shaped() == Some(11)), "it begins in the middle: {:?}", shaped());
    narrow(&site, Some("5mbit"));
    let url = "http://198.18.0.10/stream?bytes=9999999999";
    let words = ["curl", "-s", "-m", "150", "-o", "/dev/null", url];
    let mut running = site.on(&citizen.host, &words).spawn().unwrap();
    assert!(eventually(60, || shaped().is_some_and(|mbit| mbit < 8)), "{:?}", shaped());
    narrow(&site, None);
    assert!(eventually(60, || shaped().is_some_and(|mbit| mbit > 14)), "{:?}", shaped());
    assert_eq!(metric(&page(&site, "/metrics"), "varco_line_alarm ").as_deref(), Some("0"));
    let _ = running.kill();
    let _ = running.wait();
}
