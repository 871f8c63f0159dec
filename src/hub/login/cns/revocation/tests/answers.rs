//! Answers of responders: what is believed, and each way not to be.

use super::{
    super::{
        Doubt,
        ocsp::{Asked, Said, Status},
        question::Authority,
        signed::Signed,
    },
    now,
    pki::{GOOD, HELD, LARGE, Pki, REVOKED, UNKNOWN, swap},
};
use jiff::{SignedDuration, Timestamp};
use openssl::{hash::MessageDigest, pkey::PKey, sign::Signer, x509::X509};
use std::sync::LazyLock;
use x509_cert::{
    der::{
        Decode, Encode,
        asn1::{BitString, OctetString},
        oid::{AssociatedOid, ObjectIdentifier},
    },
    ext::Extension,
};
use x509_ocsp::{BasicOcspResponse, OcspResponse, OcspResponseStatus, ResponseBytes, ResponseData};

/// Certificates of responders as they should be.
pub const DELEGATED: &[&str] =
    &["extendedKeyUsage=OCSPSigning", "noCheck=ignored", "keyUsage=critical,digitalSignature"];

/// The authority of these tests: its certificate, its key, and what is known of it.
static CA: LazyLock<([Vec<u8>; 2], Authority)> = LazyLock::new(|| {
    let pki = Pki::new("Emittente CNS");
    (["ca.pem", "ca.key"].map(|file| pki.read(file)), pki.authority())
});

fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn believed(asked: &Asked, answer: &[u8], at: Timestamp) -> Result<Said, Doubt> {
    asked.believe(answer, &CA.1, at)
}

/// The issuer's own answer about a card.
fn answer(serial: &str, more: &[&str]) -> (Pki, Asked, Vec<u8>) {
    let pki = copy();
    let asked = pki.asked(serial);
    let answer = pki.answer(&asked.octets, &pki, "ca", more);
    (pki, asked, answer)
}

/// The same authority, in a folder of its own.
fn copy() -> Pki {
    let pki = Pki::new("Emittente CNS");
    for (file, octets) in ["ca.pem", "ca.key"].iter().zip(&CA.0) {
        pki.write(file, octets);
    }
    pki
}

fn status(serial: &str) -> Status {
    let (_pki, asked, answer) = answer(serial, &[]);
    let said = believed(&asked, &answer, now()).unwrap();
    assert!(said.vouch.is_none() && said.produced <= later(1) && said.produced >= later(-60));
    said.status
}

#[test]
fn the_issuer_says_good_revoked_held_and_unknown() {
    assert_eq!(status(GOOD), Status::Good);
    assert_eq!(status(REVOKED), Status::Revoked("2026-11-01T12:00:00Z".parse().unwrap()));
    assert_eq!(status(HELD), Status::Revoked("2026-11-02T12:00:00Z".parse().unwrap()));
    assert_eq!(status(LARGE), Status::Revoked("2026-11-03T12:00:00Z".parse().unwrap()));
    assert_eq!(status(UNKNOWN), Status::Unknown);
}

#[test]
fn a_responder_may_be_named_by_its_key() {
    let (_pki, asked, answer) = answer(GOOD, &["-resp_key_id"]);
    assert_eq!(believed(&asked, &answer, now()).unwrap().status, Status::Good);
}

/// The rule that an answer signed by `signer` of `who` breaks.
fn signed_by(who: &Pki, signer: &str, at: Timestamp) -> Result<Said, &'static str> {
    let pki = copy();
    let asked = pki.asked(GOOD);
    let answer = pki.answer(&asked.octets, who, signer, &[]);
    believed(&asked, &answer, at).map_err(|doubt| doubt.rule)
}

fn delegated(extensions: &[&str]) -> Result<Said, &'static str> {
    let pki = copy();
    pki.responder("responder", extensions);
    signed_by(&pki, "responder", now())
}

#[test]
fn whom_the_issuer_gave_a_certificate_for_it_may_answer() {
    let said = delegated(DELEGATED).unwrap();
    assert!(said.status == Status::Good && said.vouch.is_none());
    let said = delegated(&["extendedKeyUsage=clientAuth,OCSPSigning"]).unwrap();
    assert!(said.status == Status::Good && said.vouch.is_some(), "the list must say that it is not revoked");
}

/// Others' certificates stand before the responder's: one that is none, a stranger's, one of its name
/// that the issuer did not sign.
#[test]
fn a_certificate_that_is_no_good_is_no_harm_to_the_next() {
    let (pki, rogue) = (copy(), Pki::new("Emittente CNS"));
    pki.responder("responder", DELEGATED);
    let der = |pki: &Pki, file: &str| X509::from_pem(&pki.read(file)).unwrap().to_der().unwrap();
    rogue.responder("responder", DELEGATED);
    let asked = pki.asked(GOOD);
    let answer = pki.answer(&asked.octets, &pki, "responder", &[]);
    let outer = OcspResponse::from_der(&answer).unwrap();
    let basic = outer.response_bytes.unwrap().response;
    let signed = Signed::read(basic.as_bytes()).unwrap();
    let ours = der(&pki, "responder.pem");
    assert_eq!(signed.certificates, [&ours[..]]);
    let bare = &basic.as_bytes()[4..basic.as_bytes().len() - ours.len() - 8];
    let with = |before: &[&[u8]]| {
        let all =
            super::lists::der(0xa0, &super::lists::der(0x30, &[before.concat(), ours.clone()].concat()));
        let basic = super::lists::der(0x30, &[bare, &all].concat());
        let response = OctetString::new(basic).unwrap();
        let bytes = ResponseBytes { response_type: BasicOcspResponse::OID, response };
        let (response_status, response_bytes) = (OcspResponseStatus::Successful, Some(bytes));
        let answer = OcspResponse { response_status, response_bytes }.to_der().unwrap();
        believed(&asked, &answer, now()).map(|said| said.status).map_err(|doubt| doubt.rule)
    };
    let (none, stranger, same) = ([0x30, 3, 2, 1, 5], der(&rogue, "ca.pem"), der(&rogue, "responder.pem"));
    for before in [&[][..], &[&none[..]], &[&stranger], &[&same], &[&none, &same, &stranger]] {
        assert_eq!(with(before), Ok(Status::Good), "{}", before.len());
    }
}

#[test]
fn nobody_else_may() {
    let refused = |extensions| delegated(extensions).unwrap_err();
    assert_eq!(refused(&[]), "signer-use");
    assert_eq!(refused(&["extendedKeyUsage=clientAuth"]), "signer-use");
    assert_eq!(refused(&["extendedKeyUsage=anyExtendedKeyUsage", "noCheck=ignored"]), "signer-use");
    assert_eq!(refused(&["extendedKeyUsage=OCSPSigning", "keyUsage=critical,keyAgreement"]), "signer-use");
    assert_eq!(refused(&["extendedKeyUsage=OCSPSigning", "1.2.3.4=critical,DER:0500"]), "critical");
    let stranger = Pki::new("Sconosciuto");
    assert_eq!(signed_by(&stranger, "ca", now()).unwrap_err(), "signer");
    stranger.responder("responder", DELEGATED);
    assert_eq!(signed_by(&stranger, "responder", now()).unwrap_err(), "signer", "a sibling's responder");
    let rogue = Pki::new("Emittente CNS");
    assert_eq!(signed_by(&rogue, "ca", now()).unwrap_err(), "signature", "of the same name");
    rogue.responder("responder", DELEGATED);
    assert_eq!(signed_by(&rogue, "responder", now()).unwrap_err(), "signer", "its responder");
}

#[test]
fn a_responder_whose_certificate_is_over_may_not_answer() {
    let pki = copy();
    pki.issue("brief", "7e01", DELEGATED, &["-days", "1"]);
    assert!(signed_by(&pki, "brief", now()).is_ok());
    assert_eq!(signed_by(&pki, "brief", later(2 * 86_400)).unwrap_err(), "signer-dates");
    assert_eq!(signed_by(&pki, "brief", later(-3600)).unwrap_err(), "signer-dates");
}

#[test]
fn an_answer_about_another_card_is_about_another_card() {
    let (pki, asked, _) = answer(REVOKED, &[]);
    let other = [0x7f, 0, 0, 0, 0, 0, 0, 1];
    let request = swap(&asked.octets, &[0x7f, 0, 0, 0, 0, 0, 0, 2], &other);
    let answer = pki.answer(&request, &pki, "ca", &[]);
    assert_eq!(believed(&asked, &answer, now()).unwrap_err().rule, "certificate");
}

#[test]
fn an_answer_to_another_request_is_replayed() {
    let (pki, asked, answer) = answer(GOOD, &[]);
    let again = pki.asked(GOOD);
    assert_eq!(believed(&again, &answer, now()).unwrap_err().rule, "replay");
    assert!(believed(&asked, &answer, now()).is_ok());
}

#[test]
fn an_answer_without_nonce_is_believed_for_ten_minutes() {
    let (pki, asked, _) = answer(GOOD, &[]);
    pki.card(GOOD, None, &[]);
    let card = format!("card-{GOOD}.pem");
    let request = ["ocsp", "-no_nonce", "-issuer", "ca.pem", "-cert", &card, "-reqout", "plain.der"];
    super::pki::openssl(&pki.folder, &request);
    let answer = pki.answer(&pki.read("plain.der"), &pki, "ca", &["-ndays", "7"]);
    let rule = |seconds| {
        believed(&asked, &answer, later(seconds)).map(|said| said.status).map_err(|doubt| doubt.rule)
    };
    assert_eq!((rule(0), rule(590)), (Ok(Status::Good), Ok(Status::Good)));
    assert_eq!((rule(602), rule(86_400)), (Err("replay"), Err("replay")));
}

#[test]
fn an_answer_holds_from_its_beginning_to_its_end() {
    let rule = |more: &[&str], seconds| {
        let (_pki, asked, answer) = answer(GOOD, more);
        believed(&asked, &answer, later(seconds)).err().map(|doubt| doubt.rule)
    };
    assert_eq!((rule(&["-nmin", "5"], 330), rule(&["-nmin", "5"], 370)), (None, Some("dates")));
    assert_eq!((rule(&[], 3630), rule(&[], 3670)), (None, Some("dates")));
    assert_eq!((rule(&[], -50), rule(&[], -70)), (None, Some("dates")));
}

#[test]
fn a_weak_digest_is_refused() {
    let (_pki, asked, answer) = answer(GOOD, &["-rmd", "sha1"]);
    assert_eq!(believed(&asked, &answer, now()).unwrap_err().rule, "algorithm");
}

#[test]
fn an_error_is_no_answer() {
    let asked = copy().asked(GOOD);
    for (status, name) in
        [(1, "Malformed"), (2, "Internal"), (3, "TryLater"), (5, "SigRequired"), (6, "Unauthorized")]
    {
        let doubt = believed(&asked, &[0x30, 3, 0x0a, 1, status], now()).unwrap_err();
        assert!(doubt.rule == "status" && doubt.why.starts_with(name), "{doubt}");
    }
    for wrong in
        [&[0x30, 3, 0x0a, 1, 0][..], &[0x30, 3, 0x0a, 1, 4], &[], &[0x30], b"<html>", &[0x30, 3, 0x0a, 1]]
    {
        let doubt = believed(&asked, wrong, now()).unwrap_err();
        assert!(matches!(doubt.rule, "form" | "kind"), "{doubt}");
    }
}

#[test]
fn octets_cut_off_or_added_are_no_answer() {
    let (_pki, asked, answer) = answer(GOOD, &[]);
    for end in [0, 1, 10, answer.len() / 2, answer.len() - 1] {
        assert_eq!(believed(&asked, &answer[..end], now()).unwrap_err().rule, "form", "{end}");
    }
    let longer = [&answer[..], &[0]].concat();
    assert_eq!(believed(&asked, &longer, now()).unwrap_err().rule, "form");
    assert_eq!(believed(&asked, &vec![0x30; 64 * 1024 + 1], now()).unwrap_err().rule, "size");
}

/// The issuer signs something else.
fn resigned(change: impl FnOnce(&mut ResponseData)) -> Result<Said, &'static str> {
    let (pki, asked, answer) = answer(GOOD, &[]);
    let outer = OcspResponse::from_der(&answer).unwrap();
    let mut basic = BasicOcspResponse::from_der(outer.response_bytes.unwrap().response.as_bytes()).unwrap();
    change(&mut basic.tbs_response_data);
    let key = PKey::private_key_from_pem(&pki.read("ca.key")).unwrap();
    let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
    let octets = basic.tbs_response_data.to_der().unwrap();
    basic.signature = BitString::from_bytes(&signer.sign_oneshot_to_vec(&octets).unwrap()).unwrap();
    let answer = OcspResponse::successful(basic).unwrap().to_der().unwrap();
    believed(&asked, &answer, now()).map_err(|doubt| doubt.rule)
}

fn critical() -> Extension {
    let extn_id = ObjectIdentifier::new_unwrap("1.2.3.4");
    Extension { extn_id, critical: true, extn_value: OctetString::new([5, 0]).unwrap() }
}

#[test]
fn what_the_issuer_itself_signs_must_make_sense() {
    assert!(resigned(|_| ()).is_ok());
    let extended = |data: &mut ResponseData| data.responses[0].single_extensions = Some(vec![critical()]);
    assert_eq!(resigned(extended).unwrap_err(), "critical");
    assert_eq!(
        resigned(|data| data.response_extensions.as_mut().unwrap().push(critical())).unwrap_err(),
        "critical"
    );
    let nonces = |data: &mut ResponseData| {
        let all = data.response_extensions.as_mut().unwrap();
        all.push(all[0].clone());
    };
    assert_eq!(resigned(nonces).unwrap_err(), "critical", "two nonces");
    assert_eq!(resigned(|data| data.responses.clear()).unwrap_err(), "certificate");
    let twice = |data: &mut ResponseData| data.responses.push(data.responses[0].clone());
    assert_eq!(resigned(twice).unwrap_err(), "certificate");
    let nobody = |data: &mut ResponseData| {
        data.responses[0].cert_id.issuer_key_hash = OctetString::new([0; 20]).unwrap()
    };
    assert_eq!(resigned(nobody).unwrap_err(), "certificate");
    let sha256 = |data: &mut ResponseData| {
        data.responses[0].cert_id.hash_algorithm.oid = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
    };
    assert_eq!(resigned(sha256).unwrap_err(), "certificate");
    let backwards = |data: &mut ResponseData| {
        let before = data.responses[0].this_update.0.to_unix_duration() - std::time::Duration::from_secs(9);
        let before = x509_cert::der::asn1::GeneralizedTime::from_unix_duration(before).unwrap();
        data.responses[0].next_update = Some(x509_ocsp::OcspGeneralizedTime(before));
    };
    assert_eq!(resigned(backwards).unwrap_err(), "dates");
}
