//! Processes by identifier and start time, so that a recycled identifier is never taken for the process it
//! once named.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fs, os::unix::fs::MetadataExt, path::PathBuf};

/// A process that was seen alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Process {
    /// Identifier.
    pub pid: i32,
    /// Clock ticks from boot to its start (field 22 of `/proc/PID/stat`).
    pub start: u64,
}

impl Process {
    /// The process that has this identifier now.
    pub fn of(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The command's name is in brackets and may hold anything.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?;
        let start = fields.nth(18)?.parse().ok()?;
        (state != "Z" && state != "X").then_some(Self { pid, start })
    }

    /// Whether it still runs.
    pub fn lives(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Sends a signal if it still runs.
    pub fn signal(self, signal: Signal) {
        if self.lives() {
            let _ = kill(Pid::from_raw(self.pid), signal);
        }
    }

    /// A file of its folder in `/proc`.
    pub fn file(self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.pid))
    }

    /// Which network namespace it lives in.
    pub fn network(self) -> Option<u64> {
        fs::metadata(self.file("ns/net")).ok().map(|m| m.ino())
    }

    fn parent(self) -> Option<Self> {
        let stat = fs::read_to_string(self.file("stat")).ok()?;
        let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
        Self::of(parent)
    }

    fn carries(self, mark: &str) -> bool {
        let environ = fs::read(self.file("environ")).unwrap_or_default();
        environ.split(|b| *b == 0).any(|entry| entry == mark.as_bytes())
    }
}

/// Every process of `owner` that carries `mark` in its environment or lives in one of `networks`; never the
/// caller or one that it descends from.
pub fn belonging(owner: u32, mark: &str, networks: &BTreeSet<u64>) -> Vec<Process> {
    let me = std::iter::successors(Process::of(std::process::id().cast_signed()), |p| p.parent());
    let mine: BTreeSet<_> = me.take(64).map(|p| p.pid).collect();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter(|e| e.metadata().is_ok_and(|m| m.uid() == owner));
    pids.filter_map(|e| e.file_name().to_str()?.parse().ok())
        .filter(|pid| !mine.contains(pid))
        .filter_map(Process::of)
        .filter(|p| p.carries(mark) || p.network().is_some_and(|n| networks.contains(&n)))
        .collect()
}
