//! Rows of logins against their entries in the hub's log (class R1): what was changed, put in or taken away shows.

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
    /// Rows that are not as their entries say, or have none: their numbers.
    pub other: Vec<i64>,
    /// Entries whose row is not there, in months that were not destroyed.
    pub taken: Vec<u64>,
}

impl Compared {
    /// Whether the register is what was recorded.
    pub const fn is_whole(&self) -> bool {
        self.other.is_empty() && self.taken.is_empty()
    }
}

/// A row.
struct Row {
    number: i64,
    /// The entry it was recorded by.
    leaf: Option<u64>,
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
            match is_same(&db, number, &mut records)? {
                true => compared.same += 1,
                false => compared.other.push(number),
            }
        }
    }
    Ok(compared)
}

/// What came of it, and the rows after the last entry.
fn walk(db: &Connection, records: &mut Records) -> Result<(Compared, Vec<i64>), EntriesError> {
    let destroyed = destroyed(db)?;
    let mut select = db.prepare("SELECT number, leaf FROM authentication ORDER BY leaf, number")?;
    let row = |row: &rusqlite::Row<'_>| {
        let leaf = row.get::<_, Option<i64>>(1)?.map(i64::cast_unsigned);
        Ok(Row { number: row.get(0)?, leaf })
    };
    let mut rows = select.query_map([], row)?.peekable();
    let mut compared = Compared::default();
    records.each::<EntriesError>(|leaf, _| {
        let Some(registered) = registered(leaf)? else { return Ok(()) };
        let sequence = leaf.header.sequence;
        let before = |row: &Row| row.leaf.is_none_or(|leaf| leaf < sequence);
        while let Some(row) = rows.next_if(|row| row.as_ref().map_or(true, before)) {
            compared.other.push(row?.number);
        }
        match rows.next_if(|row| row.as_ref().is_ok_and(|row| row.leaf == Some(sequence))).transpose()? {
            Some(Row { number, .. }) if digest::of(db, number)? == registered => compared.same += 1,
            Some(Row { number, .. }) => compared.other.push(number),
            None if destroyed.contains(&Month::of(leaf.header.at.as_second())) => {}
            None => compared.taken.push(sequence),
        }
        Ok(())
    })?;
    let newer = rows.map(|row| row.map(|row| row.number)).collect::<Result<_, _>>()?;
    Ok((compared, newer))
}

/// Whether a row is as its entry says.
///
/// # Errors
/// When database or log cannot be read.
pub fn is_same(db: &Connection, number: i64, records: &mut Records) -> Result<bool, EntriesError> {
    let leaf: Option<i64> =
        db.query_row("SELECT leaf FROM authentication WHERE number = ?1", [number], |row| row.get(0))?;
    let Some(leaf) = leaf else { return Ok(false) };
    let octets = match records.leaf(leaf.cast_unsigned()) {
        Err(RecordsError::Gap { .. }) => return Ok(false),
        leaf => leaf?,
    };
    let registered = registered(&Leaf::read(&octets)?)?;
    Ok(registered == Some(digest::of(db, number)?))
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
