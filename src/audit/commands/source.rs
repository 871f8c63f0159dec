//! Where records are: what the commands that search have in common.

use super::{
    officer::EXIT_CLOSED,
    verify::{log_key, tell},
};
use clap::Args;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use varco_audit::{
    case::FindError,
    index::IndexError,
    opener::{OpenError, Opener},
    records::{Records, RecordsError},
    tlog::{TileError, VerifierKey},
    verify::Problem,
};
use varco_policy::config::EXIT_USAGE;

/// A log that grows while it is read is read again.
const TRIES: u32 = 3;

/// Where the records are.
#[derive(Debug, Args)]
pub struct Source {
    /// A site's database, `site.db` or a copy of it: what is not in the log folder yet. Without --log and --records
    /// that of the gateway on this machine.
    #[arg(long)]
    records: Option<PathBuf>,
    /// A log folder; without it, `log` beside the database. Several times for the logs of several sites, without --records.
    #[arg(long)]
    log: Vec<PathBuf>,
    /// The public key of a log, a line `<name>+<identifier>+<key>`; not to be taken from the one who gave you the folder.
    /// Without it nothing in a log folder is believed. Several times.
    #[arg(long, value_parser = log_key)]
    pub vkey: Vec<VerifierKey>,
    /// An index that you made of the logs with `varco-audit index`. Without it every entry is read.
    #[arg(long)]
    index: Option<PathBuf>,
}

impl Source {
    /// Asks the records of each site, and again where a part of a growing log was exchanged meanwhile.
    pub fn ask<T>(
        &self,
        opener: &mut Opener,
        mut ask: impl FnMut(&mut Records, &mut Opener) -> Result<T, FindError>,
    ) -> Result<Vec<T>, FindError> {
        let mut answers = Vec::new();
        for (log, database) in self.places() {
            let mut once = || ask(&mut self.open(log.as_deref(), database.as_deref())?, opener);
            let mut outcome = once();
            for _ in 1..TRIES {
                let missing =
                    |error: &RecordsError| matches!(error, RecordsError::Tiles(TileError::Missing(_)));
                if !matches!(&outcome, Err(FindError::Records(error)) if missing(error)) {
                    break;
                }
                outcome = once();
            }
            answers.push(outcome?);
        }
        Ok(answers)
    }

    fn places(&self) -> Vec<(Option<PathBuf>, Option<PathBuf>)> {
        let here = PathBuf::from("/var/lib/varco-gateway/site.db");
        match (&self.records, &self.log[..]) {
            (None, []) => vec![(beside(&here), Some(here))],
            (Some(database), []) => vec![(beside(database), Some(database.clone()))],
            (Some(database), [log, ..]) => vec![(Some(log.clone()), Some(database.clone()))],
            (None, logs) => logs.iter().map(|log| (Some(log.clone()), None)).collect(),
        }
    }

    fn open(&self, log: Option<&Path>, database: Option<&Path>) -> Result<Records, RecordsError> {
        let records = Records::open(log, database)?;
        let records = match (records.origin(), &self.vkey[..]) {
            (None, _) => records,
            (Some(_), []) => return Err(RecordsError::Unverified),
            // With the key of another log it is said which log this is.
            (Some(origin), keys @ [first, ..]) => {
                let key = keys.iter().find(|key| key.name() == origin).unwrap_or(first).clone();
                records.signed_by(&key)?
            }
        };
        match &self.index {
            Some(file) => records.indexed(file),
            None => Ok(records),
        }
    }
}

fn beside(database: &Path) -> Option<PathBuf> {
    Some(database.parent()?.join("log"))
}

/// A key that is not there is told apart from records that are damaged, and those from a log that is another's.
pub fn failed(error: FindError) -> anyhow::Result<ExitCode> {
    match error {
        FindError::Records(RecordsError::NotSigned(error)) => return Ok(tell(&Problem::NotSigned(error))),
        FindError::Records(RecordsError::Tiles(error) | RecordsError::Index(IndexError::Tiles(error))) => {
            return Ok(tell(&Problem::from(error)));
        }
        _ => {}
    }
    let code = match &error {
        error if error.is_closed() => EXIT_CLOSED,
        FindError::Records(RecordsError::Unverified) | FindError::OtherQuestion => EXIT_USAGE,
        _ => return Err(error.into()),
    };
    eprintln!("{error}");
    if let FindError::Open(OpenError::NoKey { role, .. }) = &error {
        eprintln!("give --holder with the key of a {role}, and --keys with the folder of the ceremony");
    }
    Ok(ExitCode::from(code))
}
