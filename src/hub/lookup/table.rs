//! The cases' table in `hub.db`. It holds no address, and of an answer only how many sessions it tells.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};
use varco_audit::case::{CaseId, Outcome, Step};

/// A case as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// The case.
    pub case: CaseId,
    /// Who asked.
    pub requester: String,
    /// When it came.
    pub asked: Timestamp,
    /// The approver's decision, if there is one.
    pub decided: Option<Decided>,
    /// When the answer came, what came of it, and how many sessions or steps it tells.
    pub answered: Option<(Timestamp, Outcome, u32)>,
    /// When somebody last looked in the register who the answer is about.
    pub named: Option<Timestamp>,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// Whether the case is allowed.
    pub allowed: bool,
    /// Who decided.
    pub approver: String,
    /// When it came.
    pub at: Timestamp,
}

/// What is kept of a case beside its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Its state.
    pub case: Case,
    /// The whole request, in which the question is sealed.
    pub request: String,
    /// The whole approval or refusal.
    pub decision: Option<String>,
    /// SHA-256 of the answer, 64 hexadecimal digits.
    pub answer: Option<String>,
}

/// The cases of a month of UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Month {
    /// Such as 2026-11.
    pub month: String,
    /// Requests that came.
    pub asked: u64,
    /// Allowed in this month, of whichever it was asked.
    pub allowed: u64,
    /// The same, refused.
    pub refused: u64,
    /// The same, answered.
    pub answered: u64,
}

/// Makes the tables if they are not there.
pub fn create(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "CREATE TABLE IF NOT EXISTS lookup (
           id        TEXT PRIMARY KEY,
           question  TEXT NOT NULL UNIQUE,
           requester TEXT NOT NULL,
           request   TEXT NOT NULL,
           approver  TEXT,
           decision  TEXT,
           outcome   TEXT,
           count     INTEGER,
           answer    TEXT
         ) STRICT;
         CREATE TABLE IF NOT EXISTS lookup_step (
           id    TEXT NOT NULL REFERENCES lookup (id) ON DELETE CASCADE,
           step  TEXT NOT NULL,
           at    INTEGER NOT NULL,
           leaf  INTEGER NOT NULL
         ) STRICT;
         CREATE INDEX IF NOT EXISTS lookup_step_by_case ON lookup_step (id, step);
         CREATE INDEX IF NOT EXISTS lookup_step_by_time ON lookup_step (at);",
    )
}

/// Notes a step that is recorded in this leaf. The leaf's header has the same instant.
pub fn step(
    tx: &Transaction<'_>,
    case: CaseId,
    step: Step,
    at: Timestamp,
    leaf: u64,
) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT INTO lookup_step VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![case.to_string(), step.as_str(), at.as_millisecond(), leaf.cast_signed()])
        .map(drop)
}

/// The leaf of the newest such step of a case.
pub fn leaf(db: &Connection, case: CaseId, step: Step) -> rusqlite::Result<Option<u64>> {
    db.prepare_cached("SELECT leaf FROM lookup_step WHERE id = ?1 AND step = ?2 ORDER BY leaf DESC LIMIT 1")?
        .query_row(params![case.to_string(), step.as_str()], |row| row.get::<_, i64>(0))
        .optional()
        .map(|leaf| leaf.map(i64::cast_unsigned))
}

/// Every step of a case in order: which, when, and its leaf.
pub fn steps(db: &Connection, case: CaseId) -> rusqlite::Result<Vec<(Step, Timestamp, u64)>> {
    let mut select =
        db.prepare_cached("SELECT step, at, leaf FROM lookup_step WHERE id = ?1 ORDER BY leaf")?;
    let rows = select.query_map([case.to_string()], |row| {
        let foreign =
            |n| rusqlite::Error::InvalidColumnType(n, "lookup_step".into(), rusqlite::types::Type::Text);
        let step = row.get::<_, String>(0)?.parse().map_err(|_| foreign(0))?;
        let at = Timestamp::from_millisecond(row.get(1)?).map_err(|_| foreign(1))?;
        Ok((step, at, row.get::<_, i64>(2)?.cast_unsigned()))
    })?;
    rows.collect()
}

/// Adds a case that was asked.
pub fn ask(
    tx: &Transaction<'_>,
    case: CaseId,
    (question, by, request): (&str, &str, &str),
) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT INTO lookup (id, question, requester, request) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![case.to_string(), question, by, request])
        .map(drop)
}

/// Whether a question was asked, in whichever request: it is known by what the request commits to.
pub fn was_asked(db: &Connection, question: &str) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM lookup WHERE question = ?1")?.exists([question])
}

/// Notes the decision of a case.
pub fn decide(tx: &Transaction<'_>, case: CaseId, by: &str, decision: &str) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE lookup SET approver = ?2, decision = ?3 WHERE id = ?1")?
        .execute(params![case.to_string(), by, decision])
        .map(drop)
}

/// Notes the answer of a case.
pub fn answer(
    tx: &Transaction<'_>,
    case: CaseId,
    (outcome, count, digest): (Outcome, u32, &str),
) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE lookup SET outcome = ?2, count = ?3, answer = ?4 WHERE id = ?1")?
        .execute(params![case.to_string(), outcome.to_string(), count, digest])
        .map(drop)
}

/// Removes what was asked at a time that is over; how many cases there were.
pub fn forget(db: &Connection, is_over: impl Fn(Timestamp) -> bool) -> rusqlite::Result<usize> {
    let mut select = db.prepare_cached("SELECT at FROM lookup_step WHERE step = 'asked' ORDER BY at")?;
    let rows = select.query_map([], |row| row.get::<_, i64>(0))?;
    let over = |at: &i64| Timestamp::from_millisecond(*at).is_ok_and(&is_over);
    let Some(last) = rows.map_while(Result::ok).take_while(over).last() else { return Ok(0) };
    db.prepare_cached(
        "DELETE FROM lookup WHERE id IN (SELECT id FROM lookup_step WHERE step = 'asked' AND at <= ?1)",
    )?
    .execute([last])
}

const CASE: &str = "
    SELECT id, requester, request, approver, decision, outcome, count, answer,
           (SELECT at FROM lookup_step s WHERE s.id = l.id AND step = 'asked'),
           (SELECT at FROM lookup_step s WHERE s.id = l.id AND step = 'allowed'),
           (SELECT at FROM lookup_step s WHERE s.id = l.id AND step = 'refused'),
           (SELECT at FROM lookup_step s WHERE s.id = l.id AND step = 'answered'),
           (SELECT max(at) FROM lookup_step s WHERE s.id = l.id AND step = 'named')
    FROM lookup l";

/// What is kept of a case.
pub fn known(db: &Connection, case: CaseId) -> rusqlite::Result<Option<Known>> {
    db.prepare_cached(&format!("{CASE} WHERE id = ?1"))?.query_row([case.to_string()], row).optional()
}

/// Every case, the newest first.
pub fn cases(db: &Connection) -> rusqlite::Result<Vec<Case>> {
    let mut select = db.prepare_cached(&format!("{CASE} ORDER BY 9 DESC, id"))?;
    select.query_map([], |found| row(found).map(|known| known.case))?.collect()
}

/// How many steps of each kind each month has, the newest first.
pub fn counts(db: &Connection) -> rusqlite::Result<Vec<Month>> {
    let mut select = db.prepare_cached(
        "SELECT strftime('%Y-%m', at / 1000, 'unixepoch') AS month, count(*) FILTER (WHERE step = 'asked'),
                count(*) FILTER (WHERE step = 'allowed'), count(*) FILTER (WHERE step = 'refused'),
                count(*) FILTER (WHERE step = 'answered')
         FROM lookup_step WHERE step IN ('asked', 'allowed', 'refused', 'answered')
         GROUP BY month ORDER BY month DESC",
    )?;
    let number = |row: &Row<'_>, n| row.get::<_, i64>(n).map(i64::unsigned_abs);
    let months = select.query_map([], |row| {
        Ok(Month {
            month: row.get(0)?,
            asked: number(row, 1)?,
            allowed: number(row, 2)?,
            refused: number(row, 3)?,
            answered: number(row, 4)?,
        })
    })?;
    months.collect()
}

fn row(row: &Row<'_>) -> rusqlite::Result<Known> {
    let at = |n: usize| -> rusqlite::Result<Option<Timestamp>> {
        let at: Option<i64> = row.get(n)?;
        Ok(at.and_then(|at| Timestamp::from_millisecond(at).ok()))
    };
    let foreign =
        |n: usize| rusqlite::Error::InvalidColumnType(n, "lookup".into(), rusqlite::types::Type::Text);
    let id: String = row.get(0)?;
    let (allowed, refused) = (at(9)?, at(10)?);
    let approver: Option<String> = row.get(3)?;
    let decided = approver.zip(allowed.or(refused));
    let decided = decided.map(|(approver, at)| Decided { allowed: allowed.is_some(), approver, at });
    let outcome: Option<String> = row.get(5)?;
    let outcome = outcome.map(|text| text.parse::<Outcome>().map_err(|_| foreign(5))).transpose()?;
    let answered =
        at(11)?.zip(outcome).map(|(at, outcome)| Ok::<_, rusqlite::Error>((at, outcome, row.get(6)?)));
    let case = Case {
        case: id.parse().map_err(|_| foreign(0))?,
        requester: row.get(1)?,
        asked: at(8)?.ok_or_else(|| foreign(8))?,
        decided,
        answered: answered.transpose()?,
        named: at(12)?,
    };
    Ok(Known { case, request: row.get(2)?, decision: row.get(4)?, answer: row.get(7)? })
}
