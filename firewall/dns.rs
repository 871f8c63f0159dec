//! The settings of the two dnsmasq programs, rendered from the site's. Pure.
//!
//! Two programs, because dnsmasq has one view of names: `main` leases addresses and answers those with a pass;
//! `captive` answers those without one and asks nobody but the walled garden's resolver.

use crate::settings::Settings;
use std::{fmt::Write, path::Path};
use varco_policy::{Site, guests::GuestNetwork};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// DHCP, and the normal resolver on port 53.
    Main,
    /// The portal and the walled garden only, on port 5353: the gate redirects there.
    Captive,
}

impl View {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Main, Self::Captive];

    /// Those that a site needs: without guests, none.
    pub const fn of(site: &Site) -> &'static [Self] {
        if site.interfaces.guest.is_empty() { &[] } else { &Self::ALL }
    }

    /// Part of its files' names.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Captive => "captive",
        }
    }
}

/// The settings file of a view. Values are typed or checked when the site was read, so none can carry syntax.
pub fn render(view: View, settings: &Settings) -> String {
    let mut out = String::from("# Written by varco-enforcer from site.toml; changes are lost.\n");
    common(&mut out, view, settings);
    match view {
        View::Main => main(&mut out, settings),
        View::Captive => captive(&mut out, settings),
    }
    out
}

fn line(out: &mut String, key: &str, value: impl std::fmt::Display) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{key}={value}");
}

fn common(out: &mut String, view: View, settings: &Settings) {
    // Nothing of the host's: no hosts file, no resolv.conf, no syslog. dnsmasq's own messages can name a device
    // or a question, so they go nowhere; what it says when it refuses to start is read from its standard error.
    out.push_str("no-hosts\nno-resolv\nno-poll\nlog-facility=/dev/null\n");
    line(out, "pid-file", pid_file(&settings.run, view).display());
    match &settings.dnsmasq_user {
        Some(user) => line(out, "user", user),
        // An empty group stops it from changing groups, which the root of a user namespace may not.
        None => out.push_str("user=root\ngroup=\n"),
    }
    // Only on guest interfaces, also on those that come later; never on the loopback.
    out.push_str("bind-dynamic\nexcept-interface=lo\n");
    for name in &settings.site.interfaces.guest {
        line(out, "interface", name);
    }
    // The portal is the router, and so is the hub where it is here. `local` keeps other types of their records
    // from being asked elsewhere.
    let site = &settings.site;
    let hub = site.hub_here().map(|(_, host, address)| (host, address));
    for (host, address) in hub.chain([(site.portal.host.as_str(), site.guest.router)]) {
        line(out, "host-record", format_args!("{host},{address}"));
        line(out, "local", format_args!("/{host}/"));
    }
}

fn main(out: &mut String, settings: &Settings) {
    let site = &settings.site;
    for resolver in &site.garden.resolvers {
        line(out, "server", resolver);
    }
    // The portal's name only: a device that has just logged in must not keep it for long.
    out.push_str("local-ttl=1\ncache-size=2000\n");
    // A device's name of itself is nobody's business, and must not become an answer to others.
    out.push_str("dhcp-ignore-names\n");
    // A lease belongs to a hardware address, as a pass does: a device that changes its own and keeps its
    // identifier gets another lease, and not one that is pinned to what it was.
    out.push_str("dhcp-ignore-clid\n");
    // The router is the only DHCP server of this network. A ping before a lease would meet the closed gate.
    out.push_str("dhcp-authoritative\nno-ping\nquiet-dhcp\n");
    for (tag, network) in site.guest.all().enumerate() {
        leases(out, &format!("net{tag}"), network);
    }
    line(out, "dhcp-lease-max", site.guest.all().map(leased).fold(0, u32::saturating_add));
    line(out, "dhcp-leasefile", settings.state.join("leases").display());
    // RFC 8910 section 2.1, also to devices that do not ask for it.
    line(out, "dhcp-option-force", format_args!("114,https://{}/capport", site.portal.host));
}

/// dnsmasq leases from the range that fits the interface's own address, and tells a device what its range's tag says.
fn leases(out: &mut String, tag: &str, network: &GuestNetwork) {
    let (mask, seconds) = (network.subnet.netmask(), network.lease.as_secs());
    let (first, last, router) = (network.first, network.last, network.router);
    line(out, "dhcp-range", format_args!("set:{tag},{first},{last},{mask},{seconds}"));
    line(out, "dhcp-option", format_args!("tag:{tag},option:router,{router}"));
    line(out, "dhcp-option", format_args!("tag:{tag},option:dns-server,{router}"));
}

fn leased(network: &GuestNetwork) -> u32 {
    u32::from(network.last).saturating_sub(u32::from(network.first)).saturating_add(1)
}

fn captive(out: &mut String, settings: &Settings) {
    let site = &settings.site;
    out.push_str("port=5353\n");
    for name in &site.garden.names {
        for resolver in &site.garden.resolvers {
            line(out, "server", format_args!("/{name}/{resolver}"));
        }
        // Adding to a set changes the firewall, so this program keeps CAP_NET_ADMIN (the other too: it writes
        // leases into the neighbour table). dnsmasq gives up everything else of root by itself.
        line(out, "nftset", format_args!("/{name}/4#inet#varco#garden4"));
    }
    // Every other name is the catch address; `local` answers its other types (AAAA, HTTPS) empty, and the
    // filter those of the walled garden, since IPv6 is closed.
    line(out, "address", format_args!("/#/{}", site.portal.catch_address));
    out.push_str("local=/#/\nfilter-AAAA\n");
    // A device keeps an answer at most 5 minutes, garden4 keeps its address an hour and again whenever it is
    // used: so an address never leaves the walled garden while a device goes by it. With no cache, each answer
    // also puts it there anew.
    out.push_str("local-ttl=1\nmax-ttl=300\ncache-size=0\n");
}

/// Where a view's process identifier is.
pub fn pid_file(run: &Path, view: View) -> std::path::PathBuf {
    run.join(format!("dnsmasq-{}.pid", view.word()))
}

/// Where a view's settings are.
pub fn settings_file(run: &Path, view: View) -> std::path::PathBuf {
    run.join(format!("dnsmasq-{}.conf", view.word()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use varco_policy::{
        Site,
        site::{CardsHere, HubHere},
    };

    fn settings(site: Site) -> Settings {
        Settings {
            site,
            socket: "/run/varco/enforcer.sock".into(),
            gateway_uid: 0,
            run: "/run/varco".into(),
            state: "/var/lib/varco".into(),
            dnsmasq_user: Some("dnsmasq".into()),
        }
    }

    fn example() -> Site {
        Site::load(Path::new("../docker/site/site.toml")).unwrap()
    }

    #[test]
    fn a_hub_on_the_router_has_its_name_in_both_views() {
        let host = "accesso.comune.example.it".to_owned();
        let cards = CardsHere { host: "cns.comune.example.it".to_owned(), address: [10, 64, 0, 3].into() };
        let hub_here = Some(HubHere { host, address: [10, 64, 0, 2].into(), cards: Some(cards) });
        let settings = settings(Site { hub_here, ..example() });
        for view in View::ALL {
            let text = render(view, &settings);
            assert!(text.contains("\nhost-record=accesso.comune.example.it,10.64.0.2\n"));
            assert!(text.contains("\nhost-record=cns.comune.example.it,10.64.0.3\n"));
        }
    }

    #[test]
    fn both_views_of_the_example_site() {
        let settings = settings(example());
        insta::assert_snapshot!(render(View::Main, &settings), @r#"
        # Written by varco-enforcer from site.toml; changes are lost.
        no-hosts
        no-resolv
        no-poll
        log-facility=/dev/null
        pid-file=/run/varco/dnsmasq-main.pid
        user=dnsmasq
        bind-dynamic
        except-interface=lo
        interface=br-guest
        host-record=wifi.biblioteca.example.it,10.64.0.1
        local=/wifi.biblioteca.example.it/
        server=198.18.0.53
        local-ttl=1
        cache-size=2000
        dhcp-ignore-names
        dhcp-ignore-clid
        dhcp-authoritative
        no-ping
        quiet-dhcp
        dhcp-range=set:net0,10.64.0.10,10.64.15.250,255.255.240.0,3600
        dhcp-option=tag:net0,option:router,10.64.0.1
        dhcp-option=tag:net0,option:dns-server,10.64.0.1
        dhcp-lease-max=4081
        dhcp-leasefile=/var/lib/varco/leases
        dhcp-option-force=114,https://wifi.biblioteca.example.it/capport
        "#);
        insta::assert_snapshot!(render(View::Captive, &settings), @r#"
        # Written by varco-enforcer from site.toml; changes are lost.
        no-hosts
        no-resolv
        no-poll
        log-facility=/dev/null
        pid-file=/run/varco/dnsmasq-captive.pid
        user=dnsmasq
        bind-dynamic
        except-interface=lo
        interface=br-guest
        host-record=wifi.biblioteca.example.it,10.64.0.1
        local=/wifi.biblioteca.example.it/
        port=5353
        server=/accesso.comune.example.it/198.18.0.53
        nftset=/accesso.comune.example.it/4#inet#varco#garden4
        server=/idp.example.it/198.18.0.53
        nftset=/idp.example.it/4#inet#varco#garden4
        address=/#/192.0.2.1
        local=/#/
        filter-AAAA
        local-ttl=1
        max-ttl=300
        cache-size=0
        "#);
    }
}
