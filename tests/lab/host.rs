//! A host of the lab: a process that keeps a network, mounts and a name, and does nothing else.

use super::{
    plan::{self, Host},
    space,
    state::Lab,
};
use crate::cns::chromium;
use anyhow::{Context, Result};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

/// Where `host` keeps its own `/etc`.
pub fn etc(lab: &Lab, host: Host) -> PathBuf {
    lab.path(&format!("hosts/{host}/etc"))
}

/// Becomes the host and stays until it is ended. Says `ready` on standard output.
///
/// # Errors
/// When the kernel refuses a namespace or a mount.
pub fn become_host(lab: &Lab, host: Host) -> Result<()> {
    let etc = etc(lab, host);
    prepare_etc(lab, host, &etc)?;
    space::separate()?;
    nix::unistd::sethostname(host.to_string())?;
    space::bind(&etc, Path::new("/etc"))?;
    space::empty("/run")?;
    // What a DHCP client of the machine would write there, an ordinary user may not.
    for folder in ["/var/lib/dhcp", "/var/lib/misc"] {
        if Path::new(folder).is_dir() {
            space::empty(folder)?;
        }
    }
    space::own_sys();
    let mut out = std::io::stdout();
    out.write_all(b"ready\n")?;
    out.flush()?;
    loop {
        nix::unistd::pause();
    }
}

/// A copy of the machine's `/etc` in which the lab's resolver and the lab's certification authority count, so
/// that any program trusts the lab's HTTPS without a flag and any DHCP client can write `resolv.conf`.
fn prepare_etc(lab: &Lab, host: Host, etc: &Path) -> Result<()> {
    fs::create_dir_all(etc)?;
    // What an ordinary user may not read is left out; cp says so and is not believed.
    let copied = Command::new("cp").args(["-rd", "--preserve=mode,timestamps", "/etc/."]).arg(etc).output();
    copied.context("start cp")?;
    replace(
        &etc.join("resolv.conf"),
        host.resolver().map(|r| format!("nameserver {r}\n")).unwrap_or_default(),
    )?;
    replace(&etc.join("hosts"), format!("127.0.0.1 localhost\n127.0.1.1 {host}\n"))?;
    replace(&etc.join("hostname"), format!("{host}\n"))?;
    let switch = fs::read_to_string(etc.join("nsswitch.conf")).unwrap_or_default();
    let kept = switch.lines().filter(|l| !l.starts_with("hosts:")).map(|l| format!("{l}\n"));
    replace(&etc.join("nsswitch.conf"), kept.collect::<String>() + "hosts: files dns\n")?;
    let policies = etc.join(chromium::POLICIES);
    fs::create_dir_all(&policies)?;
    replace(&policies.join("varco.json"), chromium::policy(&format!("https://{}", plan::CARDS_NAME)))?;
    trust(&etc.join("ssl/certs"), &fs::read(lab.path("tls/ca.pem"))?)
}

fn trust(folder: &Path, pem: &[u8]) -> Result<()> {
    fs::create_dir_all(folder)?;
    let bundle = folder.join("ca-certificates.crt");
    let mut all = fs::read(&bundle).unwrap_or_default();
    all.extend_from_slice(pem);
    replace(&bundle, all)?;
    let hash = openssl::x509::X509::from_pem(pem)?.subject_name_hash();
    replace(&folder.join(format!("{hash:08x}.0")), pem)
}

/// Writes a file in place of a file or a link.
fn replace(path: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    if path.symlink_metadata().is_ok() {
        fs::remove_file(path).with_context(|| path.display().to_string())?;
    }
    fs::write(path, content).with_context(|| path.display().to_string())
}
