//! Every step of an append fails once, fails from then on, or is where the program is killed: a child records under
//! `strace`, which gives errors in place of the system calls; what the child was told is durable must be in the log then.
//! Some of the steps; `VARCO_TEST_EVERY_FAULT=1` takes each.

use super::{
    keys,
    log::{folder_of, start},
    tempdir,
};
use crate::{
    site::Change,
    store::tests::{at, end, pass},
};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};
use varco_audit::{
    Entry,
    tlog::{self, Signed},
    verify::{Asked, SILENCE, verify},
};

const STATE: &str = "VARCO_TEST_FAULTS";
/// By their names on every architecture's Linux; those that a machine does not have are never made.
const CALLS: [&str; 9] =
    ["fdatasync", "fsync", "pwrite64", "write", "rename", "ftruncate", "openat", "mkdir", "unlink"];
/// How many steps of a call and a way are taken where not each is.
const SOME: usize = 2;

/// The child: not a test of its own. It says what is acknowledged, and goes on after a failure as the gateway does.
#[test]
#[ignore = "it is the child of the next test"]
fn records_whatever_fails() {
    let Some(state) = std::env::var_os(STATE) else { return };
    let (mut store, mut integrator) = start(Path::new(&state));
    println!("begun");
    for n in 1..=4 {
        let changes = [Change::Started(pass(n)), end(&pass(n), n.into())];
        for (change, said) in changes.into_iter().zip(["started", "ended"]) {
            // The end of a pass that is not on record writes nothing, and says that all is well.
            if store.commit(&[change], at(n.into())).is_err() {
                break;
            }
            println!("{said} {n} of {}", store.next());
        }
        if !integrator.attempt() {
            println!("log {}", integrator.progress().integrated());
        }
    }
}

/// Runs the child under `strace` with these words; what it said.
fn child(state: &Path, words: &[&str]) -> Vec<String> {
    let this = std::env::current_exe().unwrap();
    let out = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(state.join("trace"))
        .args(words)
        .arg(this)
        .args(["--exact", "store::tests::faults::records_whatever_fails", "--ignored", "--nocapture"])
        .env(STATE, state)
        .stderr(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8_lossy(&out.stdout).lines().map(str::to_owned).collect()
}

/// A state folder whose log has been begun.
fn begun() -> tempdir::Folder {
    let folder = tempdir::Folder::new();
    drop(start(folder.path()));
    folder
}

/// Which of a call's numbers are tried.
fn some(count: usize) -> Vec<usize> {
    let step =
        if std::env::var_os("VARCO_TEST_EVERY_FAULT").is_some() { 1 } else { count.div_ceil(SOME).max(1) };
    // Another part of them for each call, so that not only the first steps are met.
    (1 + count % step.max(1)..=count).step_by(step).collect()
}

/// After the fault the program starts again: what was acknowledged is there, in a log that verifies.
fn nothing_is_lost(state: &Path, said: &[String], what: &str) {
    let (store, mut integrator) = start(state);
    integrator.integrate().unwrap_or_else(|error| panic!("{what}: {error}"));
    drop((store, integrator));
    let at = folder_of(state);
    let asked = Asked {
        key: at.key().unwrap().verifier().clone(),
        seen: vec![fs::read(state.join("log.seen")).unwrap()],
        witnesses: Vec::new(),
        keepers: Vec::new(),
        site: Some("library".to_owned()),
        expired: 0,
        silence: SILENCE,
    };
    let files = tlog::Folder::new(&at.folder);
    let whole = verify(&files, &files.paths().unwrap(), &asked);
    let whole: Signed = whole.unwrap_or_else(|problem| panic!("{what}: {problem}")).checkpoint;
    let entries = keys::entries(state);
    for line in said {
        let words: Vec<_> = line.split(' ').collect();
        let number = |at: usize| words[at].parse::<u64>().unwrap();
        match words[..] {
            ["log", _] => assert!(whole.size >= number(1), "{what}: {line}, and it has {}", whole.size),
            [kind @ ("started" | "ended"), ..] => {
                let id = pass(number(1) as u8).id;
                let is = |entry: &&Entry| match entry {
                    Entry::Started { pass, .. } => kind == "started" && *pass == id,
                    Entry::Ended { pass, .. } => kind == "ended" && *pass == id,
                    _ => false,
                };
                assert!(whole.size >= number(3), "{what}: {line}, and the log has {}", whole.size);
                assert_eq!(entries.iter().filter(is).count(), 1, "{what}: {line}");
            }
            _ => {}
        }
    }
}

#[test]
fn what_is_acknowledged_is_in_the_log_whatever_step_fails() {
    let (mut tried, mut told) = (0, 0);
    let folder = begun();
    let said = child(folder.path(), &["-e", &format!("trace={}", CALLS.join(","))]);
    assert_eq!(said.iter().filter(|line| line.contains(" of ")).count(), 8, "nothing fails: {said:?}");
    let trace = fs::read_to_string(folder.path().join("trace")).unwrap();
    for call in CALLS {
        let count = trace.lines().filter(|line| line.contains(&format!(" {call}("))).count();
        // The program that is loaded, and the test's own words.
        let ways = ["error=EIO:when=N", "error=ENOSPC:when=N+", "signal=KILL:when=N"];
        for (way, n) in ways.into_iter().flat_map(|way| some(count).into_iter().map(move |n| (way, n))) {
            let folder = begun();
            let fault = format!("inject={call}:{}", way.replace('N', &n.to_string()));
            let said = child(folder.path(), &["-e", &format!("trace={call}"), "-e", &fault]);
            nothing_is_lost(folder.path(), &said, &fault);
            told += said.iter().filter(|line| line.contains(" of ")).count();
            tried += 1;
        }
    }
    assert!(tried >= 30 && told > tried, "{tried} faults, {told} acknowledged");
}

/// A file that cannot grow: writes that are cut short, and the signal that follows.
#[test]
fn what_is_acknowledged_is_in_the_log_where_the_disk_ends() {
    for octets in (4_096..160_000).step_by(if std::env::var_os("VARCO_TEST_EVERY_FAULT").is_some() {
        512
    } else {
        19_456
    }) {
        let folder = begun();
        let out = Command::new("prlimit")
            .arg(format!("--fsize={octets}"))
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "store::tests::faults::records_whatever_fails", "--ignored", "--nocapture"])
            .env(STATE, folder.path())
            .stderr(Stdio::null())
            .output()
            .unwrap();
        let said: Vec<_> = String::from_utf8_lossy(&out.stdout).lines().map(str::to_owned).collect();
        nothing_is_lost(folder.path(), &said, &format!("files of {octets} octets"));
    }
}
