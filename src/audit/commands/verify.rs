//! `varco-audit verify`: whether a log is whole, or an entry was in it.

use super::{pack::PackKeys, print};
use anyhow::Context as _;
use jiff::SignedDuration;
use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};
use varco_audit::{
    silence::{Heard, Stretch},
    timestamp::Authority,
    tlog::{Folder, VerifierKey},
    verify::{Asked, Cosigned, Problem, Stamped, Whole, stamp, stamps, verify},
};
use varco_policy::config::EXIT_USAGE;

/// Whole, and something to ask about.
const EXIT_ODD: u8 = 4;

/// Whether a log is whole: signature, every tile and entry, sequence and site of the leaves. Says too when nothing was heard
/// of the program, and where time goes back.
///
/// Exit codes: 0 whole, 1 cannot be read, 4 not what was signed, or with --strict something to ask about, 5 not signed by the
/// key, the witness did not cosign, the timestamp is not of the authority, or another log, 6 does not continue a checkpoint
/// seen before, 64 wrong arguments.
#[derive(Debug, clap::Args)]
pub struct Verify {
    /// The log's folder, or a copy of it.
    #[arg(long, required_unless_present = "pack")]
    log: Option<PathBuf>,
    /// The log's public key, a line `<name>+<identifier>+<key>`; not to be taken from the one who gave you the folder.
    /// Of a pack, of its sites' logs: several times.
    #[arg(long, value_parser = log_key, required_unless_present = "pack")]
    vkey: Vec<VerifierKey>,
    /// A checkpoint of this log that you have from before or from elsewhere: the log must continue it. Several times.
    #[arg(long)]
    seen: Vec<PathBuf>,
    /// The public key of a witness that must have cosigned (kind 0x04). Several times.
    #[arg(long, value_parser = witness_key)]
    witness: Vec<VerifierKey>,
    /// Certificates of the timestamp authority, or of its unit, PEM: it must have signed every timestamp in the folder, or
    /// the one of --timestamp (RFC 3161).
    #[arg(long)]
    tsa: Option<PathBuf>,
    /// A timestamp that you have from elsewhere: the authority's answer, DER.
    #[arg(long, requires = "tsa")]
    timestamp: Option<PathBuf>,
    /// The checkpoint that --timestamp stamps, which the log must continue; without it, the folder's own.
    #[arg(long, requires = "timestamp")]
    stamped: Option<PathBuf>,
    /// The site whose log it is; without it, the one that the first leaf names.
    #[arg(long)]
    site: Option<String>,
    /// Entries below this have expired: their bundles may be gone, their hashes not. Without it, what `pruned` in the folder
    /// says, which must be signed by the log or by a keeper.
    #[arg(long, default_value = "0")]
    expired_below: u64,
    /// The public key of who keeps this copy, as the hub, and may say in `pruned` what has expired. Several times.
    #[arg(long, value_parser = log_key)]
    keeper: Vec<VerifierKey>,
    /// How long a program that runs may be without a heartbeat before it is told; a gateway makes one every 5 minutes.
    #[arg(long, default_value = "15m", value_parser = silence)]
    silence: SignedDuration,
    /// End with 4 where the log is whole, but nothing was heard for longer than that, or time goes back by more.
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    pack: PackKeys,
}

impl Verify {
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        if let Some(pack) = &self.pack.pack {
            return self.pack.verify(pack, &self.vkey, &self.witness, self.tsa.as_deref());
        }
        let ([vkey], Some(log)) = (&self.vkey[..], &self.log) else {
            eprintln!("give one --log and one --vkey, or --pack");
            return Ok(ExitCode::from(EXIT_USAGE));
        };
        let seen = self.seen.iter().chain(&self.stamped).map(|path| read(path)).collect::<Result<_, _>>()?;
        let asked = Asked {
            key: vkey.clone(),
            seen,
            witnesses: self.witness.clone(),
            site: self.site.clone(),
            expired: self.expired_below,
            keepers: self.keeper.clone(),
            silence: self.silence,
        };
        let files = Folder::new(log);
        let paths = files.paths().with_context(|| log.display().to_string())?;
        let stamps = self.stamps((log, vkey), &files, &paths)?;
        match verify(&files, &paths, &asked).and_then(|whole| Ok((whole, stamps?))) {
            Ok((whole, stamps)) => {
                print(&text(&whole, &stamps)?)?;
                let odd = self.strict && whole.heard.is_odd(self.silence);
                Ok(if odd { ExitCode::from(EXIT_ODD) } else { ExitCode::SUCCESS })
            }
            Err(problem) => Ok(tell(&problem)),
        }
    }

    /// What the authority says, where one is named.
    fn stamps(
        &self,
        (log, vkey): (&Path, &VerifierKey),
        files: &Folder,
        paths: &[String],
    ) -> anyhow::Result<Result<Vec<Stamped>, Problem>> {
        let Some(tsa) = &self.tsa else { return Ok(Ok(Vec::new())) };
        let authority = Authority::from_pem(&read(tsa)?).with_context(|| tsa.display().to_string())?;
        let Some(reply) = &self.timestamp else {
            return Ok(stamps(files, paths, vkey, &authority));
        };
        let own = log.join("checkpoint");
        let note = read(self.stamped.as_ref().unwrap_or(&own))?;
        Ok(stamp(&read(reply)?, &note, vkey, &authority).map(|stamped| vec![stamped]))
    }
}

/// Says what is wrong, with its exit code.
pub fn tell(problem: &Problem) -> ExitCode {
    eprintln!("{problem}");
    ExitCode::from(problem.exit_code())
}

/// Reads a key that signs checkpoints.
pub fn log_key(text: &str) -> Result<VerifierKey, String> {
    key(text, false).ok_or_else(|| format!("`{text}` is not the public key of a log (Ed25519, kind 0x01)"))
}

pub fn witness_key(text: &str) -> Result<VerifierKey, String> {
    key(text, true).ok_or_else(|| format!("`{text}` is not the public key of a witness (Ed25519, kind 0x04)"))
}

fn key(text: &str, cosigner: bool) -> Option<VerifierKey> {
    text.trim().parse().ok().filter(|key: &VerifierKey| key.is_cosigner() == cosigner)
}

/// Reads a file that the caller named.
pub fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).map_err(|error: io::Error| anyhow::anyhow!("{}: {error}", path.display()))
}

fn silence(text: &str) -> Result<SignedDuration, String> {
    let parsed = text.parse().ok().filter(|silence| *silence > SignedDuration::ZERO);
    parsed.ok_or_else(|| format!("`{text}` is not a duration; write 15m or 1h"))
}

/// Where the program was silent or stopped, and time goes back.
fn heard(text: &mut String, heard: &Heard) -> std::fmt::Result {
    let kinds = [("silence", &heard.silent), ("stopped", &heard.stopped), ("back", &heard.back)];
    for (kind, stretches) in kinds {
        for Stretch { from, to, entry } in &stretches.first {
            writeln!(text, "{kind:<10} from {from} to {to}, entry {entry}")?;
        }
        let more = stretches.count - stretches.first.len() as u64;
        if more > 0 {
            writeln!(text, "{kind:<10} {more} times more, the longest {:#}", stretches.longest)?;
        }
    }
    Ok(())
}

fn text(whole: &Whole, stamps: &[Stamped]) -> anyhow::Result<String> {
    let checkpoint = &whole.checkpoint;
    let mut text = format!(
        "log        {}\nentries    {}\nroot       {}\n",
        checkpoint.origin, checkpoint.size, checkpoint.root
    );
    if let Some(site) = &whole.site {
        writeln!(text, "site       {site}, sequence without a gap")?;
    }
    if let Some((from, to)) = whole.from_to {
        writeln!(text, "leaves     from {from} to {to}")?;
    }
    heard(&mut text, &whole.heard)?;
    if whole.gone > 0 {
        writeln!(text, "expired    {} entries are gone, their hashes are there", whole.gone)?;
    }
    for size in &whole.seen {
        writeln!(text, "continues  the checkpoint of {size} entries")?;
    }
    for Cosigned { by, size } in &whole.witnesses {
        writeln!(text, "witness    {} at {}, of {size} entries", by.witness, by.at)?;
    }
    // One a day, for years: the first and the last say it.
    let ends = if stamps.len() > 1 { vec![stamps.first(), stamps.last()] } else { vec![stamps.first()] };
    for Stamped { stamp, size } in ends.into_iter().flatten() {
        writeln!(text, "timestamp  {size} entries existed at {}, says {}", stamp.at, stamp.by)?;
    }
    for stranger in &whole.strangers {
        writeln!(text, "unsigned   {stranger}")?;
    }
    if whole.seen.is_empty() && whole.witnesses.is_empty() {
        text.push_str("end        nothing proves that it was not cut back: give --seen or --witness\n");
    }
    text.push_str("whole\n");
    Ok(text)
}
