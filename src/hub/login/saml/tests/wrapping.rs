//! Signature wrapping, in the eight forms of Somorovsky et al., "On Breaking SAML" (USENIX Security 2012): a true
//! signature stays valid while the reader is led to an assertion that nobody signed.

use super::fixture::*;
use proptest::prelude::*;

fn evil() -> String {
    assertion("_evil", OTHER_CODE).replace("<!--assertion-->", "")
}

/// Takes what lies from `start` to the end of `end` out of a text.
fn cut(xml: &str, start: &str, end: &str) -> (String, String) {
    let from = xml.find(start).unwrap();
    let to = xml[from..].find(end).unwrap() + from + end.len();
    (xml[from..to].to_owned(), format!("{}{}", &xml[..from], &xml[to..]))
}

/// The signed response, its own signature, and the response without that signature.
fn signed_response() -> (String, String, String) {
    let whole = signed_by(idp(), &answer(), GOOD, false, true);
    let (signature, bare) = cut(&whole, "<ds:Signature ", "</ds:Signature>");
    (whole, signature, bare)
}

/// An evil response with a hole where a signature could be.
fn evil_response() -> String {
    let shell = answer().replace(r#"ID="_response""#, r#"ID="_evil-response""#);
    let (_, shell) = cut(&shell, "<saml:Assertion", "</saml:Assertion>");
    change(&shell, "</samlp:Response>", &format!("{}</samlp:Response>", evil()))
}

/// The signed assertion, its signature, the assertion without it, and the response around it.
fn signed_assertion() -> (String, String, String, String) {
    let whole = good_answer(false);
    let (assertion, shell) = cut(whole, "<saml:Assertion", "</saml:Assertion>");
    let (signature, bare) = cut(&assertion, "<ds:Signature ", "</ds:Signature>");
    (assertion, signature, bare, shell)
}

fn response_with(content: &str) -> String {
    let (.., shell) = signed_assertion();
    change(&shell, "</samlp:Response>", &format!("{content}</samlp:Response>"))
}

#[test]
fn xsw_1_signed_response_in_the_signature_of_an_evil_one() {
    let (_, signature, bare) = signed_response();
    let holder = change(&signature, "</ds:Signature>", &format!("{bare}</ds:Signature>"));
    assert_eq!(refusal(&evil_response().replace("<!--response-->", &holder)), "one-root");
}

#[test]
fn xsw_2_signed_response_beside_its_signature_in_an_evil_one() {
    let (_, signature, bare) = signed_response();
    assert_eq!(
        refusal(&evil_response().replace("<!--response-->", &format!("{bare}{signature}"))),
        "one-root"
    );
}

#[test]
fn xsw_3_evil_assertion_before_the_signed_one() {
    let (assertion, ..) = signed_assertion();
    assert_eq!(refusal(&response_with(&format!("{}{assertion}", evil()))), "one-assertion");
    assert_eq!(refusal(&response_with(&format!("{assertion}{}", evil()))), "one-assertion");
}

#[test]
fn xsw_4_signed_assertion_inside_an_evil_one() {
    let (assertion, ..) = signed_assertion();
    let wrapper = change(&evil(), "</saml:Assertion>", &format!("{assertion}</saml:Assertion>"));
    assert_eq!(refusal(&response_with(&wrapper)), "one-assertion");
}

#[test]
fn xsw_5_signature_moved_to_an_evil_assertion() {
    let (_, signature, bare, _) = signed_assertion();
    let thief = change(&evil(), "<saml:Subject>", &format!("{signature}<saml:Subject>"));
    assert_eq!(refusal(&response_with(&format!("{thief}{bare}"))), "one-assertion");
}

#[test]
fn xsw_6_signed_assertion_inside_the_signature_of_an_evil_one() {
    let (_, signature, bare, _) = signed_assertion();
    let holder = change(&signature, "</ds:Signature>", &format!("{bare}</ds:Signature>"));
    let thief = change(&evil(), "<saml:Subject>", &format!("{holder}<saml:Subject>"));
    assert_eq!(refusal(&response_with(&thief)), "one-assertion");
}

#[test]
fn xsw_7_evil_assertion_in_extensions() {
    let (assertion, ..) = signed_assertion();
    let extensions = format!("<samlp:Extensions>{}</samlp:Extensions>", evil());
    assert_eq!(refusal(&response_with(&format!("{extensions}{assertion}"))), "one-assertion");
}

#[test]
fn xsw_8_signed_assertion_in_an_object_of_the_signature() {
    let (_, signature, bare, _) = signed_assertion();
    let holder =
        change(&signature, "</ds:Signature>", &format!("<ds:Object>{bare}</ds:Object></ds:Signature>"));
    let thief = change(&evil(), "<saml:Subject>", &format!("{holder}<saml:Subject>"));
    assert_eq!(refusal(&response_with(&thief)), "one-assertion");
}

#[test]
fn signed_assertion_hidden_where_only_the_signature_looks() {
    let (assertion, ..) = signed_assertion();
    let hidden = response_with(&format!("<samlp:Extensions>{assertion}</samlp:Extensions>"));
    assert_eq!(refusal(&hidden), "one-assertion");
}

#[test]
fn evil_assertion_that_claims_the_signature_of_the_response() {
    let (_, signature, ..) = signed_assertion();
    let thief = change(&evil(), "<saml:Subject>", &format!("{signature}<saml:Subject>"));
    assert_eq!(refusal(&response_with(&thief)), "signature-reference");
}

#[test]
fn evil_assertion_under_the_identifier_of_the_signed_one() {
    let (_, signature, ..) = signed_assertion();
    let thief = change(&evil(), "<saml:Subject>", &format!("{signature}<saml:Subject>"));
    assert_eq!(refusal(&response_with(&change(&thief, "_evil", "_assertion"))), "signature");
}

#[test]
fn signed_assertion_in_a_response_to_somebody_else() {
    let fresh = change(
        &signed(&answer()),
        r#"InResponseTo="_request" Destination"#,
        r#"InResponseTo="_theirs" Destination"#,
    );
    assert_eq!(refusal(&fresh), "response-in-response-to");
    let sent = super::super::SentRequest { id: "_theirs".into(), ..sent() };
    assert_eq!(received_for(&sent, &fresh, now()).unwrap_err().name(), "confirmation-in-response-to");
}

/// Pieces that an attacker would like to be read instead of the signed ones.
fn pieces() -> Vec<String> {
    let value = format!("<saml:AttributeValue>TINIT-{OTHER_CODE}</saml:AttributeValue>");
    let attribute = format!(r#"<saml:Attribute Name="fiscalNumber">{value}</saml:Attribute>"#);
    let statement = format!("<saml:AttributeStatement>{attribute}</saml:AttributeStatement>");
    let (assertion, signature, bare, _) = signed_assertion();
    let comment = "<!-- -->".to_owned();
    vec![
        evil(),
        value,
        attribute,
        statement,
        assertion,
        signature,
        bare,
        format!("TINIT-{OTHER_CODE}"),
        comment,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_piece_put_anywhere_makes_another_citizen(
        puts in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
        whole: bool,
        cut_out: bool,
    ) {
        let mut xml = good_answer(whole).to_owned();
        if cut_out {
            xml = cut(&xml, "<saml:Assertion", "</saml:Assertion>").1;
        }
        let pieces = pieces();
        for (place, piece) in puts {
            let between: Vec<_> = xml.match_indices('<').map(|(i, _)| i).skip(1).collect();
            xml.insert_str(*place.get(&between), piece.get::<String>(&pieces));
        }
        if let Ok(identity) = received(&xml) {
            prop_assert_eq!(identity.person.key(), CODE);
            prop_assert_eq!(identity.assertion_id, "_assertion");
        }
    }
}
