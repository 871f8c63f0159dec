//! A site's leaves, from where they are: the log folder, and `site.db` for those that are not in it yet.
//!
//! An index says where in the log to look (`index.rs`): the auditor's own file, or one that is made on the way by reading every
//! entry. Whatever comes from the folder was compared with the root of its checkpoint, leaf by leaf, whatever the index says;
//! whose signature that is, [`Records::signed_by`] asks. What is in `site.db` alone is signed by nobody yet ([`Records::in_log`]).

mod error;

pub use error::RecordsError;

use crate::{
    class::Class,
    index::{Gone, Marked, Noted, Row, Rows as _, Span, Sqlite, fill},
    journal::{self, JournalError},
    leaf::Leaf,
    tag::Tag,
    tlog::{Checkpoint, Files, Folder, Hash, Note, Signed, TileError, Tiles, VerifierKey, prune},
};
use rusqlite::Connection;
use std::{io::ErrorKind, ops::Range, path::Path};

/// Leaves read from the database at a time.
const CHUNK: u32 = 512;

/// The leaves whose tags are under one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyed {
    /// The leaf that holds the key.
    pub key: u64,
    /// Those after it, until another key comes.
    pub leaves: Range<u64>,
}

/// A log folder.
struct Log {
    note: Vec<u8>,
    origin: String,
    tiles: Tiles<Folder>,
    minimum: u64,
}

/// The leaves.
pub struct Records {
    log: Option<Log>,
    size: u64,
    journal: Option<Connection>,
    /// How many leaves there are by the database.
    next: u64,
    index: Option<Sqlite>,
    /// Whether the index has the whole log as it was opened.
    whole: bool,
    /// Of the leaves that are in the database alone, once it was read.
    waiting: Option<Vec<Row>>,
}

impl Records {
    /// Opens a log folder, a site's database, or both.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn open(log: Option<&Path>, database: Option<&Path>) -> Result<Self, RecordsError> {
        // The database first, and as it is now: what it no longer holds is in the folder then.
        let journal = database.map(journal::open_read_only).transpose()?;
        let mut next = 0;
        if let Some(journal) = &journal {
            journal.execute_batch("BEGIN").map_err(JournalError::from)?;
            next = journal::place(journal)?.next;
        }
        let log = match log.map(Log::open).transpose()?.flatten() {
            None if journal.is_none() => return Err(RecordsError::Checkpoint("there is none".into())),
            log => log,
        };
        let size = log.as_ref().map_or(0, |log| log.tiles.size());
        Ok(Self { log, size, journal, next, index: None, whole: false, waiting: None })
    }

    /// The name of the log; `None` where there is no folder, and so nothing that is signed.
    pub fn origin(&self) -> Option<&str> {
        self.log.as_ref().map(|log| log.origin.as_str())
    }

    /// Compares the signature of the checkpoint with the log's key.
    ///
    /// # Errors
    /// When it is not by this key, or of another log.
    pub fn signed_by(self, key: &VerifierKey) -> Result<Self, RecordsError> {
        if let Some(log) = &self.log {
            Signed::verify(&log.note, key).map_err(RecordsError::NotSigned)?;
        }
        Ok(self)
    }

    /// Takes an index from a file, and brings it to the size of the log first. Who made it is believed in one thing: that
    /// it leaves nothing out.
    ///
    /// # Errors
    /// When it cannot be read or written, or is of another log.
    pub fn indexed(mut self, file: &Path) -> Result<Self, RecordsError> {
        (self.index, self.whole) = (Some(Sqlite::open(file)?), false);
        self.filled()?;
        Ok(self)
    }

    /// Whether a leaf is in the log, and so in what is signed.
    pub const fn in_log(&self, sequence: u64) -> bool {
        sequence < self.size
    }

    /// The log's checkpoint, the whole note; `None` where there is no log.
    pub fn checkpoint(&self) -> Option<&[u8]> {
        self.log.as_ref().map(|log| &log.note[..])
    }

    /// A leaf's way to the root of that checkpoint; `None` where it is in no log yet.
    ///
    /// # Errors
    /// When the log is damaged.
    pub fn proof(&mut self, sequence: u64) -> Result<Option<Vec<Hash>>, RecordsError> {
        let log = self.log.as_mut().filter(|_| sequence < self.size);
        Ok(log.map(|log| log.tiles.inclusion(sequence)).transpose()?)
    }

    /// The keys of tags under which leaves of this time have theirs, whenever they were recorded.
    ///
    /// # Errors
    /// [`RecordsError::Gone`] when leaves of this time, or a key that they may be under, are gone; or when the records
    /// cannot be read.
    pub fn keyed(&mut self, span: Span) -> Result<Vec<Keyed>, RecordsError> {
        let mut keys = Vec::new();
        if let Some((index, log, size)) = self.filled()? {
            let known = index.marked(log, "tagkey")?.into_iter().filter(|key| key.sequence < size);
            keys.extend(known.map(|key| (key.sequence, key.at)));
        }
        let gone = self.gone()?;
        let key = |row: &Row| row.noted == Noted::Text("tagkey".into());
        keys.extend(self.waiting()?.iter().filter(|row| key(row)).map(|row| (row.sequence, row.instant())));
        let before = keys.iter().rposition(|(_, at)| *at <= span.first).unwrap_or(0);
        let from = keys.get(before).filter(|(_, at)| *at <= span.first).map_or(0, |(key, _)| *key);
        if let Some(gone) = gone.filter(|gone| gone.below > from) {
            return Err(gone.into());
        }
        let ends = keys.iter().skip(before + 1).map(|(next, _)| *next).chain([u64::MAX]);
        let keyed = keys.iter().skip(before).zip(ends);
        let keyed = keyed.map(|((key, at), end)| (*at, Keyed { key: *key, leaves: *key + 1..end }));
        let (of_time, later): (Vec<_>, Vec<_>) = keyed.partition(|(at, _)| *at <= span.last);
        let mut of_time: Vec<_> = of_time.into_iter().map(|(_, keyed)| keyed).collect();
        // What was recorded late has its tag under a later key than that of its time: rare, so all are asked at once first.
        let all =
            later.first().map(|(_, first)| Keyed { key: first.key, leaves: first.leaves.start..u64::MAX });
        if all.map_or(Ok(false), |all| self.has_tags(&all, span))? {
            for (_, keyed) in later {
                if self.has_tags(&keyed, span)? {
                    of_time.push(keyed);
                }
            }
        }
        Ok(of_time)
    }

    /// The leaves with one of these tags, under this key and in this time, in order.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub fn tagged(&mut self, under: &Keyed, tags: &[Tag], span: Span) -> Result<Vec<u64>, RecordsError> {
        let mut found = Vec::new();
        if let Some((index, log, size)) = self.filled()? {
            found = index.tagged(log, tags, span, under.leaves.start..under.leaves.end.min(size))?;
        }
        let tags: Vec<_> = tags.iter().map(|tag| Noted::tag(*tag)).collect();
        let waiting = self.waiting()?.iter().filter(|row| tags.contains(&row.noted));
        found.extend(within(waiting, under, span).map(|row| row.sequence));
        Ok(found)
    }

    /// Whether any leaf has a tag under this key in this time.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub fn has_tags(&mut self, under: &Keyed, span: Span) -> Result<bool, RecordsError> {
        if let Some((index, log, size)) = self.filled()?
            && index.has_tags(log, span, under.leaves.start..under.leaves.end.min(size))?
        {
            return Ok(true);
        }
        let waiting = self.waiting()?.iter().filter(|row| matches!(row.noted, Noted::Tag(_)));
        Ok(within(waiting, under, span).next().is_some())
    }

    /// The leaves of a class in a time, in order.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub fn of_class(&mut self, class: Class, span: Span) -> Result<Vec<u64>, RecordsError> {
        let mut found = Vec::new();
        if let Some((index, log, size)) = self.filled()? {
            let leaves = index.of_class(log, class, span)?;
            found
                .extend(leaves.into_iter().map(|(sequence, _)| sequence).filter(|sequence| *sequence < size));
        }
        let (first, last) = span.milliseconds();
        let waiting =
            self.waiting()?.iter().filter(|row| row.is_of(class) && (first..=last).contains(&row.at));
        found.extend(waiting.map(|row| row.sequence));
        found.sort_unstable();
        Ok(found)
    }

    /// The leaves whose marks begin so, in order.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub fn marked(&mut self, begins: &str) -> Result<Vec<Marked>, RecordsError> {
        let Some((index, log, size)) = self.filled()? else { return Ok(Vec::new()) };
        Ok(index.marked(log, begins)?.into_iter().filter(|marked| marked.sequence < size).collect())
    }

    /// The site whose leaves they are, by the first; `None` where there is none.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub fn site(&mut self) -> Result<Option<String>, RecordsError> {
        let begin = self.gone()?.map_or(0, |gone| gone.below);
        let waiting = self.waiting()?.first().map(|row| row.sequence);
        let Some(first) = Some(begin).filter(|begin| *begin < self.size).or(waiting) else { return Ok(None) };
        let octets = self.leaf(first)?;
        Ok(Some(read(first, &octets)?.header.site))
    }

    /// The entries that were pruned; `None` where none was.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub fn gone(&mut self) -> Result<Option<Gone>, RecordsError> {
        let Some((index, log, size)) = self.filled()? else { return Ok(None) };
        Ok(index.gone(log)?.filter(|_| size > 0))
    }

    /// The index, which has the whole log, the log's name and its size; `None` where there is no log.
    fn filled(&mut self) -> Result<Option<(&mut Sqlite, &str, u64)>, RecordsError> {
        let Some(log) = &mut self.log else { return Ok(None) };
        let index = match &mut self.index {
            Some(index) => index,
            none => none.insert(Sqlite::temporary()?),
        };
        if !self.whole {
            fill(index, &log.origin, &mut log.tiles, log.minimum)?;
            self.whole = true;
        }
        Ok(Some((index, &log.origin, self.size)))
    }

    /// What the database alone has.
    fn waiting(&mut self) -> Result<&[Row], RecordsError> {
        let rows = match self.waiting.take() {
            Some(rows) => rows,
            None => {
                let mut rows = Vec::new();
                self.each_waiting(|index, octets| {
                    rows.push(row(index, octets)?);
                    Ok(())
                })?;
                rows
            }
        };
        Ok(self.waiting.insert(rows))
    }

    /// Reads every leaf that is there, in order: from the log's minimum index on.
    ///
    /// # Errors
    /// When one is damaged or missing, or what `each` says.
    pub fn each<E: From<RecordsError>>(
        &mut self,
        mut each: impl FnMut(&Leaf<'_>, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut outcome = Ok(());
        let mut take = |index: u64, octets: &[u8]| {
            if outcome.is_ok() {
                outcome = read(index, octets).map_err(E::from).and_then(|leaf| each(&leaf, octets));
            }
        };
        if let Some(log) = &mut self.log {
            log.tiles.leaves(log.minimum.min(self.size)..self.size, &mut take).map_err(RecordsError::from)?;
        }
        self.each_waiting(|index, octets| {
            take(index, octets);
            Ok(())
        })?;
        outcome
    }

    /// Reads the leaves that are in the database alone, in order.
    fn each_waiting(
        &self,
        mut each: impl FnMut(u64, &[u8]) -> Result<(), RecordsError>,
    ) -> Result<(), RecordsError> {
        let mut from = self.size;
        while let Some(journal) = &self.journal {
            let leaves = journal::leaves(journal, from, CHUNK)?;
            for (sequence, octets) in &leaves {
                if *sequence != from {
                    return Err(RecordsError::Gap { expected: from, found: *sequence });
                }
                each(*sequence, octets)?;
                from += 1;
            }
            if leaves.is_empty() {
                break;
            }
        }
        if from < self.next { Err(RecordsError::Gap { expected: from, found: self.next }) } else { Ok(()) }
    }

    /// One leaf.
    ///
    /// # Errors
    /// When it is damaged, missing or gone.
    pub fn leaf(&mut self, sequence: u64) -> Result<Vec<u8>, RecordsError> {
        let mut found = None;
        if let Some(log) = self.log.as_mut().filter(|_| sequence < self.size) {
            found = match log.tiles.entry(sequence) {
                Err(TileError::Missing(_)) if sequence < log.minimum => {
                    return Err(RecordsError::Gone { below: log.minimum, before: None });
                }
                entry => Some(entry?),
            };
        } else if let Some(journal) = &self.journal {
            let first = journal::leaves(journal, sequence, 1)?.into_iter().next();
            found = first.filter(|(number, _)| *number == sequence).map(|(_, octets)| octets);
        }
        let found = found.ok_or(RecordsError::Gap { expected: sequence, found: self.size })?;
        read(sequence, &found)?;
        Ok(found)
    }
}

fn within<'a>(
    rows: impl Iterator<Item = &'a Row>,
    under: &Keyed,
    span: Span,
) -> impl Iterator<Item = &'a Row> {
    let (first, last) = span.milliseconds();
    rows.filter(move |row| under.leaves.contains(&row.sequence) && (first..=last).contains(&row.at))
}

impl Log {
    /// The tree in a folder; `None` where there is no checkpoint yet.
    fn open(folder: &Path) -> Result<Option<Self>, RecordsError> {
        let files = Folder::new(folder);
        let note = match files.read("checkpoint") {
            Ok(note) => note,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(RecordsError::Checkpoint(error.to_string())),
        };
        let checkpoint = Checkpoint::parse(&Note::parse(&note)?.text);
        let checkpoint = checkpoint.ok_or_else(|| RecordsError::Checkpoint("it is damaged".into()))?;
        let minimum = prune::minimum(&files);
        let tiles = Tiles::open(files, &checkpoint)?;
        Ok(Some(Self { note, origin: checkpoint.origin, tiles, minimum }))
    }
}

/// A leaf that says the place at which it is.
fn read(index: u64, octets: &[u8]) -> Result<Leaf<'_>, RecordsError> {
    let leaf = Leaf::read(octets).map_err(|error| RecordsError::Leaf(index, error))?;
    match leaf.header.sequence {
        found if found != index => Err(RecordsError::Gap { expected: index, found }),
        _ => Ok(leaf),
    }
}

fn row(index: u64, octets: &[u8]) -> Result<Row, RecordsError> {
    read(index, octets)?;
    Ok(Row::of(index, octets)?)
}
