//! A log whose first bundle has expired: what is asked about it is told so, and what is not in it is found as ever.

use crate::{
    case::{ASKED, Case, ORIGIN, at, case_of, day, session},
    site::{audit, written},
};
use jiff::ToSpan as _;
use std::process::Output;
use varco_audit::{
    Clock, Entry,
    case::{Answer, Signed},
    holder::{HolderKey, People},
    records::{Records, RecordsError},
    tlog::{Log, NoteKey, prune},
};

/// When the session was whose records have expired.
const THEN: &str = "2026-09-29T09:30:00+00:00";

/// A session of weeks before, three hundred heartbeats after it, and the day of every case.
fn pruned(name: &str) -> Case {
    let mut entries: Vec<_> = session(7, "2026-09-29T09:00:00Z", 1024).into();
    entries.extend((0..300).map(|n: i64| Entry::Heartbeat {
        at: at("2026-09-30T00:00:00Z").saturating_add((n * 5).minutes()).unwrap(),
        site: "library".into(),
        open: 0,
        clock: Clock::WithinMs(20),
    }));
    // The week's key of tags is older than any pass that could still have been open on the day.
    entries.extend(session(8, "2026-11-17T09:00:00Z", 2048));
    entries.extend(day());
    let case = Case::with(name, &["2026-W40", "2026-W47"], &entries);
    let key = NoteKey::load_or_make(case.path("log.key").as_ref(), ORIGIN).unwrap();
    let mut log = Log::open(case.path("log").as_ref(), ORIGIN, key).unwrap();
    log.prune(256, at("2026-11-30T09:00:00Z")).unwrap();
    case
}

fn said(done: &Output) -> (Option<i32>, String) {
    (done.status.code(), String::from_utf8_lossy(&[&*done.stdout, &*done.stderr].concat()).into_owned())
}

/// Asks, has it allowed, and looks: with `who`, or `find` at the requester's machine.
fn look(case: &Case, command: &str, instant: &str) -> (Option<i32>, String) {
    let asked = case.records.ask(1100, instant, &[]);
    written(&asked);
    let permit = case.records.allow(&asked);
    let log = ["--log".to_owned(), case.path("log"), "--vkey".to_owned(), case.site.clone()];
    let words = [&[command.to_owned()][..], &log, &permit, &case.records.holders(), &case.records.to_cases()]
        .concat();
    said(&audit(&words.iter().map(String::as_str).collect::<Vec<_>>()))
}

#[test]
fn a_look_up_of_then_is_told_that_it_has_expired_and_one_of_later_is_answered() {
    let case = pruned("gone-look");
    for command in ["who", "find"] {
        let (code, text) = look(&case, command, THEN);
        assert!(
            code == Some(7) && text.contains("records below 256 have expired"),
            "{command}: {code:?} {text}"
        );
        assert!(text.contains("the first one that is there is of 2026-"), "{text}");
    }
    let (code, text) = look(&case, "who", ASKED);
    assert!(code == Some(0) && text.contains("subject-1-known-value"), "{code:?} {text}");
    assert_eq!(look(&case, "find", ASKED).0, Some(0));
    assert_eq!(
        look(&case, "who", "2026-11-20T10:30:00+05:00").0,
        Some(2),
        "nobody, and nothing of it has expired"
    );
}

#[test]
fn what_has_expired_is_not_held_and_the_rest_is() {
    let case = pruned("gone-hold");
    let stem = case.answered(1100, ASKED, &[]);
    let [request, receipt, answer] = ["request", "receipt", "answer"].map(|end| format!("{stem}.{end}"));
    let (hub, log, keys, holds) =
        (case.hub().vkey(), case.path("log"), case.path("keys"), case.path("holds"));
    let (anna, bruno) = (case.path("people/anna.key"), case.path("people/bruno.key"));
    let allowed = ["hold", "make", "--request", &request, "--receipt", &receipt, "--hub-vkey", &hub];
    let site = ["--log", &log, "--vkey", &case.site, "--keys", &keys, "--holds", &holds];
    let both = ["--holder", &anna, "--holder", &bruno];
    let hold = |more: &[&str]| said(&audit(&[&allowed[..], &site, &both, more].concat()));
    // An answer of a time when that record was there.
    let people = People::read(case.path("keys/holders").as_ref()).unwrap();
    let signed: Signed<Answer> = Signed::read(&std::fs::read(&answer).unwrap(), &people).unwrap();
    let mut of_then = Answer::clone(&signed);
    of_then.sessions[0].records = vec![3];
    let old = case.path("old.answer");
    std::fs::write(&old, Signed::make(&of_then, &HolderKey::read(bruno.as_ref()).unwrap()).unwrap()).unwrap();
    let (code, text) = hold(&["--answer", &old]);
    assert!(code == Some(7) && text.contains("record 3: records below 256 have expired"), "{code:?} {text}");
    assert!(std::fs::read_dir(&holds).is_err(), "nothing of it is kept");
    let (code, text) = hold(&["--answer", &answer]);
    assert!(code == Some(0) && text.contains(" records, until "), "{code:?} {text}");
    assert!(case.path("holds").len() > 1 && case_of(&stem).to_string().len() == 32);
}

#[test]
fn records_are_read_from_the_first_that_is_there() {
    let case = pruned("gone-records");
    let mut records = Records::open(Some(case.path("log").as_ref()), None).unwrap();
    let mut read = Vec::new();
    let done: Result<(), RecordsError> = records.each(|leaf, _| {
        read.push(leaf.header.sequence);
        Ok(())
    });
    done.unwrap();
    assert_eq!((read.first(), read.len() > 50), (Some(&256), true));
    assert!(read.windows(2).all(|pair| pair[0] + 1 == pair[1]), "without a gap");
    assert!(matches!(records.leaf(255), Err(RecordsError::Gone { below: 256, .. })));
    assert_eq!(records.site().unwrap().as_deref(), Some("library"));
    assert_eq!(prune::minimum(&varco_audit::tlog::Folder::new(case.path("log").as_ref())), 256);
}

/// A case that was answered in time, and packed too late.
#[test]
fn a_pack_of_what_has_expired_is_not_made_and_says_why() {
    let case = pruned("gone-pack");
    let stem = case.answered(1100, ASKED, &[]);
    let beat = |n: i64| Entry::Heartbeat {
        at: at("2026-11-21T00:00:00Z").saturating_add((n * 5).minutes()).unwrap(),
        site: "library".into(),
        open: 0,
        clock: Clock::WithinMs(20),
    };
    case.records.record(&(0..300).map(beat).collect::<Vec<_>>(), Clock::WithinMs(20));
    let db = rusqlite::Connection::open(case.records.file()).unwrap();
    let leaves = varco_audit::journal::leaves(&db, 0, 10_000).unwrap();
    let key = NoteKey::load_or_make(case.path("log.key").as_ref(), ORIGIN).unwrap();
    let mut log = Log::open(case.path("log").as_ref(), ORIGIN, key).unwrap();
    let first = log.size();
    let new: Vec<_> = leaves.into_iter().skip(first as usize).map(|(_, leaf)| leaf).collect();
    log.integrate(first, &new).unwrap();
    case.copied(&log);
    log.prune(512, at("2026-11-30T09:00:00Z")).unwrap();
    let (code, text) = said(&case.pack(&stem));
    assert!(code == Some(7) && text.contains("those below 512 are gone"), "{code:?} {text}");
    assert!(!std::path::Path::new(&format!("{stem}.pack.tar")).exists());
}
