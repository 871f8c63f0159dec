//! What is said of the outcome: no assertion counts beside an error, and nobody but the provider may say one as its own.

use super::{
    super::{
        super::{Refusal, Scheme, SpidError},
        fixture::*,
        stage::{RESPONSE_MARK, Stage, cut},
    },
    Case, cases,
};

const SUCCESS: &str = r#"<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/>"#;
const RESPONDER: &str = r#"<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"/>"#;

/// An error as a provider says it, without assertion, with a hole for its signature.
pub fn error(s: &Stage, message: &str) -> String {
    let failed = r#"<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"/></samlp:StatusCode>"#;
    let status = format!("{failed}<samlp:StatusMessage>{message}</samlp:StatusMessage>");
    cut(&change(&s.answer(), SUCCESS, &status), "<saml:Assertion", "</saml:Assertion>").1
}

/// The same, signed.
pub fn signed_error(signer: &Signer, s: &Stage, message: &str) -> String {
    signer.fill(&error(s, message).replace(RESPONSE_MARK, &GOOD.over("#_response")))
}

cases! {
    error_with_a_good_assertion: |s| s.with(SUCCESS, RESPONDER) => "no-success";
    error_that_nests_success: |s| s.with(SUCCESS, &format!(r#"<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder">{SUCCESS}</samlp:StatusCode>"#)) => "no-success";
    success_in_other_letters: |s| s.with("status:Success", "status:success") => "no-success";
    success_of_saml_1: |s| s.with("urn:oasis:names:tc:SAML:2.0:status:Success", "samlp:Success") => "no-success";
    status_missing: |s| s.with(&format!("<samlp:Status>{SUCCESS}</samlp:Status>"), "") => "status";
    status_empty: |s| s.with(SUCCESS, "") => "status";
    status_of_another_namespace: |s| s.with("samlp:Status>", "saml:Status>") => "status";
    status_code_without_value: |s| s.with(SUCCESS, "<samlp:StatusCode/>") => "status";
    status_code_with_an_empty_value: |s| s.with("urn:oasis:names:tc:SAML:2.0:status:Success", "") => "status";
    two_status_codes: |s| s.with(SUCCESS, &format!("{SUCCESS}{RESPONDER}")) => "status";
    two_statuses: |s| s.with("<samlp:Status>", &format!("<samlp:Status>{SUCCESS}</samlp:Status><samlp:Status>")) => "status";
    two_status_messages: |s| s.with(SUCCESS, &format!("{RESPONDER}<samlp:StatusMessage>ErrorCode nr08</samlp:StatusMessage><samlp:StatusMessage>ErrorCode nr25</samlp:StatusMessage>")) => "status";
    error_of_a_stranger: |s| signed_error(stranger(), s, "ErrorCode nr08") => "signature";
    error_changed_after_signing: |s| change(&signed_error(idp(), s, "ErrorCode nr25"), "nr25", "nr08") => "signature";
    error_to_another_request: |s| signed_error(idp(), s, "ErrorCode nr25").replacen(&s.request, "_other", 1) => "response-in-response-to";
    error_with_a_weak_signature: |s| idp().fill(&error(s, "ErrorCode nr08").replace(RESPONSE_MARK, &Form { digest: "http://www.w3.org/2000/09/xmldsig#sha1", ..GOOD }.over("#_response"))) => "signature-algorithm";
    error_signed_over_something_else: |s| idp().fill(&error(s, "ErrorCode nr08").replace(RESPONSE_MARK, &GOOD.over(""))) => "signature-reference";
    error_with_two_signatures: |s| {
        let xml = signed_error(idp(), s, "ErrorCode nr08");
        let (signature, _) = cut(&xml, "<ds:Signature ", "</ds:Signature>");
        change(&xml, &signature, &format!("{signature}{signature}"))
    } => "signature-place";
    error_whose_identifier_occurs_twice: |s| change(&signed_error(idp(), s, "ErrorCode nr08"), "<samlp:Status>", r#"<samlp:Status id="_response">"#) => "ids-unique";
}

fn said(xml: &str) -> Refusal {
    received(xml).unwrap_err()
}

#[test]
fn the_providers_errors_by_their_code() {
    use SpidError::*;
    let s = Stage::fixed();
    let codes = [
        ("ErrorCode nr07", Other(Some(7))),
        ("ErrorCode nr08", OurRequest(8)),
        ("ErrorCode nr18", OurRequest(18)),
        ("ErrorCode nr19", WrongCredentials),
        ("errorcode NR20", LevelTooLow),
        (" ErrorCode nr21 ", TimedOut),
        ("ErrorCode  nr22", ConsentDenied),
        ("ErrorCode nr23: sospesa", Suspended),
        ("ErrorCode nr24", Other(Some(24))),
        ("ErrorCode nr25", Cancelled),
        ("ErrorCode nr30", OtherKind),
        ("ErrorCode nr300", Other(None)),
        ("ErrorCode nr", Other(None)),
        ("nr19", Other(None)),
        ("", Other(None)),
    ];
    for (message, error_said) in codes {
        let unsigned = Refusal::Status { error: error_said, signed: false };
        assert_eq!(said(&error(&s, message)), unsigned, "{message}");
        let signed = Refusal::Status { error: error_said, signed: true };
        assert_eq!(said(&signed_error(idp(), &s, message)), signed, "{message}");
    }
}

#[test]
fn what_cie_reserves_has_no_meaning() {
    for (number, spid, cie) in [
        (19, SpidError::WrongCredentials, SpidError::Other(Some(19))),
        (20, SpidError::LevelTooLow, SpidError::Other(Some(20))),
        (24, SpidError::Other(Some(24)), SpidError::Other(Some(24))),
        (30, SpidError::OtherKind, SpidError::Other(Some(30))),
        (21, SpidError::TimedOut, SpidError::TimedOut),
        (22, SpidError::ConsentDenied, SpidError::ConsentDenied),
        (23, SpidError::Suspended, SpidError::Suspended),
        (25, SpidError::Cancelled, SpidError::Cancelled),
        (11, SpidError::OurRequest(11), SpidError::OurRequest(11)),
    ] {
        let message = format!("ErrorCode nr{number:02}");
        assert_eq!(SpidError::from_message(Scheme::Spid, &message), spid, "{number}");
        assert_eq!(SpidError::from_message(Scheme::Eidas, &message), spid, "{number}");
        assert_eq!(SpidError::from_message(Scheme::Cie, &message), cie, "{number}");
    }
}

#[test]
fn each_error_has_its_code_and_its_name() {
    for number in 0..=99 {
        let error = SpidError::from_message(Scheme::Spid, &format!("ErrorCode nr{number:02}"));
        assert_eq!(error.code(), Some(format!("nr{number:02}")));
        let name = match number {
            8..=18 => "our-request".to_owned(),
            19..=23 | 25 | 30 => format!("nr{number}"),
            _ => "no-success".to_owned(),
        };
        assert_eq!(error.name(), name);
    }
    assert_eq!(SpidError::Other(None).code(), None);
}

#[test]
fn an_error_says_whether_the_provider_signed_it() {
    let s = Stage::fixed();
    let signed = |xml: &str| match received(xml).unwrap_err() {
        Refusal::Status { signed, .. } => signed,
        other => panic!("{other}"),
    };
    assert!(signed(&signed_error(idp(), &s, "ErrorCode nr25")));
    assert!(!signed(&error(&s, "ErrorCode nr25")));
}

#[test]
fn a_reason_is_a_line_of_the_log_and_no_more() {
    let said = Refusal::check("level", format!("one\ntwo {}", "x".repeat(300))).to_string();
    assert!(said.starts_with("level: one\u{fffd}two xxx"), "{said}");
    assert_eq!(said.chars().filter(|c| *c == 'x').count(), 200 - "one?two ".len());
}

#[test]
fn a_refusal_says_its_rule() {
    let refused = received(&Stage::fixed().with("SpidL1", "SpidL4")).unwrap_err();
    assert_eq!(refused.rule(), Some("AuthnContextClassRef satisfies level and comparison asked"));
    assert_eq!(received("x").unwrap_err().rule(), Some("well-formed XML with namespaces"));
    assert_eq!(Refusal::Status { error: SpidError::Cancelled, signed: true }.rule(), None);
}

#[test]
fn a_reason_is_one_short_line() {
    let s = Stage::fixed();
    let long = s.tampered(&s.request, &format!("a&#10;b{}", "c".repeat(9000)));
    let said = received(&long).unwrap_err().to_string();
    assert!(
        said.starts_with("response-in-response-to: ") && said.len() < 300 && !said.contains('\n'),
        "{said}"
    );
}
