//! The orders of the command line that take more than a line, and what they share.

pub mod console;
pub mod list;
pub mod office;
pub mod up;
pub mod walk;

use anyhow::Result;
use clap::Args;
use std::{ffi::OsString, path::PathBuf, process::ExitCode};
use varco_tests::lab::{Host, Lab, enter};

#[derive(Args)]
pub struct Which {
    /// Name of the lab.
    #[arg(long, default_value = "varco")]
    pub name: String,
    /// Folder of the lab, instead of one named after it.
    #[arg(long)]
    pub state: Option<PathBuf>,
}

impl Which {
    /// The lab that is meant.
    pub fn find(&self) -> Result<Lab> {
        Lab::find(&self.name, self.state.as_deref())
    }
}

#[derive(Args)]
pub struct OnGuest {
    #[command(flatten)]
    pub which: Which,
    /// Which guest: 0, 1…
    #[arg(long)]
    pub guest: u8,
}

/// Goes on as another order of this program, on a host of the lab.
fn go_on(lab: &Lab, host: Host, order: &str, words: Vec<OsString>) -> Result<ExitCode> {
    let own = ["/proc/self/exe".into(), order.into(), "--state".into(), lab.folder.clone().into()];
    enter::become_command(lab, host, &own.into_iter().chain(words).collect::<Vec<_>>())
}
