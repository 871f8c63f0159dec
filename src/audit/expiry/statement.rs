//! What two persons say that they destroyed: lines that both sign (`both.rs`), which the hub records. It names nobody else.
//!
//! ```text
//! varco-expired/1
//! at <instant>
//! time <the time that counted, or ->
//! kept <class> <length>                 how long each was kept there
//! folder <path>                         one line for each
//! destroyed <class> <period> <keys> <due|early>
//! hold <case>                           a hold that was over
//! reason <text>                         where something was early
//! ```

use super::{Kept, Profile};
use crate::{
    both::{Both, NotBoth},
    case::CaseId,
    class::Class,
    holder::People,
    week::Period,
};
use jiff::Timestamp;
use std::fmt::Write as _;

const FORMAT: &str = "varco-expired/1";

/// Keys that were destroyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destroyed {
    /// The class.
    pub class: Class,
    /// The period.
    pub period: Period,
    /// Sealed private halves, in all folders.
    pub keys: usize,
    /// Whether that was before its time.
    pub early: bool,
}

/// The statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// By the clock of the machine.
    pub at: Timestamp,
    /// The time that counted; `None` where everything was early and nobody's was asked for.
    pub time: Option<Timestamp>,
    /// How long each class is kept, by which it was due.
    pub kept: Kept,
    /// The folders that it was done in. Copies elsewhere are not in them.
    pub folders: Vec<String>,
    /// The keys.
    pub destroyed: Vec<Destroyed>,
    /// Holds that were over.
    pub holds: Vec<CaseId>,
    /// Why something was destroyed early; one line.
    pub reason: Option<String>,
}

/// A statement that both have signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// What they say.
    pub statement: Statement,
    /// The requester and the approver, by name.
    pub by: [String; 2],
}

impl Statement {
    /// The text that both sign.
    pub fn text(&self) -> String {
        let time = self.time.map_or_else(|| "-".to_owned(), |time| time.to_string());
        let mut text = format!("{FORMAT}\nat {}\ntime {time}\n", self.at);
        Class::SEALED.iter().for_each(|class| {
            let _ = writeln!(text, "kept {class} {}", self.kept.length(*class));
        });
        self.folders.iter().for_each(|folder| {
            let _ = writeln!(text, "folder {folder}");
        });
        self.destroyed.iter().for_each(|Destroyed { class, period, keys, early }| {
            let _ =
                writeln!(text, "destroyed {class} {period} {keys} {}", if *early { "early" } else { "due" });
        });
        self.holds.iter().for_each(|case| {
            let _ = writeln!(text, "hold {case}");
        });
        if let Some(reason) = &self.reason {
            let _ = writeln!(text, "reason {reason}");
        }
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().peekable();
        (lines.next()? == FORMAT).then_some(())?;
        let at = lines.next()?.strip_prefix("at ")?.parse().ok()?;
        let time = match lines.next()?.strip_prefix("time ")? {
            "-" => None,
            time => Some(time.parse().ok()?),
        };
        let (kept, folders, destroyed, holds) = Default::default();
        let mut statement = Self { at, time, kept, folders, destroyed, holds, reason: None };
        for line in lines {
            match line.split_once(' ')? {
                ("kept", words) => {
                    let (class, length) = words.split_once(' ')?;
                    // Whoever they are: by which profile is for who reads it.
                    let mut set = |profile| statement.kept.set(profile, class, length).ok();
                    Profile::ALL.into_iter().find_map(&mut set)?;
                }
                ("folder", folder) => statement.folders.push(folder.to_owned()),
                ("destroyed", words) => statement.destroyed.push(one(words)?),
                ("hold", case) => statement.holds.push(case.parse().ok()?),
                ("reason", reason) => statement.reason = Some(reason.to_owned()),
                _ => return None,
            }
        }
        let early = statement.destroyed.iter().any(|destroyed| destroyed.early);
        let whole = statement.text() == text && early == statement.reason.is_some();
        whole.then_some(statement)
    }
}

fn one(words: &str) -> Option<Destroyed> {
    let words: Vec<_> = words.split(' ').collect();
    let [class, period, keys, when] = words[..] else { return None };
    let early = match when {
        "early" => true,
        "due" => false,
        _ => return None,
    };
    Some(Destroyed {
        class: class.parse().ok()?,
        period: period.parse().ok()?,
        keys: keys.parse().ok()?,
        early,
    })
}

impl Expired {
    /// Reads a statement and verifies that a requester and an approver among these people signed it.
    ///
    /// # Errors
    /// [`NotBoth`].
    pub fn read(octets: &[u8], people: &People) -> Result<Self, NotBoth> {
        let both = Both::read(octets, people)?;
        let statement = Statement::parse(both.text()).ok_or(NotBoth::Malformed)?;
        let by = both.by().each_ref().map(|holder| holder.name.clone());
        Ok(Self { statement, by })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_statement_is_read_as_it_was_written() {
        let statement = Statement {
            at: "2027-05-17T10:00:00Z".parse().unwrap(),
            time: Some("2027-05-17T09:00:00Z".parse().unwrap()),
            kept: Kept::of(Profile::PublicBody, &BTreeMap::from([("R2b".to_owned(), "7 days".to_owned())]))
                .unwrap(),
            folders: vec!["/media/safe/ceremony".to_owned(), "/media/copy/ceremony".to_owned()],
            destroyed: vec![
                Destroyed { class: Class::R2b, period: "2026-W46".parse().unwrap(), keys: 4, early: false },
                Destroyed { class: Class::R3, period: "2026-11-22".parse().unwrap(), keys: 2, early: true },
            ],
            holds: vec![CaseId::of(b"")],
            reason: Some("no device is kept".to_owned()),
        };
        assert_eq!(Statement::parse(&statement.text()), Some(statement.clone()));
        let text = statement.text();
        for (from, to) in [
            ("varco-expired/1", "varco-expired/2"),
            ("reason no device is kept\n", ""),
            (" early", " due"),
            ("R2b", "R9"),
            (" 4 ", " 04 "),
            ("hold ", "held "),
            ("kept R2b 7 days", "kept R2b 6 days"),
            ("kept R2b 7 days", "kept R2b 07 days"),
            ("kept R2b 7 days\n", ""),
            ("folder /media/safe", "folder  /media/safe\nfolder"),
        ] {
            assert!(text.contains(from), "{from}");
            let parsed = Statement::parse(&text.replacen(from, to, 1));
            assert_ne!(parsed, Some(statement.clone()), "{to}");
        }
    }
}
