//! The authorities' question, asked of the real program and a real database.

#![expect(clippy::unwrap_used, reason = "a step that fails fails the test")]

use jiff::Timestamp;
use rusqlite::Connection;
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};
use uuid::Uuid;
use varco_audit::{Entry, journal};
use varco_policy::{PassId, Slot, Subject, pass::EndCause};

struct Records {
    folder: PathBuf,
}

impl Records {
    fn with(name: &str, entries: &[Entry]) -> Self {
        let folder = std::env::temp_dir().join(format!("varco-who-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let records = Self { folder };
        let mut connection = Connection::open(records.file()).unwrap();
        journal::create(&connection).unwrap();
        let transaction = connection.transaction().unwrap();
        journal::append(&transaction, entries).unwrap();
        transaction.commit().unwrap();
        records
    }

    fn file(&self) -> PathBuf {
        self.folder.join("site.db")
    }

    fn who(&self, port: u16, at: &str, more: &[&str]) -> Output {
        who(&self.file(), port, at, more)
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn who(file: &Path, port: u16, at: &str, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_varco-audit"))
        .args(["who", "--ip", "198.18.0.3", "--port", &port.to_string(), "--at", at, "--records"])
        .arg(file)
        .args(more)
        .output()
        .unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn slot(first_port: u16) -> Slot {
    Slot { address: [198, 18, 0, 3].into(), first_port, last_port: first_port + 511 }
}

fn started(pass: u128, from: &str, until: &str) -> Entry {
    Entry::Started {
        at: at(from),
        site: "biblioteca".into(),
        pass: PassId(Uuid::from_u128(pass)),
        subject: Subject::try_from(format!("subject-{pass}")).unwrap(),
        device: "tag".into(),
        slot: slot(1024),
        until: at(until),
    }
}

fn ended(pass: u128, when: &str) -> Entry {
    let pass = PassId(Uuid::from_u128(pass));
    Entry::Ended {
        at: at(when),
        site: "biblioteca".into(),
        pass,
        slot: slot(1024),
        cause: EndCause::LoggedOut,
    }
}

fn two_after_each_other() -> Vec<Entry> {
    vec![
        started(1, "2026-10-25T00:00:00Z", "2026-10-25T04:00:00Z"),
        ended(1, "2026-10-25T00:40:00Z"),
        started(2, "2026-10-25T00:50:00Z", "2026-10-25T04:50:00Z"),
    ]
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn names_the_one_pass_that_held_the_port() {
    let records = Records::with("one", &two_after_each_other());
    let first = records.who(1100, "2026-10-25T02:30:00+02:00", &[]);
    assert_eq!(first.status.code(), Some(0));
    assert!(text(&first).contains("subject-1") && text(&first).contains("logged-out"), "{}", text(&first));
    let second = records.who(1100, "2026-10-25T02:30:00+01:00", &["--json"]);
    let answer: serde_json::Value = serde_json::from_slice(&second.stdout).unwrap();
    assert_eq!(answer[0]["subject"], "subject-2");
    assert_eq!(answer.as_array().map(Vec::len), Some(1));
}

#[test]
fn refuses_an_instant_without_offset() {
    let records = Records::with("offset", &two_after_each_other());
    for local in ["2026-10-25T02:30:00", "2026-10-25 02:30", "yesterday"] {
        let refused = records.who(1100, local, &[]);
        assert_eq!(refused.status.code(), Some(64), "{local}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains("UTC offset"), "{local}");
        assert!(refused.stdout.is_empty());
    }
}

#[test]
fn says_nobody_and_says_ambiguous() {
    let records = Records::with("none", &two_after_each_other());
    assert_eq!(records.who(1100, "2026-10-25T00:45:00Z", &[]).status.code(), Some(2));
    assert_eq!(records.who(1536, "2026-10-25T00:30:00Z", &[]).status.code(), Some(2), "another slot's port");
    let both = records.who(1100, "2026-10-25T00:45:00Z", &["--tolerance", "5m"]);
    assert_eq!(both.status.code(), Some(3));
    assert!(text(&both).starts_with("ambiguous: 2 passes"), "{}", text(&both));
}

#[test]
fn an_open_pass_is_bounded_by_the_kernel_time_out() {
    let records = Records::with("open", &two_after_each_other());
    assert_eq!(records.who(1100, "2026-10-25T04:49:00Z", &[]).status.code(), Some(0));
    assert_eq!(records.who(1100, "2026-10-25T04:51:00Z", &[]).status.code(), Some(2));
}

#[test]
fn refuses_records_with_a_gap_or_none() {
    let records = Records::with("gap", &two_after_each_other());
    Connection::open(records.file()).unwrap().execute("DELETE FROM record WHERE sequence = 2", ()).unwrap();
    let refused = records.who(1100, "2026-10-25T00:45:00Z", &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("record 2 is missing"));
    assert_eq!(who(Path::new("/nonexistent.db"), 1, "2026-10-25T00:45:00Z", &[]).status.code(), Some(1));
}

#[test]
fn records_cannot_be_changed() {
    let records = Records::with("append", &two_after_each_other());
    let changed = Connection::open(records.file()).unwrap().execute("UPDATE record SET body = '{}'", ());
    assert!(changed.unwrap_err().to_string().contains("never changed"));
}

/// As an ordinary user of a machine of his own: the evidence is on a disk that cannot be written.
#[test]
fn reads_a_copy_where_nothing_can_be_written() {
    let records = Records::with("disk", &two_after_each_other());
    let live = Connection::open(records.file()).unwrap();
    live.pragma_update(None, "journal_mode", "wal").unwrap();
    live.close().unwrap();
    // In a chroot there is no user namespace, nor a `/` whose mounts could be kept apart: root does without.
    let can =
        |args: &[&str]| Command::new("unshare").args(args).arg("true").output().unwrap().status.success();
    let apart: &[&str] = if can(&["-Urm"]) { &["-Urm"] } else { &["-m", "--propagation", "unchanged"] };
    let mut command = Command::new("unshare");
    command.args(apart).args([
        "sh",
        "-c",
        "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" && shift && exec \"$@\"",
        "sh",
    ]);
    command.arg(&records.folder).arg(env!("CARGO_BIN_EXE_varco-audit"));
    command.args([
        "who",
        "--ip",
        "198.18.0.3",
        "--port",
        "1100",
        "--at",
        "2026-10-25T04:49:00Z",
        "--records",
    ]);
    let answer = command.arg(records.file()).output().unwrap();
    assert_eq!(answer.status.code(), Some(0), "{}", String::from_utf8_lossy(&answer.stderr));
}

#[test]
fn a_reader_who_stops_early_is_no_failure() {
    let records = Records::with("pipe", &two_after_each_other());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_varco-audit"));
    command.args([
        "who",
        "--ip",
        "198.18.0.3",
        "--port",
        "1100",
        "--at",
        "2026-10-25T04:49:00Z",
        "--records",
    ]);
    let answer =
        command.arg(records.file()).stdout(writer).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let answer = answer.wait_with_output().unwrap();
    assert_eq!((answer.status.code(), answer.stderr), (Some(0), Vec::new()));
}
