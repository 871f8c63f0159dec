//! Look-ups against a plain list: whatever passes came and went, the sealed records answer as the list does, and open no
//! more than they must.

#![expect(clippy::unwrap_used, reason = "a step that fails fails the test")]

#[expect(dead_code, reason = "another test uses the rest of it")]
mod site;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use site::Records;
use std::{net::Ipv4Addr, path::Path};
use uuid::Uuid;
use varco_audit::{
    Clock, Entry,
    case::{Found, Moment, Permit, Protocol, What, find, sessions},
    holder::HolderKey,
    keys::KeyFolder,
    opener::Opener,
    records,
};
use varco_policy::{PassId, Slot, Subject, pass::EndCause};

const ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 3);

/// From Saturday noon on, so that the week and its key of tags change on the way.
fn at(minute: u16) -> Timestamp {
    let saturday: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
    saturday + SignedDuration::from_mins(minute.into())
}

/// A pass of the list: block, begin, and length in minutes; one that lasts longer than 200 never ends by a record.
type Listed = (u16, u16, u16);

fn slot(block: u16) -> Slot {
    let first_port = 1024 + 512 * block;
    Slot { address: ADDRESS, first_port, last_port: first_port + 511 }
}

/// The entries in the order in which they happened.
fn entries(listed: &[Listed]) -> Vec<Entry> {
    let mut all = Vec::new();
    for (n, (block, from, length)) in listed.iter().enumerate() {
        let (pass, site, slot) = (PassId(Uuid::from_u128(n as u128)), "library".to_owned(), slot(*block));
        let subject = Subject::try_from(format!("subject-{n}")).unwrap();
        let (began, until) = (at(*from), at(from + 240));
        let device = "hash".into();
        all.push(Entry::Started { at: began, site: site.clone(), pass, subject, device, slot, until });
        if *length <= 200 {
            all.push(Entry::Ended { at: at(from + length), site, pass, slot, cause: EndCause::Idle });
        }
    }
    all.sort_by_key(Entry::at);
    all
}

fn expected(listed: &[Listed], port: u16, minute: u16, tolerance: u16) -> Vec<String> {
    // No heartbeat tells how right the clock was: it is taken to be within two minutes.
    let tolerance = tolerance + 2;
    let held = |(block, from, length): &Listed| {
        let end = if *length <= 200 { from + length } else { from + 240 };
        slot(*block).covers(ADDRESS, port) && *from <= minute + tolerance && end + tolerance >= minute
    };
    let mut found: Vec<_> = listed.iter().enumerate().filter(|(_, pass)| held(pass)).collect();
    found.sort_by_key(|(_, (_, from, _))| *from);
    found.into_iter().map(|(n, _)| format!("subject-{n}")).collect()
}

/// A question: port, minute, tolerance in minutes.
type Asked = (u16, u16, u16);

fn answered(records: &Records, questions: &[Asked]) -> Vec<Vec<String>> {
    let own = |name: &str| HolderKey::read(Path::new(&records.path(&format!("people/{name}.key")))).unwrap();
    let keys = KeyFolder::at(Path::new(&records.path("keys")));
    let mut opener = Opener::new(keys, vec![own("anna"), own("bruno")]);
    let mut leaves = records::Records::open(None, Some(&records.file())).unwrap();
    let what = |(port, minute, tolerance): &Asked| {
        let (at, tolerance) = (at(*minute).to_string().parse().unwrap(), u32::from(*tolerance) * 60);
        What::Slot(Moment { address: ADDRESS, port: *port, protocol: Protocol::Udp, at, tolerance })
    };
    let permits = records.permits(questions.iter().map(what).collect(), &mut opener);
    let answer = |permit: &Permit| {
        let searched = vec![find(permit, &mut leaves, &mut opener).unwrap().unwrap()];
        let found = Found { case: permit.case(), by: "anna".into(), at: at(0), searched };
        let answer = sessions(permit, &found, &mut opener, &[]).unwrap();
        answer.sessions.into_iter().map(|session| session.subject.as_str().to_owned()).collect()
    };
    permits.iter().map(answer).collect()
}

#[test]
fn the_sealed_records_answer_as_a_list_does() {
    let records = Records::keys("model", &["2026-W47", "2026-W48"]);
    let passes = proptest::collection::vec((0u16..4, 0u16..2400, 1u16..300), 1..16);
    let questions = proptest::collection::vec((1024u16..3200, 0u16..2700, 0u16..=10), 8);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(16));
    let outcome = runner.run(&(passes, questions), |(mut listed, questions)| {
        // Two that begin in one minute have no order.
        listed.sort_by_key(|pass| pass.1);
        listed.dedup_by_key(|pass| pass.1);
        let _ = std::fs::remove_file(records.file());
        records.record(&entries(&listed), Clock::WithinMs(1));
        for (said, (port, minute, tolerance)) in answered(&records, &questions).into_iter().zip(questions) {
            let right = expected(&listed, port, minute, tolerance);
            prop_assert_eq!(said, right, "port {} at {} ± {}", port, minute, tolerance);
        }
        Ok(())
    });
    outcome.unwrap();
}
