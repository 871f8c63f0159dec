//! `keys`: the ceremony's commands. OPERATING.md says step by step who does what.

use super::{kept::Decided, print};
use anyhow::{Result, ensure};
use clap::Subcommand;
use jiff::Timestamp;
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};
use varco_audit::{
    ceremony,
    class::Class,
    holder::{Holder, HolderKey},
    keys::KeyFolder,
    seal::Role,
    token::{Token, TokenUri},
    week::{Length, Period},
};

/// The keys that open records: holders, and weeks.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Make a holder's pair: NAME.key, which never leaves them, and NAME.pub, for the ceremony.
    Holder {
        /// Their name in files: lower-case letters, digits, dashes.
        #[arg(long)]
        name: String,
        /// What they do: requester or approver. One person, one role.
        #[arg(long)]
        role: Role,
        /// Where the two files go: a medium of the holder's own.
        #[arg(long)]
        folder: PathBuf,
        /// The keys are in a token, and only NAME.pub is made:
        /// pkcs11:token=LABEL;object=NAME?module-path=FILE&pin-source=file:FILE.
        #[arg(long)]
        token: Option<TokenUri>,
        /// Make the pairs in the token now.
        #[arg(long, requires = "token")]
        make: bool,
    },
    /// Make the keys of coming weeks, each private half sealed to the holders of its role.
    Weeks {
        /// The ceremony's folder.
        #[arg(long)]
        keys: PathBuf,
        /// The first week: 2026-W47. The current one where nothing is said.
        #[arg(long, value_parser = week)]
        from: Option<Period>,
        /// How many weeks, 1 to 53.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=53))]
        weeks: u16,
        /// NAME.pub of a holder; at least one of each role.
        #[arg(long = "holder", required = true)]
        holders: Vec<PathBuf>,
    },
    /// Copy the public halves to a folder for the gateways.
    Publish {
        /// The ceremony's folder.
        #[arg(long)]
        keys: PathBuf,
        /// Where they go: what a gateway has as `log.keys`.
        #[arg(long)]
        to: PathBuf,
    },
    /// List periods and classes: who can open them, how long they are kept, and when their keys are to be destroyed.
    List {
        /// The ceremony's folder.
        #[arg(long)]
        keys: PathBuf,
        #[command(flatten)]
        kept: Decided,
    },
    /// Destroy what opens a class in a period. There is no way back; copies elsewhere are their keepers' to destroy.
    Destroy {
        /// The ceremony's folder.
        #[arg(long)]
        keys: PathBuf,
        /// The class: R2a, R2b, R3, R4.
        #[arg(long)]
        class: Class,
        /// The week, 2026-W47, or for R3 the day, 2026-11-22.
        #[arg(long)]
        period: Period,
    },
}

impl Keys {
    pub fn run(&self) -> Result<ExitCode> {
        perform(self)
    }
}

fn perform(keys: &Keys) -> Result<ExitCode> {
    match keys {
        Keys::Holder { name, role, folder, token: Some(uri), make } => {
            ensure!(
                uri.object == *name,
                "the token's `object` is {}: it must be the name, {name}",
                uri.object
            );
            let token = Token::open(uri)?;
            if *make {
                token.make()?;
            }
            let given = HolderKey::of_token(&token, name, *role, folder)?;
            print(&format!("{} goes to the ceremony\n", given.display()))?;
        }
        Keys::Holder { name, role, folder, .. } => {
            let (own, given) = HolderKey::make(name, *role, folder)?;
            print(&format!(
                "{} is {name}'s alone\n{} goes to the ceremony\n",
                own.display(),
                given.display()
            ))?;
        }
        Keys::Weeks { keys, from, weeks, holders } => {
            let first = from.unwrap_or_else(|| Period::of(Length::Week, now()));
            make(keys, first, *weeks, holders)?;
        }
        Keys::Publish { keys, to } => {
            let copied = ceremony::publish(&KeyFolder::at(keys), to)?;
            print(&format!("{copied} public keys copied to {}\n", to.display()))?;
        }
        Keys::List { keys, kept } => print(&list(&KeyFolder::at(keys), kept, now())?)?,
        Keys::Destroy { keys, class, period } => {
            let removed = ceremony::destroy(&KeyFolder::at(keys), *class, *period)?;
            ensure!(removed > 0, "nothing that opens {class} of {period} is in {}", keys.display());
            print(&format!("{removed} sealed keys of {class} of {period} destroyed at {}\n", now()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn make(folder: &Path, first: Period, weeks: u16, holders: &[PathBuf]) -> Result<()> {
    let holders = holders.iter().map(|path| Holder::read(path)).collect::<Result<Vec<_>, _>>()?;
    let folder = KeyFolder::at(folder);
    let all = std::iter::successors(Some(first), |week| Some(week.next()));
    for week in all.take(weeks.into()) {
        let made = ceremony::week(&folder, week, &holders)?;
        print(&format!("{week}: {made} pairs made\n"))?;
    }
    Ok(())
}

/// A line for each class and period: who opens it, how long it is kept, and until when.
fn list(folder: &KeyFolder, kept: &Decided, now: Timestamp) -> Result<String> {
    let kept = kept.lengths(folder)?;
    let mut text = String::new();
    for period in folder.periods()? {
        for class in Class::SEALED.into_iter().filter(|class| class.length() == period.length()) {
            if folder.pair(class, period)?.is_none() {
                continue;
            }
            let holders = opened_by(folder, class, period);
            let (length, ends) = (kept.length(class), kept.ends(class, period));
            let due =
                if ends <= now && holders != "nobody" { "; its keys are to be destroyed now" } else { "" };
            writeln!(text, "{period} {class}: opened by {holders}; kept {length}, until {ends}{due}")?;
        }
    }
    Ok(text)
}

/// The holders to whom a private half is sealed, by the names of the files.
fn opened_by(folder: &KeyFolder, class: Class, period: Period) -> String {
    let entries = std::fs::read_dir(folder.path().join(period.to_string())).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let holder = |name: String| {
        let words: Vec<_> = name.split('.').collect();
        match words[..] {
            [of, role, holder, "sealed"] if of == class.as_str() => Some(format!("{holder} ({role})")),
            _ => None,
        }
    };
    let holders: BTreeSet<_> = names.filter_map(holder).collect();
    if holders.is_empty() { "nobody".to_owned() } else { holders.into_iter().collect::<Vec<_>>().join(", ") }
}

fn week(text: &str) -> Result<Period, String> {
    let period = text.parse::<Period>().ok().filter(|period| period.length() == Length::Week);
    period.ok_or_else(|| format!("`{text}` is not a week; write 2026-W47"))
}

#[expect(clippy::disallowed_methods, reason = "the edge: the ceremony is held now")]
fn now() -> Timestamp {
    Timestamp::now()
}
