//! A lab's folder: what was made, by whom, and where everything is.

use super::{
    plan::{Host, Plan},
    process::Process,
};
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

/// A lab's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lab {
    /// The folder, absolute.
    pub folder: PathBuf,
}

/// What the folder says about the lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Marks every process of the lab (in its environment), and no other lab's.
    pub id: String,
    /// What was asked for.
    pub plan: Plan,
    /// Folder of Varco's programs.
    pub programs: PathBuf,
    /// This program, as its hosts find it: in a chroot they would see another path.
    pub itself: PathBuf,
    /// The process that holds the lab; `None` before it was started.
    pub holder: Option<Process>,
}

impl Record {
    /// The environment variable that marks the lab's processes.
    pub const MARK: &str = "VARCO_LAB_ID";

    /// The mark as it stands in an environment.
    pub fn mark(&self) -> String {
        format!("{}={}", Self::MARK, self.id)
    }
}

/// Where labs are unless `--state` says otherwise. Not in `XDG_RUNTIME_DIR`: that folder goes when its user
/// logs out, and the lab could no longer be taken down.
fn root(uid: u32) -> PathBuf {
    PathBuf::from(format!("/tmp/varco-lab-{uid}"))
}

fn my_uid() -> u32 {
    nix::unistd::geteuid().as_raw()
}

impl Lab {
    /// The lab in this folder.
    pub fn at(folder: &Path) -> Result<Self> {
        Ok(Self { folder: std::path::absolute(folder)? })
    }

    /// The folder for a new lab of this name, made.
    ///
    /// # Errors
    /// When the name is unfit, or the folder cannot be made or is another user's.
    pub fn make(name: &str, state: Option<&Path>) -> Result<Self> {
        check_name(name)?;
        let lab = match state {
            Some(folder) => Self::at(folder)?,
            None => {
                private(&root(my_uid()))?;
                Self { folder: root(my_uid()).join(name) }
            }
        };
        // A socket's path has 108 bytes at most, and the lab hides the machine's /run behind its own.
        ensure!(lab.folder.as_os_str().len() <= 80, "{}: longer than 80 bytes", lab.folder.display());
        ensure!(!lab.folder.starts_with("/run"), "{}: a lab cannot be under /run", lab.folder.display());
        private(&lab.folder)?;
        let empty = fs::read_dir(&lab.folder)?.next().is_none();
        ensure!(empty, "{}: not empty", lab.folder.display());
        Ok(lab)
    }

    /// The lab of this name: mine, or, for root, anybody's.
    ///
    /// # Errors
    /// When there is none, or when several users have one.
    pub fn find(name: &str, state: Option<&Path>) -> Result<Self> {
        if let Some(folder) = state {
            return Self::at(folder);
        }
        check_name(name)?;
        let mine = root(my_uid()).join(name);
        if mine.is_dir() {
            return Ok(Self { folder: mine });
        }
        let mut found: Vec<_> = Self::all().into_iter().filter(|l| l.folder.ends_with(name)).collect();
        match (found.pop(), found.is_empty()) {
            (Some(lab), true) => Ok(lab),
            (Some(_), false) => bail!("several users have a lab `{name}`; give --state FOLDER"),
            (None, _) => bail!("there is no lab `{name}`; `varco-lab list` names those there are"),
        }
    }

    /// Every lab that the caller may see.
    pub fn all() -> Vec<Self> {
        let roots = fs::read_dir("/tmp").into_iter().flatten().flatten();
        let roots = roots.filter(|e| e.file_name().to_string_lossy().starts_with("varco-lab-"));
        let labs = roots.flat_map(|e| fs::read_dir(e.path()).into_iter().flatten().flatten());
        let folders = labs.map(|e| e.path()).filter(|p| p.join("lab.json").is_file());
        folders.map(|folder| Self { folder }).collect()
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Who made the lab: its processes are this user's.
    ///
    /// # Errors
    /// When the folder is gone or a link.
    pub fn owner(&self) -> Result<u32> {
        let found = fs::symlink_metadata(&self.folder).with_context(|| self.folder.display().to_string())?;
        ensure!(found.is_dir(), "{}: not a folder", self.folder.display());
        Ok(found.uid())
    }

    /// What the folder says about the lab.
    ///
    /// # Errors
    /// When it is not a lab's folder.
    pub fn record(&self) -> Result<Record> {
        self.read("lab.json")
    }

    /// Where the hosts are: one process each that keeps its namespaces.
    ///
    /// # Errors
    /// When the lab is not up.
    pub fn hosts(&self) -> Result<BTreeMap<Host, Process>> {
        self.read("hosts.json")
    }

    /// Reads a file that [`Self::write`] wrote.
    ///
    /// # Errors
    /// When it is missing or says something else.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let path = self.path(name);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        serde_json::from_str(&text).with_context(|| path.display().to_string())
    }

    /// Writes a file at once: a reader sees all of it or none.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, name: &str, value: &impl Serialize) -> Result<()> {
        let draft = self.path(&format!(".{name}"));
        fs::write(&draft, serde_json::to_vec_pretty(value)?).with_context(|| draft.display().to_string())?;
        fs::rename(&draft, self.path(name)).with_context(|| format!("rename {}", draft.display()))
    }
}

fn check_name(name: &str) -> Result<()> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let good = (1..=32).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('-');
    ensure!(good, "`{name}` cannot name a lab; use 1 to 32 lower-case letters, digits, dashes");
    Ok(())
}

/// Makes the folder, or takes it as it is. `/tmp` belongs to everybody: it must be the caller's own and closed.
fn private(folder: &Path) -> Result<()> {
    if let Err(e) = fs::DirBuilder::new().mode(0o700).create(folder)
        && e.kind() != std::io::ErrorKind::AlreadyExists
    {
        return Err(e).with_context(|| format!("make {}", folder.display()));
    }
    let found = fs::symlink_metadata(folder)?;
    let mine = found.is_dir() && found.uid() == my_uid() && found.mode() & 0o077 == 0;
    ensure!(mine, "{}: not a folder of yours alone; give --state FOLDER", folder.display());
    Ok(())
}
