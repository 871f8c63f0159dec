//! `varco-audit prove`: proofs for others, in formats of C2SP, and checking one without the log.

use super::{
    print,
    verify::{log_key, read, tell},
};
use std::{path::PathBuf, process::ExitCode};
use varco_audit::{
    leaf::Leaf,
    tlog::{Folder, Tiles, VerifierKey, proof::Proof},
    verify::{Problem, checkpoint, continued},
};

/// Proves that an entry is in the log (C2SP tlog-proof, the entry itself as its extra line), or that the log continues an
/// older checkpoint (as C2SP tlog-witness sends it), or checks such a proof of an entry and prints the entry's header.
///
/// Exit codes: 0 proved, 1 cannot be read, 4 the log or the proof is not what was signed, 5 not signed by the key, 6 does
/// not continue the checkpoint, 64 wrong arguments.
#[derive(Debug, clap::Args)]
pub struct Prove {
    /// The log's public key.
    #[arg(long, value_parser = log_key)]
    vkey: VerifierKey,
    /// The log's folder, or a copy of it.
    #[arg(long, required_unless_present = "check", conflicts_with = "check")]
    log: Option<PathBuf>,
    /// The entry, from 0.
    #[arg(long, required_unless_present_any = ["since", "check"])]
    index: Option<u64>,
    /// The older checkpoint.
    #[arg(long, conflicts_with_all = ["index", "check"])]
    since: Option<PathBuf>,
    /// A proof of an entry to check; no log is needed.
    #[arg(long, conflicts_with = "index")]
    check: Option<PathBuf>,
    /// The site whose entry the proof to check must be of.
    #[arg(long, requires = "check")]
    site: Option<String>,
}

impl Prove {
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let proved = match &self.check {
            Some(path) => check(&read(path)?, &self.vkey, self.site.as_deref()),
            None => self.make()?,
        };
        match proved {
            Ok(text) => {
                print(&text)?;
                Ok(ExitCode::SUCCESS)
            }
            Err(problem) => Ok(tell(&problem)),
        }
    }

    fn make(&self) -> anyhow::Result<Result<String, Problem>> {
        let since = self.since.as_deref().map(read).transpose()?;
        let log = self.log.as_deref().unwrap_or_else(|| std::path::Path::new("."));
        Ok(self.proof(&Folder::new(log), since.as_deref()))
    }

    fn proof(&self, files: &Folder, since: Option<&[u8]>) -> Result<String, Problem> {
        let signed = checkpoint(files, &self.vkey)?;
        let mut tiles = Tiles::open(files, &signed)?;
        if let Some(since) = since {
            let old = continued(&mut tiles, since, &self.vkey)?;
            let lines: String = tiles.consistency(old)?.iter().map(|hash| format!("{hash}\n")).collect();
            return Ok(format!("old {old}\n{lines}\n{}", signed.note()));
        }
        let index = self.index.unwrap_or_default();
        let mut entry = Vec::new();
        let path = tiles.inclusion(index)?;
        tiles.leaves(index..index + 1, |_, leaf| entry = leaf.to_vec())?;
        Ok(Proof { index, entry, path, checkpoint: signed.note().to_owned() }.to_string())
    }
}

/// Whoever signs can put any entry at any place: what its header says of itself must be what was proved.
fn check(text: &[u8], key: &VerifierKey, site: Option<&str>) -> Result<String, Problem> {
    let proof = Proof::parse(text).ok_or(Problem::Proof)?;
    let signed = proof.verify(key)?.ok_or(Problem::Proof)?;
    let wrong = |what: String| Problem::Leaf { index: proof.index, what };
    let leaf = Leaf::read(&proof.entry).map_err(|error| wrong(error.to_string()))?;
    if leaf.header.sequence != proof.index {
        return Err(wrong("its header has another sequence number".to_owned()));
    }
    if site.is_some_and(|site| site != leaf.header.site) {
        return Err(wrong("it is of another site".to_owned()));
    }
    Ok(format!("{}\nentry {} of {}\n{}\n", signed.origin, proof.index, signed.size, leaf.line))
}
