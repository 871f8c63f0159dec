//! `varco-audit pack` makes an evidence pack; `varco-audit verify --pack` verifies one.

use super::{
    officer::{EXIT_CLOSED, Officer, now},
    print,
    verify::{log_key, read, witness_key},
};
use anyhow::{Context as _, Result, anyhow};
use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::ExitCode,
};
use varco_audit::{
    holder::People,
    pack::{self, NoPack, SiteLog, Trust, sha256},
    timestamp::Authority,
    tlog::{Folder, Kind, Place, TileError, VerifierKey, prune},
};
use varco_policy::Site;

/// Make the evidence pack of a case: one file that the authority verifies without us, offline. Both holders are there.
///
/// It is verified before it is written. Exit codes: 0 made; 1 something is missing or cannot be read; 7 records of the case have expired; 64 wrong arguments.
#[derive(Debug, clap::Args)]
pub struct Pack {
    #[command(flatten)]
    officer: Officer,
    /// The request.
    #[arg(long)]
    request: PathBuf,
    /// The approval.
    #[arg(long)]
    approval: PathBuf,
    /// The answer.
    #[arg(long)]
    answer: PathBuf,
    /// The hub's log, or a copy of it, made after those of the sites.
    #[arg(long)]
    hub_log: PathBuf,
    /// The public key of the hub's log.
    #[arg(long, value_parser = log_key)]
    hub_vkey: VerifierKey,
    /// The public key of the hub's mirror (kind 0x04).
    #[arg(long, value_parser = witness_key)]
    mirror: VerifierKey,
    /// A witness that must have cosigned the hub's checkpoint. Several times.
    #[arg(long, value_parser = witness_key)]
    witness: Vec<VerifierKey>,
    /// Certificates of the timestamp authority, PEM: the checkpoint of the pack must be stamped by it (`varco-hub timestamp`).
    #[arg(long)]
    tsa: Option<PathBuf>,
    /// A site, the hub's copy of its log, and its site.toml: library=FOLDER=FILE. Several times.
    #[arg(long, value_parser = site)]
    site: Vec<(String, PathBuf, PathBuf)>,
    /// The public key of a site's log. Several times.
    #[arg(long, value_parser = log_key)]
    vkey: Vec<VerifierKey>,
    /// A program or a settings file of which the SHA-256 goes into the pack, beside this program and the site.toml. Several times.
    #[arg(long)]
    digest: Vec<PathBuf>,
    /// The folder for the pack, `<case>.pack.tar`.
    #[arg(long, default_value = ".")]
    folder: PathBuf,
}

impl Pack {
    pub fn run(&self) -> Result<ExitCode> {
        let trust = Trust {
            hub: Some(self.hub_vkey.clone()),
            mirror: Some(self.mirror.clone()),
            sites: self.vkey.clone(),
            witnesses: self.witness.clone(),
            people: Some(self.officer.people()?),
            tsa: self.tsa.as_deref().map(authority).transpose()?,
        };
        let sites = self.site.iter().map(site_log).collect::<Result<Vec<_>>>()?;
        let [request, approval, answer] =
            [&self.request, &self.approval, &self.answer].map(|path| read(path));
        let (request, approval, answer) = (request?, approval?, answer?);
        let make = pack::Make {
            request: &request,
            approval: &approval,
            answer: &answer,
            hub: &self.hub_log,
            sites: &sites,
            trust: &trust,
            digests: &self.digests()?,
            at: now(),
        };
        let (octets, report) = match pack::make(&make, &mut self.officer.opener()?) {
            Err(NoPack::Tiles(log, TileError::Missing(path))) if has_expired(&log, &path) => {
                let below = prune::minimum(&Folder::new(&log));
                eprintln!(
                    "{}: records of the case have expired: those below {below} are gone",
                    log.display()
                );
                return Ok(ExitCode::from(EXIT_CLOSED));
            }
            made => made?,
        };
        let case = varco_audit::case::CaseId::of(&request);
        let path = self.folder.join(format!("{case}.pack.tar"));
        write(&path, &octets)?;
        print(&format!("{report}{}\n", path.display()))?;
        Ok(ExitCode::SUCCESS)
    }

    /// SHA-256 of this program, the sites' settings, and what else was named.
    fn digests(&self) -> Result<Vec<(String, String)>> {
        let own = std::env::current_exe().context("this program")?;
        let settings = self.site.iter().map(|(.., settings)| settings);
        let mut digests = std::iter::once(&own)
            .chain(settings)
            .chain(&self.digest)
            .map(|path| {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
                Ok((sha256(&read(path)?), name.unwrap_or_default()))
            })
            .collect::<Result<Vec<_>>>()?;
        digests.sort_by(|one, other| (&one.1, &one.0).cmp(&(&other.1, &other.0)));
        digests.dedup();
        Ok(digests)
    }
}

/// Whether a bundle is missing because what was in it is over.
fn has_expired(log: &Path, path: &str) -> bool {
    let place = Place::parse(path).filter(|place| place.kind == Kind::Entries);
    place.is_some_and(|place| place.index * 256 < prune::minimum(&Folder::new(log)))
}

/// Writes a new file that only its owner reads: it names a person.
fn write(path: &Path, octets: &[u8]) -> Result<()> {
    use std::{fs::File, io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let file = File::options().write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.with_context(|| path.display().to_string())?;
    file.write_all(octets).and_then(|()| file.sync_all()).with_context(|| path.display().to_string())
}

fn authority(path: &Path) -> Result<Authority> {
    Authority::from_pem(&read(path)?).with_context(|| path.display().to_string())
}

fn site(text: &str) -> Result<(String, PathBuf, PathBuf), String> {
    let parts: Vec<_> = text.split('=').collect();
    let [site, log, settings] = parts[..] else {
        return Err(format!("`{text}` is no site; write library=FOLDER=SITE.TOML"));
    };
    Ok((site.to_owned(), log.into(), settings.into()))
}

fn site_log((site, folder, settings): &(String, PathBuf, PathBuf)) -> Result<SiteLog> {
    let of = Site::load(settings).map_err(|error| anyhow!("{error}"))?;
    let slots: Vec<(Ipv4Addr, u16)> =
        of.slots.addresses.iter().map(|address| (*address, of.slots.ports)).collect();
    Ok(SiteLog { site: site.clone(), folder: folder.clone(), slots })
}

/// What verifies a pack, beside the keys that a log needs too.
#[derive(Debug, clap::Args)]
pub struct PackKeys {
    /// Verify an evidence pack in the place of a log. Without keys those in the pack are believed, which is said.
    #[arg(long, conflicts_with = "log")]
    pub pack: Option<PathBuf>,
    /// The public key of the hub's log.
    #[arg(long, requires = "pack", value_parser = log_key)]
    hub_vkey: Option<VerifierKey>,
    /// The public key of the hub's mirror (kind 0x04).
    #[arg(long, requires = "pack", value_parser = witness_key)]
    mirror: Option<VerifierKey>,
    /// A folder with NAME.pub of the officers.
    #[arg(long, requires = "pack")]
    holders: Option<PathBuf>,
}

impl PackKeys {
    /// Verifies the pack and says what it is worth.
    pub fn verify(
        &self,
        pack: &Path,
        sites: &[VerifierKey],
        witnesses: &[VerifierKey],
        tsa: Option<&Path>,
    ) -> Result<ExitCode> {
        let trust = Trust {
            hub: self.hub_vkey.clone(),
            mirror: self.mirror.clone(),
            sites: sites.to_vec(),
            witnesses: witnesses.to_vec(),
            people: self.holders.as_deref().map(People::read).transpose()?,
            tsa: tsa.map(authority).transpose()?,
        };
        match pack::verify(&read(pack)?, &trust) {
            Ok(report) => {
                print(&report.to_string())?;
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => {
                eprintln!("{error}");
                Ok(ExitCode::from(error.exit_code()))
            }
        }
    }
}
