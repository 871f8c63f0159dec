//! How namespaces are made and entered here.

use std::{process::Command, sync::OnceLock};

/// What this machine lets the tests make.
#[derive(Clone, Copy)]
pub enum Spaces {
    /// A user namespace, so that an ordinary user is root inside.
    OfUser,
    /// Root's own, where user namespaces are forbidden.
    OfRoot,
    /// Root's own in a chroot, whose `/` is no mount.
    InChroot,
}

impl Spaces {
    pub fn of_this_machine() -> Self {
        static FOUND: OnceLock<Spaces> = OnceLock::new();
        let can =
            |args: &[&str]| Command::new("unshare").args(args).arg("true").output().unwrap().status.success();
        *FOUND.get_or_init(|| match () {
            () if can(&["-Urnm"]) => Self::OfUser,
            () if can(&["-nm"]) => Self::OfRoot,
            () => Self::InChroot,
        })
    }

    pub fn made_with(self) -> &'static [&'static str] {
        match self {
            Self::OfUser => &["-Urnmpf", "cat"],
            Self::OfRoot => &["-nmpf", "cat"],
            // `ip netns exec` wants a `/` that is a mount, so the holder and all that enter it have one.
            Self::InChroot => &[
                "-nmpf",
                "--propagation",
                "unchanged",
                "sh",
                "-c",
                "mount --rbind / /mnt && exec chroot /mnt cat",
            ],
        }
    }

    pub fn entered_with(self) -> &'static [&'static str] {
        match self {
            Self::OfUser => &["-U", "--preserve-credentials"],
            Self::OfRoot => &[],
            Self::InChroot => &["-r", "-w"],
        }
    }
}
