//! A registry's list: what is taken, and every way in which one is not.

use super::{
    super::{List, MAX_LIST, Unfit},
    fixture::*,
};
use crate::testing::registry::{self, template, unsigned};
use openssl::x509::X509;

const OTHER: &str = "https://other-idp.example.it";

fn member(entity_id: &str, signer: &Signer) -> String {
    metadata_of(entity_id, signer).split_once("?>").unwrap().1.to_owned()
}

fn sign(signer: &Signer, xml: &str) -> String {
    registry::sign(&signer.key, xml)
}

fn both() -> String {
    member(IDP, idp()) + &member(OTHER, stranger())
}

fn good() -> String {
    sign(our_registry(), &unsigned("", &both()))
}

fn verify(text: &str) -> Result<List, Unfit> {
    List::verify(text.as_bytes(), &[our_registry().certificate.clone()], now())
}

fn names(list: &List) -> Vec<&str> {
    list.providers.iter().map(|p| p.entity_id.as_str()).collect()
}

fn refused(text: &str, rule: &str) {
    let why = verify(text).expect_err(rule);
    assert_eq!(why.rule, rule, "{why}");
}

#[test]
fn a_list_that_the_registry_signed_is_taken() {
    let list = verify(&good()).unwrap();
    assert_eq!(names(&list), [IDP, OTHER]);
    assert_eq!((list.valid_until, list.made, list.fresh_for, list.problems.len()), (None, None, None, 0));
    let second = List::verify(
        good().as_bytes(),
        &[stranger().certificate.clone(), our_registry().certificate.clone()],
        now(),
    );
    assert_eq!(second.unwrap().digest, list.digest, "while the registry changes its key, two are pinned");
}

#[test]
fn a_list_says_how_long_it_holds_and_when_it_was_made() {
    let extensions = r#"<md:Extensions><rpi:PublicationInfo xmlns:rpi="urn:oasis:names:tc:SAML:metadata:rpi" publisher="https://registry.example.it" creationInstant="2026-11-22T00:00:00Z"/></md:Extensions>"#;
    let attributes = r#"validUntil="2026-12-01T00:00:00.5Z" cacheDuration="P0Y0M30DT0H0M0.000S""#;
    let list =
        verify(&sign(our_registry(), &unsigned(attributes, &(extensions.to_owned() + &both())))).unwrap();
    assert_eq!(list.valid_until.unwrap().to_string(), "2026-12-01T00:00:00.5Z");
    assert_eq!(list.made.unwrap().to_string(), "2026-11-22T00:00:00Z");
    assert_eq!(list.fresh_for.unwrap().as_hours(), 30 * 24);
    let hours = verify(&sign(our_registry(), &unsigned(r#"cacheDuration="PT6H""#, &both()))).unwrap();
    assert_eq!(hours.fresh_for.unwrap().as_hours(), 6);
}

#[test]
fn a_providers_own_signature_inside_is_content() {
    let mut inner = member(IDP, idp());
    inner = inner.replacen("<md:EntityDescriptor ", "<md:EntityDescriptor ID=\"_inner\" ", 1);
    let at = inner.find("<md:IDPSSODescriptor").unwrap();
    inner.insert_str(at, &template("_inner"));
    let inner = sign(stranger(), &inner);
    let inner = inner.split_once("?>").unwrap().1;
    let list = verify(&sign(our_registry(), &unsigned("", inner))).unwrap();
    assert_eq!(names(&list), [IDP]);
    refused(inner, "signature");
}

#[test]
fn one_provider_alone_may_be_the_list() {
    let alone = member(IDP, idp()).replacen("<md:EntityDescriptor ", "<md:EntityDescriptor ID=\"_a\" ", 1);
    let at = alone.find("<md:IDPSSODescriptor").unwrap();
    let alone = format!("{}{}{}", &alone[..at], template("_a"), &alone[at..]);
    assert_eq!(names(&verify(&sign(our_registry(), &alone)).unwrap()), [IDP]);
}

#[test]
fn what_the_registry_did_not_sign_is_refused() {
    refused(&sign(stranger(), &unsigned("", &both())), "signature");
    refused(&change(&good(), OTHER, "https://evil.example.it"), "signature");
    refused(&unsigned("", &both()), "signature-form");
    refused(&change(&unsigned("", &both()), &template("_list"), ""), "unsigned");
    assert_eq!(List::verify(good().as_bytes(), &[], now()).unwrap_err().rule, "signature");
}

#[test]
fn a_list_wrapped_around_the_signed_one_is_refused() {
    let good = good();
    let signed = good.split_once("?>").unwrap().1.trim();
    let evil = member("https://evil.example.it", stranger());
    let open = r#"<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ID="_evil">"#;
    let start = signed.find("<ds:Signature").unwrap();
    let end = signed.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let signature = &signed[start..end];
    let close = "</md:EntitiesDescriptor>";
    refused(&format!("{open}{signed}{evil}{close}"), "unsigned");
    refused(&format!("{open}{signature}{evil}{signed}{close}"), "signature-reference");
    refused(
        &format!(
            "{open}{signature}{evil}<md:Extensions>{}</md:Extensions>{close}",
            &signed.replacen(signature, "", 1)
        ),
        "signature-reference",
    );
    let same = open.replace("_evil", "_list");
    refused(&format!("{same}{signature}{evil}{signed}{close}"), "ids-unique");
    refused(&format!("{same}{signature}{evil}{close}"), "signature");
}

#[test]
fn a_signature_of_another_form_is_refused() {
    let weak = |from: &str, to: &str| {
        let text = change(&unsigned("", &both()), from, to);
        sign(our_registry(), &text)
    };
    let sha1 = "http://www.w3.org/2000/09/xmldsig#sha1";
    refused(&weak("http://www.w3.org/2001/04/xmlenc#sha256", sha1), "signature-algorithm");
    refused(&weak("#_list", ""), "signature-reference");
    let inclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
    refused(
        &weak(
            "http://www.w3.org/2001/10/xml-exc-c14n#\"/></ds:Transforms>",
            &format!("{inclusive}\"/></ds:Transforms>"),
        ),
        "signature-transform",
    );
}

#[test]
fn nothing_that_no_parser_should_see_gets_to_one() {
    let good = good();
    let text = good.split_once("?>").unwrap().1;
    refused(&format!("<!DOCTYPE x [<!ENTITY e \"x\">]>{text}"), "doctype");
    refused(&format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{text}"), "encoding");
    refused(&change(&good, "<ds:SignedInfo>", "<?x y?><ds:SignedInfo>"), "processing-instruction");
    refused(&(good.clone() + &" ".repeat(MAX_LIST)), "size");
    refused(&unsigned("", &("<a>".repeat(40) + &"</a>".repeat(40))), "depth");
    refused(&unsigned("", &("<a>".repeat(60_000) + &"</a>".repeat(60_000))), "depth");
    refused(&unsigned("", &"<a/>".repeat(100_001)), "nodes");
    refused("<html/>", "root");
    refused("not XML", "well-formed");
    assert_eq!(List::verify(b"\xff\xfe<", &[], now()).unwrap_err().rule, "utf-8");
}

#[test]
fn what_is_past_its_end_is_refused() {
    refused(&sign(our_registry(), &unsigned(r#"validUntil="2026-11-22T12:00:00Z""#, &both())), "expired");
    refused(&sign(our_registry(), &unsigned(r#"validUntil="tomorrow""#, &both())), "validity");
    let ended = member(IDP, idp()).replacen("entityID", "validUntil=\"2026-11-22T12:00:00Z\" entityID", 1);
    let list =
        verify(&sign(our_registry(), &unsigned("", &(ended.clone() + &member(OTHER, stranger()))))).unwrap();
    assert_eq!((names(&list), list.problems.len()), (vec![OTHER], 1));
    refused(&sign(our_registry(), &unsigned("", &ended)), "empty");
    refused(&sign(our_registry(), &unsigned("", "")), "empty");
}

#[test]
fn what_an_extension_or_a_second_description_says_is_no_provider() {
    let hidden =
        format!("<md:Extensions>{}</md:Extensions>{}", member(OTHER, stranger()), member(IDP, idp()));
    assert_eq!(names(&verify(&sign(our_registry(), &unsigned("", &hidden))).unwrap()), [IDP]);
    let twice =
        verify(&sign(our_registry(), &unsigned("", &(member(IDP, idp()) + &member(IDP, stranger())))))
            .unwrap();
    assert_eq!(twice.providers[0].certificates, [idp().certificate.clone()] as [X509; 1]);
    assert_eq!((twice.providers.len(), twice.problems.len()), (1, 1));
}
