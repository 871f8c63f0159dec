//! Taking a lab down: exactly what it made, whoever is still there.

use super::{
    process::{Process, belonging},
    state::{Lab, Record},
    supervise::TICK,
};
use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    thread::sleep,
};

/// Ends every process of the lab and removes its folder. The namespaces go with their last process.
///
/// # Errors
/// When a process does not end or the folder cannot be removed.
pub fn down(lab: &Lab) -> Result<()> {
    let owner = lab.owner()?;
    if let Ok(record) = lab.record() {
        // Processes are looked for first: afterwards nobody would know whose a network was.
        let networks = networks(lab, owner);
        stop_holder(&record, owner);
        sweep(&record, owner, &networks.keys().copied().collect())?;
    }
    fs::remove_dir_all(&lab.folder).with_context(|| format!("remove {}", lab.folder.display()))
}

/// Networks of those hosts that still live, held open: the kernel gives the number of a network that has gone to the
/// next one made, and the processes of a lab that comes up meanwhile would be taken for this one's.
fn networks(lab: &Lab, owner: u32) -> BTreeMap<u64, File> {
    use std::os::unix::fs::MetadataExt;
    let hosts = lab.hosts().unwrap_or_default();
    let living = hosts.into_values().filter(|p| p.lives() && owned(*p, owner));
    let open = living.filter_map(|p| File::open(p.file("ns/net")).ok());
    open.filter_map(|file| Some((file.metadata().ok()?.ino(), file))).collect()
}

/// A record in a user's folder may name any process: only that user's own are believed.
fn owned(process: Process, owner: u32) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(process.file("")).is_ok_and(|m| m.uid() == owner)
}

/// The holder ends the programs in order, so that each can close its files.
fn stop_holder(record: &Record, owner: u32) {
    let Some(holder) = record.holder.filter(|h| owned(*h, owner)) else { return };
    holder.signal(Signal::SIGTERM);
    for _ in 0..250 {
        if !holder.lives() {
            return;
        }
        sleep(TICK);
    }
}

fn sweep(record: &Record, owner: u32, networks: &BTreeSet<u64>) -> Result<()> {
    for round in 0..100 {
        let left = belonging(owner, &record.mark(), networks);
        if left.is_empty() {
            return Ok(());
        }
        let signal = if round < 5 { Signal::SIGTERM } else { Signal::SIGKILL };
        for process in left {
            process.signal(signal);
        }
        sleep(TICK);
    }
    bail!("processes of the lab do not end; its folder stays so that `down` can be tried again")
}
