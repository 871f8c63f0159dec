//! `varco-audit expire`: what is over is destroyed by two persons, and they say so.

use super::{
    officer::{Officer, now, signer, unfit},
    print,
    verify::{log_key, read},
};
use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use std::{fmt::Write as _, path::PathBuf, process::ExitCode};
use varco_audit::{
    both,
    case::CaseId,
    class::Class,
    expiry::{Destroyed, Due, Kept, Statement, confirmed, destroy, due, signed_instant},
    hold::Folder,
    keys::{self, KeyFolder},
    seal::Role,
    tlog::VerifierKey,
    week::Period,
};

/// Destroy the keys and holds whose time is over, in every folder given, and write what both persons sign of it for the hub.
///
/// Both holders are there. The time that counts is this machine's clock or, where that is earlier, the instant of a late
/// entry of the hub's log, proved by --time: a clock that is ahead destroys nothing. Without --yes it only lists what is due.
///
/// Exit codes: 0 done, or nothing is due; 1 a folder or file cannot be read or written; 64 wrong arguments.
#[derive(Debug, clap::Args)]
pub struct Expire {
    #[command(flatten)]
    officer: Officer,
    /// Copies of the ceremony's folder that are here too. Several times. Those that are not here are to be brought.
    #[arg(long)]
    copy: Vec<PathBuf>,
    /// A folder of holds. Several times.
    #[arg(long)]
    holds: Vec<PathBuf>,
    /// A proof of a late entry of the hub's log (C2SP tlog-proof), which says what time it is.
    #[arg(long, requires = "hub_vkey")]
    time: Option<PathBuf>,
    /// The public key of the hub's log.
    #[arg(long, value_parser = log_key)]
    hub_vkey: Option<VerifierKey>,
    /// What the controller has decided otherwise than the default, as in `[log.retention]` of hub and gateways: R2b="30 days".
    /// Several times.
    #[arg(long, value_name = "CLASS=LENGTH", value_parser = kept)]
    kept: Vec<(String, String)>,
    /// Destroy this before its time, as CLASS:PERIOD (R3:2026-11-22). Several times.
    #[arg(long, requires = "reason", value_parser = early)]
    early: Vec<(Class, Period)>,
    /// Why before its time: one line, in what both sign; it names nobody.
    #[arg(long, requires = "early")]
    reason: Option<String>,
    /// Do it.
    #[arg(long)]
    yes: bool,
    /// The folder for the statement, `<instant>.expired`.
    #[arg(long, default_value = ".")]
    folder: PathBuf,
}

impl Expire {
    pub fn run(&self) -> Result<ExitCode> {
        if self.reason.as_ref().is_some_and(|reason| reason.trim() != reason || reason.contains('\n')) {
            return Ok(unfit("--reason: one line, without spaces around it"));
        }
        let at = now();
        let time = self.time(at)?;
        let (chosen, holds) = (self.chosen(time)?, self.over(time)?);
        print(&listed(&chosen, &holds, time)?)?;
        if chosen.is_empty() && holds.is_empty() || !self.yes {
            return Ok(ExitCode::SUCCESS);
        }
        let opener = self.officer.opener()?;
        let both = [signer(&opener, Role::Requester)?, signer(&opener, Role::Approver)?];
        // Who signs is known before anything is destroyed.
        self.officer.people()?;
        let destroyed = self.destroy(&chosen)?;
        holds.iter().try_for_each(|(folder, case)| folder.destroy(*case))?;
        let folders = self.folders().map(|folder| folder.path().display().to_string());
        let statement = Statement {
            at,
            time,
            folders: folders.chain(self.holds.iter().map(|folder| folder.display().to_string())).collect(),
            destroyed,
            holds: holds.iter().map(|(_, case)| *case).collect(),
            reason: self.reason.clone(),
        };
        let path = self.folder.join(format!("{}.expired", at.strftime("%Y%m%dT%H%M%SZ")));
        keys::write_new(&path, &both::sign(&statement.text(), both)?, 0o644)?;
        print(&format!("{}\nbring it to the hub: varco-hub expiry submit FILE\n", path.display()))?;
        Ok(ExitCode::SUCCESS)
    }

    /// The time that counts; nothing is over where nobody but this machine says what time it is.
    fn time(&self, at: Timestamp) -> Result<Option<Timestamp>> {
        let (Some(path), Some(hub)) = (&self.time, &self.hub_vkey) else { return Ok(None) };
        let signed = signed_instant(&read(path)?, hub).with_context(|| path.display().to_string())?;
        Ok(confirmed(at, Some(signed)))
    }

    fn folders(&self) -> impl Iterator<Item = KeyFolder> {
        std::iter::once(&self.officer.keys).chain(&self.copy).map(|folder| KeyFolder::at(folder))
    }

    /// What is destroyed in each folder: what is over, and what was named.
    fn chosen(&self, time: Option<Timestamp>) -> Result<Vec<(KeyFolder, Vec<Due>)>> {
        let mut kept = Kept::default();
        self.kept.iter().try_for_each(|(class, length)| kept.set(class, length))?;
        let over = |due: &Due| time.is_some_and(|time| due.is_over(time));
        let chosen: Vec<(KeyFolder, Vec<Due>)> = self
            .folders()
            .map(|folder| {
                let all = due(&folder, &kept)?.into_iter();
                let due = all.filter(|due| over(due) || self.early.contains(&(due.class, due.period)));
                Ok((folder, due.collect()))
            })
            .collect::<Result<_>>()?;
        for (class, period) in &self.early {
            let there = chosen
                .iter()
                .flat_map(|(_, due)| due)
                .any(|due| (due.class, due.period) == (*class, *period));
            ensure!(there, "nothing that opens {class} of {period} is in these folders");
        }
        Ok(chosen.into_iter().filter(|(_, due)| !due.is_empty()).collect())
    }

    fn over(&self, time: Option<Timestamp>) -> Result<Vec<(Folder, CaseId)>> {
        let Some(time) = time else { return Ok(Vec::new()) };
        let people = self.officer.people()?;
        let mut over = Vec::new();
        for path in &self.holds {
            let folder = Folder::at(path);
            let cases = folder.over(&people, time)?;
            over.extend(cases.into_iter().map(|case| (folder.clone(), case)));
        }
        Ok(over)
    }

    fn destroy(&self, chosen: &[(KeyFolder, Vec<Due>)]) -> Result<Vec<Destroyed>> {
        let mut all = Vec::<Destroyed>::new();
        for (folder, due) in chosen {
            for (due, keys) in due.iter().zip(destroy(folder, due)?) {
                let (class, period) = (due.class, due.period);
                let early = self.early.contains(&(class, period));
                match all.iter_mut().find(|there| (there.class, there.period) == (class, period)) {
                    Some(there) => there.keys += keys,
                    None => all.push(Destroyed { class, period, keys, early }),
                }
            }
        }
        Ok(all)
    }
}

fn listed(
    chosen: &[(KeyFolder, Vec<Due>)],
    holds: &[(Folder, CaseId)],
    time: Option<Timestamp>,
) -> Result<String> {
    let mut text = String::new();
    match time {
        Some(time) => writeln!(text, "time       {time}")?,
        None => writeln!(
            text,
            "time       nobody's but this machine's: nothing is over; give --time and --hub-vkey"
        )?,
    }
    for (folder, due) in chosen {
        for due in due {
            let (folder, due_at) = (folder.path().display(), due.ends);
            writeln!(
                text,
                "{} {}: {} keys in {folder}, kept until {due_at}",
                due.period, due.class, due.keys
            )?;
        }
    }
    for (folder, case) in holds {
        writeln!(text, "hold {case} in {}", folder.path().display())?;
    }
    if chosen.is_empty() && holds.is_empty() {
        text.push_str("nothing is due\n");
    }
    Ok(text)
}

fn kept(text: &str) -> Result<(String, String), String> {
    let (class, length) = text.split_once('=').ok_or_else(|| format!("`{text}`: write R2b=\"30 days\""))?;
    let tried = Kept::default().set(class, length);
    tried.map(|()| (class.to_owned(), length.to_owned())).map_err(|bad| bad.to_string())
}

fn early(text: &str) -> Result<(Class, Period), String> {
    let bad = || format!("`{text}` is no class and period; write R3:2026-11-22");
    let (class, period) = text.split_once(':').ok_or_else(bad)?;
    let (class, period): (Class, Period) =
        (class.parse().map_err(|_| bad())?, period.parse().map_err(|_| bad())?);
    if Class::SEALED.contains(&class) && class.length() == period.length() {
        Ok((class, period))
    } else {
        Err(bad())
    }
}
