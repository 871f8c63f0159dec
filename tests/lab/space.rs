//! Namespaces: making a lab's own, and entering a host's.

use super::process::Process;
use anyhow::{Context, Result, bail};
use nix::{
    errno::Errno,
    mount::{MsFlags, mount},
    sched::{CloneFlags, setns, unshare},
    unistd::{Gid, Uid, chroot, fchdir, getegid, geteuid, setgid, setuid},
};
use std::{
    fs::{self, File},
    io::Read,
    os::unix::fs::MetadataExt,
    path::Path,
    process::{Child, Command, Stdio},
};

const NONE: Option<&str> = None;

/// Leaves the machine's network, mounts and users for new ones of the lab. The caller's user is root in them
/// and nothing more outside. Where user namespaces are forbidden, root does without.
///
/// Root lends the lab every user, since some tools change to one of their own and end where there is none, as
/// tcpdump does; an ordinary user can lend only itself. `lender` becomes a process that calls [`lend_users`].
///
/// # Errors
/// When the kernel allows neither.
pub fn leave(lender: Command) -> Result<()> {
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    let rest = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS;
    let lender = if uid == 0 { Some(start(lender)?) } else { None };
    match unshare(CloneFlags::CLONE_NEWUSER | rest) {
        Ok(()) if lender.is_some_and(lent) => {}
        Ok(()) => {
            fs::write("/proc/self/setgroups", "deny").context("/proc/self/setgroups")?;
            fs::write("/proc/self/uid_map", format!("0 {uid} 1")).context("/proc/self/uid_map")?;
            fs::write("/proc/self/gid_map", format!("0 {gid} 1")).context("/proc/self/gid_map")?;
        }
        Err(_) if uid == 0 => unshare(rest).context("make namespaces as root")?,
        Err(e) => {
            return Err(e).context(
                "this kernel allows no user namespaces to you: set the sysctls user.max_user_namespaces and \
                 kernel.unprivileged_userns_clone, or run varco-lab as root",
            );
        }
    }
    keep_mounts_apart()
}

/// Keeps the mounts that follow out of the namespace that these were copied from. In a chroot `/` is no mount and
/// cannot be told so; that is well where nothing outside shares its mounts.
fn keep_mounts_apart() -> Result<()> {
    match mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE) {
        Err(Errno::EINVAL) if !outer_mounts_are_shared() => Ok(()),
        Err(Errno::EINVAL) => bail!(
            "in a chroot on a machine that shares its mounts: `mount --bind FOLDER FOLDER` before the chroot, so \
             that / is a mount of its own"
        ),
        other => Ok(other?),
    }
}

fn outer_mounts_are_shared() -> bool {
    fs::read_to_string("/proc/1/mountinfo").map_or(true, |mounts| mounts.contains(" shared:"))
}

fn start(mut lender: Command) -> Result<Child> {
    lender.stdin(Stdio::piped()).spawn().context("start what lends users")
}

/// The end of its input tells it to begin, its exit status how it went.
fn lent(mut lender: Child) -> bool {
    drop(lender.stdin.take());
    lender.wait().is_ok_and(|status| status.success())
}

/// Lends all users and groups there are to the new namespace of `process`, under their own numbers, as soon as standard
/// input ends. Only a process that stayed outside may.
///
/// # Errors
/// When the kernel refuses.
pub fn lend_users(process: i32) -> Result<()> {
    std::io::stdin().read_to_end(&mut Vec::new())?;
    for map in ["uid_map", "gid_map"] {
        let ours = fs::read_to_string(format!("/proc/self/{map}"))?;
        let same = |line: &str| {
            let mut words = line.split_whitespace();
            let (first, count) = (words.next()?, words.nth(1)?);
            Some(format!("{first} {first} {count}\n"))
        };
        let theirs: String = ours.lines().filter_map(same).collect();
        fs::write(format!("/proc/{process}/{map}"), theirs)?;
    }
    Ok(())
}

/// Gives the calling process a network, mounts and a name of its own inside the lab.
///
/// # Errors
/// When the kernel refuses.
pub fn separate() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS)?;
    keep_mounts_apart()
}

/// Shows `from` at `to`.
///
/// # Errors
/// When the kernel refuses.
pub fn bind(from: &Path, to: &Path) -> Result<()> {
    mount(Some(from), to, NONE, MsFlags::MS_BIND, NONE).with_context(|| format!("bind over {}", to.display()))
}

/// An empty folder in memory at `at`.
///
/// # Errors
/// When the kernel refuses.
pub fn empty(at: &str) -> Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), at, Some("tmpfs"), flags, Some("mode=755")).with_context(|| format!("tmpfs at {at}"))
}

/// This network's own `/sys`, for tools that look there; a kernel that refuses it is no obstacle.
pub fn own_sys() {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let _ = mount(Some("sysfs"), "/sys", Some("sysfs"), flags, NONE);
}

/// Enters the namespaces that `host` keeps. The calling process must have one thread.
///
/// # Errors
/// When the host is gone or the caller may not.
pub fn enter(host: Process) -> Result<()> {
    let user = host.file("ns/user");
    let mut spaces = Vec::new();
    if fs::metadata(&user)?.ino() != fs::metadata("/proc/self/ns/user")?.ino() {
        spaces.push((File::open(&user)?, CloneFlags::CLONE_NEWUSER));
    }
    let kinds = [
        ("ns/net", CloneFlags::CLONE_NEWNET),
        ("ns/uts", CloneFlags::CLONE_NEWUTS),
        ("ns/mnt", CloneFlags::CLONE_NEWNS),
    ];
    for (name, kind) in kinds {
        spaces.push((File::open(host.file(name))?, kind));
    }
    // Entering mounts leaves a chroot behind; the host's root is where it started, in a chroot or not.
    let root = File::open(host.file("root"))?;
    let here = std::env::current_dir();
    for (file, kind) in spaces {
        setns(file, kind).with_context(|| format!("enter {kind:?}"))?;
    }
    fchdir(root)?;
    chroot(".")?;
    // Another user's lab: become its root, or files in it would be nobody's.
    let _ = (setgid(Gid::from_raw(0)), setuid(Uid::from_raw(0)));
    if here.and_then(std::env::set_current_dir).is_err() {
        std::env::set_current_dir("/")?;
    }
    Ok(())
}

/// Runs `work` in the network of `host`, on a thread of its own.
///
/// # Errors
/// When the network cannot be entered, or as `work`.
pub fn in_network<T: Send>(host: Process, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let network = host.file("ns/net");
            let network = File::open(&network).with_context(|| network.display().to_string())?;
            setns(network, CloneFlags::CLONE_NEWNET)?;
            work()
        });
        thread.join().map_err(|_| anyhow::anyhow!("the thread in the host's network failed"))?
    })
}
