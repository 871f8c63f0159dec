//! Every octet of a pack turned, and it cut all along, before both verifiers: whatever the octet is of, a file, a header, padding.
//! None is taken: there is one archive of the same files, and the manifest lists every file.

use crate::{
    case::{ASKED, Case},
    pack::trust,
};
use std::{fs, path::Path, process::Command, thread};
use varco_audit::pack::verify;

/// How many at once.
const HALVES: usize = 2;
/// So far apart are the cuts.
const CUTS: usize = 61;

#[test]
fn each_octet_that_is_turned_is_found() {
    let case = Case::site("pack-octets");
    let octets = fs::read(case.packed(&case.answered(1100, ASKED, &[]))).unwrap();
    let trust = trust(&case);
    verify(&octets, &trust).unwrap();
    for end in (0..octets.len()).step_by(CUTS) {
        assert!(verify(&octets[..end], &trust).is_err(), "cut to {end} octets");
    }
    thread::scope(|scope| {
        for half in 0..HALVES {
            let (mut turned, octets, trust) = (octets.clone(), &octets, &trust);
            scope.spawn(move || {
                for place in (half..octets.len()).step_by(HALVES) {
                    turned[place] ^= 1 << (place % 8);
                    assert!(verify(&turned, trust).is_err(), "octet {place} of {}", octets.len());
                    turned[place] = octets[place];
                }
            });
        }
    });
}

#[test]
fn the_second_verifier_finds_each_octet_too() {
    let case = Case::site("second-octets");
    let pack = case.packed(&case.answered(1100, ASKED, &[]));
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let begun: Vec<_> = (0..HALVES)
        .map(|half| {
            let mut command = Command::new("/usr/bin/python3");
            command.arg(here.join("tests/retention/octets.py")).arg(here.join("verifier"));
            command.args([half, HALVES, CUTS].map(|number| number.to_string())).arg(&pack).args(case.trust());
            command.stdout(std::process::Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let found = begun.into_iter().map(|child| {
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success());
        String::from_utf8(done.stdout).unwrap().trim().parse::<u64>().unwrap()
    });
    assert_eq!(found.sum::<u64>(), fs::metadata(&pack).unwrap().len());
}
