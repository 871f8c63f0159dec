//! The requester's half: headers are read, not contents. The requester's key opens the week's key of tags, the tags find to
//! whom the slot was lent near the instant and when that ended, and for those leaves the requester's half of the key is given.

use super::{
    Moment, Permit, What,
    found::{FoundLeaf, Searched},
};
use crate::{
    class::Class,
    content::{Body, Content},
    entry::Clock,
    index::Span,
    leaf::{Header, Leaf, NotALeaf},
    opener::{OpenError, Opener},
    records::{Records, RecordsError},
    seal::Role,
    tag::{Tag, TagKey},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};

/// A pass lasts 24 hours at most, and the clock may have been wrong by as much when it began.
const BEFORE: SignedDuration = SignedDuration::from_hours(48);
/// When a pass ended that was open in the window. One that is recorded later still was open then.
const AFTER: SignedDuration = SignedDuration::from_hours(25);
/// Heartbeats this far from it say how right the clock was: one comes every five minutes.
const BEATS: SignedDuration = SignedDuration::from_mins(11);

/// Why nothing was found, and that says nothing.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The records.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// A leaf that would answer cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A leaf.
    #[error(transparent)]
    Leaf(#[from] NotALeaf),
    /// The case asks something else.
    #[error(
        "the case asks something else: `who` and `find` answer who used an address, `shares` who set the shares"
    )]
    OtherQuestion,
    /// None of the records are of a site that the case is about.
    #[error("no record given is of a site that the case is about")]
    NoSite,
}

impl FindError {
    /// Whether nothing is wrong but that a key is not there, or that records have expired.
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Open(OpenError::NoKey { .. }) | Self::Records(RecordsError::Gone { .. }))
    }
}

/// Which tags may answer: of a pass that held the slot in the window, and of none that had it only later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Near {
    /// When such a slot was lent, and its connection ended.
    pub span: Span,
    /// What was lent after this, and after the heartbeat, was not lent yet in the window.
    latest: Timestamp,
    /// The place of a heartbeat after the window. What stands behind it was recorded later, whatever its own clock said.
    beat: Option<u64>,
    /// When the slot was lent first after the window.
    lent: Option<Timestamp>,
}

impl Near {
    /// Around a window, by what heartbeats near it say of the clock.
    pub fn of((first, last): (Timestamp, Timestamp), clock: Clock, beat: Option<u64>) -> Self {
        let off = clock.off();
        let later = |by: SignedDuration| last.saturating_add(by).unwrap_or(Timestamp::MAX);
        let first = first.saturating_sub(BEFORE.saturating_add(off)).unwrap_or(Timestamp::MIN);
        let span = Span { first, last: later(AFTER.saturating_add(off)) };
        Self { span, latest: later(off), beat, lent: None }
    }

    /// Whether the next leaf with a tag of the slot, in their order, may say something of the window.
    pub fn takes(&mut self, leaf: &Header) -> bool {
        let after = leaf.at > self.latest && self.beat.is_some_and(|beat| leaf.sequence > beat);
        match leaf.class {
            Class::R2b if after => {
                self.lent.get_or_insert(leaf.at);
                false
            }
            Class::R2b => true,
            // One has the slot at a time: this is the end of who had it later.
            _ => self.lent.is_none_or(|lent| leaf.at < lent),
        }
    }
}

/// What may answer in the records of one site; `None` where they are not of a site that the case is about, or are
/// empty. Where a record of that time cannot be found for want of a key that is an error: not "nobody".
///
/// # Errors
/// When records are missing or damaged, or a key is.
pub fn find(
    permit: &Permit,
    records: &mut Records,
    opener: &mut Opener,
) -> Result<Option<Searched>, FindError> {
    let What::Slot(moment) = &permit.question().what else { return Err(FindError::OtherQuestion) };
    let site = records.site()?.filter(|site| permit.question().is_about(site));
    let Some(site) = site else { return Ok(None) };
    let (clock, beat) = clock(moment, records, opener)?;
    let mut near = Near::of(moment.window(), clock, beat);
    let mut leaves = Vec::new();
    for sequence in tagged(moment, near.span, records, opener)? {
        let octets = records.leaf(sequence)?;
        let leaf = Leaf::read(&octets)?;
        if !near.takes(&leaf.header) {
            continue;
        }
        // A slot that is lent is recorded right after the connection for which it is.
        let lent = leaf.header.class == Class::R2b;
        if let Some(connection) = sequence.checked_sub(1).filter(|_| lent) {
            leaves.push(found(connection, records.leaf(connection)?, records, opener)?);
        }
        leaves.push(found(sequence, octets, records, opener)?);
    }
    let checkpoint = records.checkpoint().map(|note| String::from_utf8_lossy(note).into_owned());
    Ok(Some(Searched { site, checkpoint, clock, leaves }))
}

fn found(
    sequence: u64,
    octets: Vec<u8>,
    records: &mut Records,
    opener: &mut Opener,
) -> Result<FoundLeaf, FindError> {
    let key = opener.half(&Leaf::read(&octets)?, Role::Requester)?;
    Ok(FoundLeaf { octets, key, path: records.proof(sequence)? })
}

/// The leaves with the slot's tags in this time.
fn tagged(
    moment: &Moment,
    near: Span,
    records: &mut Records,
    opener: &mut Opener,
) -> Result<Vec<u64>, FindError> {
    let mut found = Vec::new();
    for keyed in records.keyed(near)? {
        let octets = records.leaf(keyed.key)?;
        match tags_of(&Leaf::read(&octets)?, moment, opener)? {
            Ok(tags) => found.extend(records.tagged(&keyed, &tags, near)?),
            // Under it may be when a session ended: without it one would be told as open.
            Err(closed) if records.has_tags(&keyed, near)? => return Err(closed.into()),
            Err(_) => {}
        }
    }
    Ok(found)
}

/// The tags of the slot under the key in this leaf; or why it cannot be opened, where that is all that is wrong.
fn tags_of(
    leaf: &Leaf<'_>,
    moment: &Moment,
    opener: &mut Opener,
) -> Result<Result<Vec<Tag>, OpenError>, FindError> {
    let key = match opener.open(leaf) {
        Ok(Content { body: Body::TagKey { key }, .. }) => URL_SAFE_NO_PAD.decode(key).ok(),
        Ok(_) => None,
        Err(error @ OpenError::NoKey { .. }) => return Ok(Err(error)),
        Err(error) => return Err(error.into()),
    };
    let bad = || OpenError::Damaged(leaf.header.sequence, "it holds no key".into());
    let key = TagKey::new(&key.ok_or_else(bad)?);
    Ok(Ok(key.candidates(moment.address, moment.port)))
}

/// The greatest error of the clock that heartbeats near the window tell, and the place of the first that was recorded after it. They
/// are clear. Where none is, nobody knows.
fn clock(
    moment: &Moment,
    records: &mut Records,
    opener: &mut Opener,
) -> Result<(Clock, Option<u64>), FindError> {
    let (mut worst, mut beats) = (None::<Clock>, Vec::new());
    let (first, last) = moment.window();
    let near = Span {
        first: first.saturating_sub(BEATS).unwrap_or(Timestamp::MIN),
        last: last.saturating_add(BEATS).unwrap_or(Timestamp::MAX),
    };
    for sequence in records.of_class(Class::R6, near)? {
        let octets = records.leaf(sequence)?;
        let leaf = Leaf::read(&octets)?;
        if let Body::Heartbeat { clock, .. } = opener.open(&leaf)?.body {
            worst = Some(worst.map_or(clock, |before| before.worse(clock)));
            beats.push((leaf.header.at, sequence));
        }
    }
    let clock = worst.unwrap_or(Clock::Unknown);
    let after = last.saturating_add(clock.off()).unwrap_or(Timestamp::MAX);
    let beat = beats.into_iter().find(|(at, _)| *at > after).map(|(_, sequence)| sequence);
    Ok((clock, beat))
}
