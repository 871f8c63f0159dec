//! Cases at a hub on a real disk: what is taken and in which order, what it proves, and what it does not hold.

use super::{
    name::{self, Wish, named},
    *,
};
use crate::{
    app,
    register::{Authentication, Evidence},
    testing::{Running, Site, log_keys},
};
use actix_web::web::Data;
use jiff::SignedDuration;
use std::path::{Path, PathBuf};
use varco_audit::{
    Clock,
    case::{
        Answer, Approval, Ground, Moment, NotAllowed, Outcome, Protocol, Question, Receipt,
        Refusal as Refused, Request, Seen, Session, Sessions, Signed, What,
    },
    class::Class,
    content::Body,
    holder::HolderKey,
    keys::KeyFolder,
    leaf::{Leaf, Mark},
    opener::Opener,
    seal::Role,
    tlog::{Checkpoint, Hash},
};
use varco_policy::{PassId, Slot, Subject, pass::EndCause};

const ADDRESS: &str = "198.18.7.9";

fn site(name: &str) -> Site {
    Site::make(name).with_officers()
}

fn officer(role: Role) -> HolderKey {
    HolderKey::read(&log_keys().join(format!("{role}.key"))).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

/// A request signed at an instant.
pub(crate) fn request(at: Timestamp) -> (CaseId, String) {
    let moment = Moment {
        address: ADDRESS.parse().unwrap(),
        port: 1100,
        protocol: Protocol::Tcp,
        at: "2026-10-25T02:30:00+01:00".parse().unwrap(),
        tolerance: 0,
    };
    let (act, authority) = ("decreto 12/2026".to_owned(), "Procura".to_owned());
    let question = Question { act, authority, says: None, sites: Vec::new(), what: What::Slot(moment) };
    let (week, pair) = KeyFolder::at(log_keys()).newest(Class::R4, at).unwrap();
    let request = Request::of(&question, "requester", at, (week, &pair)).unwrap();
    let note = Signed::make(&request, &officer(Role::Requester)).unwrap();
    (CaseId::of(note.as_bytes()), note)
}

pub(crate) fn approval(case: CaseId, at: Timestamp) -> String {
    Signed::make(&Approval { case, by: "approver".into(), at }, &officer(Role::Approver)).unwrap()
}

fn refusal(case: CaseId, at: Timestamp) -> String {
    let refusal = Refused { case, by: "approver".into(), at, ground: Ground::Scope };
    Signed::make(&refusal, &officer(Role::Approver)).unwrap()
}

/// An answer with as many sessions, all of one citizen.
fn log(size: u64) -> Checkpoint {
    Checkpoint { origin: "hub.example.it/log/biblioteca".into(), size, root: Hash([0; 32]) }
}

fn answer(case: CaseId, at: Timestamp, sessions: u16, subject: &str) -> String {
    answer_of(case, at, sessions, subject, 3)
}

/// An answer of records 1 and 2, from a log of this size.
fn answer_of(case: CaseId, at: Timestamp, sessions: u16, subject: &str, size: u64) -> String {
    let session = |n| Session {
        pass: PassId(format!("00000000-0000-4000-8000-{n:012}").parse().unwrap()),
        site: "biblioteca".into(),
        subject: Subject::try_from(subject.to_owned()).unwrap(),
        slot: Slot { address: ADDRESS.parse().unwrap(), first_port: 1024, last_port: 1535 },
        from: at,
        until: at,
        cause: Some(EndCause::LoggedOut),
        ended_again: Vec::new(),
        clock: None,
        not_in_log: false,
        records: vec![1, 2],
    };
    let sessions = Sessions {
        sessions: (0..sessions).map(session).collect(),
        clock: Clock::WithinMs(20),
        seen: vec![Seen { site: "biblioteca".into(), log: Some(log(size)) }],
    };
    Signed::make(&Answer::of(case, "approver", at, &sessions), &officer(Role::Approver)).unwrap()
}

fn take(hub: &Hub, document: &str, now: Timestamp) -> Result<Step, String> {
    submit(hub, document.as_bytes(), now).map(|taken| taken.step).map_err(|refusal| refusal.to_string())
}

fn refused(hub: &Hub, document: &str, now: Timestamp, said: &str) {
    let before = hub.log.state();
    let answer = take(hub, document, now).unwrap_err();
    assert!(answer.contains(said), "{answer}");
    let after = hub.log.state();
    assert_eq!(before.size + before.waiting, after.size + after.waiting, "nothing was recorded: {said}");
}

#[test]
fn a_case_is_asked_allowed_and_answered_and_each_step_is_proved() {
    let site = site("lookup");
    let hub = site.hub();
    let (case, note) = request(at(0));
    assert_eq!(take(&hub, &note, at(1)), Ok(Step::Asked));
    assert!(receipt(&hub, case).unwrap_err().to_string().contains("is not allowed"));
    assert_eq!(take(&hub, &approval(case, at(2)), at(3)), Ok(Step::Allowed));
    let proof = receipt(&hub, case).unwrap();
    let found = Receipt::verify(proof.as_bytes(), case, hub.log.key(), &[]).unwrap();
    assert_eq!((found.case, found.at), (case, at(3)));
    let elsewhere = CaseId::of(b"another request");
    let other = Receipt::verify(proof.as_bytes(), elsewhere, hub.log.key(), &[]);
    assert!(matches!(other, Err(NotAllowed::OtherCase { .. })), "{other:?}");
    let asked = prove(&hub, case, Step::Asked).unwrap();
    let early = Receipt::verify(asked.as_bytes(), case, hub.log.key(), &[]);
    assert_eq!(early, Err(NotAllowed::NoPermission), "that it was asked allows nothing");
    assert_eq!(take(&hub, &answer(case, at(4), 1, "s"), at(5)), Ok(Step::Answered));
    let [listed] = &cases(&hub).unwrap()[..] else { panic!("one case") };
    let decided = Decided { allowed: true, approver: "approver".into(), at: at(3) };
    assert_eq!((listed.case, listed.asked, listed.decided.clone()), (case, at(1), Some(decided)));
    assert_eq!(listed.answered, Some((at(5), Outcome::One, 1)));
    let known = known(&hub, case).unwrap().unwrap();
    assert_eq!((known.request, known.decision), (note, Some(approval(case, at(2)))));
    let month = Month { month: "2027-01".into(), asked: 1, allowed: 1, refused: 0, answered: 1 };
    assert_eq!(counts(&hub).unwrap(), [month]);
}

/// What two officers together read of it in thirty months: who asked what with which act.
#[test]
fn the_entries_hold_the_documents_for_two_officers_and_say_the_case_in_clear() {
    let site = site("lookup-entries");
    let hub = site.hub();
    let (case, note) = request(at(0));
    take(&hub, &note, at(1)).unwrap();
    let leaf = table::leaf(&of(&hub).unwrap().db(), case, Step::Asked).unwrap().unwrap();
    let octets = hub.log.leaf(leaf).unwrap().unwrap();
    let leaf = Leaf::read(&octets).unwrap();
    assert_eq!((leaf.header.mark, leaf.header.class), (Mark::Case(Step::Asked, case), Class::R4));
    let both = vec![officer(Role::Requester), officer(Role::Approver)];
    let mut opener = Opener::new(KeyFolder::at(log_keys()), both);
    let body = opener.open(&leaf).unwrap().body;
    assert_eq!(body, Body::Asked { case, by: "requester".into(), request: note });
}

#[test]
fn a_document_out_of_its_turn_is_not_taken_and_nothing_is_recorded() {
    let site = site("lookup-turn");
    let hub = site.hub();
    let (case, note) = request(at(0));
    refused(&hub, &approval(case, at(0)), at(1), "its request comes first");
    take(&hub, &note, at(1)).unwrap();
    refused(&hub, &note, at(2), "was asked already");
    refused(&hub, &answer(case, at(2), 1, "s"), at(2), "is not allowed");
    take(&hub, &approval(case, at(2)), at(3)).unwrap();
    refused(&hub, &approval(case, at(3)), at(4), "was allowed already");
    refused(&hub, &refusal(case, at(3)), at(4), "was allowed already");
    take(&hub, &answer(case, at(5), 0, "s"), at(6)).unwrap();
    refused(&hub, &answer(case, at(6), 1, "s"), at(7), "was answered already");
    let (other, note) = request(at(10));
    take(&hub, &note, at(11)).unwrap();
    assert_eq!(take(&hub, &refusal(other, at(12)), at(13)), Ok(Step::Refused));
    refused(&hub, &approval(other, at(13)), at(14), "was refused already");
    refused(&hub, &answer(other, at(14), 1, "s"), at(15), "is not allowed");
    assert!(receipt(&hub, other).is_err(), "a refusal is no receipt");
    let month = Month { month: "2027-01".into(), asked: 2, allowed: 1, refused: 1, answered: 1 };
    assert_eq!(counts(&hub).unwrap(), [month]);
}

#[test]
fn a_document_of_nobody_of_another_time_or_changed_is_not_taken() {
    let site = site("lookup-bad");
    let hub = site.hub();
    let (case, note) = request(at(0));
    refused(&hub, "", at(0), "no request, approval");
    refused(&hub, "varco-found/1\n", at(0), "no request, approval");
    refused(&hub, &"x".repeat(MOST + 1), at(0), "larger");
    refused(&hub, &note, at(0) + days(31), "older than 30 days");
    refused(&hub, &note, at(0) - days(1), "still to come");
    for (n, octet) in note.bytes().enumerate().step_by(7) {
        let mut changed = note.clone().into_bytes();
        changed[n] = if octet == b'a' { b'b' } else { b'a' };
        assert!(submit(&hub, &changed, at(1)).is_err(), "octet {n}");
    }
    let more = format!("{note}{}", note.lines().last().unwrap()) + "\n";
    refused(&hub, &more, at(1), "not signed");
    take(&hub, &note, at(1)).unwrap();
    // The requester's own key under an approval, and under the approver's name.
    let own = |by: &str| {
        let approval = Approval { case, by: by.into(), at: at(2) };
        Signed::make(&approval, &officer(Role::Requester)).unwrap()
    };
    refused(&hub, &own("requester"), at(2), "signed by the other role");
    refused(&hub, &own("approver"), at(2), "is not signed by `approver`");
    refused(&hub, &own("nobody"), at(2), "`nobody` is none of the holders");
    refused(&hub, &approval(case, at(0)), at(0) + days(31), "older than 30 days");
    let without = Site::make("lookup-off");
    assert!(matches!(submit(&without.hub(), note.as_bytes(), at(1)), Err(Refusal::Off)));
}

/// SECURITY.md R31: known values are looked for where they must not be.
#[test]
fn the_hub_holds_no_address_and_no_session() {
    let site = site("lookup-disk");
    {
        let hub = site.hub();
        let (case, note) = request(at(0));
        take(&hub, &note, at(1)).unwrap();
        take(&hub, &approval(case, at(2)), at(3)).unwrap();
        take(&hub, &answer(case, at(4), 1, "a-pairwise-subject"), at(5)).unwrap();
        receipt(&hub, case).unwrap();
        hub.log.stop();
    }
    let mut files = vec![site.folder.clone()];
    let (mut seen, mut known) = (0, 0);
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(path).unwrap().flatten().map(|entry| entry.path()));
        } else if let Ok(octets) = std::fs::read(&path) {
            let holds = |text: &str| octets.windows(text.len()).any(|window| window == text.as_bytes());
            for text in [ADDRESS, "decreto 12/2026", "Procura", "a-pairwise-subject"] {
                assert!(!holds(text), "{text}: {}", path.display());
            }
            (seen, known) = (seen + 1, known + usize::from(holds("varco-request/1")));
        }
    }
    assert!(seen > 5 && known > 0, "the search finds what is there");
}

/// A login of a citizen of the register, whose answer of the provider names them.
fn log_in(hub: &Data<Hub>, code: &str, at: Timestamp, request_id: &str) -> String {
    let response = format!(
        "<Response><Assertion><AttributeStatement><Attribute Name=\"name\"><AttributeValue>Ada</AttributeValue></Attribute>\
         <Attribute Name=\"fiscalNumber\"><AttributeValue>TINIT-{code}</AttributeValue></Attribute></AttributeStatement>\
         </Assertion></Response>"
    );
    let login = Authentication {
        at: at.as_second(),
        way: "spid",
        body: "",
        request_id,
        request_issued: at.as_second(),
        response_id: "_r",
        response_issued: at.as_second(),
        response_issuer: "https://idp.example",
        assertion_id: "_a",
        name_id: "_n",
        name_qualifier: "https://idp.example",
        session_index: None,
        level: 2,
        evidence: Evidence::Messages { request: "<AuthnRequest/>", response: &response },
        client_id: Some("biblioteca-civica"),
    };
    let person =
        |person: &str| Some(crate::oidc::subject::pairwise(&hub.pairwise, "biblioteca-civica", person));
    hub.register.record(&login, code, person).unwrap().unwrap().subject
}

#[test]
fn the_person_of_an_answer_is_named_by_the_months_key_after_it_was_recorded() {
    let site = site("lookup-name");
    let hub = site.hub();
    let (ada, bruno) = ("PRVDAA85D52X000W", "CLLBRN72S03X000B");
    let now = app::now();
    let before = Timestamp::from_second(now.as_second() - 30).unwrap();
    let subject = log_in(&hub, ada, before, "_1");
    let other = log_in(&hub, bruno, before, "_2");
    let write = |name: &str, text: &str| -> PathBuf {
        let path = site.folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let case_of = |sessions, subject: &str, answered: bool| {
        let (case, note) = request(now);
        take(&hub, &note, now).unwrap();
        take(&hub, &approval(case, now), now).unwrap();
        let text = answer(case, now, sessions, subject);
        if answered {
            take(&hub, &text, now).unwrap();
        }
        let answer = write(&format!("{case}.answer"), &text);
        Wish { case, answer, months: None, json: true }
    };
    serve(hub.clone().into_inner()).unwrap();
    let fault = |wish: &Wish| match named(&site.file, wish) {
        Err(fault) => format!("{fault:?}"),
        Ok(_) => panic!("somebody was named"),
    };
    let wish = case_of(1, &subject, true);
    let person = named(&site.file, &wish).unwrap();
    assert_eq!(person.person.key(), ada);
    assert_eq!(
        (person.provider.as_str(), person.way.as_str(), person.level),
        ("https://idp.example", "spid", 2)
    );
    assert_eq!(person.at, before);
    assert!(known(&hub, wish.case).unwrap().unwrap().case.named.is_some(), "it is on record");
    prove(&hub, wish.case, Step::Named).unwrap();
    let second = case_of(1, &other, true);
    assert_eq!(named(&site.file, &second).unwrap().person.key(), bruno);

    let early = case_of(1, &subject, false);
    let text = answer_of(early.case, now, 1, &subject, 2);
    take(&hub, &text, now).unwrap();
    std::fs::write(&early.answer, text).unwrap();
    assert!(fault(&early).contains("in no log that the site has signed"));
    assert!(fault(&case_of(1, &subject, false)).contains("is not answered"));
    assert!(fault(&case_of(2, &subject, true)).contains("ambiguous"));
    assert!(fault(&case_of(0, &subject, true)).contains("nobody to name"));
    assert!(fault(&case_of(1, "another-subject", true)).contains("no login of this subject"));
    let exchanged = Wish { answer: second.answer.clone(), ..case_of(1, &subject, true) };
    assert!(fault(&exchanged).contains("it is of case"));
    let text = std::fs::read_to_string(&wish.answer).unwrap().replace(&subject, &other);
    let changed = Wish { answer: write("changed.answer", &text), ..case_of(1, &subject, true) };
    assert!(fault(&changed).contains("not signed by") || fault(&changed).contains("it is of case"));
    let elsewhere = site.folder.join("elsewhere");
    std::fs::create_dir_all(&elsewhere).unwrap();
    let without = Wish { months: Some(elsewhere), ..case_of(1, &subject, true) };
    assert!(fault(&without).contains("--months"));
    let db = rusqlite::Connection::open(site.folder.join("state/hub.db")).unwrap();
    let row = "UPDATE authentication SET level = 3 WHERE request_id = '_1'";
    assert_eq!(db.execute(row, ()).unwrap(), 1);
    assert!(fault(&case_of(1, &subject, true)).contains("not as the hub's log says"));
    assert!(crate::commands::verify_register(&site.file).is_err(), "one row differs");
    db.execute("UPDATE authentication SET level = 2 WHERE request_id = '_1'", ()).unwrap();
    crate::commands::verify_register(&site.file).unwrap();

    assert!(person.recorded);
    // A login of before logins had entries, whose log says nothing of it.
    db.execute("UPDATE authentication SET leaf = NULL", ()).unwrap();
    says_that_it_compared_nothing(&site.file, &case_of(1, &subject, true), ada);
}

fn says_that_it_compared_nothing(settings: &Path, alone: &Wish, ada: &str) {
    let person = named(settings, alone).unwrap();
    assert!(!person.recorded && person.person.key() == ada);
    assert!(name::text(alone.case, &person).contains("row       compared with nothing"));
    assert!(name::json(alone.case, &person).unwrap().contains("\"recorded\": false"));
}

#[actix_web::test]
async fn the_count_is_a_public_page_without_a_script() {
    let running = Running::with(site("lookup-page")).await;
    let hub = running.hub.clone();
    web_block(move || {
        for n in 0..3 {
            let (case, note) = request(at(n));
            take(&hub, &note, at(n)).unwrap();
            if n > 0 {
                take(&hub, &approval(case, at(n)), at(n)).unwrap();
            }
        }
    })
    .await;
    let answer = running.client.get(format!("{}/trasparenza", running.base)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(!policy.contains("unsafe"), "{policy}");
    let page = answer.text().await.unwrap();
    assert!(page.contains("2027-01") && page.contains("<td>3</td><td>2</td><td>0</td><td>0</td>"), "{page}");
    assert!(!page.contains("<script"));
    running.stop().await;
}

async fn web_block(work: impl FnOnce() + Send + 'static) {
    actix_web::web::block(work).await.unwrap();
}
