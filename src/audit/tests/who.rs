//! The authorities' question, asked of the real program and a real database.

#![expect(clippy::unwrap_used, reason = "a step that fails fails the test")]

#[expect(dead_code, reason = "another test uses the rest of it")]
mod site;

use jiff::Timestamp;
use rusqlite::Connection;
use site::{Records, audit, who};
use std::{
    path::Path,
    process::{Command, Output},
};
use uuid::Uuid;
use varco_audit::{
    Clock, Entry,
    tlog::{Log, NoteKey},
};
use varco_policy::{PassId, Slot, Subject, pass::EndCause};

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
    assert_eq!(answer["sessions"][0]["subject"], "subject-2");
    assert_eq!((answer["sessions"].as_array().map(Vec::len), &answer["outcome"]), (Some(1), &"one".into()));
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
    let both = records.look(1100, "2026-10-25T00:45:00Z", &["--tolerance", "5m"], &[]);
    assert_eq!(both.status.code(), Some(3));
    assert!(text(&both).contains("\nambiguous: 2 passes"), "{}", text(&both));
}

/// An old copy of the database ended the pass once more, when somebody else had the slot.
#[test]
fn the_first_end_of_a_pass_counts_and_later_ones_are_shown() {
    let mut entries = two_after_each_other();
    entries.push(ended(1, "2026-10-25T01:30:00Z"));
    let records = Records::with("again", &entries);
    let second = records.who(1100, "2026-10-25T01:00:00Z", &[]);
    assert_eq!(second.status.code(), Some(0), "{}", text(&second));
    assert!(text(&second).contains("subject-2"), "{}", text(&second));
    let first = records.who(1100, "2026-10-25T00:30:00Z", &["--json"]);
    let answer: serde_json::Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!(answer["sessions"][0]["until"], "2026-10-25T00:40:00Z");
    assert_eq!(answer["sessions"][0]["ended_again"][0], "2026-10-25T01:30:00Z");
}

#[test]
fn an_open_pass_is_bounded_by_the_kernel_time_out() {
    let records = Records::with("open", &two_after_each_other());
    assert_eq!(records.who(1100, "2026-10-25T04:49:00Z", &[]).status.code(), Some(0));
    // Nobody told of the clock: it is taken to be within two minutes.
    assert_eq!(records.who(1100, "2026-10-25T04:51:59Z", &[]).status.code(), Some(0));
    assert_eq!(records.who(1100, "2026-10-25T04:52:01Z", &[]).status.code(), Some(2));
}

#[test]
fn refuses_records_with_a_gap_or_none() {
    let records = Records::with("gap", &two_after_each_other());
    Connection::open(records.file()).unwrap().execute("DELETE FROM leaf WHERE sequence = 2", ()).unwrap();
    let refused = records.who(1100, "2026-10-25T00:45:00Z", &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("record 2 is missing"));
    let last = Records::with("end", &two_after_each_other());
    let removed = Connection::open(last.file()).unwrap().execute("DELETE FROM leaf WHERE sequence > 4", ());
    assert_eq!(removed.unwrap(), 3);
    let refused = last.who(1100, "2026-10-25T00:45:00Z", &[]);
    assert_eq!(refused.status.code(), Some(1), "also at the end, by the number of the next one");
    let case = records.allow(&records.ask(1100, "2026-10-25T00:45:00Z", &[]));
    let none = who(Path::new("/nonexistent.db"), &[case, records.holders()].concat());
    assert_eq!(none.status.code(), Some(1));
}

#[test]
fn records_cannot_be_changed() {
    let records = Records::with("append", &two_after_each_other());
    let changed = Connection::open(records.file()).unwrap().execute("UPDATE leaf SET body = x'00'", ());
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
    let elsewhere = std::env::temp_dir().join(format!("varco-audit-answers-{}", std::process::id()));
    std::fs::create_dir_all(&elsewhere).unwrap();
    let case = records.allow(&records.ask(1100, "2026-10-25T04:49:00Z", &[]));
    command
        .arg(&records.folder)
        .arg(env!("CARGO_BIN_EXE_varco-audit"))
        .args(["who", "--folder"])
        .arg(&elsewhere);
    let answer =
        command.arg("--records").arg(records.file()).args(case).args(records.holders()).output().unwrap();
    std::fs::remove_dir_all(elsewhere).unwrap();
    assert_eq!(answer.status.code(), Some(0), "{}", String::from_utf8_lossy(&answer.stderr));
}

#[test]
fn a_reader_who_stops_early_is_no_failure() {
    let records = Records::with("pipe", &two_after_each_other());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let case = records.allow(&records.ask(1100, "2026-10-25T04:49:00Z", &[]));
    let mut command = Command::new(env!("CARGO_BIN_EXE_varco-audit"));
    let answer = command
        .args(["who", "--records"])
        .arg(records.file())
        .args([case, records.holders(), records.to_cases()].concat())
        .stdout(writer)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let answer = answer.wait_with_output().unwrap();
    assert_eq!((answer.status.code(), answer.stderr), (Some(0), Vec::new()));
}

/// The night in which the clocks go back: 02:30 happens twice, and two citizens held the port one after the other.
#[test]
fn the_question_of_the_night_of_25_october_is_asked_with_an_offset_or_refused() {
    let records = Records::with("night", &two_after_each_other());
    for local in ["2026-10-25 02:30", "2026-10-25T02:30", "2026-10-25T02:30:00"] {
        assert_eq!(records.who(1100, local, &[]).status.code(), Some(64), "{local}");
    }
    for (instant, subject) in
        [("2026-10-25T02:30:00+02:00", "subject-1"), ("2026-10-25T02:30:00+01:00", "subject-2")]
    {
        let answer = records.who(1100, instant, &[]);
        assert_eq!(answer.status.code(), Some(0), "{instant}");
        assert!(text(&answer).contains(&format!("subject  {subject}\n")), "{instant}: {}", text(&answer));
    }
    let both = records.look(1100, "2026-10-25T02:45:00+02:00", &["--tolerance", "5m"], &[]);
    assert_eq!(both.status.code(), Some(3), "a tolerance that covers two passes stays ambiguous");
}

#[test]
fn neither_holder_alone_opens_a_record_and_no_key_is_no_nobody() {
    let records = Records::with("alone", &two_after_each_other());
    let all = records.holders();
    let case = records.allow(&records.ask(1100, "2026-10-25T00:30:00Z", &[]));
    for without in ["anna", "bruno"] {
        let file = records.path(&format!("people/{without}.key"));
        let at = all.iter().position(|word| *word == file).unwrap();
        let words = all.iter().enumerate().filter(|(n, _)| *n != at && *n != at - 1);
        let words: Vec<_> = words.map(|(_, word)| word.clone()).collect();
        let refused = who(&records.file(), &[case.clone(), words, records.to_cases()].concat());
        assert_eq!(refused.status.code(), Some(7), "without {without}");
        assert!(refused.stdout.is_empty());
        assert!(String::from_utf8_lossy(&refused.stderr).contains("--holder"), "it says what is missing");
    }
}

#[test]
fn what_was_destroyed_is_not_answered_and_the_rest_is() {
    let mut entries = two_after_each_other();
    entries.push(started(3, "2026-11-20T10:00:00Z", "2026-11-20T14:00:00Z"));
    let records = Records::with("destroyed", &entries);
    let keys = records.path("keys");
    let destroy =
        |class: &str| audit(&["keys", "destroy", "--keys", &keys, "--class", class, "--period", "2026-W43"]);
    assert!(destroy("R2b").status.success());
    assert_eq!(destroy("R2b").status.code(), Some(1), "there is nothing left to destroy");
    assert_eq!(records.who(1100, "2026-10-25T00:30:00Z", &[]).status.code(), Some(7));
    assert_eq!(records.who(5000, "2026-10-25T00:30:00Z", &[]).status.code(), Some(7), "nor is it nobody");
    let later = records.who(1100, "2026-11-20T11:00:00Z", &[]);
    assert_eq!(later.status.code(), Some(0), "{}", String::from_utf8_lossy(&later.stderr));
    let list = String::from_utf8(audit(&["keys", "list", "--keys", &keys]).stdout).unwrap();
    assert!(list.contains("2026-W43 R2b: opened by nobody"), "{list}");
    assert!(
        list.contains(
            "2026-W43 R2a: opened by anna (requester), bruno (approver); kept 24 months, until 2028-10-19"
        ),
        "{list}"
    );
}

/// The leaf of an end that could not be recorded in its own week has the tag of the week in which it was.
#[test]
fn an_end_that_was_recorded_a_week_late_ends_the_session() {
    let records = Records::keys("late-end", &["2026-W43", "2026-W44"]);
    let clock = Clock::WithinMs(20);
    let begun = started(1, "2026-10-25T20:00:00Z", "2026-10-26T12:00:00Z");
    records.record(&[begun], clock);
    records.record_at(&[ended(1, "2026-10-25T22:50:00Z")], at("2026-10-28T01:00:00Z"), clock);
    let during = records.who(1100, "2026-10-25T22:00:00Z", &[]);
    assert!(text(&during).contains("logged-out"), "{}", text(&during));
    let after = records.who(1100, "2026-10-25T23:30:00Z", &[]);
    assert_eq!(after.status.code(), Some(2), "{}", text(&after));
    // Without the later week's key it is not told as open.
    let words =
        ["keys", "destroy", "--keys", &records.path("keys"), "--class", "R2b", "--period", "2026-W44"];
    site::does(&words);
    assert_eq!(records.who(1100, "2026-10-25T23:30:00Z", &[]).status.code(), Some(7));
}

#[test]
fn a_record_made_with_a_doubtful_clock_says_so() {
    let records = Records::keys("clock", &["2026-W43"]);
    let [first, end, second] = two_after_each_other().try_into().unwrap();
    records.record(&[first, end], Clock::WithinMs(501));
    records.record(&[second], Clock::Unknown);
    let answer = |at| text(&records.who(1100, at, &[]));
    assert!(answer("2026-10-25T00:30:00Z").contains("clock    may have been 501 ms off"));
    assert!(answer("2026-10-25T01:30:00Z").contains("clock    nobody knew how right it was"));
    let good = Records::with("clock-good", &two_after_each_other());
    assert!(!text(&good.who(1100, "2026-10-25T00:30:00Z", &[])).contains("\nclock "));
}

/// SECURITY.md R9: known values are looked for where they must not be.
#[test]
fn without_the_holders_keys_the_records_hold_nobody_and_no_slot() {
    let records = Records::with("plain", &two_after_each_other());
    let database = Connection::open(records.file()).unwrap();
    database.execute_batch("PRAGMA journal_mode = DELETE; VACUUM").unwrap();
    drop(database);
    let octets = std::fs::read(records.file()).unwrap();
    let holds = |needle: &str| octets.windows(needle.len()).any(|w| w == needle.as_bytes());
    assert!(holds("varco-leaf/1 R2a library"), "the search finds what is there");
    for known in ["subject-1", "198.18.0.3", "1535", &PassId(Uuid::from_u128(1)).to_string(), "logged-out"] {
        assert!(!holds(known), "{known}");
    }
    let same = |w: &[u8]| octets.windows(w.len()).filter(|found| *found == w).count();
    let line = b"varco-leaf/1 R2b library 2 2026-10-25T00:00:00Z 2026-W43 ";
    let tag = octets.windows(line.len()).position(|w| w == line).map(|n| &octets[n + line.len()..][..16]);
    assert_eq!(same(tag.unwrap()), 3, "the same slot has the same tag within a week");
}

/// The records in a log folder, as far as `size`, signed; the log's public key.
fn logged(records: &Records, size: u32) -> String {
    let key = NoteKey::load_or_make(&records.folder.join("log.key"), "hub.example.it/log/library").unwrap();
    let vkey = key.vkey();
    let mut log = Log::open(&records.folder.join("log"), "hub.example.it/log/library", key).unwrap();
    let journal = Connection::open(records.file()).unwrap();
    let leaves = varco_audit::journal::leaves(&journal, 0, size).unwrap();
    log.integrate(0, &leaves.into_iter().map(|(_, leaf)| leaf).collect::<Vec<_>>()).unwrap();
    vkey
}

#[test]
fn a_log_folder_is_believed_by_its_signature_and_what_is_not_in_it_is_marked() {
    let records = Records::with("logged", &two_after_each_other());
    // The key of tags, three leaves of the first pass, one of its end: the second pass is not in it.
    let vkey = logged(&records, 5);
    let (first, second) = ("2026-10-25T00:30:00Z", "2026-10-25T00:55:00Z");
    let unverified = records.who(1100, first, &[]);
    assert_eq!(unverified.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&unverified.stderr).contains("--vkey"));
    let other = logged(&Records::with("logged-other", &two_after_each_other()), 5);
    assert_eq!(records.who(1100, first, &["--vkey", &other]).status.code(), Some(5));
    let (file, out) = (records.path("index.db"), records.path("log"));
    site::does(&["index", "--log", &out, "--out", &file]);
    for more in [&["--vkey", &vkey][..], &["--vkey", &vkey, "--index", &file]] {
        let answer = records.who(1100, first, more);
        assert_eq!(answer.status.code(), Some(0), "{}", String::from_utf8_lossy(&answer.stderr));
        assert!(text(&answer).contains("subject-1") && !text(&answer).contains("not in the log"));
        let answer = records.who(1100, second, more);
        assert!(text(&answer).contains("subject-2"), "{}", text(&answer));
        assert!(text(&answer).contains("log      not in the log yet"), "{}", text(&answer));
    }
    // An index that is behind is brought up to the log.
    logged(&records, 8);
    let answer = records.who(1100, second, &["--vkey", &vkey, "--index", &file, "--json"]);
    let answer: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert_eq!(
        (&answer["sessions"][0]["subject"], &answer["sessions"][0]["not_in_log"]),
        (&"subject-2".into(), &false.into())
    );
    // What was changed is found before it answers, index or not.
    let bundle = records.folder.join("log/tile/entries/000.p/8");
    let mut octets = std::fs::read(&bundle).unwrap();
    octets.iter_mut().skip(600).step_by(100).for_each(|octet| *octet ^= 1);
    std::fs::write(&bundle, octets).unwrap();
    for more in [&["--vkey", &vkey][..], &["--vkey", &vkey, "--index", &file]] {
        assert_eq!(records.who(1100, first, more).status.code(), Some(4));
    }
}
