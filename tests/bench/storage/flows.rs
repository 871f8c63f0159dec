//! The log of translated flows that a site without slots would have to keep: each flow's beginning and end, as conntrack
//! tells them.

use super::site::Site;
use anyhow::{Context, Result, ensure};
use flate2::{Compression, write::GzEncoder};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs::{self, File},
    io::Write,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};
use varco_tests::lab::{Host, plan, space};

/// A log that is being written.
#[derive(Debug)]
pub struct FlowLog {
    conntrack: Child,
    file: PathBuf,
}

/// What it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flows {
    /// How many began.
    pub begun: u64,
    /// How many ended.
    pub ended: u64,
    /// How many of those that began asked for a name.
    pub asked: u64,
    /// Octets of the log.
    pub octets: u64,
    /// Those of the lines about questions for a name.
    pub octets_asked: u64,
    /// Octets of the log after `gzip -9`.
    pub compressed: u64,
}

impl FlowLog {
    /// Begins, on the router. Only what leaves from the guests' public address: what the router itself does is not theirs.
    ///
    /// # Errors
    /// When conntrack cannot be started.
    pub fn begin(site: &Site) -> Result<Self> {
        let file = site.path("flows.log");
        let mut command = Command::new("conntrack");
        command.args(["-E", "-e", "NEW,DESTROY", "-o", "timestamp,extended"]);
        command.args(["--reply-dst", plan::SLOTS]).stdin(Stdio::null());
        command.stdout(File::create(&file)?).stderr(File::create(file.with_extension("error"))?);
        let gateway = site.host(Host::Gateway)?;
        let mut conntrack = space::in_network(gateway, || command.spawn().context("start conntrack"))?;
        // It says nothing when it listens.
        sleep(Duration::from_secs(2));
        ensure!(conntrack.try_wait()?.is_none(), "conntrack ended at once");
        Ok(Self { conntrack, file })
    }

    /// Ends, once nothing more has come for two seconds.
    ///
    /// # Errors
    /// When a line is none of conntrack's, or it lost some.
    pub fn end(mut self) -> Result<Flows> {
        let length = || Ok::<_, anyhow::Error>(fs::metadata(&self.file)?.len());
        let mut before = length()?;
        for _ in 0..30 {
            sleep(Duration::from_secs(2));
            let now = length()?;
            if now == std::mem::replace(&mut before, now) {
                break;
            }
        }
        kill(Pid::from_raw(i32::try_from(self.conntrack.id())?), Signal::SIGTERM)?;
        self.conntrack.wait()?;
        let said = fs::read_to_string(self.file.with_extension("error"))?;
        ensure!(!said.contains("ENOBUFS"), "conntrack lost events: {said}");
        Flows::read(&fs::read_to_string(&self.file)?)
    }
}

impl Drop for FlowLog {
    fn drop(&mut self) {
        let _ = self.conntrack.kill();
        let _ = self.conntrack.wait();
    }
}

impl Flows {
    fn read(text: &str) -> Result<Self> {
        let (octets, compressed) = (u64::try_from(text.len())?, compressed(text.as_bytes()));
        let mut flows = Self { begun: 0, ended: 0, asked: 0, octets, octets_asked: 0, compressed };
        for line in text.lines() {
            let (new, asks) = (line.contains("[NEW]"), line.contains(" dport=53 "));
            ensure!(new || line.contains("[DESTROY]"), "not a line of conntrack: {line}");
            flows.begun += u64::from(new);
            flows.ended += u64::from(!new);
            flows.asked += u64::from(new && asks);
            flows.octets_asked += if asks { u64::try_from(line.len() + 1)? } else { 0 };
        }
        Ok(flows)
    }
}

/// Octets after `gzip -9`.
pub fn compressed(octets: &[u8]) -> u64 {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // A vector takes all that is written to it.
    let _ = encoder.write_all(octets);
    encoder.finish().map_or(0, |all| all.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_conntrack_are_counted() {
        let text = "[1764494000.000001]\t    [NEW] ipv4     2 udp      17 30 src=10.64.0.11 dst=198.18.0.53 sport=4 dport=53 x\n\
                    [1764494000.000002]\t    [NEW] ipv4     2 tcp      6 120 SYN_SENT src=10.64.0.11 sport=5 dport=993 x\n\
                    [1764494000.000003]\t[DESTROY] ipv4     2 udp      17 src=10.64.0.11 dst=198.18.0.53 sport=4 dport=53 x\n";
        let read = Flows::read(text).unwrap();
        assert_eq!((read.begun, read.ended, read.asked), (2, 1, 1));
        assert_eq!(read.octets, text.len() as u64);
        let asked: usize = text.lines().filter(|line| line.contains("udp")).map(|line| line.len() + 1).sum();
        assert_eq!(read.octets_asked, asked as u64);
        assert!(Flows::read("conntrack v1.4.7\n").is_err());
    }
}
