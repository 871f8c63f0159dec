//! `varco-audit fsck`: what of a log's folder is damaged, for the one who keeps it.

use super::print;
use anyhow::Context as _;
use std::{fmt::Write as _, path::PathBuf, process::ExitCode};
use varco_audit::tlog::{Checkpoint, Damage, Files, Folder, Note, damage, mend};

/// Damage is left.
const EXIT_DAMAGED: u8 = 4;

/// What of a log's folder is damaged: every tile is made again from the entries and compared. Signatures are the business of
/// `verify`.
///
/// Exit codes: 0 nothing is damaged, or all was mended; 1 cannot be read; 4 damage is left; 64 wrong arguments.
#[derive(Debug, clap::Args)]
pub struct Fsck {
    /// The log's folder.
    #[arg(long)]
    log: PathBuf,
    /// Write damaged tiles anew, where the entries make the root of the checkpoint. The log's own program must be stopped.
    #[arg(long)]
    mend: bool,
}

impl Fsck {
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let folder = if self.mend { Folder::alone(&self.log) } else { Ok(Folder::new(&self.log)) };
        let folder = folder.with_context(|| self.log.display().to_string())?;
        let note =
            folder.read("checkpoint").with_context(|| format!("{}: checkpoint", self.log.display()))?;
        let checkpoint = Note::parse(&note).ok().and_then(|note| Checkpoint::parse(&note.text));
        let Some(checkpoint) = checkpoint else {
            print("checkpoint is damaged: it must come from another copy\n")?;
            return Ok(ExitCode::from(EXIT_DAMAGED));
        };
        let found = damage(&folder, &checkpoint).with_context(|| self.log.display().to_string())?;
        if self.mend {
            mend(&folder, &found).with_context(|| self.log.display().to_string())?;
        }
        print(&text(&checkpoint, &found, self.mend)?)?;
        let whole = found.entries.is_empty() && (self.mend || found.tiles.is_empty());
        Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(EXIT_DAMAGED) })
    }
}

fn text(checkpoint: &Checkpoint, found: &Damage, mended: bool) -> anyhow::Result<String> {
    let mut text = format!("{}: {} entries\n", checkpoint.origin, checkpoint.size);
    for (path, _) in &found.tiles {
        writeln!(text, "{path}: {}", if mended { "written anew" } else { "damaged; --mend writes it anew" })?;
    }
    for lost in &found.entries {
        writeln!(text, "{lost}; it must come from another copy")?;
    }
    Ok(text)
}
