//! Sealing what a gateway records. It holds public halves only, so it cannot read back what it wrote.
//!
//! Each leaf is sealed to the newest period of its class that is not after now; the period in the header says which.
//! Nothing is sealed to a key whose time is over: it would have to be destroyed as it is made, or live too long. Without
//! a newer one nothing of the class can be recorded, so nobody is admitted; but for devices (R3), which need not
//! be kept at all: their leaf is left out.

use crate::{
    class::Class,
    content::{Body, Content, bodies},
    entry::{Clock, Entry},
    expiry::Kept,
    journal::{self, JournalError, Place},
    keys::{KeyError, KeyFolder},
    leaf::{self, Header, Mark},
    seal::{self, Pair, Sealing},
    tag::{Tag, TagKey},
    week::{Length, Period},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use rusqlite::Transaction;
use std::{collections::BTreeMap, path::Path};

/// How long after a look at the folder a key that is not of the current period is looked for again.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_mins(10);

/// When something is recorded, and how right the clock is.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// By the router's clock.
    pub at: Timestamp,
    /// Its estimated error.
    pub clock: Clock,
}

/// What a class is sealed to at the moment.
#[derive(Debug, Clone, Copy)]
struct Chosen {
    wanted: Period,
    found: Period,
    pair: Pair,
    looked: Timestamp,
}

/// How a class is recorded.
enum How {
    /// It has no keys.
    Clear,
    /// Sealed to these.
    To(Chosen),
    /// Not at all: its keys are past their time.
    LeftOut,
}

/// Leaves that become durable together: they share what they are sealed with, and it is gone with them.
struct Batch<'a> {
    transaction: &'a Transaction<'a>,
    place: Place,
    sealing: Sealing,
}

impl<'a> Batch<'a> {
    fn begin(transaction: &'a Transaction<'_>) -> Result<Self, JournalError> {
        Ok(Self { transaction, place: journal::place(transaction)?, sealing: Sealing::default() })
    }

    fn end(self) -> Result<(), JournalError> {
        journal::set_place(self.transaction, &self.place)
    }
}

/// Makes leaves of entries.
#[derive(Debug)]
pub struct Recorder {
    site: String,
    keys: KeyFolder,
    kept: Kept,
    chosen: BTreeMap<Class, Chosen>,
}

impl Recorder {
    /// A recorder of this site that seals to the keys in `folder`, whose classes are kept so long.
    ///
    /// # Errors
    /// When a sealed class has no key at all, or those of a class that must be kept are past their time, or a key file
    /// cannot be read.
    pub fn open(folder: &Path, site: &str, kept: Kept, at: Timestamp) -> Result<Self, KeyError> {
        let (keys, chosen) = (KeyFolder::at(folder), BTreeMap::new());
        let mut recorder = Self { site: site.to_owned(), keys, kept, chosen };
        for class in Class::SEALED {
            recorder.seals_to(class, at)?;
        }
        Ok(recorder)
    }

    /// The site.
    pub fn site(&self) -> &str {
        &self.site
    }

    /// The classes of which the newest key is that of another period than the current one, and which.
    pub fn late(&mut self, at: Timestamp) -> Vec<(Class, Period)> {
        let chosen =
            Class::SEALED.into_iter().filter_map(|class| Some((class, self.choose(class, at).ok()?)));
        chosen
            .filter(|(_, chosen)| chosen.found != chosen.wanted)
            .map(|(class, c)| (class, c.found))
            .collect()
    }

    /// Appends the leaves of these entries. Durable when the caller's transaction has committed.
    ///
    /// # Errors
    /// When the database fails or nothing can be sealed; the transaction must then be rolled back.
    pub fn append(
        &mut self,
        transaction: &Transaction<'_>,
        entries: &[Entry],
        now: Now,
    ) -> Result<(), JournalError> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::begin(transaction)?;
        let slots = entries.iter().any(|entry| bodies(entry, 0).iter().any(|(_, slot)| slot.is_some()));
        forget_tags(&mut batch.place, now.at);
        let tags = slots.then(|| self.tags(&mut batch, now.at)).transpose()?;
        for entry in entries {
            self.entry(&mut batch, entry, (tags.as_ref(), now))?;
        }
        batch.end()
    }

    /// Appends leaves of what is recorded as it is, without an entry of a site: the hub's. The sequence of the first.
    /// Durable when the caller's transaction has committed.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn append_bodies(
        &mut self,
        transaction: &Transaction<'_>,
        bodies: &[Body],
        now: Now,
    ) -> Result<u64, JournalError> {
        let mut batch = Batch::begin(transaction)?;
        let first = batch.place.next;
        for body in bodies {
            self.body(&mut batch, (now.at, body.clone()), None, now)?;
        }
        batch.place.newest = Some(batch.place.newest.map_or(now.at, |newest| newest.max(now.at)));
        batch.end()?;
        Ok(first)
    }

    /// Appends what an older version recorded in clear, each sealed to the keys of its own time where there are any.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn take_over(
        &mut self,
        transaction: &Transaction<'_>,
        entries: impl Iterator<Item = Entry>,
        at: Timestamp,
    ) -> Result<(), JournalError> {
        let mut batch = Batch::begin(transaction)?;
        let tags = self.tags(&mut batch, at)?;
        // What is chosen for old records must not stay chosen.
        let chosen = std::mem::take(&mut self.chosen);
        let done = entries.map(|entry| {
            let then = Now { at: entry.at(), clock: Clock::Unknown };
            self.entry(&mut batch, &entry, (Some(&tags), then))
        });
        let done: Result<(), JournalError> = done.collect();
        self.chosen = chosen;
        done?;
        batch.end()
    }

    fn entry(
        &mut self,
        batch: &mut Batch<'_>,
        entry: &Entry,
        (tags, now): (Option<&TagKey>, Now),
    ) -> Result<(), JournalError> {
        for (body, slot) in bodies(entry, batch.place.next) {
            let tag = slot.zip(tags).map(|(slot, tags)| tags.tag(slot.address, slot.first_port));
            self.body(batch, (entry.at(), body), tag, now)?;
        }
        let newest = batch.place.newest.map_or(entry.at(), |newest| newest.max(entry.at()));
        batch.place.newest = Some(newest);
        Ok(())
    }

    fn body(
        &mut self,
        batch: &mut Batch<'_>,
        (at, body): (Timestamp, Body),
        tag: Option<Tag>,
        now: Now,
    ) -> Result<(), JournalError> {
        let case = body.case().map(|(step, case)| Mark::Case(step, case));
        let kind = match body {
            Body::Day { .. } => Mark::Day,
            Body::Expired { .. } => Mark::Expired,
            _ => Mark::None,
        };
        let mark = tag.map(Mark::Tag).or(case).unwrap_or(kind);
        let clock = if body.class() == Class::R6 { None } else { now.clock.doubtful() };
        let content = Content { body, clock };
        self.leaf(batch, (at, mark), &content, now.at)
    }

    fn leaf(
        &mut self,
        batch: &mut Batch<'_>,
        (at, mark): (Timestamp, Mark),
        content: &Content,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let class = content.body.class();
        let chosen = match self.seals_to(class, now)? {
            How::Clear => None,
            How::To(chosen) => Some(chosen),
            How::LeftOut => return Ok(()),
        };
        let Batch { transaction, place, sealing } = batch;
        let (site, sequence) = (self.site.clone(), place.next);
        // No clock here is right to less.
        let at = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
        let header = Header { class, site, sequence, at, period: chosen.map(|chosen| chosen.found), mark };
        let text = content.text(&header)?;
        let body = match chosen {
            None => text,
            Some(Chosen { pair, found, .. }) if mark == Mark::TagKey => {
                seal::to_one(sealing, &pair, &header, found, text)?
            }
            Some(Chosen { pair, found, .. }) => seal::to_two(sealing, &pair, &header, found, text)?,
        };
        journal::insert(transaction, sequence, &leaf::join(&header.to_string(), &body))?;
        place.next = place.next.saturating_add(1);
        Ok(())
    }

    /// The key of this week's tags; a new one is written into the log before the first leaf that it marks.
    fn tags(&mut self, batch: &mut Batch<'_>, at: Timestamp) -> Result<TagKey, JournalError> {
        let week = Period::of(Length::Week, at).to_string();
        if let Some((found, key)) = &batch.place.tags
            && *found == week
        {
            return Ok(TagKey::new(key));
        }
        let key = TagKey::fresh().ok_or(JournalError::NoRandomness)?;
        let body = Body::TagKey { key: URL_SAFE_NO_PAD.encode(key) };
        self.leaf(batch, (at, Mark::TagKey), &Content { body, clock: None }, at)?;
        batch.place.tags = Some((week, key.to_vec()));
        Ok(TagKey::new(&key))
    }

    /// How a class is recorded now.
    fn seals_to(&mut self, class: Class, at: Timestamp) -> Result<How, KeyError> {
        if !Class::SEALED.contains(&class) {
            return Ok(How::Clear);
        }
        let chosen = self.choose(class, at)?;
        match self.kept.ends(class, chosen.found) {
            ends if ends > at => Ok(How::To(chosen)),
            _ if class.retention().least.is_zero() => Ok(How::LeftOut),
            until => Err(KeyError::Over { class, period: chosen.found, until }),
        }
    }

    /// The newest keys of a class. A folder that cannot be read any more leaves what was chosen before.
    fn choose(&mut self, class: Class, at: Timestamp) -> Result<Chosen, KeyError> {
        let wanted = Period::of(class.length(), at);
        let before = self.chosen.get(&class).copied();
        let lately = |chosen: &Chosen| {
            let since = at.duration_since(chosen.looked);
            chosen.found == wanted || (SignedDuration::ZERO..LOOK_AGAIN).contains(&since)
        };
        if let Some(chosen) = before.filter(|chosen| chosen.wanted == wanted && lately(chosen)) {
            return Ok(chosen);
        }
        let chosen = match (self.keys.newest(class, at), before) {
            (Ok((found, pair)), _) => Chosen { wanted, found, pair, looked: at },
            (Err(_), Some(before)) => Chosen { wanted, looked: at, ..before },
            (Err(error), None) => return Err(error),
        };
        self.chosen.insert(class, chosen);
        Ok(chosen)
    }
}

/// The key of an earlier week's tags goes with the week, though nothing new be tagged.
fn forget_tags(place: &mut Place, at: Timestamp) {
    let week = Period::of(Length::Week, at).to_string();
    place.tags.take_if(|(found, _)| *found != week);
}
