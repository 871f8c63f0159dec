//! Every step of an append fails once, fails from then on, or is where the program is killed: a child records under
//! `strace`, which gives errors in place of the system calls; what the child was told is durable must be in the log then.

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
    collections::BTreeMap,
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
/// The child: not a test of its own. It says what is acknowledged, and goes on after a failure as the gateway does.
#[test]
#[ignore = "it is the child of the next test"]
fn records_whatever_fails() {
    let Some(state) = std::env::var_os(STATE) else { return };
    let (mut store, mut integrator) = start(Path::new(&state));
    println!("begun");
    for n in 1..=2 {
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
fn what_is_acknowledged_is_in_the_log_whatever_step_the_medium_fails() {
    at_every_step("error=EIO", "");
}

#[test]
fn what_is_acknowledged_is_in_the_log_from_whatever_step_on_the_disk_is_full() {
    at_every_step("error=ENOSPC", "+");
}

#[test]
fn what_is_acknowledged_is_in_the_log_at_whatever_step_the_program_is_killed() {
    at_every_step("signal=KILL", "");
}

/// The fault at each call by its number, and with `+` at those after it: those too that load the program and write the child's
/// own words.
fn at_every_step(way: &str, further: &str) {
    let (mut tried, mut met, mut told) = (0, 0, 0);
    let folder = begun();
    let said = child(folder.path(), &["-e", &format!("trace={}", CALLS.join(","))]);
    assert_eq!(said.iter().filter(|line| line.contains(" of ")).count(), 4, "nothing fails: {said:?}");
    let trace = fs::read_to_string(folder.path().join("trace")).unwrap();
    for call in CALLS {
        // Each thread's calls are counted for themselves, by strace too.
        let mut made = BTreeMap::<&str, usize>::new();
        for line in trace.lines().filter(|line| line.contains(&format!(" {call}("))) {
            *made.entry(line.split(' ').next().unwrap_or_default()).or_default() += 1;
        }
        let count = made.into_values().max().unwrap_or_default();
        for n in 1..=count {
            let folder = begun();
            let fault = format!("inject={call}:{way}:when={n}{further}");
            let said = child(folder.path(), &["-e", &format!("trace={call}"), "-e", &fault]);
            nothing_is_lost(folder.path(), &said, &fault);
            let trace = fs::read_to_string(folder.path().join("trace")).unwrap_or_default();
            met += usize::from(trace.contains("INJECTED") || trace.contains("killed by SIGKILL"));
            told += said.iter().filter(|line| line.contains(" of ")).count();
            tried += 1;
        }
    }
    // The last calls of a run are not made in each.
    let enough = tried >= 100 && met * 10 >= tried * 9 && told > tried;
    assert!(enough, "{tried} faults, {met} of them met, {told} acknowledged");
    println!("{tried} faults, {met} of them met, {told} acknowledged");
}

/// A file that cannot grow: writes that are cut short, and the signal that follows.
#[test]
fn what_is_acknowledged_is_in_the_log_where_the_disk_ends() {
    // Blocks of databases and files are of 4,096 octets: each time another part of one.
    for octets in (4_096..160_000).step_by(4_608) {
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
