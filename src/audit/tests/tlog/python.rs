//! The second verifier, in another language, against the same log and the same attacks.

use crate::{
    attacks::BROKEN,
    kept::{Memory, ORIGIN, Place, key, leaves, thousand},
};
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};
use varco_audit::tlog::{Files as _, Log};

/// Debian's Python, which has Debian's python3-cryptography.
const PYTHON: &str = "/usr/bin/python3";

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub fn verify(folder: &Path, seen: &[&Path]) -> Output {
    let mut command = Command::new(PYTHON);
    command.arg(here("verifier/varco_verify.py")).arg(folder).arg(key().vkey()).args(seen).output().unwrap()
}

fn grown(size: u64) -> Memory {
    let mut log = Log::on(Memory::default(), ORIGIN, key()).unwrap();
    log.integrate(0, &leaves(0..size)).unwrap();
    log.into_disk()
}

fn said(output: &Output) -> (Option<i32>, String) {
    let text = [&*output.stdout, &*output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn the_second_verifier_says_what_the_first_says() {
    let place = Place::new("second");
    place.put(&grown(70_000));
    let newest = place.0.join("newest");
    std::fs::copy(place.log().join("checkpoint"), &newest).unwrap();
    let whole = said(&verify(&place.log(), &[&newest]));
    assert_eq!(whole, (Some(0), "whole: 70000 entries of library\n".to_owned()));

    let older = place.0.join("older");
    std::fs::write(&older, grown(65_537).read("checkpoint").unwrap()).unwrap();
    assert_eq!(said(&verify(&place.log(), &[&older, &newest])).0, Some(0));

    let replayed = Place::new("second-replayed");
    replayed.put(&thousand());
    assert_eq!(said(&verify(&replayed.log(), &[&newest])).0, Some(6));
    assert_eq!(said(&verify(&place.0.join("nowhere"), &[])).0, Some(1));
    std::fs::remove_file(replayed.log().join("checkpoint")).unwrap();
    assert_eq!(said(&verify(&replayed.log(), &[])).0, Some(4));
}

#[test]
fn neither_verifier_takes_a_leaf_that_nobody_could_read_or_anybody() {
    for broken in BROKEN {
        let place = Place::new("second-broken");
        let mut all = leaves(0..138);
        all[137] = broken.as_bytes().to_vec();
        let mut log = Log::on(Memory::default(), ORIGIN, key()).unwrap();
        log.integrate(0, &all).unwrap();
        place.put(&log.into_disk());
        let (code, text) = said(&verify(&place.log(), &[]));
        assert_eq!(code, Some(4), "{broken}: {text}");
        assert!(text.starts_with("entry 137 "), "{broken}: {text}");
    }
}

#[test]
fn the_second_verifier_is_told_the_site_and_what_has_expired() {
    let place = Place::new("second-expired");
    place.put(&thousand());
    let with = |words: &[&str]| {
        let mut command = Command::new(PYTHON);
        command.arg(here("verifier/varco_verify.py")).args(words).arg(place.log()).arg(key().vkey());
        command.output().unwrap().status.code()
    };
    assert_eq!(with(&["--site", "library"]), Some(0));
    assert_eq!(with(&["--site", "museum"]), Some(4));
    assert_eq!(with(&["--nothing"]), Some(64));
    for gone in ["tile/entries/000", "tile/entries/000.p"] {
        let _ = std::fs::remove_file(place.log().join(gone));
        let _ = std::fs::remove_dir_all(place.log().join(gone));
    }
    assert_eq!(with(&["--expired-below", "256"]), Some(0));
    assert_eq!(with(&["--expired-below", "255"]), Some(4));
    assert_eq!(with(&[]), Some(4));
}

/// A heartbeat or a start.
fn beat(site: &str, sequence: usize, at: &str, body: &str) -> Vec<u8> {
    let class = if body == "resumed" { "R5" } else { "R6" };
    let clock = if body == "resumed" { "" } else { r#","clock":"unknown""# };
    let content = format!(r#"{{"body":{{"{body}":{{"open":0{clock}}}}}}}"#);
    format!("varco-leaf/1 {class} {site} {sequence} 2026-11-22T{at}Z - -\n{content}").into_bytes()
}

/// Of a gateway, and of the hub, whose log beats as well.
#[test]
fn both_verifiers_say_when_nothing_was_heard() {
    ["library", "@hub"].iter().for_each(|site| nothing_was_heard_of(site));
}

fn nothing_was_heard_of(site: &str) {
    let place = Place::new("silence");
    let told = [
        ("10:00:00", "resumed"),
        ("10:15:00", "heartbeat"),
        ("10:30:00.5", "heartbeat"),
        ("12:00:00", "resumed"),
        ("11:40:00", "heartbeat"),
        ("11:50:00", "heartbeat"),
    ];
    let mut all: Vec<_> = told.iter().enumerate().map(|(n, (at, body))| beat(site, n, at, body)).collect();
    all.push(format!("varco-leaf/1 R2a {site} 6 2026-11-22T14:00:00Z 2026-W47 -\n\x05").into_bytes());
    let mut log = Log::on(Memory::default(), ORIGIN, key()).unwrap();
    log.integrate(0, &all).unwrap();
    place.put(&log.into_disk());
    let expected = [
        "silence    from 2026-11-22T10:15:00Z to 2026-11-22T10:30:00.5Z, entry 2",
        "silence    from 2026-11-22T11:50:00Z to 2026-11-22T14:00:00Z, entry 6",
        "stopped    from 2026-11-22T10:30:00.5Z to 2026-11-22T12:00:00Z, entry 3",
        "back       from 2026-11-22T12:00:00Z to 2026-11-22T11:40:00Z, entry 4",
    ];
    let lines = |output: &Output| {
        let of = |line: &&str| ["silence", "stopped", "back"].iter().any(|word| line.starts_with(word));
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        (output.status.code(), text.lines().filter(of).map(str::to_owned).collect::<Vec<_>>())
    };
    let program = |name: &str| {
        let mut command = Command::new(name);
        if name == PYTHON {
            command.arg(here("verifier/varco_verify.py")).arg(place.log()).arg(key().vkey());
        } else {
            command.args(["verify", "--vkey", &key().vkey(), "--log"]).arg(place.log());
        }
        command
    };
    for name in [PYTHON, env!("CARGO_BIN_EXE_varco-audit")] {
        assert_eq!(lines(&program(name).output().unwrap()), (Some(0), expected.map(str::to_owned).into()));
        assert_eq!(program(name).arg("--strict").output().unwrap().status.code(), Some(4), "{name}");
        let minutes = if name == PYTHON { "180" } else { "3h" };
        let patient = program(name).args(["--strict", "--silence", minutes]).output().unwrap();
        assert_eq!(
            (lines(&patient).0, lines(&patient).1.len()),
            (Some(0), 1),
            "{name}: time goes back all the same"
        );
    }
}

/// Every case of `sweep.py`, half of them by each of two processes.
#[test]
fn the_second_verifier_finds_every_turned_bit_and_whatever_was_moved_cut_or_put_back() {
    let place = Place::new("python");
    place.put(&thousand());
    let older = place.0.join("older");
    std::fs::create_dir(&older).unwrap();
    let mut log = Log::on(Memory::default(), ORIGIN, key()).unwrap();
    for (size, leaf) in leaves(0..1000).into_iter().enumerate() {
        std::fs::write(older.join(size.to_string()), log.checkpoint().note()).unwrap();
        log.integrate(size as u64, &[leaf]).unwrap();
    }
    let mut halves: Vec<_> = (0..2)
        .map(|half| {
            let mut command = Command::new(PYTHON);
            command.arg(here("tests/tlog/sweep.py")).arg(here("verifier")).arg(place.log()).arg(&older);
            command.arg(key().vkey()).arg(half.to_string()).spawn().unwrap()
        })
        .collect();
    for half in &mut halves {
        assert!(half.wait().unwrap().success());
    }
}
