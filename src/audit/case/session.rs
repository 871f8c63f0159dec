//! The approver's half: what the requester found is opened, and put together to sessions.

use super::{
    BadDocument, Moment, Permit, What,
    answer::Seen,
    found::{Found, FoundLeaf, Searched},
};
use crate::{
    content::{Body, Content},
    entry::Clock,
    leaf::{Leaf, Mark, NotALeaf},
    opener::{self, OpenError, Opener},
    seal::{Disclosed, LeafKey, Role, SealError, open_disclosed},
    tlog::{BadCheckpoint, BadNote, Checkpoint, Note, Signed, VerifierKey, leaf_hash, proof::inclusion_root},
};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use varco_policy::{PassId, Slot, Subject, pass::EndCause};

/// A pass that held the slot in the window asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Session {
    /// The pass.
    pub pass: PassId,
    /// The site.
    pub site: String,
    /// The citizen, as that site knows them.
    pub subject: Subject,
    /// The slot.
    pub slot: Slot,
    /// From.
    pub from: Timestamp,
    /// Until: recorded, or for a pass that is still open the latest the kernel keeps it.
    pub until: Timestamp,
    /// Why it ended; `None` while it is open or its end was never recorded.
    pub cause: Option<EndCause>,
    /// Ends recorded after the first, which counts: an old copy of `site.db` knew the pass as open and ended it again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ended_again: Vec<Timestamp>,
    /// The error of the clock, where begin or end are marked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
    /// Whether one of its records is in `site.db` alone: signed by nobody, so no evidence yet.
    pub not_in_log: bool,
    /// The numbers of the records that say so.
    pub records: Vec<u64>,
}

/// What answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sessions {
    /// The sessions, earliest first. More than one is an ambiguous answer.
    pub sessions: Vec<Session>,
    /// The greatest error of a clock near the time asked about: the window was widened by it at its site.
    pub clock: Clock,
    /// What was searched.
    pub seen: Vec<Seen>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// A document.
    #[error(transparent)]
    Document(#[from] BadDocument),
    /// A leaf that would answer cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A leaf.
    #[error(transparent)]
    Leaf(#[from] NotALeaf),
    /// A checkpoint that is not the site's.
    #[error("{0}: the checkpoint is not by the key of its log: {1}")]
    Checkpoint(String, BadCheckpoint),
    /// A checkpoint that is no note.
    #[error("{0}: the checkpoint is damaged: {1}")]
    Note(String, BadNote),
    /// No key was given for a log.
    #[error("{0}: no --vkey is that of its log")]
    NoKey(String),
    /// A record that is not what was signed.
    #[error("{0}: record {1} is not in the log of its checkpoint")]
    Unproved(String, u64),
    /// The requester left something out.
    #[error("{0}: record {1} belongs to what was found and is not with it")]
    Missing(String, u64),
    /// The case asks something else.
    #[error("the case does not ask who used an address")]
    OtherQuestion,
}

impl AnswerError {
    /// Whether nothing is wrong but that a key is not there.
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Open(OpenError::NoKey { .. }))
    }
}

/// Every pass that held the slot within the tolerance of the instant. `logs` are the keys of the sites' logs: what is said
/// to be in a log is so. Records that are in none yet are told apart.
///
/// # Errors
/// When a record is not proved, damaged or missing, or a key is.
pub fn sessions(
    permit: &Permit,
    found: &Found,
    opener: &mut Opener,
    logs: &[VerifierKey],
) -> Result<Sessions, AnswerError> {
    let What::Slot(moment) = &permit.question().what else { return Err(AnswerError::OtherQuestion) };
    let (mut all, mut seen, mut clock) = (Vec::new(), Vec::new(), None::<Clock>);
    for searched in found.searched.iter().filter(|searched| permit.question().is_about(&searched.site)) {
        seen.push(verified(searched, logs)?);
        clock = Some(clock.map_or(searched.clock, |before| before.worse(searched.clock)));
        let held = Held::read(searched)?.sessions(moment, opener)?;
        all.extend(held.into_iter().filter(|session| session.is_within(moment, searched.clock)));
    }
    all.sort_by(|one, other| (one.from, &one.site).cmp(&(other.from, &other.site)));
    let clock = all.iter().filter_map(|session| session.clock).chain(clock).reduce(Clock::worse);
    Ok(Sessions { sessions: all, clock: clock.unwrap_or(Clock::Unknown), seen })
}

impl Session {
    /// Whether it held the slot within the tolerance, with a clock that may have been as far off as it said.
    fn is_within(&self, moment: &Moment, site: Clock) -> bool {
        let off = self.clock.map_or(site, |own| own.worse(site)).off();
        let (first, last) = moment.window();
        let from = self.from.saturating_sub(off).unwrap_or(Timestamp::MIN);
        from <= last && self.until.saturating_add(off).unwrap_or(Timestamp::MAX) >= first
    }
}

/// Compares each record with the checkpoint, and that with the key of the log.
fn verified(searched: &Searched, logs: &[VerifierKey]) -> Result<Seen, AnswerError> {
    let site = || searched.site.clone();
    let checkpoint = searched.checkpoint.as_ref().map(|note| checkpoint(searched, note, logs)).transpose()?;
    for FoundLeaf { octets, path, .. } in &searched.leaves {
        let sequence = Leaf::read(octets)?.header.sequence;
        let Some(path) = path else { continue };
        let root = checkpoint.as_ref().and_then(|checkpoint| {
            let root = inclusion_root(sequence, checkpoint.size, leaf_hash(octets), path);
            root.filter(|root| *root == checkpoint.root)
        });
        root.ok_or_else(|| AnswerError::Unproved(site(), sequence))?;
    }
    Ok(Seen { site: site(), log: checkpoint })
}

fn checkpoint(searched: &Searched, note: &str, logs: &[VerifierKey]) -> Result<Checkpoint, AnswerError> {
    let site = || searched.site.clone();
    let parsed = Note::parse(note.as_bytes()).map_err(|error| AnswerError::Note(site(), error))?;
    let malformed = || AnswerError::Note(site(), BadNote::Malformed);
    let origin = parsed.text.lines().next().ok_or_else(malformed)?;
    let key = logs.iter().find(|key| key.name() == origin).ok_or_else(|| AnswerError::NoKey(site()))?;
    let signed = Signed::verify(note.as_bytes(), key);
    signed.map(|signed| signed.checkpoint().clone()).map_err(|error| AnswerError::Checkpoint(site(), error))
}

/// The records of a site that were found, by their numbers.
struct Held<'a> {
    site: &'a str,
    leaves: BTreeMap<u64, (Leaf<'a>, &'a FoundLeaf)>,
}

impl<'a> Held<'a> {
    fn read(searched: &'a Searched) -> Result<Self, AnswerError> {
        let mut leaves = BTreeMap::new();
        for found in &searched.leaves {
            let leaf = Leaf::read(&found.octets)?;
            if leaf.header.site != searched.site {
                let other = "it is of another site".to_owned();
                return Err(OpenError::Damaged(leaf.header.sequence, other).into());
            }
            leaves.insert(leaf.header.sequence, (leaf, found));
        }
        Ok(Self { site: &searched.site, leaves })
    }

    fn sessions(&self, moment: &Moment, opener: &mut Opener) -> Result<Vec<Session>, AnswerError> {
        let mut sessions = BTreeMap::new();
        for (sequence, (leaf, _)) in &self.leaves {
            if matches!(leaf.header.mark, Mark::Tag(_)) {
                self.attribute(*sequence, moment, opener, &mut sessions)?;
            }
        }
        Ok(sessions.into_values().collect())
    }

    fn open(&self, sequence: u64, opener: &mut Opener) -> Result<(Timestamp, Content), AnswerError> {
        let missing = || AnswerError::Missing(self.site.to_owned(), sequence);
        let (leaf, found) = self.leaves.get(&sequence).ok_or_else(missing)?;
        let approver = Some(opener.half(leaf, Role::Approver)?);
        let requester = LeafKey::from_octets(found.key.expose()).ok_or_else(missing)?;
        let damaged = |error: SealError| OpenError::Damaged(sequence, error.to_string());
        let text = open_disclosed(leaf, &Disclosed { requester, approver }).map_err(damaged)?;
        Ok((leaf.header.at, opener::read(leaf, &text)?))
    }

    /// Opens a leaf that the slot's tag is on: the slot is lent, or the connection that had it has ended.
    fn attribute(
        &self,
        sequence: u64,
        moment: &Moment,
        opener: &mut Opener,
        sessions: &mut BTreeMap<PassId, Session>,
    ) -> Result<(), AnswerError> {
        let (at, Content { body, clock }) = self.open(sequence, opener)?;
        match body {
            Body::Lent { pass, slot, connection } if slot.covers(moment.address, moment.port) => {
                let records = [connection, sequence];
                let begun = self.begun((pass, slot), (at, clock), records, opener)?;
                sessions.insert(pass, begun);
            }
            Body::Ended { pass, cause } => {
                if let Some(session) = sessions.get_mut(&pass) {
                    session.not_in_log |= self.not_in_log(&[sequence]);
                    session.end(at, cause, clock, sequence);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The session of a slot that was lent: the connection says whose it is.
    fn begun(
        &self,
        (pass, slot): (PassId, Slot),
        (from, clock): (Timestamp, Option<Clock>),
        records: [u64; 2],
        opener: &mut Opener,
    ) -> Result<Session, AnswerError> {
        let [connection, _] = records;
        let (site, cause, ended_again) = (self.site.to_owned(), None, Vec::new());
        let not_in_log = self.not_in_log(&records);
        let records = records.to_vec();
        match self.open(connection, opener)?.1.body {
            Body::Began { pass: same, subject, until } if same == pass => Ok(Session {
                pass,
                site,
                subject,
                slot,
                from,
                until,
                cause,
                ended_again,
                clock,
                not_in_log,
                records,
            }),
            _ => Err(OpenError::Damaged(connection, "it is of another pass".into()).into()),
        }
    }

    /// Whether one of these is in the database alone.
    fn not_in_log(&self, records: &[u64]) -> bool {
        let logged = |number: &u64| self.leaves.get(number).is_some_and(|(_, found)| found.path.is_some());
        !records.iter().all(logged)
    }
}

impl Session {
    fn end(&mut self, at: Timestamp, cause: EndCause, clock: Option<Clock>, record: u64) {
        self.records.push(record);
        if self.cause.is_some() {
            self.ended_again.push(at);
            return;
        }
        (self.until, self.cause) = (at, Some(cause));
        self.clock = self.clock.into_iter().chain(clock).reduce(Clock::worse);
    }
}
