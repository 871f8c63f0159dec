//! What a gateway records with keys that nobody renewed: nothing lives longer than its class.

#![expect(clippy::unwrap_used, reason = "a step that fails fails the test")]

#[expect(dead_code, reason = "another test uses the rest of it")]
mod site;

use jiff::Timestamp;
use rusqlite::Connection;
use site::Records;
use std::path::Path;
use uuid::Uuid;
use varco_audit::{
    Clock, Entry,
    expiry::{Kept, Profile},
    journal,
    keys::KeyError,
    leaf::Leaf,
    recorder::{Now, Recorder},
};
use varco_policy::{PassId, Slot, Subject};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn started(at: Timestamp) -> Entry {
    Entry::Started {
        at,
        site: "library".into(),
        pass: PassId(Uuid::from_u128(1)),
        subject: Subject::try_from("subject".to_owned()).unwrap(),
        device: "hash".into(),
        slot: Slot { address: [198, 18, 0, 3].into(), first_port: 1024, last_port: 1535 },
        until: at,
    }
}

/// The classes of the leaves that a pass became at this instant, but for the key of tags.
fn recorded(recorder: &mut Recorder, when: &str) -> Result<Vec<String>, String> {
    let mut connection = Connection::open_in_memory().unwrap();
    journal::create(&connection).unwrap();
    let (transaction, when) = (connection.transaction().unwrap(), at(when));
    let now = Now { at: when, clock: Clock::WithinMs(1) };
    recorder.append(&transaction, &[started(when)], now).map_err(|error| error.to_string())?;
    let leaves = journal::leaves(&transaction, 1, 9).unwrap();
    let class = |(_, leaf): &(u64, Vec<u8>)| Leaf::read(leaf).unwrap().header.class.to_string();
    Ok(leaves.iter().map(class).collect())
}

#[test]
fn a_key_past_its_time_seals_nothing() {
    let records = Records::keys("late", &["2026-W47"]);
    let folder = records.path("gateway-keys");
    let open = |when: &str| Recorder::open(Path::new(&folder), "library", Kept::default(), at(when));
    let mut recorder = open("2026-11-16T00:00:00Z").unwrap();
    let all = Ok(vec!["R2a".to_owned(), "R2b".to_owned(), "R3".to_owned()]);
    let no_device = Ok(vec!["R2a".to_owned(), "R2b".to_owned()]);
    // The last day's key, 22 November, is kept two days.
    for (when, expected) in [
        ("2026-11-16T00:00:00Z", &all),
        ("2026-11-23T23:59:59Z", &all),
        ("2026-11-24T00:00:00Z", &no_device),
        ("2027-05-15T23:59:59Z", &no_device),
    ] {
        assert_eq!(&recorded(&mut recorder, when), expected, "{when}");
        assert_eq!(&recorded(&mut open(when).unwrap(), when), expected, "{when}, started then");
    }
    // Attributions of the week from 16 November are kept six months from that day.
    let refused = recorded(&mut recorder, "2027-05-16T00:00:00Z").unwrap_err();
    assert!(refused.contains("R2b") && refused.contains("2026-W47"), "{refused}");
    let error = open("2027-05-16T00:00:00Z").unwrap_err();
    assert!(matches!(error, KeyError::Over { .. }), "{error}");
    assert_eq!(recorder.late(at("2027-05-16T00:00:00Z")).len(), 4, "it is told all the time");
}

/// What the controller has shortened is past its time earlier: its keys are destroyed then.
#[test]
fn a_key_seals_as_long_as_its_class_is_kept_here() {
    let records = Records::keys("late-kept", &["2026-W47"]);
    let folder = records.path("gateway-keys");
    let mut kept = Kept::default();
    kept.set(Profile::PublicBody, "R2b", "7 days").unwrap();
    kept.set(Profile::PublicBody, "R3", "7 days").unwrap();
    let open = |when: &str| Recorder::open(Path::new(&folder), "library", kept, at(when));
    let mut recorder = open("2026-11-16T00:00:00Z").unwrap();
    // R3 longer than by default.
    let all = ["R2a", "R2b", "R3"].map(str::to_owned).to_vec();
    assert_eq!(recorded(&mut recorder, "2026-11-22T23:59:59Z"), Ok(all));
    let refused = recorded(&mut recorder, "2026-11-23T00:00:00Z").unwrap_err();
    assert!(refused.contains("R2b") && refused.contains("until 2026-11-23T00:00:00Z"), "{refused}");
    assert!(matches!(open("2026-11-23T00:00:00Z").unwrap_err(), KeyError::Over { .. }));
}
