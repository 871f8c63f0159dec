//! What is kept in `hub.db` of statements of an expiry, beside their entries in the log: which were recorded, which keys are
//! gone, and the newest time that two officers have signed.

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, params};
use std::collections::BTreeSet;
use varco_audit::{class::Class, expiry::Statement, week::Period};

/// Makes the tables if they are not there.
pub fn create(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "CREATE TABLE IF NOT EXISTS expiry_statement (digest TEXT PRIMARY KEY) STRICT;
         CREATE TABLE IF NOT EXISTS expiry_time (time INTEGER PRIMARY KEY) STRICT;
         CREATE TABLE IF NOT EXISTS expiry_destroyed (
           class TEXT NOT NULL, period TEXT NOT NULL, PRIMARY KEY (class, period)
         ) STRICT, WITHOUT ROWID;",
    )
}

/// Notes that this very statement is recorded, in the transaction that records it; `false` where it was already.
pub fn once(transaction: &Transaction<'_>, digest: &str) -> rusqlite::Result<bool> {
    let noted = transaction.execute("INSERT OR IGNORE INTO expiry_statement VALUES (?1)", [digest])?;
    Ok(noted > 0)
}

/// Notes which keys a statement says are gone, and its time, in the transaction that records it.
pub fn note(transaction: &Transaction<'_>, statement: &Statement) -> rusqlite::Result<()> {
    for destroyed in &statement.destroyed {
        transaction
            .prepare_cached("INSERT OR IGNORE INTO expiry_destroyed VALUES (?1, ?2)")?
            .execute(params![destroyed.class.as_str(), destroyed.period.to_string()])?;
    }
    if let Some(time) = statement.time {
        let time = time.as_second();
        transaction.execute("INSERT OR IGNORE INTO expiry_time VALUES (?1)", [time])?;
        transaction
            .execute("DELETE FROM expiry_time WHERE time < (SELECT max(time) FROM expiry_time)", ())?;
    }
    Ok(())
}

/// The classes and periods whose keys are gone.
pub fn destroyed(db: &Connection) -> rusqlite::Result<BTreeSet<(Class, Period)>> {
    let mut select = db.prepare_cached("SELECT class, period FROM expiry_destroyed")?;
    let rows = select.query_map((), |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let read = |(class, period): (String, String)| Some((class.parse().ok()?, period.parse().ok()?));
    Ok(rows.collect::<Result<Vec<_>, _>>()?.into_iter().filter_map(read).collect())
}

/// The newest time that two officers have signed, which the hub's log had proved to them; `None` before the first.
pub fn time(db: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let newest: Option<i64> = db.query_row("SELECT max(time) FROM expiry_time", (), |row| row.get(0))?;
    Ok(newest.and_then(|second| Timestamp::from_second(second).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use varco_audit::expiry::{Destroyed, Kept};

    fn statement(time: Option<&str>, class: Class, period: &str) -> Statement {
        let destroyed = Destroyed { class, period: period.parse().unwrap(), keys: 2, early: false };
        let (at, time) = ("2027-05-17T10:00:00Z".parse().unwrap(), time.map(|time| time.parse().unwrap()));
        Statement {
            at,
            time,
            kept: Kept::default(),
            folders: Vec::new(),
            destroyed: vec![destroyed],
            holds: Vec::new(),
            reason: None,
        }
    }

    fn database() -> Connection {
        let db = Connection::open_in_memory().unwrap();
        create(&db).unwrap();
        create(&db).unwrap();
        db
    }

    #[test]
    fn a_statement_is_recorded_once() {
        let mut db = database();
        let mut note = |digest: &str, goes_on: bool| {
            let transaction = db.transaction().unwrap();
            let noted = once(&transaction, digest).unwrap();
            if goes_on && noted {
                transaction.commit().unwrap();
            }
            noted
        };
        assert!(note("one", true));
        assert!(!note("one", true));
        assert!(note("two", false) && note("two", true), "what failed is not noted");
    }

    #[test]
    fn what_is_destroyed_adds_up_and_time_never_goes_back() {
        let mut db = database();
        assert_eq!((destroyed(&db).unwrap().len(), time(&db).unwrap()), (0, None));
        let transaction = db.transaction().unwrap();
        for (time, class, period) in [
            (Some("2027-05-17T09:00:00Z"), Class::R2b, "2026-W46"),
            (None, Class::R3, "2026-11-22"),
            (Some("2027-05-01T09:00:00Z"), Class::R2b, "2026-W46"),
        ] {
            note(&transaction, &statement(time, class, period)).unwrap();
        }
        transaction.commit().unwrap();
        let gone = [(Class::R2b, "2026-W46".parse().unwrap()), (Class::R3, "2026-11-22".parse().unwrap())];
        assert_eq!(destroyed(&db).unwrap(), BTreeSet::from(gone));
        assert_eq!(time(&db).unwrap(), Some("2027-05-17T09:00:00Z".parse().unwrap()));
    }
}
