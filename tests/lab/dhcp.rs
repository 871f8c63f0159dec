//! A guest's DHCP: the real client `udhcpc`, and the program that it calls with what it got.

use super::{plan::Host, state::Lab};
use anyhow::{Context, Result, bail, ensure};
use std::{
    env,
    fs::{self, File},
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
};

/// The name under which this program is the one that `udhcpc` calls.
pub const SCRIPT: &str = "varco-dhcp";

/// Gets a lease on the calling process's host, unless it has an address. The client stays and renews it.
///
/// # Errors
/// When no lease is given.
pub fn lease(lab: &Lab, host: Host) -> Result<String> {
    if let Some(address) = address()? {
        return Ok(address);
    }
    let script = lab.path(&format!("hosts/{host}/{SCRIPT}"));
    if !script.exists() {
        symlink(lab.record()?.itself, &script)?;
    }
    let log = File::create(lab.path(&format!("hosts/{host}/dhcp.log")))?;
    let mut client = Command::new("udhcpc");
    client
        .args(["-i", "wlan0", "-n", "-t", "8", "-T", "1", "-O", "114", "-x"])
        .arg(format!("hostname:{host}"));
    client.args(["-p", "/run/udhcpc.wlan0.pid", "-s"]).arg(&script);
    let status = client.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).status();
    let status = status.context("start udhcpc (Debian package udhcpc)")?;
    ensure!(status.success(), "no lease; see hosts/{host}/dhcp.log");
    address()?.with_context(|| format!("a lease but no address; see hosts/{host}/dhcp.log"))
}

/// The IPv4 address of `wlan0`.
fn address() -> Result<Option<String>> {
    let done = Command::new("ip").args(["-4", "-json", "addr", "show", "dev", "wlan0"]).output()?;
    let said: serde_json::Value = serde_json::from_slice(&done.stdout)?;
    let local = said.pointer("/0/addr_info/0/local").and_then(serde_json::Value::as_str);
    Ok(local.map(str::to_owned))
}

/// What `udhcpc` calls: `deconfig`, `bound`, `renew`, with the lease in the environment.
///
/// # Errors
/// When the interface cannot be set.
pub fn script(event: &str) -> Result<()> {
    let interface = env::var("interface").context("not called by udhcpc")?;
    match event {
        "deconfig" => {
            ip(&["-4", "addr", "flush", "dev", &interface])?;
            ip(&["link", "set", &interface, "up"])
        }
        "bound" | "renew" => bound(&interface),
        _ => Ok(()),
    }
}

fn bound(interface: &str) -> Result<()> {
    let value = |name: &str| env::var(name).with_context(|| format!("no {name} in the lease"));
    let address = format!("{}/{}", value("ip")?, value("mask")?);
    ip(&["addr", "replace", &address, "dev", interface])?;
    if let Some(router) = value("router")?.split_whitespace().next() {
        ip(&["route", "replace", "default", "via", router, "dev", interface])?;
    }
    let resolvers = env::var("dns").unwrap_or_default();
    let lines: String = resolvers.split_whitespace().map(|r| format!("nameserver {r}\n")).collect();
    fs::write(Path::new("/etc/resolv.conf"), lines)?;
    Ok(())
}

fn ip(arguments: &[&str]) -> Result<()> {
    match Command::new("ip").args(arguments).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => bail!("ip {}: {status}", arguments.join(" ")),
        Err(e) => Err(e).context("start ip"),
    }
}
