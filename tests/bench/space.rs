//! Nothing of a benchmark touches the machine: it runs in namespaces that end with it.

use anyhow::{Context, Result};
use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
    sys::{prctl, signal::Signal},
};
use std::{
    io::Read,
    process::{Command, ExitCode},
};
use varco_tests::{
    lab::{enter, space},
    start,
};

/// Runs this program again with these arguments, as the first process of new namespaces. The kernel ends all that it has
/// started when it ends.
///
/// # Errors
/// When the kernel allows no namespaces.
pub fn apart(arguments: &[String]) -> Result<ExitCode> {
    let itself = std::env::current_exe()?;
    // Root does without a namespace of users where it can: in one, netlink's buffers are an ordinary user's.
    let rest = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS;
    if !nix::unistd::geteuid().is_root() || unshare(rest).is_err() {
        let mut lender = Command::new(&itself);
        lender.args(["lend-users", &std::process::id().to_string()]);
        space::leave(lender)?;
    } else {
        mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
    }
    unshare(CloneFlags::CLONE_NEWPID).context("a namespace of processes")?;
    let mut inner = Command::new(itself).arg("inside").args(arguments).env("PATH", enter::path()).spawn()?;
    Ok(enter::code(inner.wait()?))
}

/// The first process of the namespaces makes itself at home.
///
/// # Errors
/// When the kernel refuses.
pub fn settle() -> Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), "/proc", Some("proc"), flags, None::<&str>).context("mount /proc")?;
    space::empty("/run")
}

/// Keeps a network until standard input ends.
///
/// # Errors
/// When the kernel refuses.
pub fn keep() -> Result<()> {
    space::separate()?;
    start::say("ready\n")?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
