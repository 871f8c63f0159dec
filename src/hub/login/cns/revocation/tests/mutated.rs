//! True answers and lists, changed at random: nothing makes a revoked card good, and nothing makes the hub fall over.

use super::{
    super::{
        list::List,
        ocsp::{Asked, Status},
        question::{Authority, Question},
    },
    answers::DELEGATED,
    now,
    pki::{GOOD, Pki, REVOKED},
};
use jiff::Timestamp;
use proptest::{prelude::*, sample::Index};
use std::sync::OnceLock;

struct True {
    issuer: Authority,
    asked: Asked,
    answers: [Vec<u8>; 2],
    card: Question,
    certificate: Vec<u8>,
    list: Vec<u8>,
    at: Timestamp,
}

fn truth() -> &'static True {
    static TRUTH: OnceLock<True> = OnceLock::new();
    TRUTH.get_or_init(|| {
        let pki = Pki::new("Emittente CNS");
        pki.responder("responder", DELEGATED);
        let asked = pki.asked(REVOKED);
        // Nothing of the first is unsigned; the second brings its certificate.
        let answer = |signer, more: &[&str]| pki.answer(&asked.octets, &pki, signer, more);
        let answers = [answer("ca", &["-resp_no_certs"]), answer("responder", &[])];
        let card = pki.card(REVOKED, Some("http://ocsp.example.it/"), &["http://crl.example.it/a"]);
        let point = "issuingDistributionPoint = critical,@idp\n[idp]\nfullname = URI:http://crl.example.it/a";
        let list = pki.list(point, Some("10"), &[]);
        let (certificate, card) = (card.to_der().unwrap(), Question::new(&card).unwrap());
        True { issuer: pki.authority(), asked, answers, card, certificate, list, at: now() }
    })
}

/// What an attacker does to octets.
#[derive(Debug, Clone)]
enum Change {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, u8),
    Move(Index, u8, Index),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, octet)| Change::Set(at, octet)),
        (any::<Index>(), prop::collection::vec(any::<u8>(), 1..8))
            .prop_map(|(at, octets)| Change::Insert(at, octets)),
        (any::<Index>(), 1..40_u8).prop_map(|(at, long)| Change::Remove(at, long)),
        (any::<Index>(), 1..120_u8, any::<Index>()).prop_map(|(at, long, to)| Change::Move(at, long, to)),
    ]
}

fn changed(octets: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut octets = octets.to_vec();
    for change in changes {
        let size = octets.len() + 1;
        let end = |from: usize, long: u8| (from + usize::from(long)).min(size - 1);
        match change {
            Change::Set(at, octet) => {
                octets.iter_mut().skip(at.index(size)).take(1).for_each(|one| *one = *octet)
            }
            Change::Insert(at, more) => {
                drop(octets.splice(at.index(size)..at.index(size), more.iter().copied()))
            }
            Change::Remove(at, long) => drop(octets.drain(at.index(size)..end(at.index(size), *long))),
            Change::Move(at, long, to) => {
                let moved: Vec<_> = octets.drain(at.index(size)..end(at.index(size), *long)).collect();
                let to = to.index(octets.len() + 1);
                octets.splice(to..to, moved);
            }
        }
    }
    octets
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_changed_answer_makes_the_card_good(changes in prop::collection::vec(change(), 1..4), which in 0..2_usize) {
        let truth = truth();
        let octets = changed(&truth.answers[which], &changes);
        if let Ok(said) = truth.asked.believe(&octets, &truth.issuer, truth.at) {
            // Whatever could be changed, what was signed could not.
            prop_assert!(matches!(said.status, Status::Revoked(_)));
            let body = |octets: &[u8]| octets.windows(8).filter(|window| *window == [0x7f, 0, 0, 0, 0, 0, 0, 2]).count();
            prop_assert_eq!(body(&octets), body(&truth.answers[which]));
        }
    }

    #[test]
    fn no_changed_list_is_believed_to_say_something_else(changes in prop::collection::vec(change(), 1..4)) {
        let truth = truth();
        let octets = changed(&truth.list, &changes);
        if let Ok(list) = List::verify(&octets, &truth.issuer, truth.at) {
            prop_assert!(list.lookup(truth.card.serial, &truth.card.points[0], truth.at).unwrap().is_some());
        }
    }

    #[test]
    fn nothing_makes_the_readers_fall_over(octets in prop::collection::vec(any::<u8>(), 0..600)) {
        let truth = truth();
        prop_assert!(truth.asked.believe(&octets, &truth.issuer, truth.at).is_err());
        prop_assert!(List::verify(&octets, &truth.issuer, truth.at).is_err());
        prop_assert!(Question::read(&octets).is_err());
    }

    #[test]
    fn a_changed_certificate_names_no_forbidden_address(changes in prop::collection::vec(change(), 1..4)) {
        if let Ok(read) = Question::read(&changed(&truth().certificate, &changes)) {
            let all = read.points.iter().flat_map(|point| &point.urls).chain(&read.responders);
            for url in all {
                prop_assert!(matches!(url.scheme(), "http" | "https" | "ldap") && url.username().is_empty());
            }
        }
    }
}

/// Each octet of a true answer and of a true list, changed alone.
#[test]
fn no_single_octet_can_be_another() {
    let truth = truth();
    for (octets, kind) in [(&truth.answers[0], 0), (&truth.answers[1], 1), (&truth.list, 2)] {
        for at in 0..octets.len() {
            let mut changed = octets.clone();
            changed[at] ^= 1 << (at % 8);
            let status = truth.asked.believe(&changed, &truth.issuer, truth.at).map(|said| said.status);
            let list = List::verify(&changed, &truth.issuer, truth.at).is_err();
            assert!(
                !matches!(status, Ok(Status::Good | Status::Unknown)) && (kind == 2 || list),
                "{kind} {at}"
            );
            assert!(kind == 1 || (status.is_err() && list), "{kind} {at}");
        }
    }
    assert!(Pki::new("x").question(GOOD).responders.is_empty());
}
