//! The hub's log on a real disk: what is recorded is proved, a login and its leaf are one, a restart goes on.

use super::*;
use crate::testing::{Site, log_keys};
use varco_audit::{
    content::Content,
    expiry::Kept,
    leaf::{HUB, Leaf},
    recorder::Recorder,
};

/// A journal in this file, without a log folder.
pub fn journal(file: &Path) -> Arc<Journal> {
    let recorder = Recorder::open(log_keys(), HUB, Kept::default(), at(0)).unwrap();
    let db = database::connect(file).unwrap();
    Arc::new(Journal::new(&db, recorder, Arc::default()).unwrap())
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn copied(n: u32) -> Body {
    Body::Copied { checkpoint: format!("checkpoint {n}") }
}

fn body(leaf: &[u8]) -> Body {
    let leaf = Leaf::read(leaf).unwrap();
    assert_eq!(leaf.header.site, HUB);
    serde_json::from_slice::<Content>(leaf.body).unwrap().body
}

#[test]
fn what_is_recorded_is_proved_by_the_public_key_alone() {
    let site = Site::make("log-proof");
    let hub = site.hub();
    let first = hub.log.record(&[copied(1), copied(2)], at(0)).unwrap();
    let proof = hub.log.prove(first + 1).unwrap();
    let vkey: VerifierKey = hub.log.key().to_string().parse().unwrap();
    assert!(proof.verify(&vkey).unwrap().is_some());
    assert_eq!(body(&proof.entry), copied(2));
    assert_eq!(hub.log.leaf(first).unwrap().map(|leaf| body(&leaf)), Some(copied(1)));
    assert_eq!(hub.log.leaf(first + 2).unwrap(), None);
    assert_eq!(proof.checkpoint, hub.log.checkpoint().unwrap().note());
    assert_eq!(hub.log.checkpoint().unwrap().origin, format!("{}/log", crate::testing::HOST));
}

#[test]
fn a_restart_goes_on_and_a_lost_key_is_not_replaced() {
    let site = Site::make("log-restart");
    let size = {
        let hub = site.hub();
        hub.log.record(&[copied(1)], at(0)).unwrap();
        hub.log.stop();
        assert_eq!(hub.log.state().waiting, 0, "all of it was brought in");
        hub.log.state().size
    };
    let hub = site.hub();
    let next = hub.log.record(&[copied(2)], at(1)).unwrap();
    assert_eq!(next, size + 1, "after what tells of the start");
    hub.log.prove(next).unwrap();
    drop(hub);
    std::fs::remove_file(site.folder.join("state/log.key")).unwrap();
    let settings = Settings::load(&site.file).unwrap();
    let refused = HubLog::open(&site.file, &settings, at(2)).unwrap_err();
    assert!(format!("{refused:?}").contains("is lost"), "{refused:?}");
}

#[test]
fn a_login_and_its_leaf_are_one() {
    use crate::register::digest;
    let site = Site::make("log-login");
    let hub = site.hub();
    let before = hub.log.state().size + hub.log.state().waiting;
    crate::register::tests::enter_somebody(&hub.register);
    let Body::Registered { digest } = body(&hub.log.leaf(before).unwrap().unwrap()) else {
        panic!("no leaf of the login")
    };
    let db = Connection::open(site.folder.join("state/hub.db")).unwrap();
    assert_eq!(digest::of(&db, 1).unwrap(), digest);
    for change in ["at = at + 1", "client_id = NULL", "subject = subject || 'x'", "pair = zeroblob(9)"] {
        let changed = db.unchecked_transaction().unwrap();
        changed.execute(&format!("UPDATE authentication SET {change}"), []).unwrap();
        assert_ne!(digest::of(&changed, 1).unwrap(), digest, "{change}");
    }
}
