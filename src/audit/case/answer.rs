//! The answer: what the hub is told and the evidence pack holds. It says no address and no port: those are in the
//! request, sealed.

use super::{
    CaseId,
    decision::head,
    document::{Document, Lines},
    found::{clock, clock_text},
    session::{Session, Sessions},
};
use crate::{
    entry::Clock,
    seal::Role,
    tlog::{Checkpoint, Hash},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use std::{
    fmt::{self, Write as _},
    str::FromStr,
};
use varco_policy::{PassId, Subject};

/// The answer to a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The case.
    pub case: CaseId,
    /// The approver.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What came of it.
    pub outcome: Outcome,
    /// The greatest error of a clock near the time asked about.
    pub clock: Clock,
    /// What was searched.
    pub seen: Vec<Seen>,
    /// The sessions.
    pub sessions: Vec<Told>,
}

/// What came of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// One session.
    One,
    /// More than one: none of them is named alone.
    Ambiguous,
    /// No session.
    Nobody,
    /// What would answer cannot be opened any more.
    Closed,
    /// The steps of a change of shares, so many.
    Shares(u32),
}

/// A session as an answer tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The site.
    pub site: String,
    /// The pass.
    pub pass: PassId,
    /// The citizen, as that site knows them.
    pub subject: Subject,
    /// From.
    pub from: Timestamp,
    /// Until.
    pub until: Timestamp,
    /// Why it ended, as the records call it; `open` where no end is recorded.
    pub ended: String,
    /// The error of the clock, where begin or end are marked for it.
    pub clock: Option<Clock>,
    /// The numbers of the records that say so.
    pub records: Vec<u64>,
}

/// A site's records that were searched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// The site.
    pub site: String,
    /// The log as it was then; `None` where the records were in a database only.
    #[serde(serialize_with = "log")]
    pub log: Option<Checkpoint>,
}

impl Answer {
    /// The answer that sessions give.
    pub fn of(case: CaseId, by: &str, at: Timestamp, found: &Sessions) -> Self {
        let outcome = match found.sessions.len() {
            0 => Outcome::Nobody,
            1 => Outcome::One,
            _ => Outcome::Ambiguous,
        };
        let sessions = found.sessions.iter().map(Told::of).collect();
        Self { case, by: by.to_owned(), at, outcome, clock: found.clock, seen: found.seen.clone(), sessions }
    }

    /// An answer without sessions.
    pub fn without(case: CaseId, by: &str, at: Timestamp, outcome: Outcome) -> Self {
        let (seen, sessions) = (Vec::new(), Vec::new());
        Self { case, by: by.to_owned(), at, outcome, clock: Clock::Unknown, seen, sessions }
    }

    /// Whether every record of this session was in a log that its site had signed: what is in `site.db` alone anybody can
    /// have made who has the public keys.
    pub fn is_signed(&self, session: &Told) -> bool {
        let of_site = self.seen.iter().filter(|seen| seen.site == session.site);
        let mut logs = of_site.filter_map(|seen| seen.log.as_ref());
        logs.any(|log| session.records.iter().all(|record| *record < log.size))
    }

    /// How many sessions or steps it tells.
    pub fn count(&self) -> u32 {
        match self.outcome {
            Outcome::Shares(steps) => steps,
            _ => u32::try_from(self.sessions.len()).unwrap_or(u32::MAX),
        }
    }

    fn fits(&self) -> bool {
        match self.outcome {
            Outcome::One => self.sessions.len() == 1,
            Outcome::Ambiguous => self.sessions.len() > 1,
            _ => self.sessions.is_empty(),
        }
    }
}

impl Document for Answer {
    const FORMAT: &'static str = "varco-answer/1";
    const ROLE: Role = Role::Approver;

    fn by(&self) -> &str {
        &self.by
    }

    fn lines(&self) -> String {
        let Self { case, by, at, outcome, .. } = self;
        let mut text = format!("case {case}\nby {by}\nat {at}\noutcome {outcome}\n");
        let _ = writeln!(text, "clock {}", clock_text(self.clock));
        self.seen.iter().for_each(|seen| {
            let _ = writeln!(text, "searched {seen}");
        });
        self.sessions.iter().for_each(|told| {
            let _ = writeln!(text, "session {told}");
        });
        text
    }

    fn read(lines: &mut Lines<'_>) -> Option<Self> {
        let (case, by, at) = head(lines)?;
        let outcome = lines.value("outcome")?.parse().ok()?;
        let clock = clock(lines.value("clock")?)?;
        let seen = lines.values("searched").into_iter().map(Seen::parse).collect::<Option<_>>()?;
        let sessions = lines.values("session").into_iter().map(Told::parse).collect::<Option<_>>()?;
        let answer = Self { case, by, at, outcome, clock, seen, sessions };
        answer.fits().then_some(answer)
    }

    fn case(&self) -> Option<CaseId> {
        Some(self.case)
    }
}

impl FromStr for Outcome {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "one" => Self::One,
            "ambiguous" => Self::Ambiguous,
            "nobody" => Self::Nobody,
            "closed" => Self::Closed,
            text => {
                let steps = text.strip_prefix("shares ").and_then(|steps| steps.parse().ok());
                Self::Shares(steps.ok_or("an outcome is one, ambiguous, nobody, closed or shares N")?)
            }
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One => f.write_str("one"),
            Self::Ambiguous => f.write_str("ambiguous"),
            Self::Nobody => f.write_str("nobody"),
            Self::Closed => f.write_str("closed"),
            Self::Shares(steps) => write!(f, "shares {steps}"),
        }
    }
}

impl Told {
    fn of(session: &Session) -> Self {
        let Session { pass, site, subject, from, until, cause, clock, records, .. } = session.clone();
        let cause = cause.and_then(|cause| serde_json::to_value(cause).ok());
        let ended = cause.as_ref().and_then(|cause| cause.as_str()).unwrap_or("open").to_owned();
        Self { site, pass, subject, from, until, ended, clock, records }
    }

    fn parse(text: &str) -> Option<Self> {
        let words: Vec<_> = text.split(' ').collect();
        let [site, pass, subject, from, until, ended, marked, records] = words[..] else { return None };
        let clock = if marked == "-" { None } else { Some(clock(marked)?) };
        Some(Self {
            site: site.to_owned(),
            pass: PassId(pass.parse().ok()?),
            subject: subject.to_owned().try_into().ok()?,
            from: from.parse().ok()?,
            until: until.parse().ok()?,
            ended: ended.to_owned(),
            clock,
            records: records.split(',').map(|number| number.parse().ok()).collect::<Option<_>>()?,
        })
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { site, pass, subject, from, until, ended, clock, records } = self;
        let clock = clock.map_or_else(|| "-".to_owned(), clock_text);
        let records = records.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        write!(f, "{site} {pass} {} {from} {until} {ended} {clock} {records}", subject.as_str())
    }
}

impl Seen {
    fn parse(text: &str) -> Option<Self> {
        let words: Vec<_> = text.split(' ').collect();
        let [site, origin, size, root] = words[..] else { return None };
        let log = match (origin, size, root) {
            ("-", "-", "-") => None,
            _ => Some(Checkpoint {
                origin: origin.to_owned(),
                size: size.parse().ok()?,
                root: Hash::from_base64(root)?,
            }),
        };
        Some(Self { site: site.to_owned(), log })
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.log {
            None => write!(f, "{} - - -", self.site),
            Some(Checkpoint { origin, size, root }) => write!(f, "{} {origin} {size} {root}", self.site),
        }
    }
}

fn log<S: Serializer>(log: &Option<Checkpoint>, serializer: S) -> Result<S::Ok, S::Error> {
    let text = log.as_ref().map(|Checkpoint { origin, size, root }| format!("{origin} {size} {root}"));
    text.serialize(serializer)
}
