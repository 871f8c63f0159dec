//! Rows of logins against their entries in the hub's log (class R1): what was changed, put in or taken away shows.
//!
//! Some rows have nothing to be compared with: an entry ends 24 months after its Monday and a row with its month, so that the
//! entry may be pruned some weeks before its row; and logins of before version 2 of `hub.db` have none. That is believed of rows that are
//! older than the first entry that is there, or than the first row that has one, and of no others.

use super::{digest, month::Month, schema};
use crate::register::RegisterError;
use rusqlite::{Connection, OpenFlags};
use std::{collections::BTreeSet, fmt, path::Path};
use varco_audit::{
    class::Class,
    content::{Body, Content, NotAContent},
    leaf::{Leaf, NotALeaf},
    records::{Records, RecordsError},
};
use varco_web::startup::Fault;

/// How many of a kind are written out.
const TOLD: usize = 20;
/// How much later than that a row may be, in seconds: entries follow the clock, which may be set back.
const SLACK: i64 = 24 * 3600;

/// Why rows and entries were not compared.
#[derive(Debug, thiserror::Error)]
pub enum EntriesError {
    /// The register.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The log.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// An entry that is no leaf.
    #[error(transparent)]
    Leaf(#[from] NotALeaf),
    /// An entry that says nothing.
    #[error("an entry of a login: {0}")]
    Content(#[from] NotAContent),
}

impl From<rusqlite::Error> for EntriesError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Register(error.into())
    }
}

impl From<EntriesError> for Fault {
    fn from(error: EntriesError) -> Self {
        Self::Other(error.into())
    }
}

/// What came of it. Nobody is in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Rows that are as their entries say.
    pub same: u64,
    /// Rows that are not as their entries say, or lack the one that they should have: their numbers.
    pub other: Vec<i64>,
    /// Rows that there is nothing to compare with.
    pub alone: u64,
    /// Entries whose row is not there, in months that were not destroyed.
    pub taken: Vec<u64>,
}

impl Compared {
    /// Whether the register is what was recorded, as far as that can still be told.
    pub const fn is_whole(&self) -> bool {
        self.other.is_empty() && self.taken.is_empty()
    }

    fn count(&mut self, number: i64, likeness: Likeness) {
        match likeness {
            Likeness::Same => self.same += 1,
            Likeness::Other => self.other.push(number),
            Likeness::Alone => self.alone += 1,
        }
    }
}

/// What a row is beside its entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// As the entry says.
    Same,
    /// Not as the entry says, or without the one that it should have.
    Other,
    /// There is nothing to compare it with.
    Alone,
}

/// A row.
struct Row {
    number: i64,
    /// When the login was, in Unix seconds.
    at: i64,
    /// The entry it was recorded by.
    leaf: Option<u64>,
}

impl Row {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let leaf = row.get::<_, Option<i64>>(2)?.map(i64::cast_unsigned);
        Ok(Self { number: row.get(0)?, at: row.get(1)?, leaf })
    }
}

/// Since when rows have entries that are there.
struct Since {
    /// The first row that has an entry, in Unix seconds; the end of time where none has.
    entered: i64,
    /// The first entry that is there, and when it was made, in Unix seconds.
    first: Option<(u64, i64)>,
}

impl Since {
    fn of(db: &Connection) -> rusqlite::Result<Self> {
        let first = "SELECT min(at) FROM authentication WHERE leaf IS NOT NULL";
        let entered: Option<i64> = db.query_row(first, [], |row| row.get(0))?;
        Ok(Self { entered: entered.unwrap_or(i64::MAX), first: None })
    }

    /// A row of which no entry was found.
    fn likeness(&self, row: &Row) -> Likeness {
        let until = match (row.leaf, self.first) {
            (None, _) => self.entered,
            (Some(leaf), Some((first, at))) if leaf < first => at,
            (Some(_), _) => return Likeness::Other,
        };
        if row.at <= until.saturating_add(SLACK) { Likeness::Alone } else { Likeness::Other }
    }
}

/// Compares every row with its entry, and every entry with its row. Both are in one order; neither is kept in memory.
/// `records` opens the hub's log, which may go on beside it.
///
/// # Errors
/// When database or log cannot be read.
pub fn compare<E: From<EntriesError>>(
    database: &Path,
    records: impl Fn() -> Result<Records, E>,
) -> Result<Compared, E> {
    let mut first = records()?;
    let failed = |error: rusqlite::Error| EntriesError::from(error);
    let db = open(database).map_err(EntriesError::from)?;
    // All rows of one instant, which is after that of the log.
    db.execute_batch("BEGIN").map_err(failed)?;
    let (mut compared, newer) = walk(&db, &mut first)?;
    if !newer.is_empty() {
        let mut records = records()?;
        for number in newer {
            compared.count(number, likeness(&db, number, &mut records)?);
        }
    }
    Ok(compared)
}

/// What came of it, and the rows after the last entry.
fn walk(db: &Connection, records: &mut Records) -> Result<(Compared, Vec<i64>), EntriesError> {
    let destroyed = destroyed(db)?;
    let mut select = db.prepare("SELECT number, at, leaf FROM authentication ORDER BY leaf, number")?;
    let mut rows = select.query_map([], Row::read)?.peekable();
    let (mut compared, mut since) = (Compared::default(), Since::of(db)?);
    records.each::<EntriesError>(|leaf, _| {
        let (sequence, at) = (leaf.header.sequence, leaf.header.at.as_second());
        since.first.get_or_insert((sequence, at));
        let Some(registered) = registered(leaf)? else { return Ok(()) };
        let before = |row: &Row| row.leaf.is_none_or(|leaf| leaf < sequence);
        while let Some(row) = rows.next_if(|row| row.as_ref().map_or(true, before)).transpose()? {
            compared.count(row.number, since.likeness(&row));
        }
        match rows.next_if(|row| row.as_ref().is_ok_and(|row| row.leaf == Some(sequence))).transpose()? {
            Some(row) => compared.count(row.number, beside(db, row.number, &registered)?),
            None if destroyed.contains(&Month::of(at)) => {}
            None => compared.taken.push(sequence),
        }
        Ok(())
    })?;
    let newer = rows.map(|row| row.map(|row| row.number)).collect::<Result<_, _>>()?;
    Ok((compared, newer))
}

fn beside(db: &Connection, number: i64, registered: &str) -> rusqlite::Result<Likeness> {
    Ok(if digest::of(db, number)? == registered { Likeness::Same } else { Likeness::Other })
}

/// What a row is beside its entry.
///
/// # Errors
/// When database or log cannot be read.
pub fn likeness(db: &Connection, number: i64, records: &mut Records) -> Result<Likeness, EntriesError> {
    let one = "SELECT number, at, leaf FROM authentication WHERE number = ?1";
    let row = db.query_row(one, [number], Row::read)?;
    let mut since = Since::of(db)?;
    let Some(leaf) = row.leaf else { return Ok(since.likeness(&row)) };
    let octets = match records.leaf(leaf) {
        Err(RecordsError::Gap { .. }) => return Ok(Likeness::Other),
        Err(RecordsError::Gone { below, .. }) => {
            let first = Leaf::read(&records.leaf(below)?)?.header.at;
            since.first = Some((below, first.as_second()));
            return Ok(since.likeness(&row));
        }
        leaf => leaf?,
    };
    match registered(&Leaf::read(&octets)?)? {
        Some(registered) => Ok(beside(db, number, &registered)?),
        None => Ok(Likeness::Other),
    }
}

/// Opens the register for reading.
///
/// # Errors
/// When it cannot be read or is of another version.
pub fn open(database: &Path) -> Result<Connection, RegisterError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(database, flags)?;
    match schema::version(&db)? {
        schema::VERSION => Ok(db),
        found => Err(RegisterError::Newer { found, known: schema::VERSION }),
    }
}

/// The digest in an entry of a login; `None` for another entry.
fn registered(leaf: &Leaf<'_>) -> Result<Option<String>, EntriesError> {
    if leaf.header.class != Class::R1 {
        return Ok(None);
    }
    Ok(match Content::parse(leaf.body)?.body {
        Body::Registered { digest } => Some(digest),
        _ => None,
    })
}

fn destroyed(db: &Connection) -> rusqlite::Result<BTreeSet<Month>> {
    let mut select = db.prepare("SELECT month FROM destroyed")?;
    let months = select.query_map([], |row| row.get::<_, String>(0))?;
    months.filter_map(|month| month.map(|month| month.parse().ok()).transpose()).collect()
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} logins are as the log says", self.same)?;
        if self.alone > 0 {
            let alone = self.alone;
            writeln!(
                f,
                "{alone} logins have nothing to compare with: their entries are over, or they are of before logins had any"
            )?;
        }
        for number in self.other.iter().take(TOLD) {
            writeln!(f, "row {number} is not as the log says: it was changed or put in")?;
        }
        for sequence in self.taken.iter().take(TOLD) {
            writeln!(f, "entry {sequence} of the log has no row: it was taken away")?;
        }
        let more = self.other.len().saturating_sub(TOLD) + self.taken.len().saturating_sub(TOLD);
        if more > 0 { writeln!(f, "and {more} more") } else { Ok(()) }
    }
}
