//! Hosts: network namespaces, each kept by a child of ours, and what is done in them.

use anyhow::{Context, Result, ensure};
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};
use varco_tests::lab::{process::Process, space, wires};

/// A network namespace.
#[derive(Debug)]
pub struct Host {
    keeper: Child,
    process: Process,
}

impl Host {
    /// A new one, with nothing but loopback.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn make() -> Result<Self> {
        let mut keeper = Command::new(std::env::current_exe()?)
            .arg("keep")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("start a host")?;
        let mut line = String::new();
        BufReader::new(keeper.stdout.take().context("no output")?).read_line(&mut line)?;
        ensure!(line == "ready\n", "a host could not be made");
        let process = Process::of(i32::try_from(keeper.id())?).context("a host ended")?;
        let host = Self { keeper, process };
        host.ip("link set lo up\n")?;
        Ok(host)
    }

    /// What `ip` calls it, as the other end of a cable.
    pub fn number(&self) -> i32 {
        self.process.pid
    }

    /// Works in its network.
    ///
    /// # Errors
    /// As the work.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        space::in_network(self.process, work)
    }

    /// Lines for `ip`.
    ///
    /// # Errors
    /// When it refuses one.
    pub fn ip(&self, lines: &str) -> Result<()> {
        self.within(|| wires::feed(Command::new("ip").args(["-batch", "-"]), lines))
    }

    /// Lines for `tc`.
    ///
    /// # Errors
    /// When it refuses one.
    pub fn tc(&self, lines: &str) -> Result<()> {
        self.within(|| wires::feed(Command::new("tc").args(["-batch", "-"]), lines))
    }

    /// Rules for `nft`.
    ///
    /// # Errors
    /// When it refuses them.
    pub fn nft(&self, rules: &str) -> Result<()> {
        self.within(|| wires::feed(Command::new("nft").args(["-f", "-"]), rules))
    }

    /// Sets `/proc/sys/net/ipv4/…`.
    ///
    /// # Errors
    /// When the kernel has no such switch.
    pub fn switch(&self, name: &str, value: &str) -> Result<()> {
        let path = format!("/proc/sys/net/ipv4/{name}");
        self.within(|| std::fs::write(&path, value).with_context(|| format!("set {path}")))
    }

    /// Whether its interface puts segments together and cuts them late, as network cards do.
    ///
    /// # Errors
    /// When `ethtool` refuses.
    pub fn offload(&self, interface: &str, on: bool) -> Result<()> {
        let word = if on { "on" } else { "off" };
        let mut command = Command::new("ethtool");
        command.args(["-K", interface, "tso", word, "gso", word, "gro", word]);
        self.within(|| wires::feed(&mut command, ""))
    }

    /// Starts a program here; the caller says what becomes of its output.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(&self, command: &mut Command) -> Result<Child> {
        let name = command.get_program().to_string_lossy().into_owned();
        self.within(|| command.spawn().with_context(|| format!("start {name}")))
    }

    /// Runs a program here and gives what it wrote.
    ///
    /// # Errors
    /// When it cannot be started or fails.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null());
        let done = self.within(|| command.output().with_context(|| format!("start {program}")))?;
        let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        ensure!(done.status.success(), "{program} {}: {said}", arguments.join(" "));
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    }

    /// Packets that an interface has received.
    ///
    /// # Errors
    /// When it has no such interface.
    pub fn packets(&self, interface: &str) -> Result<u64> {
        self.within(|| {
            let table = std::fs::read_to_string("/proc/thread-self/net/dev")?;
            let mine =
                |line: &str| line.trim_start().strip_prefix(interface)?.strip_prefix(':').map(str::to_owned);
            let line = table.lines().find_map(mine).with_context(|| format!("no {interface}"))?;
            line.split_whitespace().nth(1).context("no counter")?.parse().context("not a counter")
        })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It ends when its input does.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
