//! Signature wrapping, in the eight forms of Somorovsky et al., "On Breaking SAML" (USENIX Security 2012): a true signature
//! stays valid while the reader is led to an assertion that nobody signed. Then with genuine assertions of other logins.

use super::{
    super::{
        fixture::*,
        stage::{ASSERTION_MARK, Stage, cut},
    },
    Case, cases,
};

fn evil(s: &Stage) -> String {
    s.assertion("_evil", OTHER_CODE).replace(ASSERTION_MARK, "")
}

/// The signature of a signed response, and that response without it.
fn signed_response(s: &Stage) -> (String, String) {
    cut(&signed_by(idp(), &s.answer(), GOOD, false, true), "<ds:Signature ", "</ds:Signature>")
}

/// An evil response with a hole where a signature could be.
fn evil_response(s: &Stage, hole: &str) -> String {
    let shell = s.answer().replace(r#"ID="_response""#, r#"ID="_evil-response""#);
    let (_, shell) = cut(&shell, "<saml:Assertion", "</saml:Assertion>");
    let shell = change(&shell, "</samlp:Response>", &format!("{}</samlp:Response>", evil(s)));
    shell.replace("<!--response-->", hole)
}

/// The signed assertion, its signature, and the assertion without it.
fn signed_assertion(s: &Stage) -> (String, String, String) {
    let (assertion, _) = cut(&s.signed(), "<saml:Assertion", "</saml:Assertion>");
    let (signature, bare) = cut(&assertion, "<ds:Signature ", "</ds:Signature>");
    (assertion, signature, bare)
}

/// The genuine assertion of another login, signed by the provider.
fn genuine(s: &Stage) -> String {
    cut(&s.another(), "<saml:Assertion", "</saml:Assertion>").0
}

/// The response around what is given.
fn response_with(s: &Stage, content: &str) -> String {
    let (_, shell) = cut(&s.signed(), "<saml:Assertion", "</saml:Assertion>");
    change(&shell, "</samlp:Response>", &format!("{content}</samlp:Response>"))
}

/// The evil assertion with something before its subject.
fn evil_with(s: &Stage, content: &str) -> String {
    change(&evil(s), "<saml:Subject>", &format!("{content}<saml:Subject>"))
}

fn in_signature(signature: &str, content: &str) -> String {
    change(signature, "</ds:Signature>", &format!("{content}</ds:Signature>"))
}

cases! {
    xsw_1_signed_response_in_the_signature_of_an_evil_one: |s| {
        let (signature, bare) = signed_response(s);
        evil_response(s, &in_signature(&signature, &bare))
    } => "one-root";
    xsw_2_signed_response_beside_its_signature_in_an_evil_one: |s| {
        let (signature, bare) = signed_response(s);
        evil_response(s, &format!("{bare}{signature}"))
    } => "one-root";
    xsw_3_evil_assertion_before_the_signed_one: |s| response_with(s, &format!("{}{}", evil(s), signed_assertion(s).0)) => "one-assertion";
    xsw_3_evil_assertion_after_the_signed_one: |s| response_with(s, &format!("{}{}", signed_assertion(s).0, evil(s))) => "one-assertion";
    xsw_4_signed_assertion_inside_an_evil_one: |s| {
        let wrapper = change(&evil(s), "</saml:Assertion>", &format!("{}</saml:Assertion>", signed_assertion(s).0));
        response_with(s, &wrapper)
    } => "one-assertion";
    xsw_5_signature_moved_to_an_evil_assertion: |s| {
        let (_, signature, bare) = signed_assertion(s);
        response_with(s, &format!("{}{bare}", evil_with(s, &signature)))
    } => "one-assertion";
    xsw_6_signed_assertion_inside_the_signature_of_an_evil_one: |s| {
        let (_, signature, bare) = signed_assertion(s);
        response_with(s, &evil_with(s, &in_signature(&signature, &bare)))
    } => "one-assertion";
    xsw_7_evil_assertion_in_extensions: |s| response_with(s, &format!("<samlp:Extensions>{}</samlp:Extensions>{}", evil(s), signed_assertion(s).0)) => "one-assertion";
    xsw_8_signed_assertion_in_an_object_of_the_signature: |s| {
        let (_, signature, bare) = signed_assertion(s);
        response_with(s, &evil_with(s, &in_signature(&signature, &format!("<ds:Object>{bare}</ds:Object>"))))
    } => "one-assertion";
    xsw_1_with_the_genuine_response_of_another_login: |s| {
        let (signature, bare) = cut(&s.another(), "<ds:Signature ", "</ds:Signature>");
        evil_response(s, &in_signature(&signature, &bare))
    } => "one-root";
    xsw_2_with_the_genuine_response_of_another_login: |s| evil_response(s, &s.another()) => "one-root";
    xsw_3_with_the_genuine_assertion_of_another_login: |s| response_with(s, &format!("{}{}", evil(s), genuine(s))) => "one-assertion";
    xsw_4_with_the_genuine_assertion_of_another_login: |s| response_with(s, &change(&evil(s), "</saml:Assertion>", &format!("{}</saml:Assertion>", genuine(s)))) => "one-assertion";
    xsw_5_with_the_genuine_assertion_of_another_login: |s| {
        let (signature, bare) = cut(&genuine(s), "<ds:Signature ", "</ds:Signature>");
        response_with(s, &format!("{}{bare}", evil_with(s, &signature)))
    } => "one-assertion";
    xsw_7_with_the_genuine_assertion_of_another_login: |s| response_with(s, &format!("<samlp:Extensions>{}</samlp:Extensions>{}", genuine(s), evil(s))) => "one-assertion";
    xsw_7_evil_assertion_between_two_genuine_ones: |s| response_with(s, &format!("{}<samlp:Extensions>{}</samlp:Extensions>{}", signed_assertion(s).0, evil(s), genuine(s))) => "one-assertion";
    genuine_assertion_of_another_login_alone: |s| response_with(s, &genuine(s)) => "confirmation-in-response-to";
    genuine_response_of_another_login: |s| s.another() => "response-in-response-to";
    genuine_response_of_another_login_said_to_be_this_one: |s| s.another().replacen(r#"InResponseTo="_earlier""#, &format!(r#"InResponseTo="{}""#, s.request), 1) => "signature";
    signed_assertion_in_extensions_alone: |s| response_with(s, &format!("<samlp:Extensions>{}</samlp:Extensions>", signed_assertion(s).0)) => "one-assertion";
    signed_assertion_in_advice_of_an_evil_one: |s| response_with(s, &change(&evil(s), "<saml:AuthnStatement", &format!("<saml:Advice>{}</saml:Advice><saml:AuthnStatement", signed_assertion(s).0))) => "one-assertion";
    second_assertion_in_advice_that_the_provider_signed: |s| s.with("<saml:AuthnStatement ", &format!("<saml:Advice>{}</saml:Advice><saml:AuthnStatement ", evil(s))) => "one-assertion";
    evil_assertion_under_the_signature_of_another: |s| response_with(s, &evil_with(s, &signed_assertion(s).1)) => "signature-reference";
    evil_assertion_under_the_identifier_of_the_signed_one: |s| change(&response_with(s, &evil_with(s, &signed_assertion(s).1)), "_evil", "_assertion") => "signature";
    evil_assertion_under_the_identifier_and_signature_of_a_genuine_one: |s| {
        let (signature, _) = cut(&genuine(s), "<ds:Signature ", "</ds:Signature>");
        change(&response_with(s, &evil_with(s, &signature)), "_evil", "_genuine")
    } => "signature";
    two_assertions_of_one_identifier: |s| response_with(s, &format!("{}{}", signed_assertion(s).0, evil(s).replace("_evil", "_assertion"))) => "one-assertion";
    assertion_in_other_letters_beside_the_signed_one: |s| response_with(s, &format!("{}<saml:assertion/>", signed_assertion(s).0)).replace("saml:assertion/", "samlp:Response/") => "one-root";
    assertion_of_saml_1_beside_the_signed_one: |s| s.tampered("<samlp:Status>", r#"<Assertion xmlns="urn:oasis:names:tc:SAML:1.0:assertion"/><samlp:Status>"#) => "one-assertion";
    assertion_of_no_namespace_beside_the_signed_one: |s| s.tampered("<samlp:Status>", "<Assertion/><samlp:Status>") => "one-assertion";
    two_unsigned_assertions: |s| response_with(s, &format!("{}{}", evil(s), evil(s).replace("_evil", "_also"))) => "one-assertion";
    no_assertion: |s| response_with(s, "") => "one-assertion";
    the_only_assertion_is_of_another_namespace: |s| s.with("saml:Assertion", "samlp:Assertion") => "one-assertion";
    encrypted_assertion_beside_the_signed_one: |s| s.tampered("</samlp:Response>", "<saml:EncryptedAssertion/></samlp:Response>") => "encrypted";
    encrypted_assertion_alone: |s| response_with(s, "<saml:EncryptedAssertion/>") => "encrypted";
    encrypted_assertion_of_another_namespace: |s| s.tampered("</samlp:Response>", r#"<EncryptedAssertion xmlns="urn:x"/></samlp:Response>"#) => "encrypted";
    bare_signed_assertion: |s| signed_assertion(s).0 => "root";
    signed_assertion_in_an_envelope_of_soap: |s| format!(r#"<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>{}</e:Body></e:Envelope>"#, s.signed()) => "root";
    response_in_a_response: |s| response_with(s, &format!("<samlp:Extensions>{}</samlp:Extensions>", s.signed())) => "one-root";
}
