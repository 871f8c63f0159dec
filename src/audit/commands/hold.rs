//! `varco-audit hold`: named records are frozen for an authority.

use super::{
    officer::{Allowed, EXIT_CLOSED, Officer, now, open, signer},
    print,
    verify::log_key,
};
use anyhow::{Context as _, Result, bail, ensure};
use clap::Subcommand;
use jiff::Timestamp;
use std::{collections::BTreeSet, fmt::Write as _, path::PathBuf, process::ExitCode};
use varco_audit::{
    both,
    case::{Answer, CaseId},
    hold::{Folder, Held, Hold, Holding, Standing, renewed},
    holder::Holder,
    pack::sha256,
    records::{Records, RecordsError},
    seal::Role,
    tlog::{VerifierKey, proof::Proof},
    verify::checkpoint,
};

/// Records that are frozen for an authority, beyond the end of their class. Both holders are there.
#[derive(Debug, Subcommand)]
pub enum HoldCommand {
    /// Freeze the records of a case's answer, or others of the same log that the act names. Ninety days.
    Make(Box<Make>),
    /// Every hold, and until when.
    List(Place),
    /// Ninety days more, and six months in all.
    Renew(One),
    /// Let a hold go, and destroy it.
    Release(One),
    /// Show the records of a hold.
    Open(Open),
}

/// Whose keys, and where the holds are.
#[derive(Debug, clap::Args)]
pub struct Place {
    #[command(flatten)]
    officer: Officer,
    /// The folder of holds; beside the ceremony's, on the same media.
    #[arg(long, default_value = "holds")]
    holds: PathBuf,
}

/// One hold.
#[derive(Debug, clap::Args)]
pub struct One {
    #[command(flatten)]
    place: Place,
    /// The case.
    #[arg(long)]
    case: CaseId,
}

#[derive(Debug, clap::Args)]
pub struct Open {
    #[command(flatten)]
    one: One,
    /// The public key of the site's log.
    #[arg(long, value_parser = log_key)]
    vkey: VerifierKey,
}

/// Exit codes: 0 held; 1 records missing or damaged; 7 a record has expired; 8 not allowed.
#[derive(Debug, clap::Args)]
pub struct Make {
    #[command(flatten)]
    allowed: Allowed,
    #[command(flatten)]
    place: Place,
    /// The answer, whose records are held.
    #[arg(long, required_unless_present = "sequence")]
    answer: Option<PathBuf>,
    /// A record by its number. Several times.
    #[arg(long)]
    sequence: Vec<u64>,
    /// The site's log.
    #[arg(long)]
    log: PathBuf,
    /// Its public key.
    #[arg(long, value_parser = log_key)]
    vkey: VerifierKey,
    /// NAME.pub of a deputy who may open it in the place of one of both. Several times.
    #[arg(long)]
    deputy: Vec<PathBuf>,
}

impl HoldCommand {
    pub fn run(&self) -> Result<ExitCode> {
        match self {
            Self::Make(make) => return make.run(),
            Self::List(place) => list(place)?,
            Self::Renew(one) => renew(one, now())?,
            Self::Release(one) => release(one, now())?,
            Self::Open(wish) => show(wish)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Make {
    fn run(&self) -> Result<ExitCode> {
        let (people, mut opener) = (self.place.officer.people()?, self.place.officer.opener()?);
        let permit = match self.allowed.permit(&people, &mut opener, Role::Approver)? {
            Ok(permit) => permit,
            Err(code) => return Ok(code),
        };
        let case = permit.case();
        let mut holders = self.deputy.iter().map(|path| Holder::read(path)).collect::<Result<Vec<_>, _>>()?;
        for role in Role::ALL {
            let name = &signer(&opener, role)?.name;
            holders.extend(people.get(name).cloned());
        }
        let mut records = Records::open(Some(&self.log), None)?;
        let signed = checkpoint(&varco_audit::tlog::Folder::new(&self.log), &self.vkey)?;
        let mut leaves = Vec::new();
        for index in self.sequences(case, &people)? {
            let entry = match records.leaf(index) {
                Err(expired @ RecordsError::Gone { .. }) => {
                    eprintln!("record {index}: {expired}");
                    return Ok(ExitCode::from(EXIT_CLOSED));
                }
                entry => entry?,
            };
            let path = records.proof(index)?;
            let path = path.with_context(|| format!("record {index} is not in the log yet"))?;
            let proof = Proof { index, entry, path, checkpoint: signed.note().to_owned() };
            proof.verify(&self.vkey)?.with_context(|| format!("record {index} is not in the log"))?;
            leaves.push(Held::of(proof, case, &mut opener, &holders)?);
        }
        ensure!(!leaves.is_empty(), "the answer names no record");
        let made = now();
        let hold = Hold { case, made, leaves };
        let text = hold.text();
        let holding = Holding {
            case,
            at: made,
            made,
            standing: Standing::Until(renewed(made, made)?),
            records: u32::try_from(hold.leaves.len())?,
            digest: sha256(text.as_bytes()),
        };
        let signed = both::sign(
            &holding.text(),
            [signer(&opener, Role::Requester)?, signer(&opener, Role::Approver)?],
        )?;
        told(&Folder::at(&self.place.holds).put(&hold, &signed)?, &holding)?;
        Ok(ExitCode::SUCCESS)
    }

    fn sequences(&self, case: CaseId, people: &varco_audit::holder::People) -> Result<BTreeSet<u64>> {
        let mut all: BTreeSet<_> = self.sequence.iter().copied().collect();
        if let Some(path) = &self.answer {
            let answer = open::<Answer>(path, people)?;
            ensure!(answer.case == case, "the answer is of case {}, the receipt of {case}", answer.case);
            all.extend(answer.sessions.iter().flat_map(|session| session.records.clone()));
        }
        Ok(all)
    }
}

fn list(place: &Place) -> Result<()> {
    let (people, folder) = (place.officer.people()?, Folder::at(&place.holds));
    let mut text = String::new();
    for case in folder.cases()? {
        let (Holding { made, standing, records, .. }, [one, other]) = folder.holding(case, &people)?;
        writeln!(text, "{case} {records} records, made {made} by {one} and {other}, {}", standing.words())?;
    }
    print(&text)
}

fn renew(one: &One, at: Timestamp) -> Result<()> {
    let until = |holding: &Holding| Ok(Standing::Until(renewed(holding.made, at)?));
    let (folder, holding, signed) = signed(one, at, until)?;
    folder.hold(&holding)?;
    told(&folder.replace(holding.case, &signed)?, &holding)
}

/// What both sign is written first; a stop after it leaves a hold that is over, which goes with the next `expire`.
fn release(one: &One, at: Timestamp) -> Result<()> {
    let (folder, holding, signed) = signed(one, at, |_| Ok(Standing::Released))?;
    folder.replace(holding.case, &signed)?;
    let path = folder.path().join(format!("{}.released", holding.case));
    varco_audit::keys::write_new(&path, &signed, 0o644)?;
    folder.destroy(holding.case)?;
    told(&path, &holding)
}

/// What both say now of a hold that is there.
fn signed(
    one: &One,
    at: Timestamp,
    standing: impl Fn(&Holding) -> Result<Standing>,
) -> Result<(Folder, Holding, String)> {
    let (people, opener) = (one.place.officer.people()?, one.place.officer.opener()?);
    let folder = Folder::at(&one.place.holds);
    let (before, _) = folder.holding(one.case, &people)?;
    if before.standing == Standing::Released {
        bail!("{} was released", one.case);
    }
    let holding = Holding { at, standing: standing(&before)?, ..before };
    let text =
        both::sign(&holding.text(), [signer(&opener, Role::Requester)?, signer(&opener, Role::Approver)?])?;
    Ok((folder, holding, text))
}

fn show(wish: &Open) -> Result<()> {
    let One { place, case } = &wish.one;
    let (people, opener) = (place.officer.people()?, place.officer.opener()?);
    let folder = Folder::at(&place.holds);
    let (holding, _) = folder.holding(*case, &people)?;
    let both = [signer(&opener, Role::Requester)?, signer(&opener, Role::Approver)?];
    for held in folder.hold(&holding)?.leaves {
        let (line, content) = held.open(*case, both, &wish.vkey)?;
        print(&format!("{line}\n  {}\n", serde_json::to_string(&content)?))?;
    }
    Ok(())
}

fn told(path: &std::path::Path, holding: &Holding) -> Result<()> {
    let (case, records, standing) = (holding.case, holding.records, holding.standing.words());
    print(&format!(
        "case {case}\n{records} records, {standing}\n{}\nbring it to the hub: varco-hub expiry submit FILE\n",
        path.display()
    ))
}
