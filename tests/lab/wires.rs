//! Interfaces, addresses and routes: the lab's cables.

use super::{
    plan::{self, Host, Plan},
    process::Process,
    space,
};
use anyhow::{Context, Result, ensure};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::Write as _,
    process::{Command, Stdio},
};

/// Lays all cables between hosts that exist already.
///
/// # Errors
/// When `ip`, `nft` or the kernel refuses.
pub fn lay(plan: &Plan, hosts: &BTreeMap<Host, Process>) -> Result<()> {
    let of = |host: Host| hosts.get(&host).copied().with_context(|| format!("no host {host}"));
    let (wan, gateway, office) = (of(Host::Wan)?, of(Host::Gateway)?, of(Host::Office)?);
    for process in hosts.values() {
        ip(*process, "link set lo up\n")?;
    }
    ip(gateway, &gateway_lines(plan, wan, office, hosts))?;
    ip(wan, &wan_lines(plan))?;
    ip(office, &office_lines())?;
    for (host, process) in hosts {
        if matches!(host, Host::Guest(_)) {
            ip(*process, "link set wlan0 up\n")?;
        }
    }
    switches(wan, &["net/ipv4/ip_unprivileged_port_start=0"])?;
    let router =
        ["net/ipv4/ip_unprivileged_port_start=0", "net/ipv4/ip_forward=1", "net/ipv6/conf/all/forwarding=1"];
    switches(gateway, &router)?;
    nft(gateway, &building())
}

fn gateway_lines(plan: &Plan, wan: Process, office: Process, hosts: &BTreeMap<Host, Process>) -> String {
    let mut lines = format!(
        "link add eth0 type veth peer name eth0 netns {}
link add br-office type bridge forward_delay 0
link add lan0 type veth peer name eth0 netns {}
link set lan0 master br-office up
link add lan1 type veth peer name office0 netns {}
link set lan1 master br-office up
link add br-guest type bridge forward_delay 0
",
        wan.pid, office.pid, wan.pid
    );
    for guest in 0..plan.guests {
        let (mac, pid) = (plan::mac(guest), hosts.get(&Host::Guest(guest)).map_or(0, |p| p.pid));
        let _ = writeln!(lines, "link add ap{guest} type veth peer name wlan0 address {mac} netns {pid}");
        let _ = writeln!(lines, "link set ap{guest} master br-guest up");
    }
    let _ = write!(
        lines,
        "link set eth0 up
link set br-office up
link set br-guest up
addr add {}/24 dev eth0
addr add {}/32 dev eth0
addr add 2001:db8:198::2/64 dev eth0 nodad
addr add {}/24 dev br-office
addr add {}/20 dev br-guest
addr add 2001:db8:64::1/64 dev br-guest nodad
route add default via {}
route add default via 2001:db8:198::1
",
        plan::GATEWAY,
        plan::SLOTS,
        plan::OFFICE_ROUTER,
        plan::GUEST_ROUTER,
        plan::WAN,
    );
    if plan.one_box {
        let _ = writeln!(lines, "addr add {}/24 dev br-office", plan::CONSOLE);
        for address in [plan::HUB_HERE, plan::CARDS_HERE] {
            let _ = writeln!(lines, "addr add {address}/20 dev br-guest");
        }
    }
    lines
}

/// IPv6 is really there, with a route back to the guests: that it is closed to them must be somebody's doing.
fn wan_lines(plan: &Plan) -> String {
    let mut lines = "link set eth0 up\n".to_owned();
    let providers = plan::PROVIDERS.map(|p| p.address);
    let own = [plan::WAN, plan::WEB, plan::HUB, plan::CARDS, plan::CERTIFIER, plan::DNS];
    for address in own.into_iter().chain([plan::TSA, plan::WITNESS]).chain(providers) {
        let _ = writeln!(lines, "addr add {address}/24 dev eth0");
    }
    if plan.one_box {
        // The identity provider reads the hub's metadata.
        let _ = writeln!(lines, "route add {}/32 via {}", plan::HUB_HERE, plan::GATEWAY);
    } else {
        let _ = writeln!(lines, "link set office0 up\naddr add {}/32 dev office0", plan::CONSOLE);
        let _ = writeln!(lines, "route add {}/32 dev office0 src {}", plan::OFFICE, plan::CONSOLE);
    }
    lines + "addr add 2001:db8:198::1/64 dev eth0 nodad\nroute add 2001:db8:64::/64 via 2001:db8:198::2\n"
}

fn office_lines() -> String {
    let (own, router) = (plan::OFFICE, plan::OFFICE_ROUTER);
    format!("link set eth0 up\naddr add {own}/24 dev eth0\nroute add default via {router}\n")
}

/// What the building's router did before Varco came: it is not Varco's, and Varco must not touch it.
fn building() -> String {
    "table ip building {
	chain out {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr 10.20.0.0/24 oifname \"eth0\" masquerade
	}
}
"
    .to_owned()
}

fn ip(host: Process, lines: &str) -> Result<()> {
    space::in_network(host, || feed(Command::new("ip").args(["-batch", "-"]), lines))
}

fn nft(host: Process, rules: &str) -> Result<()> {
    space::in_network(host, || feed(Command::new("nft").args(["-f", "-"]), rules))
}

fn switches(host: Process, values: &[&str]) -> Result<()> {
    space::in_network(host, || {
        for (path, value) in values.iter().filter_map(|v| v.split_once('=')) {
            std::fs::write(format!("/proc/sys/{path}"), value).with_context(|| format!("set {path}"))?;
        }
        Ok(())
    })
}

/// Runs a command on this input.
///
/// # Errors
/// When it cannot be started, or fails.
pub fn feed(command: &mut Command, input: &str) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = piped.spawn().with_context(|| format!("start {name}"))?;
    child.stdin.take().with_context(|| format!("{name} has no input"))?.write_all(input.as_bytes())?;
    let done = child.wait_with_output()?;
    ensure!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr).trim());
    Ok(())
}
