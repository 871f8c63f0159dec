//! What sealing costs a login: its leaves in a database as a gateway has it, next to the same entry in clear.

use super::{
    load::now as instant,
    report::{Aim, Chapter, Figure, Unit},
    scenario::Bench,
    stats,
};
use anyhow::{Result, ensure};
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use std::{fs, path::Path, process::Command};
use varco_audit::{
    Clock, Entry,
    expiry::Kept,
    journal,
    recorder::{Now, Recorder},
};
use varco_policy::{PassId, Slot, Subject};

const MILLISECOND: u64 = 1_000_000;

/// Runs it.
///
/// # Errors
/// When the folder cannot be written or the keys cannot be made.
pub fn run(bench: &Bench, chapter: &mut Chapter) -> Result<()> {
    // On the disk that the programs are on: in memory a sync costs nothing.
    let folder = bench.programs.join(format!("bench-records-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let measured = measure(bench, chapter, &folder);
    fs::remove_dir_all(&folder)?;
    measured
}

fn measure(bench: &Bench, chapter: &mut Chapter, folder: &Path) -> Result<()> {
    keys(bench, folder)?;
    let (mut sealed, mut clear) = (database(&folder.join("sealed.db"))?, database(&folder.join("clear.db"))?);
    journal::create(&sealed)?;
    clear.execute_batch("CREATE TABLE record (sequence INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT")?;
    let mut recorder = Recorder::open(&folder.join("keys"), "bench", Kept::default(), now())?;
    let (singles, batch) = if bench.quick { (20, 50) } else { (500, 512) };
    let (mut median, mut slowest, mut each) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.runs {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..singles {
            ours.push(timed(|| seal(&mut sealed, &mut recorder, 1))?);
            theirs.push(timed(|| write(&mut clear, 1))?);
        }
        median.push((stats::median(&ours), stats::median(&theirs)));
        slowest.push((stats::percentile(&ours, 99), stats::percentile(&theirs, 99)));
        let rate = |nanos: u64, leaves: u64| leaves * 1_000_000_000 / nanos.max(1);
        let count = u64::try_from(batch)?;
        let ours = rate(timed(|| seal(&mut sealed, &mut recorder, batch))?, 3 * count);
        each.push((ours, rate(timed(|| write(&mut clear, batch))?, count)));
    }
    let mut nanoseconds = |name: &str, pairs: &[(u64, u64)], aim| {
        chapter.figures.push(Figure::pairs(name, Unit::Nanoseconds, pairs, aim));
    };
    nanoseconds("a login is on record, median", &median, None);
    nanoseconds("the same, p99", &slowest, None);
    let name = "durable leaves, 512 logins at a time (in clear: entries)";
    chapter.figures.push(Figure::pairs(name, Unit::EachSecond, &each, None));
    let ours: Vec<_> = each.iter().map(|pair| pair.0).collect();
    let name = "durable leaves, 512 logins at a time";
    chapter.figures.push(Figure::alone(name, Unit::EachSecond, &ours, Some(Aim::AtLeast(5_000))));
    let ours: Vec<_> = slowest.iter().map(|pair| pair.0).collect();
    let name = "a login is on record, p99";
    chapter.figures.push(Figure::alone(name, Unit::Nanoseconds, &ours, Some(Aim::Under(5 * MILLISECOND))));
    Ok(())
}

/// By the real command, as an operator does.
fn keys(bench: &Bench, folder: &Path) -> Result<()> {
    let path = |name: &str| folder.join(name).display().to_string();
    let audit = |words: &[&str]| -> Result<()> {
        let done = Command::new(bench.programs.join("varco-audit")).arg("keys").args(words).output()?;
        ensure!(done.status.success(), "varco-audit keys: {}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    };
    for role in ["requester", "approver"] {
        audit(&["holder", "--name", role, "--role", role, "--folder", &path("people")])?;
    }
    let (asks, allows) = (path("people/requester.pub"), path("people/approver.pub"));
    audit(&["weeks", "--keys", &path("keys"), "--holder", &asks, "--holder", &allows])
}

fn database(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

fn seal(connection: &mut Connection, recorder: &mut Recorder, many: usize) -> Result<()> {
    let entries = (0..many).map(|_| login()).collect::<Result<Vec<_>>>()?;
    let transaction = connection.transaction()?;
    recorder.append(&transaction, &entries, Now { at: now(), clock: Clock::WithinMs(10) })?;
    Ok(transaction.commit()?)
}

fn write(connection: &mut Connection, many: usize) -> Result<()> {
    let entries = (0..many).map(|_| login()).collect::<Result<Vec<_>>>()?;
    let transaction = connection.transaction()?;
    for entry in entries {
        let body = serde_json::to_string(&entry)?;
        transaction.prepare_cached("INSERT INTO record (body) VALUES (?1)")?.execute([body])?;
    }
    Ok(transaction.commit()?)
}

fn login() -> Result<Entry> {
    let slot = Slot { address: [198, 18, 0, 3].into(), first_port: 1024, last_port: 1535 };
    Ok(Entry::Started {
        at: now(),
        site: "bench".into(),
        pass: PassId(uuid::Uuid::new_v4()),
        subject: Subject::try_from("AzYx_7fSkq0ZJpXW1h2m5vB9nD4cE8gTrLuQoKwHiVs".to_owned())?,
        device: "Q2hpIGxlZ2dlIHF1aSA_IQ".into(),
        slot,
        until: now() + SignedDuration::from_hours(3),
    })
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<u64> {
    let began = instant();
    work()?;
    Ok(u64::try_from(instant().saturating_duration_since(began).as_nanos())?)
}

#[expect(clippy::disallowed_methods, reason = "the edge: records have the time that it is")]
fn now() -> Timestamp {
    Timestamp::now()
}
