//! The process that holds a lab: its namespaces are the lab's, its children are the lab's hosts and programs.

use super::{
    history, keys,
    plan::Host,
    process::Process,
    programs, ready, render, report, space,
    state::{Lab, Record},
    supervise::{self, TICK, Watch},
    wires,
};
use anyhow::{Context, Result, ensure};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::sleep,
};

/// The file that says that the lab is ready.
pub const READY: &str = "ready.json";

/// Holds the lab until it is told to end.
///
/// # Errors
/// When something of the lab cannot be made or does not answer.
pub fn hold(lab: &Lab) -> Result<()> {
    let record = lab.record()?;
    // Of its own session: closing the terminal is not its end.
    let _ = nix::unistd::setsid();
    nix::sys::prctl::set_child_subreaper(true)?;
    let mut lender = Command::new("/proc/self/exe");
    lender.arg("lend-users").arg(std::process::id().to_string());
    space::leave(lender)?;
    let end = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&end))?;
    }
    let mut watch = Watch::new(lab);
    let done = bring_up(lab, &record, &mut watch).and_then(|()| keep(&mut watch, &end));
    watch.stop();
    done
}

fn bring_up(lab: &Lab, record: &Record, watch: &mut Watch) -> Result<()> {
    render::write(lab, &record.plan)?;
    keys::make(lab, &record.plan)?;
    keys::log(lab, &record.programs)?;
    if record.plan.history {
        history::make(lab, &record.plan, &record.programs)?;
    }
    let hosts = hosts(lab, record)?;
    lab.write("hosts.json", &hosts)?;
    wires::lay(&record.plan, &hosts)?;
    for program in programs::all(lab, record) {
        let name = program.name;
        if name == "hub" {
            programs::before_hub(lab, record).iter().try_for_each(|program| supervise::once(lab, program))?;
        }
        watch.start(program)?;
        ready::await_program(lab, watch, name, &hosts)?;
    }
    lab.write(READY, &report::of(lab)?)
}

fn keep(watch: &mut Watch, end: &AtomicBool) -> Result<()> {
    while !end.load(Ordering::Relaxed) {
        watch.tick()?;
        sleep(TICK);
    }
    Ok(())
}

/// Starts all hosts at once and waits until each has its namespaces.
fn hosts(lab: &Lab, record: &Record) -> Result<BTreeMap<Host, Process>> {
    let started = record.plan.hosts().into_iter().map(|host| {
        let mut command = Command::new("/proc/self/exe");
        command.arg("host").arg("--state").arg(&lab.folder).arg(host.to_string());
        command.env(Record::MARK, &record.id).stdin(Stdio::null()).stdout(Stdio::piped());
        Ok((host, command.spawn().with_context(|| format!("start {host}"))?))
    });
    let started = started.collect::<Result<Vec<_>>>()?;
    let ready = started.into_iter().map(|(host, mut child)| {
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
        ensure!(line == "ready\n", "{host} could not be made");
        let process = Process::of(i32::try_from(child.id())?).with_context(|| format!("{host} ended"))?;
        Ok((host, process))
    });
    ready.collect()
}
