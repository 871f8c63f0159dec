//! The answers of the test identity provider, judged by `xmlsec1` and by a plain XML parser.

use jiff::Timestamp;
use std::{path::PathBuf, sync::LazyLock};
use varco_tests::idp::{Behaviour, Citizen, Order, Scheme, Signer, respond, sign};

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("varco-flows-{}", std::process::id()));
    Signer::open(&folder).unwrap();
    folder
});

fn answer(behaviour: Behaviour) -> String {
    answer_of(Scheme::Spid, behaviour)
}

fn answer_of(scheme: Scheme, behaviour: Behaviour) -> String {
    let order = Order {
        scheme,
        idp: "https://idp.varco.test".into(),
        sp: "https://accesso.varco.test".into(),
        acs: "https://accesso.varco.test/spid/acs".into(),
        request: "_0123456789abcdef0123456789abcdef".into(),
        level: 2,
        attributes: ["fiscalNumber", "name", "spidCode"].map(str::to_owned).to_vec(),
        citizen: Citizen::of("ada").unwrap(),
        behaviour,
        now: "2026-11-22T10:00:00Z".parse::<Timestamp>().unwrap(),
    };
    respond(&order, &Signer::open(&FOLDER).unwrap()).unwrap()
}

fn first_signature_holds(xml: &str) -> bool {
    let certificate = std::fs::read_to_string(FOLDER.join("idp.pem")).unwrap();
    sign::verify_enveloped(xml, &[certificate]).is_ok()
}

#[test]
fn good_answers_are_signed_twice_and_both_signatures_hold() {
    let xml = answer(Behaviour::Good);
    assert_eq!(xml.matches("<ds:Signature ").count(), 2);
    assert!(first_signature_holds(&xml));
    let assertion = &xml[xml.find("<saml:Assertion").unwrap()..xml.find("</samlp:Response>").unwrap()];
    assert!(first_signature_holds(assertion));
}

#[test]
fn wrapped_answers_keep_a_valid_signature_and_name_the_victim_too() {
    for behaviour in Behaviour::ALL.iter().filter(|b| b.name().starts_with("wrapped")) {
        let xml = answer(*behaviour);
        roxmltree::Document::parse(&xml).unwrap();
        assert!(xml.contains(&Citizen::victim().fiscal_number()), "{behaviour}");
        assert!(xml.contains(&Citizen::of("ada").unwrap().fiscal_number()), "{behaviour}");
        let held = first_signature_holds(&xml);
        // Where the signed element sits inside its own signature, libxmlsec's enveloped transform finds another
        // tree, and it refuses two elements of one ID: other libraries do not, so these forms are sent as well.
        let others = [Behaviour::Wrapped1, Behaviour::Wrapped6, Behaviour::Wrapped7, Behaviour::Wrapped8];
        assert!(held || others.contains(behaviour), "{behaviour}");
    }
}

#[test]
fn spoilt_answers_have_no_valid_signature() {
    for behaviour in [Behaviour::Unsigned, Behaviour::Tampered, Behaviour::OtherKey] {
        assert!(!first_signature_holds(&answer(behaviour)), "{behaviour}");
    }
}

#[test]
fn a_comment_after_signing_leaves_the_signature_valid() {
    let xml = answer(Behaviour::Comment);
    assert!(xml.contains("<!-- -->") && first_signature_holds(&xml));
}

#[test]
fn every_other_behaviour_differs_from_a_good_answer_only_where_it_should() {
    let xml = |b| answer(b);
    assert!(
        xml(Behaviour::Nr25).contains("ErrorCode nr25") && !xml(Behaviour::Nr25).contains("<saml:Assertion")
    );
    assert!(xml(Behaviour::AssertionOnError).contains("<saml:Assertion"));
    assert!(xml(Behaviour::Sha1).contains("rsa-sha1"));
    assert!(xml(Behaviour::WrongAudience).contains("another.example.org</saml:Audience>"));
    assert!(xml(Behaviour::Expired).contains("NotOnOrAfter=\"2026-11-22T09:05:00.000Z\""));
    assert!(xml(Behaviour::NotYetValid).contains("NotBefore=\"2026-11-22T11:00:00.000Z\""));
    assert!(!xml(Behaviour::NoNameId).contains("<saml:NameID"));
    assert!(xml(Behaviour::LowerLevel).contains("SpidL1") && xml(Behaviour::Good).contains("SpidL2"));
    assert!(!xml(Behaviour::Unsolicited).contains("InResponseTo"));
    assert_eq!(xml(Behaviour::TwoAssertions).matches("<saml:Assertion ").count(), 2);
    assert!(xml(Behaviour::Doctype).starts_with("<!DOCTYPE"));
}

#[test]
fn cie_says_the_minimum_dataset_and_the_highest_level_whatever_was_asked() {
    let xml = answer_of(Scheme::Cie, Behaviour::Good);
    for name in ["name", "familyName", "dateOfBirth", "fiscalNumber"] {
        assert!(xml.contains(&format!("Name=\"{name}\"")), "{name}");
    }
    assert!(!xml.contains("spidCode") && xml.contains("SpidL3"));
    let assertion = &xml[xml.find("<saml:Assertion").unwrap()..];
    assert!(assertion.contains("<saml:Issuer>") && first_signature_holds(&xml));
    let known: Vec<_> = Behaviour::ALL.iter().filter(|b| Scheme::Cie.knows(**b)).collect();
    assert!(known.contains(&&Behaviour::Nr22) && !known.contains(&&Behaviour::Nr19));
}

#[test]
fn the_node_of_eidas_names_no_fiscal_code() {
    let xml = answer_of(Scheme::Eidas, Behaviour::Good);
    assert!(xml.contains(">ES/IT/ada-00001<") && !xml.contains("fiscalNumber"));
    assert!(!answer_of(Scheme::Eidas, Behaviour::NoFiscalNumber).contains("spidCode"));
    assert!(answer_of(Scheme::Eidas, Behaviour::Tampered).contains(">ES/IT/vittima-00001<"));
}
