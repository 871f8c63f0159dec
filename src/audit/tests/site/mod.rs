//! A site's records in a folder of the test, sealed to keys that the real command made.

pub mod hub;

use hub::Hub;
use rusqlite::Connection;
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};
use varco_audit::{
    Clock, Entry,
    case::{Permit, Question, Request, Signed, What},
    class::Class,
    expiry::Kept,
    holder::People,
    journal,
    keys::KeyFolder,
    opener::Opener,
    recorder::{Now, Recorder},
    seal::Role,
    tlog::VerifierKey,
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
        for entry in entries {
            self.record_at(std::slice::from_ref(entry), entry.at(), clock);
        }
    }

    /// The same for entries that could be recorded only then.
    pub fn record_at(&self, entries: &[Entry], at: jiff::Timestamp, clock: Clock) {
        let mut connection = Connection::open(self.file()).unwrap();
        // Nobody's records: no disk need be waited for.
        connection.pragma_update(None, "synchronous", "OFF").unwrap();
        journal::create(&connection).unwrap();
        let mut recorder =
            Recorder::open(Path::new(&self.path("gateway-keys")), "library", Kept::default(), at).unwrap();
        let transaction = connection.transaction().unwrap();
        recorder.append(&transaction, entries, Now { at, clock }).unwrap();
        transaction.commit().unwrap();
    }

    /// What opens the records: both holders' keys.
    pub fn holders(&self) -> Vec<String> {
        let own = |holder: &str| ["--holder".to_owned(), self.path(&format!("people/{holder}.key"))];
        let keys = ["--keys".to_owned(), self.path("keys")];
        [own("anna"), own("bruno"), keys].into_iter().flatten().collect()
    }

    /// The hub's log.
    pub fn hub(&self) -> Hub {
        Hub::at(&self.path("hub"), &self.path("gateway-keys"))
    }

    /// A request about 198.18.0.3: what `ask` did.
    pub fn ask(&self, port: u16, at: &str, more: &[&str]) -> Output {
        let port = port.to_string();
        let what = ["--ip", "198.18.0.3", "--port", &port, "--protocol", "tcp", "--at", at];
        self.ask_for(&[&what[..], more].concat())
    }

    /// A request of anna's.
    pub fn ask_for(&self, what: &[&str]) -> Output {
        let (keys, anna, cases) = (self.path("keys"), self.path("people/anna.key"), self.cases());
        let officer = ["ask", "--keys", &keys, "--holder", &anna, "--folder", &cases];
        audit(&[&officer[..], &["--act", "decreto 12/2026", "--authority", "Procura"], what].concat())
    }

    /// Allows what `ask` wrote, and has the hub record it: what every command that looks wants.
    pub fn allow(&self, asked: &Output) -> Vec<String> {
        let request = written(asked);
        let (keys, bruno) = (self.path("keys"), self.path("people/bruno.key"));
        let cases = self.cases();
        let officer = ["--keys", &keys, "--holder", &bruno, "--folder", &cases];
        let allowed = audit(&[&["allow", "--request", &request, "--yes"][..], &officer].concat());
        let read = |path: &str| std::fs::read_to_string(path).unwrap();
        let receipt = request.replace(".request", ".receipt");
        let hub = self.hub();
        std::fs::write(&receipt, hub.receipt(&read(&request), &read(&written(&allowed)))).unwrap();
        ["--request", &request, "--receipt", &receipt, "--hub-vkey", &hub.vkey()].map(str::to_owned).to_vec()
    }

    /// Questions of this week that were asked and allowed.
    pub fn permits(&self, all: Vec<What>, opener: &mut Opener) -> Vec<Permit> {
        let keys = KeyFolder::at(Path::new(&self.path("keys")));
        let asked = "2026-11-30T10:00:00Z".parse().unwrap();
        let (week, pair) = keys.newest(Class::R4, asked).unwrap();
        let (act, authority) = ("decreto 12/2026", "Procura");
        let requests: Vec<_> = all
            .into_iter()
            .map(|what| {
                let (act, authority) = (act.to_owned(), authority.to_owned());
                let question = Question { act, authority, says: None, sites: Vec::new(), what };
                let request = Request::of(&question, "anna", asked, (week, &pair)).unwrap();
                Signed::make(&request, opener.holder(Role::Requester).unwrap()).unwrap()
            })
            .collect();
        let hub = self.hub();
        let receipts = hub.receipts(&requests.iter().map(|request| (&request[..], "")).collect::<Vec<_>>());
        let (people, vkey): (_, VerifierKey) =
            (People::read(&keys.people()).unwrap(), hub.vkey().parse().unwrap());
        let allowed = requests.iter().zip(receipts).map(|(request, receipt)| {
            let request = Signed::read(request.as_bytes(), &people).unwrap();
            let by = (&mut *opener, Role::Requester);
            Permit::of(&request, receipt.as_bytes(), (&vkey, &[]), by).unwrap()
        });
        allowed.collect()
    }

    /// The folder of documents.
    pub fn cases(&self) -> String {
        let cases = self.path("cases");
        std::fs::create_dir_all(&cases).unwrap();
        cases
    }

    /// A question about 198.18.0.3, from its asking to its answer by both officers at one machine.
    pub fn who(&self, port: u16, at: &str, more: &[&str]) -> Output {
        self.look(port, at, &[], more)
    }

    /// The same with a tolerance.
    pub fn look(&self, port: u16, at: &str, tolerance: &[&str], more: &[&str]) -> Output {
        let asked = self.ask(port, at, tolerance);
        if !asked.status.success() {
            return asked;
        }
        let more = more.iter().map(|word| (*word).to_owned()).collect();
        who(&self.file(), &[self.allow(&asked), self.holders(), self.to_cases(), more].concat())
    }

    pub fn to_cases(&self) -> Vec<String> {
        vec!["--folder".to_owned(), self.cases()]
    }
}

/// The document that a command wrote: the last line of what it said.
pub fn written(done: &Output) -> String {
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).lines().last().unwrap().to_owned()
}

pub fn who(file: &Path, words: &[String]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_varco-audit"));
    command.arg("who").arg("--records").arg(file).args(words).output().unwrap()
}
