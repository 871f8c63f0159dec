//! The way of a record into the log, and what a death or a full disk on that way leaves.

use super::*;
use std::process::Command;
use varco_audit::{
    keeper::{Failed, Folder, Integrator, LogState},
    tlog::Log,
};

pub(super) fn folder_of(state: &Path) -> Folder {
    let origin = "accesso.example.it/log/library".into();
    Folder { folder: state.join("log"), origin, key: state.join("log.key") }
}

/// A store and what integrates its records, as a start puts them together.
pub(super) fn start(state: &Path) -> (Store, Integrator) {
    let progress = Arc::<Progress>::default();
    let store = Store::open(state, keys::recorder(at(0)), QUARANTINE).unwrap();
    let mut store = store.with(Arc::default(), Arc::clone(&progress));
    let log = folder_of(state).open().unwrap();
    store.continue_after(log.size()).unwrap();
    store.take_over(at(0)).unwrap();
    let integrator = Integrator::new(folder_of(state), &state.join("site.db"), Some(log), progress);
    (store, integrator)
}

fn rows(state: &Path) -> i64 {
    let database = journal::open_read_only(&state.join("site.db")).unwrap();
    database.query_row("SELECT count(*) FROM leaf", (), |row| row.get(0)).unwrap()
}

fn started(state: &Path) -> usize {
    keys::entries(state).iter().filter(|entry| matches!(entry, Entry::Started { .. })).count()
}

#[test]
fn rows_go_when_the_log_has_them_and_a_start_goes_on_where_it_was() {
    let folder = tempdir::Folder::new();
    let (mut store, mut integrator) = start(folder.path());
    store.commit(&[1, 2, 3].map(|n| Change::Started(pass(n))), at(0)).unwrap();
    assert_eq!(
        (rows(folder.path()), integrator.progress().state().waiting),
        (10, 10),
        "nine, and the key of tags"
    );
    integrator.integrate().unwrap();
    assert_eq!(integrator.progress().state(), LogState { size: 10, ..LogState::default() });
    assert_eq!(rows(folder.path()), 10, "still there");
    store.commit(&[end(&pass(1), 5)], at(5)).unwrap();
    assert_eq!(rows(folder.path()), 1, "only what is not in the log");
    drop((store, integrator));
    let (mut store, mut integrator) = start(folder.path());
    store.commit(&[end(&pass(2), 6)], at(6)).unwrap();
    integrator.integrate().unwrap();
    assert_eq!(integrator.progress().state().size, 12);
    assert_eq!(started(folder.path()), 3);
    assert_eq!(keys::entries(folder.path()).len(), 5, "each once, in order, without a gap");
}

#[test]
fn a_new_database_goes_on_after_the_log() {
    let folder = tempdir::Folder::new();
    let (mut store, mut integrator) = start(folder.path());
    store.commit(&[Change::Started(pass(1))], at(0)).unwrap();
    integrator.integrate().unwrap();
    drop((store, integrator));
    for name in ["site.db", "site.db-wal", "site.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(name));
    }
    let (mut store, mut integrator) = start(folder.path());
    store.commit(&[Change::Started(pass(2))], at(9)).unwrap();
    integrator.integrate().unwrap();
    assert_eq!((started(folder.path()), integrator.progress().state().size), (2, 8));
}

/// A gateway with two passes in its log, whose `site.db` is a copy from when there was one.
fn restored() -> tempdir::Folder {
    let folder = tempdir::Folder::new();
    let (database, copy) = (folder.path().join("site.db"), folder.path().join("copy"));
    for n in [1, 2] {
        let (mut store, mut integrator) = start(folder.path());
        store.commit(&[Change::Started(pass(n))], at(n.into())).unwrap();
        integrator.integrate().unwrap();
        // The store closes last, and brings its write-ahead log into the database.
        drop(integrator);
        drop(store);
        if n == 1 {
            std::fs::copy(&database, &copy).unwrap();
        }
    }
    std::fs::rename(copy, database).unwrap();
    folder
}

/// The log's folder came late: the database does not know of it, and what it acknowledges must not be taken for what the
/// log has under the same number.
#[test]
fn a_restored_database_loses_nothing_when_the_log_is_found_later() {
    let folder = restored();
    let progress = Arc::<Progress>::default();
    let mut store = open(folder.path()).unwrap().with(Arc::default(), Arc::clone(&progress));
    let mut integrator =
        Integrator::new(folder_of(folder.path()), &folder.path().join("site.db"), None, progress);
    assert!(matches!(integrator.integrate(), Err(Failed::Ahead { size: 7, next: 4 })));
    for n in [3, 4] {
        store.commit(&[Change::Started(pass(n))], at(n.into())).unwrap();
        assert_eq!(started(folder.path()), usize::from(n), "pass {n} is on record");
        integrator.integrate().unwrap();
    }
    store.commit(&[end(&pass(3), 9)], at(9)).unwrap();
    integrator.integrate().unwrap();
    assert_eq!((started(folder.path()), integrator.progress().state().waiting), (4, 0));
}

/// What was recorded before the log was found has numbers that the log has given: it stays where it is.
#[test]
fn records_with_numbers_of_the_log_are_kept() {
    let folder = restored();
    let progress = Arc::<Progress>::default();
    let mut store = open(folder.path()).unwrap().with(Arc::default(), Arc::clone(&progress));
    let mut integrator =
        Integrator::new(folder_of(folder.path()), &folder.path().join("site.db"), None, progress);
    for n in 3..9 {
        let before = rows(folder.path());
        store.commit(&[Change::Started(pass(n))], at(n.into())).unwrap();
        assert_eq!(rows(folder.path()), before + 3);
        integrator.integrate().unwrap_err();
    }
}

/// The log is lost, replaced by an older copy, or by another of the same key: nothing is signed, and the log that was is
/// taken up when it is back.
#[test]
fn a_log_that_is_not_the_one_signed_last_is_not_continued() {
    let folder = tempdir::Folder::new();
    let (log, kept, old) = (folder.path().join("log"), folder.path().join("kept"), folder.path().join("old"));
    for n in [1, 2] {
        let (mut store, mut integrator) = start(folder.path());
        store.commit(&[Change::Started(pass(n))], at(n.into())).unwrap();
        integrator.integrate().unwrap();
        drop((store, integrator));
        if n == 1 {
            assert!(Command::new("cp").arg("-r").arg(&log).arg(&old).status().unwrap().success());
        }
    }
    let here = folder_of(folder.path());
    assert_eq!(here.known_size(), 7);
    std::fs::rename(&log, &kept).unwrap();
    assert!(matches!(here.open(), Err(Failed::Lost(7))));
    assert!(!log.join("checkpoint").exists(), "no empty log was signed");
    let _ = std::fs::remove_dir_all(&log);
    std::fs::rename(&old, &log).unwrap();
    assert!(matches!(here.open(), Err(Failed::Other { size: 4, seen: 7 })));
    std::fs::remove_dir_all(&log).unwrap();
    // Another log of the same key, longer than the one that was signed.
    let mut other = Log::open(&log, &here.origin, here.key().unwrap()).unwrap();
    other.integrate(0, &vec![b"another".to_vec(); 9]).unwrap();
    drop(other);
    assert!(matches!(here.open(), Err(Failed::Other { size: 9, seen: 7 })));
    std::fs::remove_dir_all(&log).unwrap();
    std::fs::rename(&kept, &log).unwrap();
    assert_eq!(here.open().unwrap().size(), 7);
}

#[test]
fn a_lost_key_is_not_replaced() {
    let folder = tempdir::Folder::new();
    let (mut store, mut integrator) = start(folder.path());
    store.commit(&[Change::Started(pass(1))], at(0)).unwrap();
    integrator.integrate().unwrap();
    drop((store, integrator));
    let here = folder_of(folder.path());
    for gone in ["log.key", "log.seen"] {
        std::fs::remove_file(folder.path().join(gone)).unwrap();
        let said = here.open().unwrap_err().to_string();
        assert!(said.contains("restore it from its copy"), "{said}");
        assert!(!here.key.exists());
    }
}

/// A database of the version before, put beside a log that goes on.
#[test]
fn records_in_clear_go_on_after_the_log() {
    let folder = tempdir::Folder::new();
    let (mut store, mut integrator) = start(folder.path());
    store.commit(&[Change::Started(pass(1))], at(0)).unwrap();
    integrator.integrate().unwrap();
    drop((store, integrator));
    for name in ["site.db", "site.db-wal", "site.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(name));
    }
    let old = rusqlite::Connection::open(folder.path().join("site.db")).unwrap();
    old.execute_batch(
        "PRAGMA user_version = 3;
         CREATE TABLE record (sequence INTEGER PRIMARY KEY, at TEXT NOT NULL, body TEXT NOT NULL) STRICT;",
    )
    .unwrap();
    let entry = Entry::Resumed { at: at(5), site: "library".into(), open: 3 };
    let body = serde_json::to_string(&entry).unwrap();
    old.execute("INSERT INTO record (at, body) VALUES (?1, ?2)", (at(5).to_string(), body)).unwrap();
    drop(old);
    let (_store, mut integrator) = start(folder.path());
    integrator.integrate().unwrap();
    assert_eq!(keys::entries(folder.path()).last(), Some(&entry));
    assert_eq!((started(folder.path()), integrator.progress().state().waiting), (1, 0));
}

/// kill -9 after each step of the way: a child goes as far as it is told and dies without closing anything.
#[test]
fn a_gateway_killed_between_commit_and_log_has_lost_nothing() {
    if let Ok(state) = std::env::var("VARCO_TEST_LOG_AND_ABORT") {
        let state = Path::new(&state);
        let (mut store, mut integrator) = start(state);
        store.commit(&[Change::Started(pass(1))], at(0)).unwrap();
        if state.join("integrates").exists() {
            integrator.integrate().unwrap();
        }
        if state.join("prunes").exists() {
            store.commit(&[Change::Started(pass(2))], at(1)).unwrap();
        }
        std::process::abort();
    }
    let this = "store::tests::log::a_gateway_killed_between_commit_and_log_has_lost_nothing";
    for steps in [&[][..], &["integrates"], &["integrates", "prunes"]] {
        let folder = tempdir::Folder::new();
        steps.iter().for_each(|step| std::fs::write(folder.path().join(step), "").unwrap());
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", this, "--nocapture"]).env("VARCO_TEST_LOG_AND_ABORT", folder.path());
        let died = child.output().unwrap();
        assert!(died.status.code().is_none(), "{}", String::from_utf8_lossy(&died.stderr));
        let passes = if steps.len() == 2 { 2 } else { 1 };
        assert_eq!(started(folder.path()), passes, "{steps:?}: before anything is done about it");
        let (_store, mut integrator) = start(folder.path());
        integrator.integrate().unwrap();
        assert_eq!(integrator.progress().state().waiting, 0, "{steps:?}");
        assert_eq!(started(folder.path()), passes, "{steps:?}");
    }
}

/// On a disk of its own, which is too small: whoever admits goes on, and nothing is lost when there is room again.
#[test]
fn a_full_disk_under_the_log_stops_the_log_only() {
    let this = "store::tests::log::a_full_disk_under_the_log_stops_the_log_only";
    let Ok(state) = std::env::var("VARCO_TEST_SMALL_DISK") else {
        let folder = tempdir::Folder::new();
        std::fs::create_dir(folder.path().join("log")).unwrap();
        let can =
            |args: &[&str]| Command::new("unshare").args(args).arg("true").output().unwrap().status.success();
        let apart: &[&str] = if can(&["-Urm"]) { &["-Urm"] } else { &["-m", "--propagation", "unchanged"] };
        let mut child = Command::new("unshare");
        let script = "mount -t tmpfs -o size=48k small \"$1\" && shift && exec \"$@\"";
        child.args(apart).args(["sh", "-c", script, "sh"]).arg(folder.path().join("log"));
        child.arg(std::env::current_exe().unwrap()).args(["--exact", this, "--nocapture"]);
        let done = child.env("VARCO_TEST_SMALL_DISK", folder.path()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        return;
    };
    let state = Path::new(&state);
    let (mut store, mut integrator) = start(state);
    let mut failed = None;
    for n in 0..100 {
        store.commit(&[Change::Started(pass(n))], at(n.into())).unwrap();
        if integrator.attempt() {
            failed = Some(n);
            break;
        }
    }
    let failed = failed.expect("48 KiB are full before 100 passes");
    assert!(integrator.progress().state().failing && integrator.progress().state().waiting > 0);
    for n in failed + 1..failed + 20 {
        store.commit(&[Change::Started(pass(n))], at(n.into())).unwrap();
    }
    assert!(integrator.attempt(), "still full");
    let log = state.join("log");
    let room = Command::new("mount").args(["-o", "remount,size=16m"]).arg(&log).status().unwrap();
    assert!(room.success());
    assert!(!integrator.attempt());
    assert_eq!((integrator.progress().state().waiting, integrator.progress().state().failing), (0, false));
    assert_eq!(started(state), usize::from(failed) + 20);
}
