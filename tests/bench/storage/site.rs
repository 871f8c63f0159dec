//! A lab of its own: the whole site with its real programs.

use super::grown::Grown;
use anyhow::{Context, Result, ensure};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};
use varco_tests::lab::{Host, Lab, process::Process};

/// Who comes: no more than three devices of a person at a time (`limits.passes_per_person`).
const CITIZENS: [&str; 6] = ["ada", "bruno", "carla", "dario", "anna", "franca"];
/// The site: its name is in each leaf, and those of libraries are as long.
const NAME: &str = "biblioteca-civica";
/// Seconds until the last record is in a signed checkpoint; leaves are gathered for one.
const PATIENCE: u32 = 60;

/// A lab that is taken down at the end, well or not.
#[derive(Debug)]
pub struct Site {
    programs: PathBuf,
    lab: Lab,
}

impl Site {
    /// Brings it up.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn up(programs: &Path, guests: u8) -> Result<Self> {
        // Its own folder: in these namespaces an ordinary user is root too, and another root's labs may be there.
        let number = uuid::Uuid::new_v4().simple().to_string();
        let folder = std::env::temp_dir().join(format!("varco-bench-{number}"));
        let site = Self { programs: programs.to_owned(), lab: Lab::at(&folder)? };
        said(&mut site.lab("up", &["--name", NAME, "--guests", &guests.to_string()]))?;
        Ok(site)
    }

    fn lab(&self, order: &str, words: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join("varco-lab"));
        command.arg(order).arg("--state").arg(&self.lab.folder).args(words).stdin(Stdio::null());
        command
    }

    /// A guest logs in with SPID.
    ///
    /// # Errors
    /// When they are not online at the end.
    pub fn log_in(&self, guest: u8) -> Result<()> {
        let citizen = CITIZENS[usize::from(guest) % CITIZENS.len()];
        said(&mut self.lab("login", &["--guest", &guest.to_string(), "--citizen", citizen])).map(drop)
    }

    /// A guest logs out at the portal.
    ///
    /// # Errors
    /// When the portal offers no way out.
    pub fn log_out(&self, guest: u8) -> Result<()> {
        said(&mut self.lab("logout", &["--guest", &guest.to_string()])).map(drop)
    }

    /// A command on a host.
    pub fn on(&self, host: Host, words: &[&str]) -> Command {
        self.lab("exec", &[&[host.to_string().as_str(), "--"], words].concat())
    }

    /// Runs a command on a host.
    ///
    /// # Errors
    /// When it fails.
    pub fn run(&self, host: Host, words: &[&str]) -> Result<String> {
        said(&mut self.on(host, words))
    }

    /// What keeps a host's network.
    ///
    /// # Errors
    /// When there is none.
    pub fn host(&self, host: Host) -> Result<Process> {
        self.lab.hosts()?.get(&host).copied().with_context(|| format!("no {host}"))
    }

    /// A file of the lab's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.lab.path(name)
    }

    /// The gateway's log once everything that was recorded is in it, and it has so many leaves.
    ///
    /// # Errors
    /// When that takes more than a minute.
    pub fn settled(&self, leaves: u64) -> Result<Grown> {
        let program = self.programs.join("varco-gateway").display().to_string();
        let config = self.path("config/gateway.toml").display().to_string();
        for _ in 0..PATIENCE {
            let text = self.run(Host::Gateway, &[&program, "status", "--json", "--config", &config])?;
            let state: serde_json::Value = serde_json::from_str(&text)?;
            let of = |name: &str| state["log"][name].as_u64().context("no such number in the status");
            if of("waiting")? == 0 && of("size")? >= leaves.max(1) {
                return Grown::of(&self.path("gateway/log"), &self.programs);
            }
            sleep(Duration::from_secs(1));
        }
        anyhow::bail!("the log has not got {leaves} leaves after {PATIENCE} s")
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.lab("down", &[]).stdout(Stdio::null()).status();
    }
}

fn said(command: &mut Command) -> Result<String> {
    let done = command.output()?;
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    ensure!(done.status.success(), "{command:?}: {}{}", text(&done.stdout), text(&done.stderr));
    Ok(text(&done.stdout))
}
