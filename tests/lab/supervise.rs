//! Starting programs and starting them again, as their systemd units do.

use super::{programs::Program, report, state::Lab};
use anyhow::{Context, Result};
use nix::{
    sys::{
        signal::{Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};
use varco_policy::config::{EXIT_CONFIG, EXIT_USAGE};

/// One look at the programs.
pub const TICK: Duration = Duration::from_millis(100);
/// `RestartSec=2` of the units, in ticks.
const REST: u32 = 20;

/// A program and where it stands.
struct Watched {
    program: Program,
    pid: Option<i32>,
    /// Ticks until it is started again; `None` when it runs or must not be.
    wait: Option<u32>,
}

/// All programs of a lab.
pub struct Watch {
    lab: Lab,
    all: Vec<Watched>,
}

impl Watch {
    /// Nothing runs yet.
    pub fn new(lab: &Lab) -> Self {
        Self { lab: lab.clone(), all: Vec::new() }
    }

    /// Starts a program and keeps it running from now on.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&mut self, program: Program) -> Result<()> {
        let pid = spawn(&self.lab, &program)?;
        self.all.push(Watched { program, pid: Some(pid), wait: None });
        self.tell()
    }

    /// The identifier of a program that runs.
    pub fn pid(&self, name: &str) -> Option<i32> {
        self.all.iter().find(|w| w.program.name == name)?.pid
    }

    /// Looks once: buries the dead, starts again what has rested.
    ///
    /// # Errors
    /// When a program cannot be started again.
    pub fn tick(&mut self) -> Result<()> {
        let mut changed = false;
        // Children of children come here too, since the holder is their subreaper: dnsmasq after its enforcer.
        while let Ok(status) = waitpid(Pid::from_raw(-1), Some(WaitPidFlag::WNOHANG)) {
            let Some(pid) = status.pid() else { break };
            changed |= self.bury(pid.as_raw(), status);
        }
        for watched in &mut self.all {
            match watched.wait {
                Some(0) => {
                    watched.pid = Some(spawn(&self.lab, &watched.program)?);
                    watched.wait = None;
                    changed = true;
                }
                Some(ticks) => watched.wait = Some(ticks - 1),
                None => {}
            }
        }
        if changed { self.tell() } else { Ok(()) }
    }

    fn bury(&mut self, pid: i32, status: WaitStatus) -> bool {
        let Some(watched) = self.all.iter_mut().find(|w| w.pid == Some(pid)) else { return false };
        // RestartPreventExitStatus of the units: trying again cures no wrong setting.
        let hopeless = [EXIT_USAGE, EXIT_CONFIG].map(i32::from);
        let again = !matches!(status, WaitStatus::Exited(_, code) if hopeless.contains(&code));
        tracing::warn!(program = watched.program.name, ?status, again, "ended");
        watched.pid = None;
        watched.wait = again.then_some(REST);
        true
    }

    /// Ends all programs, last started first, each with up to three seconds to do it well.
    pub fn stop(&mut self) {
        for watched in self.all.iter().rev() {
            let Some(pid) = watched.pid.map(Pid::from_raw) else { continue };
            let _ = kill(pid, Signal::SIGTERM);
            for _ in 0..30 {
                if waitpid(pid, Some(WaitPidFlag::WNOHANG)) != Ok(WaitStatus::StillAlive) {
                    break;
                }
                sleep(TICK);
            }
        }
    }

    fn tell(&self) -> Result<()> {
        let pids: BTreeMap<_, _> = self.all.iter().map(|w| (w.program.name.to_owned(), w.pid)).collect();
        self.lab.write(report::PIDS, &pids)
    }
}

/// Starts a program on its host; its log is `logs/<name>.log`.
fn spawn(lab: &Lab, program: &Program) -> Result<i32> {
    Ok(i32::try_from(prepared(lab, program)?.spawn().with_context(|| program.name.to_owned())?.id())?)
}

/// Runs a program to its end.
///
/// # Errors
/// When it cannot be started or fails.
pub fn once(lab: &Lab, program: &Program) -> Result<()> {
    let status = prepared(lab, program)?.status().with_context(|| program.name.to_owned())?;
    anyhow::ensure!(status.success(), "{} failed ({status}); see logs/{}.log", program.name, program.name);
    Ok(())
}

fn prepared(lab: &Lab, program: &Program) -> Result<Command> {
    let path = lab.path(&format!("logs/{}.log", program.name));
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .with_context(|| path.display().to_string())?;
    // /proc/self/exe is this very program even where a newer one was built in its place.
    let mut command = Command::new("/proc/self/exe");
    command.arg("exec").arg("--state").arg(&lab.folder).arg(program.host.to_string()).arg("--");
    command.args(&program.command).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Ok(command)
}
