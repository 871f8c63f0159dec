//! The auditor's commands, the real program on real folders.

use crate::kept::{Memory, ORIGIN, Place, key, key_of, leaf as kept_leaf, leaves, thousand};
use std::process::{Command, Output};
use varco_audit::tlog::{Files as _, Log};

fn audit(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_varco-audit")).args(arguments).output().unwrap()
}

fn said(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8([&*output.stdout, &*output.stderr].concat()).unwrap())
}

fn kept(name: &str) -> (Place, String, String) {
    let place = Place::new(name);
    place.put(&thousand());
    let log = place.log().to_str().unwrap().to_owned();
    (place, log, key().vkey())
}

#[test]
fn verify_says_what_it_found_and_ends_with_its_code() {
    let (place, log, vkey) = kept("verify");
    let seen = place.0.join("seen");
    std::fs::copy(place.log().join("checkpoint"), &seen).unwrap();
    let seen = seen.to_str().unwrap();
    let (code, text) = said(&audit(&["verify", "--log", &log, "--vkey", &vkey, "--seen", seen]));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("log        hub.example.it/log/library\nentries    1000\n"), "{text}");
    assert!(text.contains("site       library, sequence without a gap\n"), "{text}");
    assert!(text.ends_with("continues  the checkpoint of 1000 entries\nwhole\n"), "{text}");
    let (code, text) = said(&audit(&["verify", "--log", &log, "--vkey", &vkey]));
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.ends_with("nothing proves that it was not cut back: give --seen or --witness\nwhole\n"),
        "{text}"
    );

    let other = key_of(ORIGIN, 8).vkey();
    assert_eq!(said(&audit(&["verify", "--log", &log, "--vkey", &other])).0, Some(5));
    assert_eq!(said(&audit(&["verify", "--log", &log, "--vkey", &vkey, "--site", "museum"])).0, Some(4));
    assert_eq!(said(&audit(&["verify", "--log", &log, "--vkey", "no key"])).0, Some(64));
    assert_eq!(said(&audit(&["verify", "--log", "/nonexistent", "--vkey", &vkey])).0, Some(1));
    assert_eq!(
        said(&audit(&["verify", "--log", &log, "--vkey", &vkey, "--seen", "/nonexistent"])).0,
        Some(1)
    );
}

#[test]
fn verify_ends_with_6_when_the_log_was_cut_back() {
    let (place, _, vkey) = kept("cut");
    let mut cut = Log::on(Memory::default(), ORIGIN, key()).unwrap();
    cut.integrate(0, &leaves(0..999)).unwrap();
    let shorter = Place::new("cut-shorter");
    shorter.put(&cut.into_disk());
    let (log, seen) = (shorter.log(), place.log().join("checkpoint"));
    let arguments =
        ["verify", "--log", log.to_str().unwrap(), "--vkey", &vkey, "--seen", seen.to_str().unwrap()];
    assert_eq!(said(&audit(&arguments)).0, Some(6));
    std::fs::write(&seen, "nothing").unwrap();
    assert_eq!(said(&audit(&arguments)).0, Some(5), "what is no checkpoint says nothing");
}

#[test]
fn prove_makes_proofs_that_stand_without_the_log() {
    let (place, log, vkey) = kept("prove");
    let (code, proof) = said(&audit(&["prove", "--log", &log, "--vkey", &vkey, "--index", "777"]));
    assert_eq!(code, Some(0), "{proof}");
    assert!(proof.starts_with("c2sp.org/tlog-proof@v1\nextra "), "{proof}");
    let file = place.0.join("777.tlog-proof");
    std::fs::write(&file, &proof).unwrap();
    let file = file.to_str().unwrap();
    let (code, text) = said(&audit(&["prove", "--vkey", &vkey, "--check", file]));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("entry 777 of 1000\nvarco-leaf/1 R2a library 777 "), "{text}");
    assert_eq!(said(&audit(&["prove", "--log", &log, "--vkey", &vkey, "--index", "1000"])).0, Some(4));
    assert_eq!(said(&audit(&["prove", "--log", &log, "--vkey", &vkey])).0, Some(64));

    for bit in 0..proof.len() * 8 {
        let mut turned = proof.clone().into_bytes();
        turned[bit / 8] ^= 1 << (bit % 8);
        let proved = varco_audit::tlog::proof::Proof::parse(&turned)
            .is_some_and(|proof| proof.verify(key().verifier()).is_ok_and(|signed| signed.is_some()));
        assert!(!proved, "bit {bit}");
    }
}

/// Signed by the log itself, and yet not the entry that it says it is.
#[test]
fn a_proof_of_an_entry_that_stands_elsewhere_or_is_of_another_site_is_refused() {
    let place = Place::new("elsewhere");
    let mut log = Log::on(Memory::default(), ORIGIN, key()).unwrap();
    log.integrate(0, &[kept_leaf(1), kept_leaf(1)]).unwrap();
    place.put(&log.into_disk());
    let (log, vkey, file) = (place.log(), key().vkey(), place.0.join("proof"));
    let checked = |index: &str, more: &[&str]| {
        let made = audit(&["prove", "--log", log.to_str().unwrap(), "--vkey", &vkey, "--index", index]);
        std::fs::write(&file, made.stdout).unwrap();
        let check = ["prove", "--vkey", &vkey, "--check", file.to_str().unwrap()];
        said(&audit(&[&check[..], more].concat())).0
    };
    assert_eq!(checked("0", &[]), Some(4), "it says that it is entry 1");
    assert_eq!(checked("1", &[]), Some(0));
    assert_eq!(checked("1", &["--site", "library"]), Some(0));
    assert_eq!(checked("1", &["--site", "museum"]), Some(4));
}

#[test]
fn prove_since_is_what_a_witness_is_sent() {
    let (place, log, vkey) = kept("since");
    let mut old = Log::on(Memory::default(), ORIGIN, key()).unwrap();
    let since = place.0.join("since");
    std::fs::write(&since, old.integrate(0, &leaves(0..300)).unwrap().note()).unwrap();
    let arguments = ["prove", "--log", &log, "--vkey", &vkey, "--since", since.to_str().unwrap()];
    let (code, text) = said(&audit(&arguments));
    assert_eq!(code, Some(0), "{text}");
    let (proof, checkpoint) = text.split_once("\n\n").unwrap();
    assert_eq!(checkpoint.as_bytes(), thousand().read("checkpoint").unwrap());
    let mut lines = proof.lines();
    assert_eq!(lines.next(), Some("old 300"));
    let hashes: Vec<_> = lines.map(|line| tlog_tiles::Hash::parse_hash(line).unwrap()).collect();
    let root = |note: &str| tlog_tiles::Hash::parse_hash(note.lines().nth(2).unwrap()).unwrap();
    tlog_tiles::check_tree(&hashes, 1000, root(checkpoint), 300, root(old.checkpoint().note())).unwrap();
}

#[test]
fn fsck_names_the_damage_and_mends_what_follows_from_the_entries() {
    let (place, log, vkey) = kept("fsck");
    assert_eq!(said(&audit(&["fsck", "--log", &log])).0, Some(0));
    std::fs::remove_file(place.log().join("tile/0/001")).unwrap();
    std::fs::write(place.log().join("tile/1/000.p/3"), "short").unwrap();
    let (code, text) = said(&audit(&["fsck", "--log", &log]));
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("tile/0/001: damaged") && text.contains("tile/1/000.p/3: damaged"), "{text}");
    assert_eq!(said(&audit(&["fsck", "--log", &log, "--mend"])).0, Some(0));
    assert_eq!(said(&audit(&["verify", "--log", &log, "--vkey", &vkey])).0, Some(0));

    let bundle = place.log().join("tile/entries/002");
    let mut octets = std::fs::read(&bundle).unwrap();
    octets[77] ^= 1;
    std::fs::write(&bundle, octets).unwrap();
    let (code, text) = said(&audit(&["fsck", "--log", &log, "--mend"]));
    assert_eq!(code, Some(4));
    assert!(text.contains("tile/entries/002 is not what the checkpoint stands for; it must come"), "{text}");
    std::fs::write(place.log().join("checkpoint"), "nothing").unwrap();
    assert_eq!(said(&audit(&["fsck", "--log", &log])).0, Some(4));
    assert_eq!(said(&audit(&["fsck", "--log", "/nonexistent"])).0, Some(1));
}
