//! Where records are, and who opens them: what `who` and `shares` have in common.

use super::verify::{log_key, tell};
use clap::Args;
use std::{path::PathBuf, process::ExitCode};
use varco_audit::{
    holder::HolderKey,
    index::IndexError,
    keys::KeyFolder,
    opener::{OpenError, Opener},
    records::{Records, RecordsError},
    tlog::{TileError, VerifierKey},
    verify::Problem,
    who::WhoError,
};
use varco_policy::config::EXIT_USAGE;

/// A record that would answer cannot be opened with the keys given, or is gone.
const EXIT_CLOSED: u8 = 7;
/// A log that grows while it is read is read again.
const TRIES: u32 = 3;

/// Where the records are, and who opens them.
#[derive(Debug, Args)]
pub struct Source {
    /// A site's database, `site.db` or a copy of it: what is not in the log folder yet. Without --log and --records
    /// that of the gateway on this machine.
    #[arg(long)]
    records: Option<PathBuf>,
    /// The log folder; without it, `log` beside the database.
    #[arg(long)]
    log: Option<PathBuf>,
    /// The log's public key, a line `<name>+<identifier>+<key>`; not to be taken from the one who gave you the folder.
    /// Without it nothing in a log folder is believed.
    #[arg(long, value_parser = log_key)]
    vkey: Option<VerifierKey>,
    /// An index that you made of the log with `varco-audit index`. Without it every entry is read.
    #[arg(long)]
    index: Option<PathBuf>,
    /// The folder of the weeks' keys.
    #[arg(long, default_value = "/etc/varco/log-keys")]
    keys: PathBuf,
    /// A holder's own key file: one of the requester and one of the approver.
    #[arg(long = "holder")]
    holders: Vec<PathBuf>,
}

impl Source {
    fn records(&self) -> Result<Records, RecordsError> {
        let here = PathBuf::from("/var/lib/varco-gateway/site.db");
        let database = match (&self.records, &self.log) {
            (None, None) => Some(here),
            (records, _) => records.clone(),
        };
        let beside = || Some(database.as_ref()?.parent()?.join("log"));
        let records = Records::open(self.log.clone().or_else(beside).as_deref(), database.as_deref())?;
        let records = match &self.vkey {
            Some(key) => records.signed_by(key)?,
            None if records.has_log() => return Err(RecordsError::Unverified),
            None => records,
        };
        match &self.index {
            Some(file) => records.indexed(file),
            None => Ok(records),
        }
    }

    fn opener(&self) -> anyhow::Result<Opener> {
        let holders = self.holders.iter().map(|path| HolderKey::read(path)).collect::<Result<_, _>>()?;
        Ok(Opener::new(KeyFolder::at(&self.keys), holders))
    }

    /// Asks, and again where a part of a growing log was exchanged meanwhile.
    pub fn ask<T>(
        &self,
        mut ask: impl FnMut(&mut Records, &mut Opener) -> Result<T, WhoError>,
    ) -> anyhow::Result<Result<T, WhoError>> {
        let mut opener = self.opener()?;
        let mut once = || ask(&mut self.records()?, &mut opener);
        let mut outcome = once();
        for _ in 1..TRIES {
            if !matches!(&outcome, Err(WhoError::Records(RecordsError::Tiles(TileError::Missing(_))))) {
                break;
            }
            outcome = once();
        }
        Ok(outcome)
    }
}

/// A key that is not there is told apart from records that are damaged, and those from a log that is another's.
pub fn failed(error: WhoError) -> anyhow::Result<ExitCode> {
    match error {
        WhoError::Records(RecordsError::NotSigned(error)) => return Ok(tell(&Problem::NotSigned(error))),
        WhoError::Records(RecordsError::Tiles(error) | RecordsError::Index(IndexError::Tiles(error))) => {
            return Ok(tell(&Problem::from(error)));
        }
        _ => {}
    }
    let code = match &error {
        error if error.is_closed() => EXIT_CLOSED,
        WhoError::Records(RecordsError::Unverified) => EXIT_USAGE,
        _ => return Err(error.into()),
    };
    eprintln!("{error}");
    if let WhoError::Open(OpenError::NoKey { role, .. }) = &error {
        eprintln!("give --holder with the key file of a {role}, and --keys with the folder of the ceremony");
    }
    Ok(ExitCode::from(code))
}
