//! What SPID allows, we accept.

use super::{
    super::{Level, Provider, SentRequest},
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
fn an_answer_with_a_signed_assertion() {
    assert_is_mario(&signed(&answer()));
}

#[test]
fn an_answer_signed_inside_and_outside() {
    assert_is_mario(&signed_by(idp(), &answer(), GOOD, true, true));
}

#[test]
fn every_hash_that_spid_allows() {
    let more = "http://www.w3.org/2001/04/xmldsig-more#";
    let digests = [
        "http://www.w3.org/2001/04/xmlenc#sha256",
        "http://www.w3.org/2001/04/xmldsig-more#sha384",
        "http://www.w3.org/2001/04/xmlenc#sha512",
    ];
    for (bits, digest) in ["256", "384", "512"].into_iter().zip(digests) {
        let method: &'static str = format!("{more}rsa-sha{bits}").leak();
        assert_is_mario(&signed_by(idp(), &answer(), Form { method, digest, ..GOOD }, true, true));
    }
}

#[test]
fn an_answer_signed_by_another_implementation() {
    let template =
        answer().replace("<!--assertion-->", &GOOD.over("#_assertion")).replace("<!--response-->", "");
    assert_is_mario(&idp().fill_with_program(&template, "Assertion"));
}

#[test]
fn an_answer_with_certificate_and_declaration() {
    let info = format!(
        "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
        idp().certificate_base64()
    );
    let xml = signed_by(idp(), &answer(), Form { extra: info.leak(), ..GOOD }, true, false);
    assert_is_mario(&format!("\n<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{xml}\n"));
}

#[test]
fn a_response_issuer_without_format() {
    let format = r#" Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity""#;
    let xml = answer().replacen(format, "", 1);
    assert_is_mario(&signed(&xml));
}

#[test]
fn instants_with_a_fraction() {
    let xml = change(&answer(), "11:59:31Z", "11:59:31.123Z");
    assert_is_mario(&signed(&xml));
}

#[test]
fn a_higher_level_than_asked() {
    for (uri, level) in [("SpidL2", Level::L2), ("SpidL3", Level::L3)] {
        let identity = received(&signed(&change(&answer(), "SpidL1", uri))).unwrap();
        assert_eq!(identity.level, level);
    }
    let sent = SentRequest { level: Level::L2, ..sent() };
    assert!(received_for(&sent, &signed(&change(&answer(), "SpidL1", "SpidL2")), now()).is_ok());
}

#[test]
fn more_attributes_than_asked_are_left_aside() {
    let more = r#"<saml:AttributeStatement><saml:Attribute Name="spidCode"><saml:AttributeValue>PROV0123456789</saml:AttributeValue></saml:Attribute><saml:Attribute Name="name"><saml:AttributeValue>Mario</saml:AttributeValue></saml:Attribute>"#;
    let identity = received(&signed(&change(&answer(), "<saml:AttributeStatement>", more))).unwrap();
    assert_eq!(identity.person.key(), CODE);
    assert!(!format!("{identity:?}").contains("RSSMRA"));
}

#[test]
fn the_request_is_found_before_anything_is_checked() {
    let field = |xml: &str| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, xml);
    let answered = |xml: &str| super::super::ServiceProvider::request_answered(&field(xml));
    assert_eq!(answered(&answer()).unwrap(), "_request");
    let unsolicited = answered(&answer().replace("InResponseTo", "x")).unwrap_err();
    assert_eq!(unsolicited.name(), "response-in-response-to");
}

#[test]
fn clocks_may_differ_by_the_skew_and_no_more() {
    let xml = signed(&answer());
    for (seconds, fine) in [(-89, true), (-92, false), (299, true), (300, false)] {
        assert_eq!(received_for(&sent(), &xml, at(seconds)).is_ok(), fine, "{seconds}");
    }
}

#[test]
fn a_signature_that_keeps_the_prefixes_of_values() {
    let exclusive = r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#;
    let keeping = r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"><ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="xs xsi"/></ds:Transform>"#;
    let signature = change(&GOOD.over("#_assertion"), exclusive, keeping);
    assert_is_mario(&idp().fill(&answer().replace("<!--assertion-->", &signature)));
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
