//! What an operator may know of the register: how many logins a month holds and where its key is. Nobody is in it.

use super::{
    RegisterError, entries,
    keys::{Held, MonthKeys},
    month::Month,
};
use jiff::Timestamp;
use rusqlite::Connection;
use std::{collections::BTreeMap, fmt, path::Path};

/// A month of the register.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// Logins on record.
    pub logins: u64,
    /// Logins that were refused.
    pub refused: u64,
    /// When its logins were destroyed and how many they were.
    pub destroyed: Option<(Timestamp, u64)>,
}

/// The register by month.
#[derive(Debug)]
pub struct Report {
    months: BTreeMap<Month, (Line, Held)>,
    newest: Option<Timestamp>,
}

impl Report {
    /// Reads the database, which a hub may be writing, and looks into the folder of keys.
    ///
    /// # Errors
    /// When one of them cannot be read, or the database is of another version.
    pub fn read(file: &Path, keys: &MonthKeys) -> Result<Self, RegisterError> {
        let db = entries::open(file)?;
        let mut lines = BTreeMap::<Month, Line>::new();
        each(&db, "SELECT month, count(*), 0 FROM authentication GROUP BY month", |month, logins, _| {
            lines.entry(month).or_default().logins = logins.unsigned_abs();
        })?;
        each(&db, "SELECT substr(day, 1, 7), sum(count), 0 FROM refusal GROUP BY 1", |month, refused, _| {
            lines.entry(month).or_default().refused = refused.unsigned_abs();
        })?;
        each(&db, "SELECT month, logins, at FROM destroyed", |month, logins, at| {
            let at = Timestamp::from_second(at).unwrap_or(Timestamp::MAX);
            lines.entry(month).or_default().destroyed = Some((at, logins.unsigned_abs()));
        })?;
        for month in keys.months()? {
            lines.entry(month).or_default();
        }
        let newest: Option<i64> =
            db.query_row("SELECT max(min(at, response_issued)) FROM authentication", [], |row| row.get(0))?;
        let months = lines.into_iter().map(|(month, line)| (month, (line, keys.held(month)))).collect();
        Ok(Self { months, newest: newest.and_then(|at| Timestamp::from_second(at).ok()) })
    }
}

fn each(db: &Connection, query: &str, mut tell: impl FnMut(Month, i64, i64)) -> rusqlite::Result<()> {
    let mut select = db.prepare(query)?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let month: String = row.get(0)?;
        if let Ok(month) = month.parse() {
            tell(month, row.get(1)?, row.get(2)?);
        }
    }
    Ok(())
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "month    logins    refused   key")?;
        for (month, (line, held)) in &self.months {
            let key = match held {
                Held::Both => "here",
                Held::Public => "public half here",
                Held::Nothing if line.logins > 0 => "MISSING: its logins cannot be read",
                Held::Nothing => "none",
            };
            write!(f, "{month}  {:<8}  {:<8}  {key}", line.logins, line.refused)?;
            if let Some((at, logins)) = line.destroyed {
                write!(f, "; {logins} logins destroyed at {at}")?;
            }
            writeln!(f)?;
        }
        match self.newest {
            Some(at) => {
                let oldest = Month::of(at.as_second()).oldest_kept();
                writeln!(f, "newest login {at}: what is before {oldest} is destroyed")
            }
            None => writeln!(f, "no login yet: nothing is destroyed"),
        }
    }
}
