//! What the program can be told to do.

use crate::{
    bridge,
    dns::{self, View},
    dnsmasq::Instance,
    enforcer::{Enforcer, networks},
    gate, measure, nft, privilege, queues,
    server::Server,
    settings::Settings,
    tc,
};
use anyhow::Context;
use std::{
    collections::BTreeSet,
    fmt::Write,
    fs,
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::Path,
    time::Instant,
};

/// Runs until SIGTERM or SIGINT, then leaves the kernel and dnsmasq as they are: guests with a pass keep it till
/// the kernel ends it, and nobody new gets in.
///
/// # Errors
/// When the gate cannot be closed or the socket cannot be made.
pub fn run(settings: Settings) -> anyhow::Result<()> {
    folders(&settings)?;
    privilege::drop().context("giving up what is not needed of root")?;
    // The socket first: where another enforcer answers, its kernel state is not ours to change.
    let server = Server::bind(&settings.socket, settings.gateway_uid)
        .with_context(|| format!("socket {}", settings.socket.display()))?;
    warn_unless_forwarding();
    let stop = stop_signals()?;
    let mut enforcer = Enforcer::start(settings, clock())?;
    tracing::info!("the gate is closed; waiting for the gateway");
    notify(sd_notify::NotifyState::Ready);
    server.serve(&mut enforcer, &stop, clock, || notify(sd_notify::NotifyState::Watchdog))?;
    enforcer.stop(clock());
    tracing::info!("stopped; passes, queues and dnsmasq are left as they are");
    Ok(())
}

fn warn_unless_forwarding() {
    if fs::read_to_string("/proc/sys/net/ipv4/ip_forward").is_ok_and(|text| text.trim() == "0") {
        tracing::warn!("this system does not forward IPv4; set net.ipv4.ip_forward=1 or nobody gets out");
    }
}

/// Can be read once SIGTERM or SIGINT has come.
fn stop_signals() -> anyhow::Result<UnixStream> {
    let (stop, signalled) = UnixStream::pair()?;
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::low_level::pipe::register(signal, signalled.try_clone()?)?;
    }
    Ok(stop)
}

#[expect(clippy::disallowed_methods, reason = "the edge of the program: every other part is given the time")]
fn clock() -> Instant {
    Instant::now()
}

/// Nobody listens where systemd did not start us.
fn notify(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "systemd was not told");
    }
}

fn folders(settings: &Settings) -> anyhow::Result<()> {
    let socket = settings.socket.parent().unwrap_or(Path::new("/"));
    for (folder, mode) in
        [(settings.run.as_path(), 0o755), (settings.state.as_path(), 0o700), (socket, 0o755)]
    {
        if !folder.exists() {
            fs::create_dir_all(folder).with_context(|| format!("folder {}", folder.display()))?;
            fs::set_permissions(folder, fs::Permissions::from_mode(mode))?;
        }
    }
    Ok(())
}

/// What a start would change, as text. Nothing is changed, but for a trial of the leaf on an interface of its own.
///
/// # Errors
/// When the kernel cannot be read.
pub fn plan(settings: &Settings) -> anyhow::Result<String> {
    let site = &settings.site;
    let mut out = String::new();
    if nft::whole_rules().is_err() {
        out.push_str("nft: load base.nft\n");
    }
    // Where there is no table there is no element.
    let fixed = nft::read()
        .unwrap_or_default()
        .into_iter()
        .filter(|((set, _), _)| *set < gate::SetName::Pass)
        .collect();
    for step in gate::plan(&gate::of_site(site), &fixed, &BTreeSet::new()) {
        writeln!(out, "nft: {step}")?;
    }
    let queued = tc::read(&site.interfaces.wan, &queues::inward(site))?;
    let wanted =
        queues::wanted(site, &site.shares(), site.link.shaped(), &queues::Rated::new(), tc::leaf(&queued)?);
    for step in queues::plan(&wanted, &queued) {
        writeln!(out, "tc: {step}")?;
    }
    for port in bridge::open_ports(&site.interfaces.guest)? {
        writeln!(out, "bridge: link set dev {port} isolated on")?;
    }
    for view in View::of(site).iter().copied().filter(|view| !Instance::new(*view, settings).runs()) {
        writeln!(
            out,
            "dnsmasq: start {} with {}",
            view.word(),
            dns::settings_file(&settings.run, view).display()
        )?;
    }
    Ok(out)
}

/// What the kernel holds and has counted, as JSON.
///
/// # Errors
/// When the gate or the queues are not there.
pub fn status(settings: &Settings) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(&measure::kernel(&settings.site)?)?)
}

/// Takes everything of Varco away: the queues, dnsmasq, and the gate last, so that nobody slips through.
///
/// # Errors
/// When something is left.
pub fn remove(settings: &Settings) -> anyhow::Result<()> {
    for view in View::ALL {
        Instance::new(view, settings).stop()?;
    }
    networks::release_all(&settings.site)?;
    tc::remove(&settings.site.interfaces.wan, &queues::inward(&settings.site))?;
    nft::remove()?;
    Ok(())
}
