//! The second verifier on packs.

use crate::case::{ASKED, Case};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use varco_audit::pack::archive;

fn python(pack: &Path, trust: &[String]) -> Output {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("verifier/varco_verify.py");
    Command::new("/usr/bin/python3").arg(program).arg("pack").args(trust).arg(pack).output().unwrap()
}

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

/// A program that calls the second verifier for many packs: a new process for each would be minutes.
const MANY: &str = r#"
import sys
sys.path.insert(0, sys.argv[1])
from varco_verify import Bad
import varco_pack
octets, given = open(sys.argv[2], "rb").read(), varco_pack.asked(sys.argv[4:])
step, cases = int(sys.argv[3]), 0
def found(changed):
    try:
        varco_pack.Pack(varco_pack.archive(changed), given).verify()
    except (Bad, ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return True
    return False
assert not found(octets)
for place in range(0, len(octets), step):
    changed = bytearray(octets)
    changed[place] ^= 1 << place % 8
    assert found(bytes(changed)), place
    cases += 1
print(cases)
"#;

fn every(step: usize) -> String {
    let case = Case::site(&format!("second-octets-{step}"));
    let pack = case.packed(&case.answered(1100, ASKED, &[]));
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("verifier");
    let mut command = Command::new("/usr/bin/python3");
    command.args(["-c", MANY]).arg(folder).arg(&pack).arg(step.to_string()).args(case.trust()).arg(&pack);
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn the_second_verifier_finds_octets_that_are_turned() {
    let cases: usize = every(97).trim().parse().unwrap();
    assert!(cases > 300, "{cases}");
}

#[test]
#[ignore = "some minutes; every 97th octet is always turned"]
fn the_second_verifier_finds_every_octet_that_is_turned() {
    println!("{}", every(1));
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
