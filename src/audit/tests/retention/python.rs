//! The second verifier on packs.

use crate::case::{ASKED, Case, python};
use std::{fs, path::Path};
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
