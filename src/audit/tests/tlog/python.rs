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

/// `part` says which bits: `each` turns all, `some` one of each octet.
fn sweep(part: &str) {
    let place = Place::new(&format!("python-{part}"));
    place.put(&thousand());
    let mut halves: Vec<_> = (0..2)
        .map(|half| {
            let mut command = Command::new(PYTHON);
            command.arg(here("tests/tlog/sweep.py")).arg(here("verifier")).arg(place.log()).arg(key().vkey());
            command.arg(part).arg(half.to_string()).spawn().unwrap()
        })
        .collect();
    for half in &mut halves {
        assert!(half.wait().unwrap().success());
    }
}

#[test]
fn the_second_verifier_finds_a_turned_bit_in_every_octet_and_every_entry_moved() {
    sweep("some");
}

/// `cargo test -p varco-audit --test tlog -- --ignored every_bit`: some minutes.
#[test]
#[ignore = "every bit takes the second verifier some minutes; one bit of every octet is always turned"]
fn the_second_verifier_finds_every_bit() {
    sweep("each");
}
