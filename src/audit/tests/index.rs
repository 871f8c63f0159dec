//! The index of logs: whatever way it was filled, it is what a new one is, and what it leads to is what the log holds.

#![expect(clippy::unwrap_used, reason = "a step that fails fails the test")]

#[path = "tlog/kept.rs"]
#[expect(dead_code, reason = "another test uses the rest of it")]
mod kept;

use jiff::{SignedDuration, Timestamp};
use kept::{Memory, ORIGIN, Place, key};
use proptest::prelude::*;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use varco_audit::{
    class::Class,
    index::{self, Filled, Gone, IndexError, Rows as _, Span, Sqlite},
    records::{Keyed, Records, RecordsError},
    tag::{Tag, TagKey},
    tlog::{Checkpoint, Files, Folder, Log, Note, Tiles, prune},
};

fn begin() -> Timestamp {
    "2026-11-22T10:00:00.25Z".parse().unwrap()
}

fn at(minute: u64) -> Timestamp {
    begin() + SignedDuration::from_mins(minute.try_into().unwrap())
}

fn tag(number: u64) -> Tag {
    TagKey::new(&[7]).tag([198, 18, 0, 3].into(), 1024 + 512 * number as u16)
}

/// A site's leaves, one a minute: logins of three leaves, heartbeats, a key of tags each 3,000.
fn leaf(sequence: u64) -> Vec<u8> {
    let (class, period, mark, body) = match sequence % 8 {
        0 if sequence.is_multiple_of(3000) => ("R2b", "2026-W47", "tagkey".to_owned(), &b"\x04"[..]),
        0 | 7 => ("R6", "-", "-".to_owned(), &b"{}"[..]),
        1 | 4 => ("R2a", "2026-W47", "-".to_owned(), &b"\x05"[..]),
        2 | 5 => ("R2b", "2026-W47", tag(sequence % 5).to_string(), &b"\x05"[..]),
        3 => ("R3", "2026-11-22", "-".to_owned(), &b"\x05"[..]),
        _ => ("R4", "2026-W47", "-".to_owned(), &b"\x05"[..]),
    };
    let header = format!("varco-leaf/1 {class} library {sequence} {} {period} {mark}\n", at(sequence));
    [header.as_bytes(), body, &sequence.to_be_bytes()].concat()
}

fn grown(sizes: &[u64]) -> Vec<Memory> {
    let (mut log, mut size) = (Log::on(Memory::default(), ORIGIN, key()).unwrap(), 0);
    let mut states = Vec::new();
    for end in sizes {
        log.integrate(size, &(size..*end).map(leaf).collect::<Vec<_>>()).unwrap();
        size = *end;
        let disk = log.into_disk();
        states.push(disk.clone());
        log = Log::on(disk, ORIGIN, key()).unwrap();
    }
    states
}

fn tiles(files: &Memory) -> Tiles<&Memory> {
    let note = Note::parse(&files.read("checkpoint").unwrap()).unwrap();
    Tiles::open(files, &Checkpoint::parse(&note.text).unwrap()).unwrap()
}

/// Takes the bundles below away, as who keeps the log does.
fn prune(files: &Memory, below: u64) {
    let size = tiles(files).size();
    prune::prune(files, (ORIGIN, size), below, at(0), &key()).unwrap();
}

fn fill(rows: &mut Sqlite, files: &Memory) -> Result<Filled, IndexError> {
    index::fill(rows, ORIGIN, &mut tiles(files), prune::minimum(files))
}

/// All that a file of an index holds, but for its free pages.
fn all(file: &Path) -> BTreeMap<String, Vec<String>> {
    let db = rusqlite::Connection::open(file).unwrap();
    let table = |name: &str| {
        let mut select = db.prepare(&format!("SELECT * FROM {name}")).unwrap();
        let width = select.column_count();
        let text = |row: &rusqlite::Row<'_>| {
            let values = (0..width).map(|column| row.get::<_, rusqlite::types::Value>(column));
            Ok(format!("{:?}", values.collect::<Result<Vec<_>, _>>()?))
        };
        let mut rows: Vec<String> = select.query_map((), text).unwrap().collect::<Result<_, _>>().unwrap();
        rows.sort();
        (name.to_owned(), rows)
    };
    ["log", "leaf", "tag", "mark", "hour"].map(table).into()
}

fn made(place: &Place, name: &str) -> (Sqlite, PathBuf) {
    let file = place.0.join(name);
    let _ = std::fs::remove_file(&file);
    (Sqlite::open(&file).unwrap(), file)
}

#[test]
fn filled_in_any_portions_and_pruned_on_the_way_it_is_what_a_new_one_is() {
    let place = Place::new("index-portions");
    let sizes = proptest::collection::vec(1u64..700, 1..9);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(12));
    let outcome = runner.run(&(sizes, 0u64..6), |(steps, pruned)| {
        let sizes: Vec<_> = steps
            .iter()
            .scan(0, |size, step| {
                *size += step;
                Some(*size)
            })
            .collect();
        let (mut grows, grown_file) = made(&place, "grows.db");
        let states = grown(&sizes);
        for files in &states {
            fill(&mut grows, files).unwrap();
        }
        let files = states.last().unwrap();
        let (mut anew, anew_file) = made(&place, "anew.db");
        fill(&mut anew, files).unwrap();
        prop_assert_eq!(all(&grown_file), all(&anew_file));
        // Bundles expire: their rows go from the one that saw it, and another never has them.
        let below = pruned.min((sizes.last().unwrap() - 1) / 256) * 256;
        if below > 0 {
            prune(files, below);
        }
        fill(&mut grows, files).unwrap();
        let (mut after, after_file) = made(&place, "after.db");
        fill(&mut after, files).unwrap();
        prop_assert_eq!(all(&grown_file), all(&after_file));
        anew.clear(ORIGIN).unwrap();
        fill(&mut anew, files).unwrap();
        prop_assert_eq!(all(&after_file), all(&anew_file));
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn an_interrupted_fill_goes_on_where_it_was() {
    let place = Place::new("index-interrupted");
    let files = grown(&[20_000]).remove(0);
    let (mut rows, file) = made(&place, "interrupted.db");
    // The second portion is damaged: the first is kept.
    let path = "tile/entries/040";
    let whole = files.read(path).unwrap();
    let mut damaged = whole.clone();
    damaged[100] ^= 1;
    files.0.borrow_mut().insert(path.into(), damaged);
    assert!(matches!(fill(&mut rows, &files), Err(IndexError::Tiles(_))));
    assert_eq!(rows.place(ORIGIN).unwrap().unwrap().size, 8192);
    files.0.borrow_mut().insert(path.into(), whole);
    let filled = fill(&mut rows, &files).unwrap();
    assert_eq!((filled.size, filled.new), (20_000, 20_000 - 8192));
    let (mut anew, anew_file) = made(&place, "anew.db");
    fill(&mut anew, &files).unwrap();
    assert_eq!(all(&file), all(&anew_file));
}

#[test]
fn two_writers_at_once_put_each_row_once() {
    let place = Place::new("index-writers");
    let files = grown(&[30_000]).remove(0);
    let (_, file) = made(&place, "writers.db");
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let (files, file) = (files.clone(), &file);
            scope.spawn(move || fill(&mut Sqlite::open(file).unwrap(), &files).unwrap());
        }
    });
    let (mut anew, anew_file) = made(&place, "anew.db");
    fill(&mut anew, &files).unwrap();
    assert_eq!(all(&file), all(&anew_file));
}

#[test]
fn another_history_of_a_log_is_told_and_a_strange_file_refused() {
    let place = Place::new("index-other");
    let (mut rows, file) = made(&place, "other.db");
    fill(&mut rows, &grown(&[300]).remove(0)).unwrap();
    let mut other = Log::on(Memory::default(), ORIGIN, key()).unwrap();
    other.integrate(0, &kept::leaves(0..400)).unwrap();
    let told = fill(&mut rows, &other.into_disk());
    assert!(matches!(told, Err(IndexError::Other(_))), "{told:?}");
    drop(rows);
    let strange = rusqlite::Connection::open(place.0.join("strange.db")).unwrap();
    strange.execute_batch("CREATE TABLE hers (x)").unwrap();
    assert!(matches!(Sqlite::open(&place.0.join("strange.db")), Err(IndexError::Version(0))));
    rusqlite::Connection::open(&file).unwrap().pragma_update(None, "user_version", 3).unwrap();
    assert!(matches!(Sqlite::open(&file), Err(IndexError::Version(3))));
}

/// What is asked of the index is what a walk through all leaves says.
#[test]
fn its_answers_are_those_of_the_log() {
    let place = Place::new("index-answers");
    let files = grown(&[7000]).remove(0);
    let (mut rows, _) = made(&place, "answers.db");
    fill(&mut rows, &files).unwrap();
    let span = Span { first: at(2000), last: at(5000) };
    let walked = |wanted: &dyn Fn(u64) -> bool| (0..7000).filter(|n| wanted(*n)).collect::<Vec<_>>();
    for number in 0..6 {
        let marked = walked(&|n| matches!(n % 8, 2 | 5) && n % 5 == number && (2000..=5000).contains(&n));
        assert_eq!(rows.tagged(ORIGIN, &[tag(number)], span, 0..u64::MAX).unwrap(), marked);
        let some: Vec<_> = marked.iter().copied().filter(|n| (2500..3000).contains(n)).collect();
        assert_eq!(rows.tagged(ORIGIN, &[tag(number), tag(9)], span, 2500..3000).unwrap(), some);
    }
    assert!(rows.has_tags(ORIGIN, span, 2000..2003).unwrap());
    assert!(!rows.has_tags(ORIGIN, span, 2000..2002).unwrap());
    let keys: Vec<_> = rows.marked(ORIGIN, "tagkey").unwrap().into_iter().map(|key| key.sequence).collect();
    assert_eq!(keys, [0, 3000, 6000]);
    for (class, wanted) in [(Class::R4, 6), (Class::R3, 3)] {
        let found = rows.of_class(ORIGIN, class, span).unwrap();
        let walked = walked(&|n| n % 8 == wanted && (2000..=5000).contains(&n));
        assert_eq!(found.iter().map(|(n, _)| *n).collect::<Vec<_>>(), walked, "{class}");
        assert!(found.iter().all(|(n, when)| *when == at(*n)));
    }
    let counts = rows.counts(ORIGIN, Span::ALL).unwrap();
    assert_eq!(counts.iter().map(|count| count.leaves).sum::<u64>(), 7000);
    let hour = Timestamp::from_second(at(2000).as_second() / 3600 * 3600).unwrap();
    let of_hour = counts.iter().filter(|count| count.hour == hour && count.class == Class::R6);
    let beats = walked(&|n| {
        let key = n.is_multiple_of(3000);
        matches!(n % 8, 0 | 7) && !key && at(n) >= hour && at(n) < hour + SignedDuration::from_hours(1)
    });
    assert_eq!(of_hour.map(|count| count.leaves).sum::<u64>(), beats.len() as u64);
    assert_eq!(rows.newest(ORIGIN).unwrap(), Some(at(6999)));
    assert_eq!(rows.places().unwrap().len(), 1);
    assert!(rows.tagged("another", &[tag(1)], Span::ALL, 0..9).unwrap().is_empty());
}

fn folder(name: &str, files: &Memory) -> (Place, PathBuf) {
    let place = Place::new(name);
    place.put(files);
    let log = place.log();
    (place, log)
}

#[test]
fn after_pruning_what_is_elsewhere_is_found_and_what_was_there_is_said_to_be_gone() {
    let files = grown(&[7000]).remove(0);
    prune(&files, 12 * 256);
    let (_place, log) = folder("index-pruned", &files);
    let mut records = Records::open(Some(&log), None).unwrap();
    let of = |first, last| Span { first: at(first), last: at(last) };
    // The key of tags of 3,000 is gone with the twelfth bundle, so what is under it is not known either.
    for span in [of(0, 10), of(3000, 3100), of(5000, 5100)] {
        let told = records.keyed(span);
        assert!(matches!(told, Err(RecordsError::Gone { below: 3072, .. })), "{told:?}");
        let told = told.unwrap_err().to_string();
        assert!(
            told.starts_with("records below 3072 have expired") && told.contains(&at(3072).to_string()),
            "{told}"
        );
    }
    let keyed = records.keyed(of(6100, 6200)).unwrap();
    assert_eq!(keyed, [Keyed { key: 6000, leaves: 6001..u64::MAX }]);
    let found = records.tagged(&keyed[0], &[tag(2)], of(6100, 6200)).unwrap();
    assert!(!found.is_empty());
    for sequence in found {
        assert_eq!(records.leaf(sequence).unwrap(), leaf(sequence));
    }
    assert!(matches!(records.leaf(7), Err(RecordsError::Gone { .. })));
    assert_eq!(records.gone().unwrap(), Some(Gone { below: 3072, before: Some(at(3072)) }));
    let r4 = records.of_class(Class::R4, Span::ALL).unwrap();
    assert_eq!(r4.first(), Some(&3078));
    // A bundle that is not said to be over is missed.
    std::fs::remove_file(log.join("tile/entries/014")).unwrap();
    assert!(Records::open(Some(&log), None).unwrap().keyed(of(6100, 6200)).is_err());
}

#[test]
fn one_entry_is_compared_with_the_tree_and_no_other_is() {
    let files = grown(&[700]).remove(0);
    for index in [0, 255, 256, 300, 512, 699] {
        assert_eq!(tiles(&files).entry(index).unwrap(), leaf(index));
        let path = format!("tile/entries/{:03}{}", index / 256, if index < 512 { "" } else { ".p/188" });
        let whole = files.read(&path).unwrap();
        let begin = (index / 256 * 256..index).map(|before| leaf(before).len() + 2).sum::<usize>();
        let end = begin + 2 + leaf(index).len();
        for place in begin..end {
            let mut turned = whole.clone();
            turned[place] ^= 1;
            files.0.borrow_mut().insert(path.clone(), turned);
            assert!(tiles(&files).entry(index).is_err(), "octet {place} of entry {index}");
        }
        files.0.borrow_mut().insert(path.clone(), whole[..end].to_vec());
        assert_eq!(tiles(&files).entry(index).unwrap(), leaf(index), "what follows is not looked at");
        files.0.borrow_mut().insert(path, whole);
    }
    assert!(tiles(&files).entry(700).is_err());
}

fn audit(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_varco-audit")).args(words).output().unwrap()
}

#[test]
fn the_command_makes_one_continues_it_and_says_what_is_gone() {
    let states = grown(&[700, 1500]);
    let (place, log) = folder("index-command", &states[0]);
    let (log, out) = (log.to_str().unwrap(), place.0.join("index.db"));
    let (vkey, out) = (key().vkey(), out.to_str().unwrap().to_owned());
    let run = |more: &[&str]| {
        let done = audit(&[&["index", "--log", log, "--out", &out][..], more].concat());
        (done.status.code(), String::from_utf8([done.stdout, done.stderr].concat()).unwrap())
    };
    assert_eq!(run(&["--vkey", &vkey]), (Some(0), format!("{ORIGIN}: 700 entries, 700 of them new\n")));
    place.put(&states[1]);
    assert_eq!(run(&[]), (Some(0), format!("{ORIGIN}: 1500 entries, 800 of them new\n")));
    prune::prune(&Folder::alone(&place.log()).unwrap(), (ORIGIN, 1500), 512, at(0), &key()).unwrap();
    for more in [&[][..], &["--anew"]] {
        let (code, text) = run(more);
        assert_eq!(
            (code, text.ends_with("  those below 512 are gone, their hashes are there\n")),
            (Some(0), true),
            "{text}"
        );
    }
    let other = kept::key_of(ORIGIN, 8).vkey();
    assert_eq!(run(&["--vkey", &other]).0, Some(5));
    let stranger = kept::key_of("hub.example.it/log/museum", 8).vkey();
    let (code, text) = run(&["--vkey", &stranger]);
    assert!(code == Some(1) && text.contains(&format!("no --vkey is of {ORIGIN}")), "{text}");
    std::fs::write(place.log().join("tile/0/003"), "short").unwrap();
    assert_eq!(run(&["--anew"]).0, Some(4));
    assert_eq!(audit(&["index", "--log", "/nonexistent", "--out", &out]).status.code(), Some(1));
    assert_eq!(audit(&["index", "--out", &out]).status.code(), Some(64));
}
