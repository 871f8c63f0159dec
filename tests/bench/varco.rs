//! Varco at a building: the real enforcer, asked as the gateway asks.

use super::world::{self, World};
use anyhow::{Context, Result, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs,
    net::Ipv4Addr,
    ops::Range,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread::sleep,
    time::Duration,
};
use varco_policy::{
    Device, Rate, Shares, Site, Slot,
    slot::FIRST_PORT,
    wire::{self, Desired, KernelPass, Reply, Request},
};

/// Ports of a slot, and slots of an address.
const PORTS: u16 = 256;
const BLOCKS: usize = 252;
/// Passes asked for at once, where it does not matter.
const MANY: usize = 500;
/// A day: no pass ends while it is measured.
const SECONDS: u32 = 86_400;

/// An enforcer that runs.
#[derive(Debug)]
pub struct Varco {
    enforcer: Child,
    stream: UnixStream,
    /// Where its settings and socket are.
    pub folder: PathBuf,
    shares: Shares,
    generation: u64,
}

impl Varco {
    /// Starts it at a building, with room for so many passes.
    ///
    /// # Errors
    /// When it does not start, or does not answer within two minutes.
    pub fn start(world: &World, programs: &Path, link: Rate, room: usize) -> Result<Self> {
        let folder = folder()?;
        fs::write(folder.join("site.toml"), site(link, room))?;
        let at = folder.display();
        let text = format!(
            "site = \"{at}/site.toml\"\nsocket = \"{at}/enforcer.sock\"\ngateway_user = 0\nrun = \"{at}\"\nstate = \"{at}\"\n"
        );
        fs::write(folder.join("enforcer.toml"), text)?;
        let shares = Site::load(&folder.join("site.toml"))?.shares();
        let mut command =
            as_shipped(programs, "varco-enforcer", include_str!("../../docker/site/varco-enforcer.service"));
        command.arg("run").arg("--config").arg(folder.join("enforcer.toml"));
        command.stdin(Stdio::null()).stderr(fs::File::create(folder.join("enforcer.log"))?);
        let mut enforcer = world.router.spawn(&mut command)?;
        let stream = connect(&folder, &mut enforcer)?;
        let mut this = Self { enforcer, stream, folder, shares, generation: 0 };
        this.apply()?;
        Ok(this)
    }

    fn apply(&mut self) -> Result<()> {
        let (generation, shares) = (self.next(), self.shares);
        self.done(&Request::Apply(Desired { generation, shares, trial: None, passes: Vec::new() }))
    }

    fn next(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }

    /// Admits these guests, some hundreds at a time.
    ///
    /// # Errors
    /// When it is refused.
    pub fn admit(&mut self, guests: Range<usize>) -> Result<()> {
        for first in guests.clone().step_by(MANY) {
            self.admit_at_once(first..(first + MANY).min(guests.end))?;
        }
        Ok(())
    }

    /// Admits these guests with one request.
    ///
    /// # Errors
    /// When it is refused.
    pub fn admit_at_once(&mut self, guests: Range<usize>) -> Result<()> {
        let generation = self.next();
        let passes = guests.map(pass).collect::<Result<_>>()?;
        self.done(&Request::Admit { generation, passes })
    }

    /// Expels these guests with one request.
    ///
    /// # Errors
    /// When it is refused.
    pub fn expel(&mut self, guests: Range<usize>) -> Result<()> {
        let generation = self.next();
        let devices = guests.map(device).collect::<Result<_>>()?;
        self.done(&Request::Expel { generation, devices })
    }

    fn done(&mut self, request: &Request) -> Result<()> {
        wire::write_frame(&self.stream, request)?;
        match wire::read_frame(&self.stream)?.context("the enforcer closed")? {
            Reply::Done { .. } => Ok(()),
            other => bail!("the enforcer said: {other:?}"),
        }
    }

    /// How many passes the kernel has.
    ///
    /// # Errors
    /// When it does not say.
    pub fn held(&mut self) -> Result<usize> {
        wire::write_frame(&self.stream, &Request::Measure)?;
        match wire::read_frame(&self.stream)?.context("the enforcer closed")? {
            Reply::Measured(measured) => Ok(measured.passes.len()),
            other => bail!("the enforcer said: {other:?}"),
        }
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.enforcer.id()
    }

    /// Ends it; the kernel keeps what it has (SECURITY.md S1).
    ///
    /// # Errors
    /// When it does not end well.
    pub fn leave(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        let _ = kill(Pid::from_raw(i32::try_from(self.enforcer.id())?), Signal::SIGTERM);
        self.enforcer.wait()?;
        Ok(())
    }
}

impl Drop for Varco {
    fn drop(&mut self) {
        if matches!(self.enforcer.try_wait(), Ok(None)) {
            let _ = self.end();
        }
    }
}

/// A folder in memory, of these namespaces only.
fn folder() -> Result<PathBuf> {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let folder = PathBuf::from(format!("/run/site-{}", MADE.fetch_add(1, Ordering::Relaxed)));
    fs::create_dir(&folder).with_context(|| folder.display().to_string())?;
    Ok(folder)
}

fn connect(folder: &Path, enforcer: &mut Child) -> Result<UnixStream> {
    for _ in 0..1_200 {
        if let Ok(stream) = UnixStream::connect(folder.join("enforcer.sock"))
            && wire::write_frame(&stream, &Request::Measure).is_ok()
            && matches!(wire::read_frame::<Reply>(&stream), Ok(Some(Reply::Measured(_))))
        {
            return Ok(stream);
        }
        let log = || fs::read_to_string(folder.join("enforcer.log")).unwrap_or_default();
        ensure!(enforcer.try_wait()?.is_none(), "the enforcer ended: {}", log());
        sleep(Duration::from_millis(100));
    }
    bail!("the enforcer does not answer")
}

/// The device of a guest. All are one host's: to the gate, a pass is an address with a hardware address.
///
/// # Errors
/// Never, but for a slip in [`world::MAC`].
pub fn device(guest: usize) -> Result<Device> {
    Ok(Device { address: world::guest(guest), mac: world::MAC.parse()? })
}

/// The slot of a guest.
///
/// # Errors
/// When there are more than fit.
pub fn slot(guest: usize) -> Result<Slot> {
    let first_port = FIRST_PORT + PORTS * u16::try_from(guest % BLOCKS)?;
    let address = Ipv4Addr::new(198, 18, 8, u8::try_from(guest / BLOCKS + 1)?);
    Ok(Slot { address, first_port, last_port: first_port + (PORTS - 1) })
}

fn pass(guest: usize) -> Result<KernelPass> {
    Ok(KernelPass { device: device(guest)?, slot: slot(guest)?, seconds: SECONDS, rate: None })
}

/// `site.toml`, with the line at the rate it is shaped to.
pub fn site(link: Rate, room: usize) -> String {
    let addresses: Vec<_> = (1..=room.div_ceil(BLOCKS).max(1)).map(|n| format!("\"198.18.8.{n}\"")).collect();
    let part = |percent: u64| Rate::from_bits(link.bits() / 100 * percent);
    let (critical, office, guest) = (part(5), part(90), part(1));
    format!(
        r#"name = "bench"
title = "Bench"
[interfaces]
wan = "wan0"
guest = ["br-guest"]
office = ["off0"]
[link]
up = "{link}"
down = "{link}"
headroom = {{ up = 0, down = 0 }}
[lanes]
critical = {{ guaranteed = "{critical}", ceiling = "{link}" }}
office = {{ guaranteed = "{office}", ceiling = "{link}" }}
guest = {{ guaranteed = "{guest}", ceiling = "{link}" }}
[guest]
subnet = "10.64.0.0/16"
router = "10.64.0.1"
first = "10.64.128.1"
last = "10.64.255.250"
lease = "1h"
[portal]
host = "wifi.varco.test"
[slots]
addresses = [{}]
ports = {PORTS}
[garden]
names = ["accesso.varco.test"]
resolvers = ["198.18.0.53"]
[passes]
length = "24h"
"#,
        addresses.join(", ")
    )
}

/// A program with the environment that its shipped unit gives it.
pub fn as_shipped(programs: &Path, name: &str, unit: &str) -> Command {
    let mut command = Command::new(programs.join(name));
    let set = unit.lines().filter_map(|line| line.strip_prefix("Environment="));
    command.envs(set.flat_map(|set| set.split(' ').filter_map(|one| one.split_once('='))));
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_site_is_good_and_has_a_slot_for_everyone() {
        let file = std::env::temp_dir().join(format!("varco-bench-{}.toml", std::process::id()));
        fs::write(&file, site(Rate::from_bits(100_000_000_000), 10_100)).unwrap();
        let site = Site::load(&file);
        fs::remove_file(&file).unwrap();
        let site = site.unwrap();
        let slots: BTreeSet<_> = (0..10_100).map(|n| slot(n).unwrap()).collect();
        assert_eq!(slots.len(), 10_100);
        assert!(slots.iter().all(|s| site.slots.addresses.contains(&s.address)));
    }
}
