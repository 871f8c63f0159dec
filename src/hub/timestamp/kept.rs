//! The folder of timestamps.

use jiff::Timestamp;
use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};
use varco_audit::{
    timestamp::{Authority, Stamp, verify},
    tlog::{Note, Signed},
};

/// Timestamps in the log's folder.
#[derive(Debug, Clone)]
pub(super) struct Kept(PathBuf);

impl Kept {
    pub fn of(log: &Path) -> Self {
        Self(log.join("timestamps"))
    }

    /// When the newest of these sizes was stamped; `None` where it is not by this authority.
    pub fn instant(&self, size: u64, authority: &Authority) -> Option<Timestamp> {
        Some(self.stamp(size, authority)?.1.at)
    }

    /// What was stamped, and what the authority says of it.
    pub fn stamp(&self, size: u64, authority: &Authority) -> Option<(Vec<u8>, Stamp)> {
        let read = |end: &str| fs::read(self.0.join(format!("{size}.{end}"))).ok();
        let checkpoint = read("checkpoint")?;
        let note = Note::parse(&checkpoint).ok()?;
        let stamp = verify(&read("tsr")?, note.text.as_bytes(), None, authority).ok()?;
        Some((checkpoint, stamp))
    }

    /// The sizes that are stamped, upwards.
    pub fn sizes(&self) -> io::Result<Vec<u64>> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let names = entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
        let size = |name: &std::ffi::OsString| name.to_str()?.strip_suffix(".tsr")?.parse().ok();
        let mut sizes: Vec<u64> = names.iter().filter_map(size).collect();
        sizes.sort_unstable();
        Ok(sizes)
    }

    /// Keeps a stamp: the checkpoint first, each whole or not at all. Of a day the first stays, and the newest of all.
    pub fn keep(&self, signed: &Signed, reply: &[u8], authority: &Authority) -> io::Result<()> {
        fs::create_dir_all(&self.0)?;
        write(&self.0, &format!("{}.checkpoint", signed.size), signed.note().as_bytes())?;
        write(&self.0, &format!("{}.tsr", signed.size), reply)?;
        let [.., first, second, _] = self.sizes()?[..] else { return Ok(()) };
        let day = |size| self.instant(size, authority).map(|at| at.as_second().div_euclid(86_400));
        if day(first).is_some() && day(first) == day(second) {
            for end in ["tsr", "checkpoint"] {
                fs::remove_file(self.0.join(format!("{second}.{end}")))?;
            }
        }
        Ok(())
    }
}

fn write(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    // The hub that runs and `varco-hub timestamp` may write at once.
    let new = folder.join(format!("{name}.new"));
    let mut file = File::create(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&new, folder.join(name))?;
    File::open(folder)?.sync_all()
}
