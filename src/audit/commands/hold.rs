//! `varco-audit hold`: named records are frozen for an authority.

use super::{
    officer::{Allowed, EXIT_CLOSED, EXIT_NOT_ALLOWED, Officer, now, open, signer},
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
    holder::{Holder, People},
    leaf::Leaf,
    pack::sha256,
    records::{Records, RecordsError},
    seal::Role,
    tlog::{VerifierKey, proof::Proof},
    verify::checkpoint,
};

/// Records that are frozen for an authority, beyond the end of their class. Both holders are there.
#[derive(Debug, Subcommand)]
pub enum HoldCommand {
    /// Freeze the records of a case's answer that are in one site's log. Ninety days.
    Make(Box<Make>),
    /// Every hold, and until when.
    List(Place),
    /// Ninety days more, and six months in all.
    Renew(One),
    /// Let a hold go, and destroy it.
    Release(One),
    /// Show the records of a hold. Exit code 7 when it is over.
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

/// Exit codes: 0 held; 1 records missing or damaged; 7 a record has expired; 8 not allowed, or not named by the answer.
#[derive(Debug, clap::Args)]
pub struct Make {
    #[command(flatten)]
    allowed: Allowed,
    #[command(flatten)]
    place: Place,
    /// The answer, whose records at the log's site are held.
    #[arg(long)]
    answer: PathBuf,
    /// Of these only the record of this number. Several times.
    #[arg(long)]
    sequence: Vec<u64>,
    /// The site's log.
    #[arg(long)]
    log: PathBuf,
    /// Its public key.
    #[arg(long, value_parser = log_key)]
    vkey: VerifierKey,
    /// The name of a deputy, one of the ceremony's holders, who may open it in the place of one of both. Several times.
    #[arg(long, value_name = "NAME")]
    deputy: Vec<String>,
}

impl HoldCommand {
    pub fn run(&self) -> Result<ExitCode> {
        match self {
            Self::Make(make) => return make.run(),
            Self::List(place) => list(place)?,
            Self::Renew(one) => renew(one, now())?,
            Self::Release(one) => release(one, now())?,
            Self::Open(wish) => return show(wish),
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
        let mut names: BTreeSet<_> = self.deputy.iter().cloned().collect();
        for role in Role::ALL {
            names.insert(signer(&opener, role)?.name.clone());
        }
        let holders = known(&names, &people)?;
        let answer = open::<Answer>(&self.answer, &people)?;
        ensure!(answer.case == case, "the answer is of case {}, the receipt of {case}", answer.case);
        let mut records = Records::open(Some(&self.log), None)?;
        let signed = checkpoint(&varco_audit::tlog::Folder::new(&self.log), &self.vkey)?;
        let site = site(&mut records, signed.checkpoint().size)?;
        let named = named(&answer, &site)?;
        if let Some(other) = self.sequence.iter().find(|number| !named.contains(number)) {
            eprintln!("record {other}: the answer does not name it among those of {site}");
            return Ok(ExitCode::from(EXIT_NOT_ALLOWED));
        }
        let mut leaves = Vec::new();
        for index in named.into_iter().filter(|number| self.is_wished(*number)) {
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
            let of = Leaf::read(&proof.entry)?.header.site;
            ensure!(of == site, "record {index} is of {of}, in the log of {site}");
            leaves.push(Held::of(proof, case, &mut opener, &holders)?);
        }
        let made = now();
        let hold = Hold { case, made, leaves };
        let text = hold.text();
        let holding = Holding {
            case,
            at: made,
            made,
            standing: Standing::Until(renewed(made, made)?),
            holders: names,
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

    /// Whether a record that the answer names is to be held.
    fn is_wished(&self, number: u64) -> bool {
        self.sequence.is_empty() || self.sequence.contains(&number)
    }
}

/// These among the ceremony's holders: nobody else opens anything.
fn known(names: &BTreeSet<String>, people: &People) -> Result<Vec<Holder>> {
    let known = |name: &String| people.get(name).cloned();
    let all = names
        .iter()
        .map(|name| known(name).with_context(|| format!("`{name}` is none of the holders known here")));
    all.collect()
}

/// The site of a log, by its newest entry: that is never pruned.
fn site(records: &mut Records, size: u64) -> Result<String> {
    let newest = size.checked_sub(1).context("the log has no record")?;
    Ok(Leaf::read(&records.leaf(newest)?)?.header.site)
}

/// The numbers that an answer names at a site. Each site counts its own records: those of another say nothing here.
fn named(answer: &Answer, site: &str) -> Result<BTreeSet<u64>> {
    let here = answer.sessions.iter().filter(|session| session.site == site);
    let named: BTreeSet<_> = here.flat_map(|session| session.records.clone()).collect();
    let sites: BTreeSet<_> = answer.sessions.iter().map(|session| session.site.as_str()).collect();
    let sites = sites.into_iter().collect::<Vec<_>>().join(", ");
    ensure!(
        !named.is_empty(),
        "the answer names no record of {site}, whose log this is; it names some of: {sites}"
    );
    Ok(named)
}

fn list(place: &Place) -> Result<()> {
    let (people, folder) = (place.officer.people()?, Folder::at(&place.holds));
    let mut text = String::new();
    for case in folder.cut()? {
        writeln!(text, "{case} was not finished: make it again, or it goes with the next `expire`")?;
    }
    for case in folder.cases()? {
        let (Holding { made, standing, records, .. }, [one, other]) = match folder.holding(case, &people) {
            Ok(read) => read,
            Err(error) => {
                eprintln!("{error}");
                continue;
            }
        };
        writeln!(text, "{case} {records} records, made {made} by {one} and {other}, {}", standing.words())?;
    }
    print(&text)
}

fn renew(one: &One, at: Timestamp) -> Result<()> {
    let until = |holding: &Holding| {
        ensure!(!holding.is_over(at), "it was over: {}", holding.standing.words());
        Ok(Standing::Until(renewed(holding.made, at)?))
    };
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

fn show(wish: &Open) -> Result<ExitCode> {
    let One { place, case } = &wish.one;
    let people = place.officer.people()?;
    let folder = Folder::at(&place.holds);
    let (holding, _) = folder.holding(*case, &people)?;
    if holding.is_over(now()) {
        eprintln!(
            "the hold of {case} is over ({}): it goes with the next `expire`",
            holding.standing.words()
        );
        return Ok(ExitCode::from(EXIT_CLOSED));
    }
    let opener = place.officer.opener()?;
    known(
        &Role::ALL.iter().map(|role| Ok(signer(&opener, *role)?.name.clone())).collect::<Result<_>>()?,
        &people,
    )?;
    let both = [signer(&opener, Role::Requester)?, signer(&opener, Role::Approver)?];
    for held in folder.hold(&holding)?.leaves {
        let (line, content) = held.open(*case, both, &wish.vkey)?;
        print(&format!("{line}\n  {}\n", serde_json::to_string(&content)?))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn told(path: &std::path::Path, holding: &Holding) -> Result<()> {
    let (case, records, standing) = (holding.case, holding.records, holding.standing.words());
    print(&format!(
        "case {case}\n{records} records, {standing}\n{}\nbring it to the hub: varco-hub expiry submit FILE\n",
        path.display()
    ))
}
