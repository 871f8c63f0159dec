//! The second verifier on packs.

use crate::case::{ASKED, Case, python};
use std::{fs, path::Path, process::Command};
use varco_audit::pack::archive;

#[test]
fn the_second_verifier_says_what_the_first_says() {
    let case = Case::site("second-pack");
    for (instant, more, outcome) in [
        (ASKED, &[][..], "outcome one"),
        ("2026-11-20T09:45:00Z", &["--tolerance", "10m"], "outcome ambiguous"),
        ("2026-11-20T09:45:00Z", &[], "outcome nobody"),
    ] {
        let pack = case.packed(&case.answered(1100, instant, more));
        for trust in [case.trust(), Vec::new()] {
            let said = python(&pack, &trust);
            let text = String::from_utf8_lossy(&said.stdout);
            assert_eq!(said.status.code(), Some(0), "{outcome}: {}", String::from_utf8_lossy(&said.stderr));
            assert!(text.contains(outcome) && text.ends_with("whole\n"), "{text}");
            assert_eq!(text.contains("taken from the pack itself"), trust.is_empty(), "{text}");
        }
    }
    let other = Case::site("second-pack-other");
    let pack = case.packed(&case.answered(1100, ASKED, &[]));
    assert_eq!(python(&pack, &other.trust()[..2]).status.code(), Some(5));
    assert_eq!(python(Path::new("/nonexistent"), &[]).status.code(), Some(1));
}

/// A site's log with sessions from begin to end, as a gateway records them.
#[test]
fn both_verifiers_take_the_log_of_a_real_day() {
    let case = Case::site("second-log");
    let log = case.path("log");
    let first = crate::site::audit(&["verify", "--log", &log, "--vkey", &case.site]);
    assert_eq!(first.status.code(), Some(0), "{}", String::from_utf8_lossy(&first.stderr));
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("verifier/varco_verify.py");
    let second = Command::new("/usr/bin/python3").arg(program).args([&log, &case.site]).output().unwrap();
    assert_eq!(second.status.code(), Some(0), "{}", String::from_utf8_lossy(&second.stderr));
}

#[test]
fn the_second_verifier_finds_each_file_that_is_changed_or_removed() {
    let case = Case::site("second-files");
    let pack = case.packed(&case.answered(1100, ASKED, &[]));
    let members = archive::read(&fs::read(&pack).unwrap()).unwrap();
    let trust = case.trust();
    for name in members.keys().step_by(4).chain(["manifest".to_owned()].iter()) {
        let mut changed = members.clone();
        changed.get_mut(name).unwrap().push(b'\n');
        let mut removed = members.clone();
        removed.remove(name);
        for (what, members) in [("changed", changed), ("removed", removed)] {
            fs::write(&pack, archive::write(&members).unwrap()).unwrap();
            let said = python(&pack, &trust);
            let code = said.status.code();
            assert!(
                matches!(code, Some(4 | 5)),
                "{name} {what}: {code:?} {}",
                String::from_utf8_lossy(&said.stderr)
            );
        }
    }
}
