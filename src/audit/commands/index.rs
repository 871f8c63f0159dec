//! `varco-audit index`: an index of logs, made or continued.

use super::{
    print,
    verify::{log_key, tell},
};
use anyhow::Context as _;
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};
use varco_audit::{
    index::{IndexError, Rows as _, Sqlite, fill},
    tlog::{Checkpoint, Files as _, Folder, Note, Signed, Tiles, VerifierKey, prune},
    verify::Problem,
};

/// Makes an index of logs, or brings it up to them: what lets `who` read a handful of entries in place of all. Each entry is
/// compared with the root of its log's checkpoint.
///
/// Exit codes: 0 made; 1 cannot be read or written; 4 not what was signed; 5 not signed by the key; 64 wrong arguments.
#[derive(Debug, clap::Args)]
pub struct Index {
    /// A log's folder, or a copy of it. Several times.
    #[arg(long, required = true, num_args = 1..)]
    log: Vec<PathBuf>,
    /// The file of the index. What it has already of a log is not read again.
    #[arg(long)]
    out: PathBuf,
    /// The public keys of the logs: each log must be signed by the one of its name. Without any, signatures are the business
    /// of `verify`. Several times.
    #[arg(long, value_parser = log_key)]
    vkey: Vec<VerifierKey>,
    /// Forget what the index has of these logs, and read everything.
    #[arg(long)]
    anew: bool,
}

impl Index {
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let mut index = Sqlite::open(&self.out).with_context(|| self.out.display().to_string())?;
        for folder in &self.log {
            match self.one(&mut index, folder) {
                Ok(text) => print(&text)?,
                Err(IndexingError::Problem(problem)) => return Ok(tell(&problem)),
                Err(error) => return Err(error).with_context(|| folder.display().to_string()),
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn one(&self, index: &mut Sqlite, folder: &Path) -> Result<String, IndexingError> {
        let files = Folder::new(folder);
        let checkpoint = self.checkpoint(&files.read("checkpoint")?)?;
        let minimum = prune::minimum(&files);
        let mut tiles = Tiles::open(files, &checkpoint).map_err(Problem::from)?;
        let origin = &checkpoint.origin;
        if self.anew {
            index.clear(origin)?;
        }
        let filled = fill(index, origin, &mut tiles, minimum).map_err(|error| match error {
            IndexError::Tiles(error) => Problem::from(error).into(),
            error => IndexingError::Index(error),
        })?;
        let mut text = format!("{origin}: {} entries, {} of them new\n", filled.size, filled.new);
        if let Some(gone) = index.gone(origin)? {
            let _ = writeln!(text, "  those below {} are gone, their hashes are there", gone.below);
        }
        Ok(text)
    }

    fn checkpoint(&self, note: &[u8]) -> Result<Checkpoint, IndexingError> {
        let bad = || IndexingError::NoCheckpoint;
        let read = Checkpoint::parse(&Note::parse(note).map_err(|_| bad())?.text).ok_or_else(bad)?;
        if self.vkey.is_empty() {
            return Ok(read);
        }
        let key = self.vkey.iter().find(|key| key.name() == read.origin);
        let key = key.ok_or_else(|| IndexingError::NoKey(read.origin.clone()))?;
        Ok(Signed::verify(note, key).map_err(Problem::NotSigned)?.checkpoint().clone())
    }
}

/// Why a log was not indexed.
#[derive(Debug, thiserror::Error)]
enum IndexingError {
    #[error(transparent)]
    Problem(#[from] Problem),
    #[error(transparent)]
    Index(#[from] IndexError),
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] std::io::Error),
    #[error("checkpoint is damaged")]
    NoCheckpoint,
    #[error("no --vkey is of {0}")]
    NoKey(String),
}
