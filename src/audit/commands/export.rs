//! `varco-audit export`: what a log says in clear, as a table (CSV, RFC 4180).

use super::{
    print,
    verify::{log_key, tell},
};
use std::{fmt::Write as _, path::PathBuf, process::ExitCode};
use varco_audit::{
    leaf::Leaf,
    tlog::{Folder, Tiles, VerifierKey, prune},
    verify::{Problem, checkpoint},
};

/// The headers of a log's entries, or of a range of them, as CSV. Each entry is compared with the signed root.
///
/// Exit codes: 0 done; 1 cannot be read; 4 not what was signed; 5 not signed by the key; 64 wrong arguments.
#[derive(Debug, clap::Args)]
pub struct Export {
    /// The log's folder, or a copy of it.
    #[arg(long)]
    log: PathBuf,
    /// The log's public key.
    #[arg(long, value_parser = log_key)]
    vkey: VerifierKey,
    /// The first entry; without it, the first that is there.
    #[arg(long)]
    from: Option<u64>,
    /// The entry after the last; without it, the end.
    #[arg(long)]
    to: Option<u64>,
}

const COLUMNS: &str = "sequence,instant,class,site,period,mark,octets\r\n";

impl Export {
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        match self.table() {
            Ok(table) => {
                print(&table)?;
                Ok(ExitCode::SUCCESS)
            }
            Err(problem) => Ok(tell(&problem)),
        }
    }

    fn table(&self) -> Result<String, Problem> {
        let files = Folder::new(&self.log);
        let signed = checkpoint(&files, &self.vkey)?;
        let first = self.from.unwrap_or_else(|| prune::minimum(&files));
        let mut tiles = Tiles::open(&files, &signed)?;
        let (mut table, mut wrong) = (COLUMNS.to_owned(), None);
        tiles.leaves(first..self.to.unwrap_or(signed.size).max(first), |index, entry| {
            match Leaf::read(entry) {
                Ok(leaf) => line(&mut table, &leaf, entry.len()),
                Err(error) => wrong = wrong.take().or(Some(Problem::Leaf { index, what: error.to_string() })),
            }
        })?;
        wrong.map_or(Ok(table), Err)
    }
}

/// The words of a header have no comma, quote or line break but the site, which is quoted where it has.
fn line(table: &mut String, leaf: &Leaf<'_>, octets: usize) {
    let words: Vec<_> = leaf.line.split(' ').collect();
    let [_, class, site, sequence, at, period, mark] = words[..] else { return };
    let site = match site.contains([',', '"']) {
        true => format!("\"{}\"", site.replace('"', "\"\"")),
        false => site.to_owned(),
    };
    let empty = |word: &str| if word == "-" { String::new() } else { word.to_owned() };
    let (period, mark) = (empty(period), empty(mark));
    let _ = write!(table, "{sequence},{at},{class},{site},{period},{mark},{octets}\r\n");
}
