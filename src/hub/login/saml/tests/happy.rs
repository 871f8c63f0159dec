//! What is made of a good answer.

use super::{
    super::{Level, Provider},
    fixture::*,
};

fn assert_is_mario(xml: &str) {
    let identity = received(xml).unwrap();
    assert_eq!(identity.person.key(), CODE);
    assert_eq!(identity.level, Level::L1);
    assert_eq!(identity.provider, IDP);
    assert_eq!((identity.response_id.as_str(), identity.assertion_id.as_str()), ("_response", "_assertion"));
    assert_eq!((identity.name_id.as_str(), identity.name_qualifier.as_str()), ("_transient", IDP));
    assert_eq!(identity.session_index.as_deref(), Some("_session"));
    assert_eq!((identity.issued, identity.not_on_or_after), (at(-30), at(300)));
}

#[test]
fn all_that_an_answer_says() {
    assert_is_mario(&signed(&answer()));
    assert_is_mario(&signed_by(idp(), &answer(), GOOD, true, true));
}

#[test]
fn a_provider_that_is_changing_its_key() {
    let short = openssl::pkey::PKey::from_rsa(openssl::rsa::Rsa::generate(2048).unwrap()).unwrap();
    let mut old = openssl::x509::X509::builder().unwrap();
    old.set_not_before(&openssl::asn1::Asn1Time::from_unix(0).unwrap()).unwrap();
    old.set_not_after(&openssl::asn1::Asn1Time::from_unix(1).unwrap()).unwrap();
    old.set_pubkey(&short).unwrap();
    old.sign(&short, openssl::hash::MessageDigest::sha256()).unwrap();
    let keys = [old.build(), stranger().certificate.clone(), idp().certificate.clone()];
    let message = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, signed(&answer()));
    for turn in 0..3 {
        let mut certificates = keys.to_vec();
        certificates.rotate_left(turn);
        let from = Provider { certificates, ..provider() };
        assert!(us(Level::L1).check_response(&from, &sent(), &message, now()).is_ok(), "{turn}");
    }
}
