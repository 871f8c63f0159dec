//! Bringing a lab up.

use super::{
    down, enter, hold,
    plan::Plan,
    process::Process,
    programs,
    report::{self, Report},
    state::{Lab, Record},
    supervise::TICK,
};
use anyhow::{Context, Result, bail};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
};

/// How long a lab may take to come up, in ticks: three minutes, since the machine may be busy.
const PATIENCE: u32 = 1800;

/// Brings a lab up and returns when everything in it answers. What could not be brought up is taken down again.
///
/// # Errors
/// When it is up already, or a part of it does not come up: with the end of that part's log.
pub fn up(plan: Plan, state: Option<&Path>, programs: PathBuf) -> Result<Report> {
    programs::check(&programs, &plan)?;
    clear_stale(&plan.name, state)?;
    let lab = Lab::make(&plan.name, state)?;
    let id = uuid::Uuid::new_v4().to_string();
    let mut record = Record { id, plan, programs, itself: std::env::current_exe()?, holder: None };
    // Of two that ask for one name at once, one makes the file.
    let made = File::create_new(lab.path("lab.json"));
    made.with_context(|| format!("{} is being made by another", lab.folder.display()))?;
    lab.write("lab.json", &record)?;
    let outcome = start(&lab, &mut record).and_then(|child| wait(&lab, child));
    outcome.or_else(|error| {
        let tails = tails(&lab);
        down::down(&lab).context("and what was made could not be taken down")?;
        bail!("{error:#}\n{tails}")
    })
}

/// A lab whose holder died, with the machine or without, is taken down first.
fn clear_stale(name: &str, state: Option<&Path>) -> Result<()> {
    let Ok(lab) = Lab::find(name, state) else { return Ok(()) };
    if lab.owner().ok() != Some(nix::unistd::geteuid().as_raw()) {
        return Ok(());
    }
    let Ok(record) = lab.record() else { return Ok(()) };
    if record.holder.is_some_and(Process::lives) {
        bail!("the lab `{name}` is up already; `varco-lab down --name {name}` takes it down");
    }
    down::down(&lab)
}

fn start(lab: &Lab, record: &mut Record) -> Result<Child> {
    let log = File::create(lab.path("holder.log"))?;
    let mut command = Command::new("/proc/self/exe");
    command
        .arg("hold")
        .arg("--state")
        .arg(&lab.folder)
        .env(Record::MARK, &record.id)
        .env("PATH", enter::path());
    command.current_dir("/").stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let child = command.spawn().context("start the holder")?;
    record.holder = Process::of(i32::try_from(child.id())?);
    lab.write("lab.json", record)?;
    Ok(child)
}

fn wait(lab: &Lab, mut child: Child) -> Result<Report> {
    for _ in 0..PATIENCE {
        if lab.path(hold::READY).is_file() {
            return report::of(lab);
        }
        if let Some(status) = child.try_wait()? {
            bail!("the lab did not come up ({status})");
        }
        sleep(TICK);
    }
    bail!("the lab did not come up in time")
}

/// The last lines of every log, for the message of a failure.
fn tails(lab: &Lab) -> String {
    let logs = fs::read_dir(lab.path("logs")).into_iter().flatten().flatten().map(|e| e.path());
    let tail = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(8)..].join("\n  ");
        let name = path.file_name().unwrap_or_default().display().to_string();
        if last.is_empty() { String::new() } else { format!("{name}:\n  {last}\n") }
    };
    logs.chain([lab.path("holder.log")]).map(tail).collect()
}
