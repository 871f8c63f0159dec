//! `varco-audit export`: a log, or a range of it, to give to somebody: as a table (CSV, RFC 4180) of what is clear, or as a
//! folder that verifies by itself, with the table beside it.

mod folder;
mod table;

use super::{
    officer::EXIT_CLOSED,
    print,
    verify::{log_key, tell},
};
use anyhow::Context as _;
use jiff::civil::Date;
use std::{ops::Range, path::PathBuf, process::ExitCode};
use varco_audit::{
    tlog::{Folder, Signed, Tiles, VerifierKey, prune},
    verify::{Problem, checkpoint},
};

/// A log, or a range of it: what its headers say as CSV, or with --out a folder with the sealed entries too. Each entry is
/// compared with the signed root.
///
/// A folder has the bundles of 256 that the range lies in, all tiles of hashes, and a checkpoint: `varco-audit verify` and the
/// Python verifier take it as it is, as LEGGIMI.txt in it says. A tree ends where a checkpoint was signed, so a folder goes on
/// from the range to the end of the oldest checkpoint that has all of it: give one of soon after by --checkpoint or --hub-log.
///
/// Exit codes: 0 done; 1 cannot be read, or nothing is in the range; 4 not what was signed; 5 not signed by the key; 7 what is
/// asked about has expired; 64 wrong arguments.
#[derive(Debug, clap::Args)]
pub struct Export {
    /// The log's folder, or a copy of it.
    #[arg(long)]
    log: PathBuf,
    /// The log's public key.
    #[arg(long, value_parser = log_key)]
    vkey: VerifierKey,
    /// The site whose log it must be.
    #[arg(long)]
    site: Option<String>,
    /// The first entry; without it, the first that is there.
    #[arg(long)]
    from: Option<u64>,
    /// The entry after the last; without it, the end.
    #[arg(long)]
    to: Option<u64>,
    /// The day, of UTC, in place of numbers: from its first entry to its last.
    #[arg(long, conflicts_with_all = ["from", "to"])]
    day: Option<Date>,
    /// Make a folder, which must not be there, in place of writing the table to the standard output.
    #[arg(long)]
    out: Option<PathBuf>,
    /// An older checkpoint of this log. Several times.
    #[arg(long, requires = "out")]
    checkpoint: Vec<PathBuf>,
    /// The hub's own log, or a copy of it, which holds the checkpoints that gateways have shipped.
    #[arg(long, requires = "out")]
    hub_log: Option<PathBuf>,
}

/// Why there is nothing to give.
#[derive(Debug, thiserror::Error)]
enum NotExported {
    #[error(transparent)]
    Problem(#[from] Problem),
    #[error("entries below {0} have expired: their hashes are there, and nothing else")]
    Expired(u64),
    #[error("no entry is in that range; the log has {0}")]
    Nothing(u64),
    #[error("the log is of {0}")]
    OtherSite(String),
}

impl NotExported {
    /// Says it, with its exit code.
    fn tell(&self) -> ExitCode {
        if let Self::Problem(problem) = self {
            return tell(problem);
        }
        eprintln!("{self}");
        if matches!(self, Self::Expired(_)) { ExitCode::from(EXIT_CLOSED) } else { ExitCode::FAILURE }
    }
}

impl Export {
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let files = Folder::new(&self.log);
        let outcome = checkpoint(&files, &self.vkey).map_err(NotExported::from).and_then(|signed| {
            let mut tiles = Tiles::open(Folder::new(&self.log), &signed).map_err(Problem::from)?;
            let range = self.range(&mut tiles, prune::minimum(&files))?;
            let table = table::of(&mut tiles, range.clone())?;
            Ok((signed, tiles, range, table))
        });
        let (signed, mut tiles, range, table) = match outcome {
            Ok(done) => done,
            Err(reason) => return Ok(reason.tell()),
        };
        if self.site.as_ref().is_some_and(|site| *site != table.site) {
            return Ok(NotExported::OtherSite(table.site).tell());
        }
        let Some(out) = &self.out else {
            print(&table.text)?;
            return Ok(ExitCode::SUCCESS);
        };
        let shown = out.display().to_string();
        let head = match self.head(signed, &mut tiles, range.end)? {
            Ok(head) => head,
            Err(problem) => return Ok(tell(&problem)),
        };
        match folder::make(out, &self.log, (&head, &self.vkey), &range, &table).with_context(|| shown)? {
            Ok(text) => print(&text)?,
            Err(problem) => return Ok(tell(&problem)),
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The entries that are asked for.
    fn range(&self, tiles: &mut Tiles<Folder>, minimum: u64) -> Result<Range<u64>, NotExported> {
        let size = tiles.size();
        let range = match self.day {
            Some(day) => table::day(tiles, minimum.min(size)..size, day)?,
            None => self.from.unwrap_or(minimum)..self.to.unwrap_or(size),
        };
        match range {
            Range { start, end } if start < minimum && start < end => Err(NotExported::Expired(minimum)),
            // Of a day before the first that is there nobody knows any more.
            Range { start, end } if start >= end && start <= minimum && minimum > 0 => {
                Err(NotExported::Expired(minimum))
            }
            Range { start, end } if start >= end || end > size => Err(NotExported::Nothing(size)),
            range => Ok(range),
        }
    }

    /// The oldest checkpoint that has the whole range, of those that are given and the log's own.
    fn head(
        &self,
        own: Signed,
        tiles: &mut Tiles<Folder>,
        end: u64,
    ) -> anyhow::Result<Result<Signed, Problem>> {
        let mut given: Vec<Vec<u8>> =
            self.checkpoint.iter().map(|path| super::verify::read(path)).collect::<Result<_, _>>()?;
        if let Some(hub) = &self.hub_log {
            given.extend(folder::shipped(hub, &self.vkey).with_context(|| hub.display().to_string())?);
        }
        Ok(folder::oldest(own, tiles, given, (&self.vkey, end)))
    }
}
