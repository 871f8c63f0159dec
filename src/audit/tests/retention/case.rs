//! A site with sessions, its log with the hub's mirror, the hub's log, and a case that was asked, allowed and answered.

use crate::site::{Records, audit, does, hub::Hub, who, written};
use jiff::{Timestamp, ToSpan as _};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use uuid::Uuid;
use varco_audit::{
    Clock, Entry,
    case::{Answer, CaseId, Signed},
    content::Body,
    holder::People,
    journal,
    keys::KeyFolder,
    pack::sha256,
    tlog::{Cosignature, CosignerKey, Log, NoteKey},
};
use varco_policy::{PassId, Slot, Subject, pass::EndCause};

pub const ORIGIN: &str = "hub.varco.test/log/library";
pub const ASKED: &str = "2026-11-20T10:30:00+01:00";
pub const SITE_TOML: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docker/site/site.toml");

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the command reads this clock")]
pub fn days_from_now(days: i64) -> Timestamp {
    Timestamp::now() + jiff::SignedDuration::from_hours(24 * days)
}

fn slot(first_port: u16) -> Slot {
    Slot { address: [198, 18, 0, 3].into(), first_port, last_port: first_port + 511 }
}

pub fn pass(number: u128) -> PassId {
    PassId(Uuid::from_u128(0xfeed_0000 + number))
}

pub fn subject(number: u128) -> String {
    format!("subject-{number}-known-value")
}

pub fn device(number: u128) -> String {
    format!("device-{number}-known-value")
}

/// A pass of half an hour from ten past the hour, and heartbeats beside it.
pub fn session(number: u128, hour: &str, first_port: u16) -> [Entry; 2] {
    let (site, from) = ("library".to_owned(), at(hour).saturating_add(10.minutes()).unwrap());
    let began = Entry::Started {
        at: from,
        site: site.clone(),
        pass: pass(number),
        subject: Subject::try_from(subject(number)).unwrap(),
        device: device(number),
        slot: slot(first_port),
        until: from.saturating_add(4.hours()).unwrap(),
    };
    let ended = from.saturating_add(30.minutes()).unwrap();
    let cause = EndCause::LoggedOut;
    [began, Entry::Ended { at: ended, site, pass: pass(number), slot: slot(first_port), cause }]
}

/// What the site records of a day: three sessions, two of which have one slot after each other.
pub fn day() -> Vec<Entry> {
    let beat = |minutes: i64| {
        let at = at("2026-11-20T09:00:00Z").saturating_add(minutes.minutes()).unwrap();
        Entry::Heartbeat { at, site: "library".into(), open: 1, clock: Clock::WithinMs(20) }
    };
    let mut entries: Vec<_> = (0..36).map(|n| beat(n * 5)).collect();
    entries.extend(session(1, "2026-11-20T09:00:00Z", 1024));
    entries.extend(session(2, "2026-11-20T09:00:00Z", 1536));
    entries.extend(session(3, "2026-11-20T09:40:00Z", 1024));
    entries.sort_by_key(Entry::at);
    entries
}

pub struct Case {
    pub records: Records,
    pub site: String,
    pub mirror: String,
}

impl Case {
    /// A site whose records are in its log, which the hub has a copy of.
    pub fn site(name: &str) -> Self {
        Self::with(name, &["2026-W47"], &day())
    }

    /// The same, of these entries, whose weeks have keys.
    pub fn with(name: &str, weeks: &[&str], entries: &[Entry]) -> Self {
        let records = Records::keys(name, weeks);
        records.record(entries, Clock::WithinMs(20));
        let (log, key) = (records.folder.join("log"), records.folder.join("log.key"));
        let key = NoteKey::load_or_make(&key, ORIGIN).unwrap();
        let site = key.vkey();
        let db = rusqlite::Connection::open(records.file()).unwrap();
        let leaves = journal::leaves(&db, 0, 10_000).unwrap();
        let mut of = Log::open(&log, ORIGIN, key).unwrap();
        let leaves: Vec<_> = leaves.into_iter().map(|(_, leaf)| leaf).collect();
        of.integrate(0, &leaves[..leaves.len() - 3]).unwrap();
        of.integrate(0, &leaves).unwrap();
        let mut case = Self { records, site, mirror: String::new() };
        case.mirror = case.copied(&of);
        case
    }

    /// The hub has copied the log as it is: its mirror's cosignature, and the entry of it; the mirror's key.
    pub fn copied(&self, log: &Log) -> String {
        let file = self.records.folder.join("mirror.key");
        let mirror = CosignerKey::load_or_make(&file, "hub.varco.test/mirror").unwrap();
        let signed = log.checkpoint().clone();
        let line = Cosignature::sign(&signed, &mirror, at("2026-11-30T09:00:00Z")).unwrap();
        let note = format!("{}{line}", signed.note());
        fs::write(self.records.folder.join("log/checkpoint"), &note).unwrap();
        let copied = Body::Copied { checkpoint: signed.note().to_owned() };
        self.hub().record(&[copied], "2026-11-30T09:00:01Z");
        mirror.vkey()
    }

    pub fn hub(&self) -> Hub {
        self.records.hub()
    }

    pub fn path(&self, name: &str) -> String {
        self.records.path(name)
    }

    /// A case about a port at an instant, from its asking to what the hub records of its answer; its files, without ending.
    pub fn answered(&self, port: u16, instant: &str, more: &[&str]) -> String {
        let asked = self.records.ask(port, instant, more);
        let request = written(&asked);
        let permit = self.records.allow(&asked);
        let log = ["--log".to_owned(), self.path("log"), "--vkey".to_owned(), self.site.clone()];
        let words =
            [&["who".to_owned()][..], &log, &permit, &self.records.holders(), &self.records.to_cases()];
        let words = words.concat();
        let answered = audit(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let stem = request.trim_end_matches(".request").to_owned();
        let answer = fs::read(format!("{stem}.answer"))
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&answered.stderr)));
        let keys = KeyFolder::at(self.path("keys").as_ref());
        let signed: Signed<Answer> = Signed::read(&answer, &People::read(&keys.people()).unwrap()).unwrap();
        let (outcome, count) = (signed.outcome, signed.count());
        let body =
            Body::Answered { case: signed.case, by: "bruno".into(), outcome, count, digest: sha256(&answer) };
        self.hub().record(&[body], "2026-11-30T10:05:00Z");
        stem
    }

    /// Makes the pack of a case.
    pub fn pack(&self, stem: &str) -> Output {
        self.pack_with(stem, &[])
    }

    /// The same; `more` are further arguments.
    pub fn pack_with(&self, stem: &str, more: &[&str]) -> Output {
        let (hub_log, hub) = (self.hub().log(), self.hub().vkey());
        let [request, approval, answer] =
            ["request", "approval", "answer"].map(|end| format!("{stem}.{end}"));
        let settings = self.path("site.toml");
        fs::copy(SITE_TOML, &settings).unwrap();
        let text = fs::read_to_string(&settings).unwrap();
        let of = format!("library={}={settings}", self.path("log"));
        let cases = self.records.cases();
        assert!(text.contains("[slots]"), "{settings}");
        let words = [
            ["pack", "--request", &request, "--approval", &approval, "--answer", &answer].to_vec(),
            ["--hub-log", &hub_log, "--hub-vkey", &hub, "--mirror", &self.mirror].to_vec(),
            ["--site", &of, "--vkey", &self.site, "--folder", &cases].to_vec(),
            more.to_vec(),
        ];
        let holders = self.records.holders();
        let words: Vec<_> = words.concat().into_iter().chain(holders.iter().map(String::as_str)).collect();
        audit(&words)
    }

    /// The keys that somebody has from elsewhere.
    pub fn trust(&self) -> Vec<String> {
        let words = ["--hub-vkey", &self.hub().vkey(), "--mirror", &self.mirror, "--vkey", &self.site]
            .map(str::to_owned);
        let holders = ["--holders".to_owned(), self.path("keys/holders")];
        words.into_iter().chain(holders).collect()
    }

    /// A pack that was made, in a file.
    pub fn packed(&self, stem: &str) -> PathBuf {
        let made = self.pack(stem);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        format!("{stem}.pack.tar").into()
    }
}

pub fn case_of(stem: &str) -> CaseId {
    stem.rsplit('/').next().unwrap().parse().unwrap()
}

/// What the second verifier says.
pub fn python(pack: &Path, trust: &[String]) -> Output {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("verifier/varco_verify.py");
    Command::new("/usr/bin/python3").arg(program).arg("pack").args(trust).arg(pack).output().unwrap()
}

/// What the first says.
pub fn verified(pack: &Path, trust: &[String]) -> Output {
    let words = ["verify", "--pack", pack.to_str().unwrap()];
    audit(&words.into_iter().chain(trust.iter().map(String::as_str)).collect::<Vec<_>>())
}

/// Tries the other helpers, which other tests of this folder use.
#[test]
fn a_site_answers_its_case() {
    let case = Case::site("retention-answer");
    let asked = case.records.ask(1100, ASKED, &[]);
    let permit = case.records.allow(&asked);
    let log = vec!["--vkey".to_owned(), case.site.clone()];
    let words = [permit, case.records.holders(), case.records.to_cases(), log].concat();
    let answered = who(&case.records.file(), &words);
    assert!(answered.status.success(), "{}", String::from_utf8_lossy(&answered.stderr));
    let text = does(&["verify", "--log", &case.path("log"), "--vkey", &case.site]);
    assert!(text.ends_with("whole\n"), "{text}");
}
