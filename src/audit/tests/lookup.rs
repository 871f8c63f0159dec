//! A look-up from its asking to its answer by two officers at two machines, the approver with a token; and everything that
//! is refused on the way.

#![expect(clippy::unwrap_used, reason = "a step that fails fails the test")]

#[expect(dead_code, reason = "another test uses the rest of it")]
mod site;
mod softhsm;

use jiff::Timestamp;
use rusqlite::Connection;
use site::{
    Records, audit, does,
    hub::{allowed, asked},
    written,
};
use softhsm::Hsm;
use std::{fs, path::Path, process::Output};
use uuid::Uuid;
use varco_audit::{
    Clock, Entry,
    case::{Answer, Approval, CaseId, Document, Found, FoundLeaf, Receipt, Request, Signed},
    class::Class,
    holder::People,
    keys::KeyFolder,
    leaf::Leaf,
    tlog::{Log, NoteKey, VerifierKey},
};
use varco_policy::{PassId, Slot, Subject, pass::EndCause};

const LOG: &str = "hub.varco.test/log/library";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

const SLOT: Slot =
    Slot { address: std::net::Ipv4Addr::new(198, 18, 0, 3), first_port: 1024, last_port: 1535 };

fn started(n: u128, from: &str) -> Entry {
    Entry::Started {
        at: at(from),
        site: "library".into(),
        pass: PassId(Uuid::from_u128(n)),
        subject: Subject::try_from(format!("subject-{n}")).unwrap(),
        device: "hash".into(),
        slot: SLOT,
        until: at("2026-10-25T04:00:00Z"),
    }
}

fn ended(n: u128, when: &str) -> Entry {
    let pass = PassId(Uuid::from_u128(n));
    Entry::Ended { at: at(when), site: "library".into(), pass, slot: SLOT, cause: EndCause::Idle }
}

/// Two citizens held the port in the night the clocks go back; heartbeats tell an error of the clock.
fn night(clock: Clock) -> Vec<Entry> {
    let beat = |when: &str| Entry::Heartbeat { at: at(when), site: "library".into(), open: 1, clock };
    vec![
        started(1, "2026-10-25T00:00:00Z"),
        beat("2026-10-25T00:30:00Z"),
        ended(1, "2026-10-25T00:40:00Z"),
        beat("2026-10-25T00:45:00Z"),
        started(2, "2026-10-25T00:50:00Z"),
        beat("2026-10-25T01:30:00Z"),
    ]
}

/// The records in a signed log; its folder and public key.
fn logged(records: &Records) -> [String; 4] {
    let key = NoteKey::load_or_make(&records.folder.join("log.key"), LOG).unwrap();
    let vkey = key.vkey();
    let mut log = Log::open(&records.folder.join("log"), LOG, key).unwrap();
    let journal = Connection::open(records.file()).unwrap();
    let leaves = varco_audit::journal::leaves(&journal, 0, 1000).unwrap();
    log.integrate(0, &leaves.into_iter().map(|(_, leaf)| leaf).collect::<Vec<_>>()).unwrap();
    ["--log".into(), records.path("log"), "--vkey".into(), vkey]
}

fn text(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr)
}

/// The two machines: each has the ceremony's folder and its own officer's keys.
struct Desk<'a> {
    records: &'a Records,
    case: Vec<String>,
    log: [String; 4],
}

impl Desk<'_> {
    fn run(&self, command: &str, officer: &str, more: &[&str]) -> Output {
        let (keys, own) = (self.records.path("keys"), self.records.path(&format!("people/{officer}.key")));
        let cases = self.records.cases();
        let words: Vec<_> = self.case.iter().map(String::as_str).collect();
        let officer = [command, "--keys", &keys, "--holder", &own, "--folder", &cases];
        audit(&[&officer[..], &words, more].concat())
    }

    fn find(&self) -> Output {
        self.run("find", "anna", &self.log.each_ref().map(String::as_str))
    }

    fn answer(&self, found: &str, more: &[&str]) -> Output {
        let vkey = self.log[3].as_str();
        self.run("answer", "bruno", &[&["--found", found, "--vkey", vkey][..], more].concat())
    }
}

fn desk<'a>(records: &'a Records, when: &str) -> Desk<'a> {
    let case = records.allow(&records.ask(1100, when, &[]));
    Desk { records, case, log: logged(records) }
}

#[test]
fn two_officers_at_two_machines_answer_the_question_of_the_night_of_25_october() {
    let records = Records::keys("flow", &["2026-W43"]);
    records.record(&night(Clock::WithinMs(20)), Clock::WithinMs(20));
    let local = records.ask(1100, "2026-10-25T02:30:00", &[]);
    assert_eq!(local.status.code(), Some(64), "{}", text(&local));
    assert!(text(&local).contains("write date, time and UTC offset"), "{}", text(&local));
    for (when, subject) in
        [("2026-10-25T02:30:00+02:00", "subject-1"), ("2026-10-25T02:30:00+01:00", "subject-2")]
    {
        let desk = desk(&records, when);
        let found = written(&desk.find());
        let sealed = fs::read_to_string(&found).unwrap();
        assert!(!sealed.contains("198.18.0.3") && !sealed.contains("subject-"), "the inner layer is there");
        let answered = desk.answer(&found, &[]);
        assert_eq!(answered.status.code(), Some(0), "{}", text(&answered));
        let said = text(&answered);
        assert!(said.contains(&format!("subject  {subject}\n")) && said.contains(when), "{said}");
        assert!(said.contains("clocks   may have been 20 ms off"), "{said}");
        assert!(!said.contains("not in the log"), "{said}");
        let answer = fs::read_to_string(written(&answered)).unwrap();
        assert!(
            answer.contains(&format!(" {subject} ")) && answer.contains(&format!("searched library {LOG} "))
        );
        assert!(!answer.contains("198.18.0.3") && !answer.contains("1100"), "{answer}");
    }
    // Between the two nobody: and that says how right the clock was too.
    let desk = desk(&records, "2026-10-25T00:45:00Z");
    let nobody = desk.answer(&written(&desk.find()), &[]);
    assert_eq!(nobody.status.code(), Some(2), "{}", text(&nobody));
    assert!(text(&nobody).contains("clocks   may have been 20 ms off"), "{}", text(&nobody));
}

/// How many leaves of each class a requester hands on who asks then, and what the approver tells.
fn handed_on(records: &Records, when: &str) -> ((usize, usize), String) {
    let desk = desk(records, when);
    let file = written(&desk.find());
    let people = People::read(&KeyFolder::at(Path::new(&records.path("keys"))).people()).unwrap();
    let found = Signed::<Found>::read(&fs::read(&file).unwrap(), &people).unwrap();
    let class = |found: &FoundLeaf| Leaf::read(&found.octets).unwrap().header.class;
    let of = |wanted| found.searched[0].leaves.iter().filter(|found| class(found) == wanted).count();
    ((of(Class::R2a), of(Class::R2b)), text(&desk.answer(&file, &[])))
}

/// Of who had the slot only later no half of a key is handed on; and a pass that ended hours later is told with its end.
#[test]
fn who_had_the_slot_only_later_is_not_found() {
    let records = Records::keys("later", &["2026-W43"]);
    let later = [
        ended(2, "2026-10-25T02:00:00Z"),
        started(3, "2026-10-25T02:10:00Z"),
        ended(3, "2026-10-25T02:20:00Z"),
    ];
    records.record(&[night(Clock::WithinMs(20)), later.to_vec()].concat(), Clock::WithinMs(20));
    for (when, subject, until, leaves) in [
        // Begin and end of the first pass.
        ("2026-10-25T00:35:00Z", "subject-1", "2026-10-25T00:40:00Z", (2, 1)),
        // Of both of them: the first may have ended late.
        ("2026-10-25T01:25:00Z", "subject-2", "2026-10-25T02:00:00Z", (4, 2)),
        // No heartbeat says how right the clock was then, or what was recorded after it.
        ("2026-10-25T01:05:00Z", "subject-2", "2026-10-25T02:00:00Z", (6, 3)),
    ] {
        let (found, said) = handed_on(&records, when);
        assert_eq!(found, leaves, "{when}");
        assert!(said.contains(&format!("subject  {subject}\n")) && said.contains(until), "{said}");
    }
}

/// The clock was two hours ahead when the slot was lent, and was set right after it.
#[test]
fn a_clock_that_was_set_back_hides_nobody() {
    let records = Records::keys("back", &["2026-W43"]);
    let two_hours = Clock::WithinMs(7_200_000);
    records.record(&[started(1, "2026-10-25T02:00:00Z")], two_hours);
    let beats = ["2026-10-25T00:25:00Z", "2026-10-25T00:30:00Z", "2026-10-25T00:35:00Z"].map(|when| {
        Entry::Heartbeat { at: at(when), site: "library".into(), open: 1, clock: Clock::WithinMs(5) }
    });
    records.record(&beats, Clock::WithinMs(5));
    let (found, said) = handed_on(&records, "2026-10-25T00:30:00Z");
    assert_eq!(found, (1, 1));
    assert!(said.contains("subject  subject-1\n"), "{said}");
}

#[test]
fn a_clock_that_was_off_widens_the_window_and_makes_a_doubt_ambiguous() {
    let records = Records::keys("widened", &["2026-W43"]);
    let off = Clock::WithinMs(330_000);
    records.record(&night(off), off);
    let answer = records.who(1100, "2026-10-25T00:45:00Z", &["--json"]);
    assert_eq!(answer.status.code(), Some(3), "{}", text(&answer));
    let answer: serde_json::Value = serde_json::from_slice(&answer.stdout).unwrap();
    assert_eq!((&answer["outcome"], &answer["clock"]["within-ms"]), (&"ambiguous".into(), &330_000.into()));
}

#[test]
fn without_a_receipt_for_this_very_request_nothing_is_opened() {
    let records = Records::keys("receipts", &["2026-W43"]);
    records.record(&night(Clock::WithinMs(20)), Clock::WithinMs(20));
    let desk = desk(&records, "2026-10-25T02:30:00+02:00");
    let good = desk.case.clone();
    let [request, receipt, vkey] = [1, 3, 5].map(|n| good[n].clone());
    let words = |receipt: &str, vkey: &str, more: &[&str]| {
        let words = ["--request", &request, "--receipt", receipt, "--hub-vkey", vkey];
        [&words[..], more].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let refused = |case: Vec<String>, said: &str| {
        let desk = Desk { records: &records, case, log: desk.log.clone() };
        for out in [desk.find(), desk.answer("nothing", &[])] {
            assert_eq!(out.status.code(), Some(8), "{said}: {}", text(&out));
            assert!(text(&out).contains(said) && out.stdout.is_empty(), "{}", text(&out));
        }
        let all = [desk.case, records.holders(), records.to_cases(), desk.log.to_vec()].concat();
        let words: Vec<_> = all.iter().map(String::as_str).collect();
        let who = audit(&[&["who"][..], &words].concat());
        assert_eq!((who.status.code(), who.stdout.len()), (Some(8), 0), "{said}");
    };
    refused(good[..2].iter().chain(&good[4..]).cloned().collect(), "give --receipt");
    let other = records.allow(&records.ask(1101, "2026-10-25T02:30:00+02:00", &[]));
    refused(words(&other[3], &vkey, &[]), "this request is case");
    let stranger =
        NoteKey::load_or_make(&records.folder.join("other.key"), site::hub::ORIGIN).unwrap().vkey();
    refused(words(&receipt, &stranger, &[]), "not by the hub's key");
    let witness = "witness.example+8b9ac9c5+BOHqsWhD1tJLSrUmnH9i7vKFZ7zzOKCF/PmhYpfQvsAO";
    if witness.parse::<VerifierKey>().is_ok() {
        refused(words(&receipt, &vkey, &["--witness", witness]), "the receipt's witness");
    }
    let file = |name: &str, text: &str| {
        let path = records.path(name);
        fs::write(&path, text).unwrap();
        path
    };
    let hub = records.hub();
    let note = fs::read_to_string(&request).unwrap();
    let case = CaseId::of(note.as_bytes());
    let only_asked = hub.prove(hub.record(&[asked(case, &note)], "2026-11-30T10:00:00Z")).to_string();
    refused(words(&file("asked", &only_asked), &vkey, &[]), "no permission");
    // An entry that says so and is in no log: the way of another one.
    let mut unproved = hub.prove(0);
    unproved.entry = hub.prove(hub.record(&[allowed(case, "")], "2026-11-30T10:00:00Z")).entry;
    refused(words(&file("unproved", &unproved.to_string()), &vkey, &[]), "does not prove");
    refused(words(&file("empty", ""), &vkey, &[]), "no proof of an entry");
}

/// Every octet of every document, by the reader that all commands use.
#[test]
fn a_document_that_was_changed_anywhere_is_refused() {
    let records = Records::keys("changed", &["2026-W43"]);
    records.record(&night(Clock::WithinMs(20)), Clock::WithinMs(20));
    let desk = desk(&records, "2026-10-25T02:30:00+02:00");
    let found = written(&desk.find());
    let answer = written(&desk.answer(&found, &[]));
    let people = People::read(&KeyFolder::at(Path::new(&records.path("keys"))).people()).unwrap();
    let [request, receipt, vkey] = [1, 3, 5].map(|n| desk.case[n].clone());
    fn holds<D: Document>(octets: &[u8], people: &People) -> bool {
        Signed::<D>::read(octets, people).is_ok()
    }
    let approval = request.replace(".request", ".approval");
    let case = CaseId::of(&fs::read(&request).unwrap());
    type Reader<'a> = (&'a str, &'a dyn Fn(&[u8]) -> bool);
    let readers: [Reader<'_>; 5] = [
        (&request, &|octets| holds::<Request>(octets, &people)),
        (&approval, &|octets| holds::<Approval>(octets, &people)),
        (&found, &|octets| holds::<Found>(octets, &people)),
        (&answer, &|octets| holds::<Answer>(octets, &people)),
        (&receipt, &|octets| Receipt::verify(octets, case, &vkey.parse().unwrap(), &[]).is_ok()),
    ];
    for (path, read) in readers {
        let good = fs::read(path).unwrap();
        assert!(read(&good), "{path}");
        for (n, octet) in good.iter().enumerate() {
            let mut changed = good.clone();
            changed[n] = if *octet == b'A' { b'B' } else { b'A' };
            assert!(!read(&changed), "{path}: octet {n}");
        }
        assert!(!read(&[&good[..], b"\n"].concat()) && !read(&good[..good.len() - 1]), "{path}: its end");
        let line = good.iter().position(|octet| *octet == b'\n').unwrap() + 1;
        assert!(!read(&good[line..]), "{path}: its first line");
    }
    // Found records of another case, and one that is left out.
    let other = desk_of(&records, 1101);
    let refused = other.answer(&found, &[]);
    assert!(!refused.status.success() && text(&refused).contains("it is of case"), "{}", text(&refused));
    let closed = desk.run("answer", "bruno", &["--closed"]);
    assert!(text(&closed).contains("is there already"), "an answer is never written over");
}

fn desk_of(records: &Records, port: u16) -> Desk<'_> {
    let case = records.allow(&records.ask(port, "2026-10-25T02:30:00+02:00", &[]));
    Desk { records, case, log: logged(records) }
}

#[test]
fn an_approver_with_a_token_reads_allows_and_answers() {
    let records = Records::keys("token-flow", &[]);
    let hsm = Hsm::at(Path::new(&records.path("hsm")));
    hsm.token("bruno");
    let (uri, people, keys) =
        (hsm.uri("bruno", "carlo", "pin"), records.path("people"), records.path("keys"));
    let run = |words: &[&str]| {
        let out = hsm.audit(words);
        assert!(out.status.success(), "{}", text(&out));
        out
    };
    let holder = ["keys", "holder", "--name", "carlo", "--role", "approver", "--folder", &people];
    run(&[&holder[..], &["--token", &uri, "--make"]].concat());
    let [anna, carlo] = ["anna", "carlo"].map(|name| format!("{people}/{name}.pub"));
    does(&["keys", "weeks", "--keys", &keys, "--from", "2026-W43", "--holder", &anna, "--holder", &carlo]);
    does(&["keys", "publish", "--keys", &keys, "--to", &records.path("gateway-keys")]);
    records.record(&night(Clock::WithinMs(20)), Clock::WithinMs(20));
    let request = written(&records.ask(1100, "2026-10-25T02:30:00+01:00", &[]));
    let cases = records.cases();
    let approver = ["--keys", &keys, "--holder", &uri, "--folder", &cases, "--request", &request];
    let approval = written(&run(&[&["allow", "--yes"][..], &approver].concat()));
    let (hub, receipt) = (records.hub(), request.replace(".request", ".receipt"));
    let read = |path: &str| fs::read_to_string(path).unwrap();
    fs::write(&receipt, hub.receipt(&read(&request), &read(&approval))).unwrap();
    let case = ["--request", &request, "--receipt", &receipt, "--hub-vkey", &hub.vkey()].map(str::to_owned);
    let desk = Desk { records: &records, case: case.to_vec(), log: logged(&records) };
    let found = written(&desk.find());
    let allowed =
        ["--receipt", &receipt, "--hub-vkey", &desk.case[5], "--found", &found, "--vkey", &desk.log[3]];
    let answered = run(&[&["answer"][..], &approver, &allowed].concat());
    assert!(text(&answered).contains("subject  subject-2\n"), "{}", text(&answered));
    assert!(read(&written(&answered)).contains("\n— carlo "));
}

#[test]
fn what_was_destroyed_is_answered_as_closed_and_the_count_is_of_the_log() {
    let records = Records::keys("closed", &["2026-W43"]);
    records.record(&night(Clock::WithinMs(20)), Clock::WithinMs(20));
    let desk = desk(&records, "2026-10-25T02:30:00+02:00");
    let found = written(&desk.find());
    let keys = records.path("keys");
    does(&["keys", "destroy", "--keys", &keys, "--class", "R2a", "--period", "2026-W43"]);
    let closed = desk.answer(&found, &[]);
    assert_eq!(closed.status.code(), Some(7), "{}", text(&closed));
    assert!(closed.stdout.is_empty(), "not even part of it");
    let closed = desk.run("answer", "bruno", &["--closed"]);
    assert_eq!(closed.status.code(), Some(7), "{}", text(&closed));
    let answer = fs::read_to_string(desk.case[1].replace(".request", ".answer")).unwrap();
    assert!(answer.contains("\noutcome closed\n"), "{answer}");
    let hub = records.hub();
    let count = does(&["count", "--log", &hub.log(), "--vkey", &hub.vkey(), "--json"]);
    let count: serde_json::Value = serde_json::from_str(&count).unwrap();
    let month =
        serde_json::json!([{ "month": "2026-11", "asked": 1, "allowed": 1, "refused": 0, "answered": 0 }]);
    assert_eq!(count, month);
    let other = NoteKey::load_or_make(&records.folder.join("other.key"), site::hub::ORIGIN).unwrap().vkey();
    assert_eq!(audit(&["count", "--log", &hub.log(), "--vkey", &other]).status.code(), Some(5));
}

/// A question that singles out nobody never becomes a request.
#[test]
fn what_cannot_single_out_a_person_is_not_asked() {
    let records = Records::keys("unfit", &["2026-W43"]);
    let when = "2026-10-25T02:30:00+01:00";
    let base = ["--ip", "198.18.0.3", "--protocol", "tcp", "--at", when];
    for (more, said) in [
        (&[][..], "without a port"),
        (&["--port", "443"], "1024 to 65535"),
        (&["--port", "1100", "--tolerance", "11m"], "at most 600s"),
        (&["--port", "1100", "--tolerance", "1500ms"], "whole seconds"),
        (&["--port", "1100", "--site", "la biblioteca"], "no name of a site"),
    ] {
        let out = records.ask_for(&[&base[..], more].concat());
        assert_eq!(out.status.code(), Some(64), "{}", text(&out));
        assert!(text(&out).contains(said), "{}", text(&out));
    }
    for (ip, at) in [("10.0.0.1", when), ("198.18.0.3", "2999-01-01T00:00:00Z")] {
        let out = records.ask_for(&["--ip", ip, "--port", "1100", "--protocol", "udp", "--at", at]);
        assert_eq!(out.status.code(), Some(64), "{}", text(&out));
    }
    assert_eq!(fs::read_dir(records.cases()).unwrap().count(), 0, "no document was written");
}
