//! A range of a log as a folder that both verifiers take, and none that was changed.

use crate::{
    case::{Case, ORIGIN, at},
    site::audit,
};
use jiff::ToSpan as _;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use varco_audit::{
    Clock, Entry,
    content::Body,
    tlog::{Log, NoteKey},
};

/// Four days of heartbeats, a checkpoint after each, which the hub has copied; and the folder to export to.
struct Days {
    case: Case,
}

/// Heartbeats of a day.
const BEATS: i64 = 288;

impl Days {
    fn new(name: &str) -> Self {
        let beat = |n: i64| Entry::Heartbeat {
            at: at("2026-11-16T00:00:00Z").saturating_add((n * 5).minutes()).unwrap(),
            site: "library".into(),
            open: 0,
            clock: Clock::WithinMs(20),
        };
        let case = Case::with(name, &["2026-W47"], &(0..BEATS).map(beat).collect::<Vec<_>>());
        for day in 1..4 {
            case.records
                .record(&(BEATS * day..BEATS * (day + 1)).map(beat).collect::<Vec<_>>(), Clock::WithinMs(20));
            let db = rusqlite::Connection::open(case.records.file()).unwrap();
            let leaves = varco_audit::journal::leaves(&db, 0, 10_000).unwrap();
            let mut log = Self::log(&case);
            log.integrate(0, &leaves.into_iter().map(|(_, leaf)| leaf).collect::<Vec<_>>()).unwrap();
            let checkpoint = log.checkpoint().note().to_owned();
            case.hub().record(&[Body::Copied { checkpoint }], "2026-11-30T09:00:01Z");
        }
        Self { case }
    }

    fn log(case: &Case) -> Log {
        let key = NoteKey::load_or_make(case.path("log.key").as_ref(), ORIGIN).unwrap();
        Log::open(case.path("log").as_ref(), ORIGIN, key).unwrap()
    }

    fn export(&self, more: &[&str]) -> (Option<i32>, String) {
        let log = self.case.path("log");
        let done = audit(&[&["export", "--log", &log, "--vkey", &self.case.site][..], more].concat());
        (done.status.code(), String::from_utf8([done.stdout, done.stderr].concat()).unwrap())
    }

    /// What both verifiers say of an exported folder, by the options that the command named.
    fn verified(&self, folder: &Path, more: &[&str]) -> [Option<i32>; 2] {
        let log = folder.join("log").display().to_string();
        let ours = audit(&[&["verify", "--log", &log, "--vkey", &self.case.site][..], more].concat());
        let verifier = Path::new(env!("CARGO_MANIFEST_DIR")).join("verifier/varco_verify.py");
        let theirs =
            Command::new("/usr/bin/python3").arg(verifier).args(more).args([&log, &self.case.site]).output();
        [ours.status.code(), theirs.unwrap().status.code()]
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn rows(table: &str) -> Vec<&str> {
    table.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect()
}

#[test]
fn a_day_is_a_folder_that_both_verifiers_take_and_no_changed_one() {
    let days = Days::new("export-day");
    let (out, hub) = (days.case.path("out"), days.case.hub().log());
    let (code, text) =
        days.export(&["--day", "2026-11-18", "--site", "library", "--hub-log", &hub, "--out", &out]);
    assert!(code == Some(0) && text.contains("--expired-below 512"), "{code:?} {text}");
    let out = PathBuf::from(out);
    let table = fs::read_to_string(out.join("entries.csv")).unwrap();
    let numbers = rows(&table);
    assert_eq!(numbers.len() as i64, BEATS, "a day");
    assert!(table.contains(",2026-11-18T00:00:00Z,R6,library,") && !table.contains("2026-11-19"), "{table}");
    let more = ["--expired-below", "512"];
    assert_eq!(days.verified(&out, &more), [Some(0); 2]);
    // It ends at the checkpoint that came after the day, not at the newest.
    let end = fs::read_to_string(out.join("log/checkpoint")).unwrap().lines().nth(1).unwrap().to_owned();
    let last: u64 = numbers.last().unwrap().parse().unwrap();
    assert!((last + 1..last + 10).contains(&end.parse().unwrap()), "{end} {last}");
    let words = fs::read_to_string(out.join("LEGGIMI.txt")).unwrap();
    assert!(words.contains(&format!("dalla {} alla {last}", numbers[0])) && !words.contains('{'), "{words}");
    assert_eq!(fs::read_to_string(out.join("vkey")).unwrap().trim(), days.case.site);
    // The table is made again from the folder.
    let log = out.join("log").display().to_string();
    let range = ["--from", numbers[0], "--to", &(last + 1).to_string()].map(str::to_owned);
    let range: Vec<_> = range.iter().map(String::as_str).collect();
    let again = audit(&[&["export", "--log", &log, "--vkey", &days.case.site][..], &range].concat());
    assert_eq!(String::from_utf8(again.stdout).unwrap(), table);
    for path in files(&out.join("log")) {
        let whole = fs::read(&path).unwrap();
        for place in [0, whole.len() / 2, whole.len() - 2] {
            let mut turned = whole.clone();
            turned[place] ^= 1;
            fs::write(&path, turned).unwrap();
            let codes = days.verified(&out, &more);
            assert!(
                codes.iter().all(|code| *code != Some(0)),
                "{}, octet {place}: {codes:?}",
                path.display()
            );
        }
        fs::remove_file(&path).unwrap();
        let codes = days.verified(&out, &more);
        assert!(codes.iter().all(|code| *code != Some(0)), "{} is missing: {codes:?}", path.display());
        fs::write(&path, whole).unwrap();
    }
    assert_eq!(days.verified(&out, &more), [Some(0); 2]);
}

#[test]
fn a_pruned_log_is_exported_from_its_minimum_and_what_has_expired_is_said_so() {
    let days = Days::new("export-pruned");
    let mut log = Days::log(&days.case);
    log.prune(512, at("2026-11-30T09:00:00Z")).unwrap();
    drop(log);
    let out = days.case.path("out");
    let (code, text) = days.export(&["--out", &out]);
    assert!(code == Some(0) && !text.contains("--expired-below"), "the log itself says what is gone: {text}");
    assert_eq!(days.verified(out.as_ref(), &[]), [Some(0); 2]);
    assert_eq!(rows(&days.export(&[]).1)[0], "512");
    for asked in [&["--from", "3"][..], &["--from", "500", "--to", "600"], &["--day", "2026-11-16"]] {
        let (code, text) = days.export(asked);
        assert!(
            code == Some(7) && text.contains("entries below 512 have expired"),
            "{asked:?}: {code:?} {text}"
        );
    }
    let (code, text) = days.export(&["--day", "2026-11-25"]);
    assert!(code == Some(1) && text.contains("no entry is in that range"), "{code:?} {text}");
    let (code, text) = days.export(&["--from", "600", "--to", "90000"]);
    assert!(code == Some(1) && text.contains("no entry is in that range"), "{code:?} {text}");
    let (code, text) = days.export(&["--site", "museum"]);
    assert!(code == Some(1) && text.contains("the log is of library"), "{code:?} {text}");
    assert_eq!(days.export(&["--out", &out]).0, Some(1), "nothing is written over");
    assert_eq!(days.export(&["--day", "2026-11-18", "--from", "3"]).0, Some(64));
    let other = days.case.path("other");
    let stranger = days.case.hub().log();
    let checkpoint = format!("{stranger}/checkpoint");
    let (code, text) =
        days.export(&["--from", "520", "--to", "530", "--checkpoint", &checkpoint, "--out", &other]);
    assert!(code == Some(0) && text.contains("--vkey KEY\n"), "another log's says nothing: {code:?} {text}");
}
