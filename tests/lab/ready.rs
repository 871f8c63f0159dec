//! Waiting, with an end, until a program answers.

use super::{
    plan::{self, Host},
    process::Process,
    space,
    state::Lab,
    supervise::{TICK, Watch},
};
use anyhow::{Result, bail};
use std::{collections::BTreeMap, net::TcpStream, path::Path, process::Command, thread::sleep};

/// How long one program may take to answer, in ticks: 30 seconds.
const PATIENCE: u32 = 300;

/// Waits until `there` holds. A program that dies meanwhile is not waited for.
///
/// # Errors
/// When it never does.
pub fn wait(watch: &mut Watch, name: &str, mut there: impl FnMut() -> bool) -> Result<()> {
    for _ in 0..PATIENCE {
        if there() {
            return Ok(());
        }
        watch.tick()?;
        if watch.pid(name).is_none() {
            bail!("{name} ended; see logs/{name}.log");
        }
        sleep(TICK);
    }
    bail!("{name} does not answer; see logs/{name}.log")
}

/// Whether `address:port` takes TCP connections, tried on `host`.
pub fn listens(host: Process, address: &str, port: u16) -> bool {
    let target = format!("{address}:{port}");
    space::in_network(host, || Ok(TcpStream::connect(&target)?)).is_ok()
}

/// Whether `url` answers over HTTPS that the lab's authority vouches for, tried on `host`.
pub fn answers(lab: &Lab, host: Process, name: &str, address: &str, path: &str) -> bool {
    let resolve = format!("{name}:443:{address}");
    let url = format!("https://{name}{path}");
    let ask = || {
        let mut curl = Command::new("curl");
        curl.args(["-q", "--silent", "--noproxy", "*", "--max-time", "3", "--output", "/dev/null"]);
        curl.args(["--fail", "--resolve", &resolve, "--cacert"]).arg(lab.path("tls/ca.pem")).arg(url);
        Ok(curl.status()?.success())
    };
    space::in_network(host, ask).unwrap_or(false)
}

/// Waits for the program of this name in the way that fits it.
///
/// # Errors
/// When it does not answer in time.
pub fn await_program(
    lab: &Lab,
    watch: &mut Watch,
    name: &str,
    hosts: &BTreeMap<Host, Process>,
) -> Result<()> {
    let Some((wan, gateway)) = hosts.get(&Host::Wan).copied().zip(hosts.get(&Host::Gateway).copied()) else {
        bail!("no wan, no gateway");
    };
    let hub = lab.record()?.plan.hub().1;
    if let Some(idp) = plan::PROVIDERS.iter().find(|p| p.program == name) {
        return wait(watch, name, || answers(lab, wan, idp.name, idp.address, "/metadata"));
    }
    match name {
        "dns" => wait(watch, name, || listens(wan, plan::DNS, 53)),
        "certifier" => wait(watch, name, || listens(wan, plan::CERTIFIER, 80)),
        "tsa" => wait(watch, name, || listens(wan, plan::TSA, 80)),
        "witness" => wait(watch, name, || answers(lab, wan, plan::WITNESS_NAME, plan::WITNESS, "/health")),
        "web" => wait(watch, name, || listens(wan, plan::WEB, 80)),
        "hub" => wait(watch, name, || answers(lab, wan, plan::HUB_NAME, hub, "/spid/metadata")),
        "enforcer" => wait(watch, name, || socket(&lab.path("run/enforcer.sock"))),
        // Its resolvers and its DHCP are the enforcer's, and stand once the gateway has applied its state.
        _ => wait(watch, name, || {
            answers(lab, gateway, plan::PORTAL_NAME, plan::GUEST_ROUTER, "/health")
                && lab.path(super::report::DNSMASQ).is_file()
        }),
    }
}

fn socket(path: &Path) -> bool {
    path.exists()
}
