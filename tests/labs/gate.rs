//! Who reaches what (SECURITY.md): tried over TCP, UDP, ICMP, IPv4 and IPv6.

use crate::site::{Guest, SERVER, Site};

const INTERNET: &str = "2001:db8:198::1";

/// Gives a guest what no router advertised: an IPv6 address and a way out.
fn with_ipv6(guest: &Guest<'_>) {
    for words in [
        ["ip", "addr", "add", "2001:db8:64::10/64", "dev", "wlan0", "nodad"].as_slice(),
        ["ip", "route", "add", "default", "via", "2001:db8:64::1"].as_slice(),
    ] {
        assert!(guest.succeeds(words));
    }
}

fn reaches_nothing_beyond(stranger: &Guest<'_>) {
    assert_eq!(stranger.tcp(SERVER), None);
    assert_eq!(stranger.udp(SERVER), None);
    assert!(!stranger.pings(SERVER));
    assert!(!stranger.pings("10.20.0.2"));
    assert!(!stranger.pings(INTERNET));
    assert_ne!(stranger.page(&format!("http://{SERVER}/whoami")), 200);
    assert!(!stranger.is_online());
}

#[test]
fn a_stranger_reaches_the_portal_and_the_walled_garden_and_nothing_else() {
    let site = Site::up(2);
    let stranger = site.guest(0).leased();
    with_ipv6(&stranger);
    assert_eq!(stranger.page("https://wifi.varco.test/"), 200);
    assert_eq!(stranger.page("https://wifi.varco.test/capport"), 200);
    assert_eq!(stranger.page("https://idp.varco.test/metadata"), 200);
    assert_eq!(stranger.page("https://accesso.varco.test/spid/metadata"), 200);
    reaches_nothing_beyond(&stranger);
    // A name outside the garden is not asked of anybody: its address is the catch address.
    let out = stranger.run(&["getent", "ahostsv4", "secrets.varco-tunnel.example"]);
    assert!(String::from_utf8_lossy(&out.stdout).lines().all(|l| l.starts_with("192.0.2.1")));
    // The router itself, beyond DNS, DHCP and the portal.
    for address in ["10.64.0.1:7777", "10.20.0.1:8443", "198.18.0.2:7777"] {
        let (host, port) = address.split_once(':').unwrap();
        assert!(!stranger.succeeds(&["nc", "-z", "-w", "2", host, port]), "{address}");
    }
    assert!(!stranger.pings("10.64.0.1") || !stranger.pings("10.20.0.1"));
    // The same tries succeed for a citizen, so it is the pass that they lacked.
    let citizen = site.guest(1).citizen("ada");
    assert!(citizen.tcp(SERVER).is_some() && citizen.udp(SERVER).is_some() && citizen.pings(SERVER));
    assert!(site.succeeds("gateway", &["ping", "-c", "1", "-W", "2", INTERNET]));
    reaches_nothing_beyond(&stranger);
}

#[test]
fn a_citizen_has_no_more_than_the_internet() {
    let site = Site::up(2);
    let (one, two) = (site.guest(0).citizen("ada"), site.guest(1).citizen("bruno"));
    with_ipv6(&one);
    assert!(one.is_online() && two.is_online());
    assert!(!one.pings(INTERNET));
    assert!(!one.pings("10.20.0.2"));
    assert!(!one.succeeds(&["nc", "-z", "-w", "2", "10.20.0.1", "8443"]));
    assert!(!one.pings(&two.address()));
    assert!(!two.pings(&one.address()));
    assert!(site.succeeds("office", &["ping", "-c", "1", "-W", "2", SERVER]));
}

#[test]
fn a_second_guest_hears_nothing_of_the_first() {
    let site = Site::up(2);
    let (one, two) = (site.guest(0).citizen("ada"), site.guest(1).citizen("bruno"));
    // An ear on the second device: all that arrives, and what the first sent.
    let ear = "table netdev ear {
        counter heard { }
        counter of_first { }
        chain in {
            type filter hook ingress device wlan0 priority 0;
            counter name heard
            ether saddr 02:00:5e:00:53:00 counter name of_first
        }
    }";
    assert!(two.succeeds(&["nft", ear]));
    let heard = |name: &str| {
        let out = two.run(&["nft", "-j", "list", "counter", "netdev", "ear", name]);
        let all: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        all.pointer("/nftables/1/counter/packets").and_then(serde_json::Value::as_u64).unwrap()
    };
    // Unicast by way of the router, ARP by broadcast, multicast; and the second's own, which it must hear.
    assert!(one.pings(SERVER) && two.pings(SERVER));
    assert!(!one.pings(&two.address()));
    assert!(one.succeeds(&["ip", "neigh", "flush", "dev", "wlan0"]) && one.pings(SERVER));
    one.run(&["ping", "-c", "1", "-W", "1", "ff02::1%wlan0"]);
    one.run(&["ping", "-b", "-c", "1", "-W", "1", "10.64.15.255"]);
    assert!(heard("heard") > 0);
    assert_eq!(heard("of_first"), 0);
}

#[test]
fn a_malicious_client_gains_nothing_by_borrowing_an_address() {
    let site = Site::up(2);
    let citizen = site.guest(0).citizen("ada");
    let thief = site.guest(1).leased();
    let address = format!("{}/20", citizen.address());
    assert!(thief.succeeds(&["ip", "addr", "flush", "dev", "wlan0"]));
    assert!(thief.succeeds(&["ip", "addr", "add", &address, "dev", "wlan0"]));
    assert!(thief.succeeds(&["ip", "route", "add", "default", "via", "10.64.0.1"]));
    assert_eq!(thief.tcp(SERVER), None);
    assert_eq!(thief.udp(SERVER), None);
}
