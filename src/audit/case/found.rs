//! What the requester found: sealed records of the site with the requester's half of the key of each, and of no other
//! record. The other half is the approver's. It says no address, and the hub does not get it.

use super::{
    CaseId,
    decision::head,
    document::{Document, Lines},
};
use crate::{
    entry::Clock,
    seal::{LeafKey, Role},
    tlog::Hash,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use std::fmt::{self, Write as _};

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// The case.
    pub case: CaseId,
    /// The requester.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The records that were searched, each a site's.
    pub searched: Vec<Searched>,
}

/// What was found in the records of a site.
#[derive(Debug)]
pub struct Searched {
    /// The site.
    pub site: String,
    /// The log's checkpoint, the whole note; `None` where the records were in a database only.
    pub checkpoint: Option<String>,
    /// The greatest error of the clock that heartbeats near the time asked about tell.
    pub clock: Clock,
    /// The records, in order.
    pub leaves: Vec<FoundLeaf>,
}

/// A record.
#[derive(Debug)]
pub struct FoundLeaf {
    /// The leaf.
    pub octets: Vec<u8>,
    /// The requester's half of its key.
    pub key: LeafKey,
    /// Its way to the root of the checkpoint; `None` where it is in no log yet.
    pub path: Option<Vec<Hash>>,
}

impl Document for Found {
    const FORMAT: &'static str = "varco-found/1";
    const ROLE: Role = Role::Requester;

    fn by(&self) -> &str {
        &self.by
    }

    fn lines(&self) -> String {
        let mut text = format!("case {}\nby {}\nat {}\n", self.case, self.by, self.at);
        for searched in &self.searched {
            let _ = write!(text, "{searched}");
        }
        text
    }

    fn read(lines: &mut Lines<'_>) -> Option<Self> {
        let (case, by, at) = head(lines)?;
        let mut searched = Vec::new();
        while let Some(site) = lines.optional("site") {
            searched.push(Searched::read(site, lines)?);
        }
        Some(Self { case, by, at, searched })
    }

    fn case(&self) -> Option<CaseId> {
        Some(self.case)
    }
}

impl Searched {
    fn read(site: &str, lines: &mut Lines<'_>) -> Option<Self> {
        let clock = clock(lines.value("clock")?)?;
        let checkpoint = match lines.value("checkpoint")? {
            "-" => None,
            note => Some(String::from_utf8(STANDARD.decode(note).ok()?).ok()?),
        };
        let leaves = lines.values("leaf").into_iter().map(leaf).collect::<Option<_>>()?;
        Some(Self { site: site.to_owned(), checkpoint, clock, leaves })
    }
}

impl fmt::Display for Searched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let checkpoint =
            self.checkpoint.as_ref().map_or_else(|| "-".to_owned(), |note| STANDARD.encode(note));
        writeln!(f, "site {}\nclock {}\ncheckpoint {checkpoint}", self.site, clock_text(self.clock))?;
        for FoundLeaf { octets, key, path } in &self.leaves {
            let path = match path.as_deref() {
                None => "-".to_owned(),
                Some([]) => "alone".to_owned(),
                Some(path) => path.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
            };
            writeln!(f, "leaf {} {} {path}", STANDARD.encode(octets), STANDARD.encode(key.expose()))?;
        }
        Ok(())
    }
}

fn leaf(text: &str) -> Option<FoundLeaf> {
    let words: Vec<_> = text.split(' ').collect();
    let [octets, key, path] = words[..] else { return None };
    let key = LeafKey::from_octets(&STANDARD.decode(key).ok()?)?;
    let path = match path {
        "-" => None,
        "alone" => Some(Vec::new()),
        path => Some(path.split(',').map(Hash::from_base64).collect::<Option<_>>()?),
    };
    Some(FoundLeaf { octets: STANDARD.decode(octets).ok()?, key, path })
}

/// An error of a clock in a document: `20ms`, `unknown`.
pub(super) fn clock_text(clock: Clock) -> String {
    match clock {
        Clock::Unknown => "unknown".to_owned(),
        Clock::WithinMs(ms) => format!("{ms}ms"),
    }
}

/// Reads it.
pub(super) fn clock(text: &str) -> Option<Clock> {
    match text {
        "unknown" => Some(Clock::Unknown),
        text => text.strip_suffix("ms")?.parse().ok().map(Clock::WithinMs),
    }
}
