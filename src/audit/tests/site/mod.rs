//! A site's records in a folder of the test, sealed to keys that the real command made.

use rusqlite::Connection;
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};
use varco_audit::{
    Clock, Entry, journal,
    recorder::{Now, Recorder},
};

pub struct Records {
    pub folder: PathBuf,
}

impl Drop for Records {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Runs `varco-audit` and answers what it said.
pub fn audit(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_varco-audit")).args(words).output().unwrap()
}

/// The same, which must go well.
pub fn does(words: &[&str]) -> String {
    let done = audit(words);
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

impl Records {
    /// A folder with holders and the keys of these weeks, and no record.
    pub fn keys(name: &str, weeks: &[&str]) -> Self {
        let folder = std::env::temp_dir().join(format!("varco-audit-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let records = Self { folder };
        let (keys, people) = (records.path("keys"), records.path("people"));
        for (holder, role) in [("anna", "requester"), ("bruno", "approver")] {
            does(&["keys", "holder", "--name", holder, "--role", role, "--folder", &people]);
        }
        let given = |holder: &str| format!("{people}/{holder}.pub");
        for week in weeks {
            let (anna, bruno) = (given("anna"), given("bruno"));
            let holders = ["--holder", anna.as_str(), "--holder", bruno.as_str()];
            does(&[&["keys", "weeks", "--keys", &keys, "--from", week][..], &holders].concat());
        }
        if weeks.is_empty() {
            return records;
        }
        does(&["keys", "publish", "--keys", &keys, "--to", &records.path("gateway-keys")]);
        records
    }

    /// Records made each at its own time.
    pub fn with(name: &str, entries: &[Entry]) -> Self {
        let records = Self::keys(name, &["2026-W43", "2026-W47"]);
        records.record(entries, Clock::WithinMs(20));
        records
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    pub fn file(&self) -> PathBuf {
        self.folder.join("site.db")
    }

    /// As a gateway does, which has public halves only.
    pub fn record(&self, entries: &[Entry], clock: Clock) {
        let mut connection = Connection::open(self.file()).unwrap();
        // Nobody's records: no disk need be waited for.
        connection.pragma_update(None, "synchronous", "OFF").unwrap();
        journal::create(&connection).unwrap();
        let first = entries.first().map_or(jiff::Timestamp::UNIX_EPOCH, Entry::at);
        let mut recorder = Recorder::open(Path::new(&self.path("gateway-keys")), "library", first).unwrap();
        for entry in entries {
            let transaction = connection.transaction().unwrap();
            let now = Now { at: entry.at(), clock };
            recorder.append(&transaction, std::slice::from_ref(entry), now).unwrap();
            transaction.commit().unwrap();
        }
    }

    /// What opens the records: both holders' keys.
    pub fn holders(&self) -> Vec<String> {
        let own = |holder: &str| ["--holder".to_owned(), self.path(&format!("people/{holder}.key"))];
        let keys = ["--keys".to_owned(), self.path("keys")];
        [own("anna"), own("bruno"), keys].into_iter().flatten().collect()
    }

    /// A question about 198.18.0.3.
    pub fn who(&self, port: u16, at: &str, more: &[&str]) -> Output {
        let more = more.iter().map(|word| (*word).to_owned());
        who(&self.file(), port, at, &self.holders().into_iter().chain(more).collect::<Vec<_>>())
    }
}

pub fn who(file: &Path, port: u16, at: &str, more: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_varco-audit"))
        .args(["who", "--ip", "198.18.0.3", "--port", &port.to_string(), "--at", at, "--records"])
        .arg(file)
        .args(more)
        .output()
        .unwrap()
}
