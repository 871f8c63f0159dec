//! `varco-audit expire`: what is over is destroyed by two persons, and they say so.

use super::{
    kept::Decided,
    officer::{Officer, now, signer, unfit},
    print,
    verify::{log_key, read},
};
use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};
use varco_audit::{
    both,
    case::CaseId,
    class::Class,
    expiry::{
        Destroyed, Due, Expired, Kept, Statement, Unfinished, begin, confirmed, destroy, due, end,
        signed_instant, unfinished,
    },
    hold::{Folder, FolderError},
    holder::People,
    keys::KeyFolder,
    seal::Role,
    tlog::VerifierKey,
    week::Period,
};

/// Holds that are over, and where they are.
type Holds = Vec<(Folder, CaseId)>;

/// Destroy the keys and holds whose time is over, in every folder given, and write what both persons sign of it for the hub.
///
/// Both holders are there. The time that counts is this machine's clock or, where that is earlier, the instant of a late
/// entry of the hub's log, proved by --time: a clock that is ahead destroys nothing. Without --yes it only lists what is due.
/// What both sign is written first, `<instant>.expiring`; where a run was cut, the next goes on from that file.
///
/// Exit codes: 0 done, or nothing is due; 1 a folder or file cannot be read or written (a hold: the rest is done); 64 wrong arguments.
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
    #[command(flatten)]
    kept: Decided,
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
        let people = self.officer.people()?;
        if let Some(Unfinished { path, said }) = unfinished(&self.folder, &people)? {
            return self.go_on(&path, &said, &people);
        }
        let at = now();
        let time = self.time(at)?;
        let (chosen, (holds, unread)) = (self.chosen(time)?, self.over(&people, time)?);
        unread
            .iter()
            .for_each(|error| eprintln!("{error}; it stays: is NAME.pub of who signed it in `holders`?"));
        let code = if unread.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        print(&listed(&chosen, &holds, time)?)?;
        if chosen.is_empty() && holds.is_empty() || !self.yes {
            return Ok(code);
        }
        let statement = Statement {
            at,
            time,
            kept: self.kept.lengths(&KeyFolder::at(&self.officer.keys))?,
            folders: self.named(),
            destroyed: self.destroyed(&chosen),
            holds: holds.iter().map(|(_, case)| *case).collect(),
            reason: self.reason.clone(),
        };
        let opener = self.officer.opener()?;
        let both = [signer(&opener, Role::Requester)?, signer(&opener, Role::Approver)?];
        // On the disk first: a token that is pulled out or a full disk leaves everything as it was.
        let path = begin(&self.folder, at, &both::sign(&statement.text(), both)?)?;
        self.carry_out(&path, &statement, &people)?;
        Ok(code)
    }

    /// A run before this one was cut after both had signed: the rest of what they signed, and nothing else.
    fn go_on(
        &self,
        path: &Path,
        Expired { statement, by: [one, other] }: &Expired,
        people: &People,
    ) -> Result<ExitCode> {
        let (file, folders) = (path.display(), statement.folders.join(" "));
        print(&format!("{file}: signed by {one} and {other}, and not carried out to its end\n"))?;
        let same = |folders: &[String]| folders.iter().cloned().collect::<BTreeSet<_>>();
        ensure!(
            same(&statement.folders) == same(&self.named()),
            "{file} is of these folders; give them all, written so, with --keys, --copy and --holds: {folders}"
        );
        if !self.yes {
            print("with --yes it goes on from there\n")?;
            return Ok(ExitCode::SUCCESS);
        }
        let opener = self.officer.opener()?;
        Role::ALL.into_iter().try_for_each(|role| signer(&opener, role).map(|_| ()))?;
        print("goes on from there; what is due beside it goes when this is run again\n")?;
        self.carry_out(path, statement, people)?;
        Ok(ExitCode::SUCCESS)
    }

    /// Destroys what both signed, as far as it is there still, and says that it is done.
    fn carry_out(&self, path: &Path, statement: &Statement, people: &People) -> Result<()> {
        for folder in self.folders() {
            let mut due = due(&folder, &Kept::default())?;
            due.retain(|due| {
                statement.destroyed.iter().any(|one| (one.class, one.period) == (due.class, due.period))
            });
            destroy(&folder, &due)?;
        }
        for (folder, case) in self.over(people, statement.time)?.0 {
            if statement.holds.contains(&case) {
                folder.destroy(case)?;
            }
        }
        let done = end(path)?;
        print(&format!("{}\nbring it to the hub: varco-hub expiry submit FILE\n", done.display()))
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

    /// Every folder, as the statement names it.
    fn named(&self) -> Vec<String> {
        let keys = self.folders().map(|folder| folder.path().display().to_string());
        keys.chain(self.holds.iter().map(|folder| folder.display().to_string())).collect()
    }

    /// What is destroyed in each folder: what is over, and what was named.
    fn chosen(&self, time: Option<Timestamp>) -> Result<Vec<(KeyFolder, Vec<Due>)>> {
        let kept = self.kept.lengths(&KeyFolder::at(&self.officer.keys))?;
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

    /// The holds that are over, and why of others nobody can say it.
    fn over(&self, people: &People, time: Option<Timestamp>) -> Result<(Holds, Vec<FolderError>)> {
        let (mut over, mut unread) = (Vec::new(), Vec::new());
        for path in &self.holds {
            let folder = Folder::at(path);
            let of = folder.over(people, time)?;
            over.extend(of.cases.into_iter().map(|case| (folder.clone(), case)));
            unread.extend(of.unread);
        }
        Ok((over, unread))
    }

    /// The same by class and period, in all folders.
    fn destroyed(&self, chosen: &[(KeyFolder, Vec<Due>)]) -> Vec<Destroyed> {
        let mut all = Vec::<Destroyed>::new();
        for &Due { class, period, keys, .. } in chosen.iter().flat_map(|(_, due)| due) {
            let early = self.early.contains(&(class, period));
            match all.iter_mut().find(|there| (there.class, there.period) == (class, period)) {
                Some(there) => there.keys += keys,
                None => all.push(Destroyed { class, period, keys, early }),
            }
        }
        all
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
