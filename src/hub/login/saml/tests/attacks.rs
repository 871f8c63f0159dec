//! What a dishonest browser, a dishonest provider or a careless one may send, by the name of the attack, and the
//! rule that refuses it.

use super::{
    super::{Level, SentRequest, SpidError, refusal::Refusal},
    fixture::*,
};
use proptest::prelude::*;

/// One test for each attack: a message and the name of its refusal.
macro_rules! refused {
    ($($attack:ident: $message:expr => $refusal:literal;)*) => {
        $(#[test] fn $attack() { assert_eq!(refusal(&$message), $refusal); })*
    };
}

/// The provider signs an answer with something wrong in it.
fn with(from: &str, to: &str) -> String {
    signed(&change(&answer(), from, to))
}

/// The same, in the first place only.
fn with_first(from: &str, to: &str) -> String {
    assert!(answer().contains(from), "{from}");
    signed(&answer().replacen(from, to, 1))
}

/// Somebody changes an answer that the provider signed.
fn tampered(from: &str, to: &str) -> String {
    change(&signed(&answer()), from, to)
}

fn signed_as(form: Form) -> String {
    signed_by(idp(), &answer(), form, true, false)
}

const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
const XPATH: &str = "http://www.w3.org/TR/1999/REC-xpath-19991116";
const FORMAT: &str = r#" Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity""#;
const SUCCESS: &str = r#"<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/>"#;
const AUDIENCE: &str = "<saml:Audience>https://accesso.comune.example.it</saml:Audience>";
const VALUE: &str = "TINIT-RSSMRA80A01H501U";

// Signatures.
refused! {
    unsigned: signed_by(idp(), &answer(), GOOD, false, false) => "assertion-signed";
    signature_stripped_from_the_assertion: signed_by(idp(), &answer(), GOOD, false, true) => "assertion-signed";
    fiscal_number_changed_after_signing: tampered(CODE, OTHER_CODE) => "signature";
    level_changed_after_signing: tampered("SpidL1", "SpidL3") => "signature";
    expiry_changed_after_signing: tampered("12:05:00Z", "23:05:00Z") => "signature";
    attribute_added_after_signing: tampered("</saml:AttributeStatement>",
        r#"<saml:Attribute Name="x"><saml:AttributeValue>x</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>"#)
        => "signature";
    namespace_of_an_attribute_changed_after_signing: tampered(r#"<saml:Attribute Name="fiscalNumber">"#,
        r#"<saml:Attribute xmlns:saml="urn:x" Name="fiscalNumber">"#) => "signature";
    signed_by_a_stranger: signed_by(stranger(), &answer(), GOOD, true, true) => "signature";
    signed_by_a_stranger_whose_certificate_is_in_key_info: {
        let info = format!("<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
            stranger().certificate_base64());
        signed_by(stranger(), &answer(), Form { extra: info.leak(), ..GOOD }, true, false)
    } => "signature";
    key_in_key_info_as_a_bare_value: {
        let info = "<ds:KeyInfo><ds:KeyValue><ds:RSAKeyValue><ds:Modulus></ds:Modulus><ds:Exponent></ds:Exponent></ds:RSAKeyValue></ds:KeyValue></ds:KeyInfo>";
        signed_by(stranger(), &answer(), Form { extra: info, ..GOOD }, true, false)
    } => "signature";
    response_signed_by_a_stranger_around_a_good_assertion: {
        let inner = idp().fill(&answer().replace("<!--assertion-->", &GOOD.over("#_assertion")));
        stranger().fill(&inner.replace("<!--response-->", &GOOD.over("#_response")))
    } => "signature";
    response_changed_under_its_own_signature: change(&signed_by(idp(), &answer(), GOOD, true, true),
        r#"ID="_response""#, r#"ID="_response" Consent="urn:x""#) => "signature";
    signature_value_emptied: {
        let whole = signed(&answer());
        let (start, end) = (whole.find("<ds:SignatureValue>").unwrap(), whole.find("</ds:SignatureValue>").unwrap());
        format!("{}<ds:SignatureValue>{}", &whole[..start], &whole[end..])
    } => "signature";
    sha_1_signature: signed_as(Form { method: "http://www.w3.org/2000/09/xmldsig#rsa-sha1", ..GOOD }) => "signature-algorithm";
    sha_1_digest: signed_as(Form { digest: SHA1, ..GOOD }) => "signature-algorithm";
    md5_signature: tampered("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2001/04/xmldsig-more#rsa-md5") => "signature-algorithm";
    hmac_with_the_public_key: tampered("xmldsig-more#rsa-sha256", "xmldsig-more#hmac-sha256") => "signature-algorithm";
    elliptic_curve_signature: tampered("xmldsig-more#rsa-sha256", "xmldsig-more#ecdsa-sha256") => "signature-algorithm";
    no_signature_algorithm: tampered(r#"<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>"#, "") => "signature-form";
    inclusive_canonicalisation: signed_as(Form { canonicalisation: "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", ..GOOD }) => "signature-algorithm";
    canonicalisation_with_comments: signed_as(Form { canonicalisation: "http://www.w3.org/2001/10/xml-exc-c14n#WithComments", ..GOOD }) => "signature-algorithm";
    xpath_transform_that_signs_nothing: tampered(r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#,
        &format!(r#"<ds:Transform Algorithm="{XPATH}"><ds:XPath>false()</ds:XPath></ds:Transform>"#)) => "signature-transform";
    program_inside_an_allowed_transform: tampered(r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#,
        r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"><ds:XPath>false()</ds:XPath></ds:Transform>"#)
        => "signature-transform";
    xslt_transform: tampered(ENVELOPED, "http://www.w3.org/TR/1999/REC-xslt-19991116") => "signature-transform";
    third_transform: signed_as(Form { transforms: &[ENVELOPED, "http://www.w3.org/2001/10/xml-exc-c14n#", "http://www.w3.org/2001/10/xml-exc-c14n#"], ..GOOD }) => "signature-transform";
    transforms_left_out: signed_as(Form { transforms: &[ENVELOPED], ..GOOD }) => "signature-transform";
    reference_to_the_whole_document: {
        let template = answer().replace("<!--assertion-->", &GOOD.over(""));
        idp().fill(&template)
    } => "signature-reference";
    reference_to_a_part_of_the_assertion: {
        let template = answer().replace("<!--assertion-->", &GOOD.over("#_subject"));
        idp().fill(&change(&template, "<saml:Subject>", r#"<saml:Subject ID="_subject">"#))
    } => "signature-reference";
    reference_by_xpointer: {
        let template = answer().replace("<!--assertion-->", &GOOD.over("#xpointer(id('_assertion'))"));
        idp().fill(&template)
    } => "signature-reference";
    reference_to_a_file: tampered(r##"URI="#_assertion""##, r#"URI="file:///etc/passwd""#) => "signature-reference";
    second_reference: {
        let whole = signed(&answer());
        let (start, end) = (whole.find("<ds:Reference").unwrap(), whole.find("</ds:SignedInfo>").unwrap());
        let reference = whole[start..end].to_owned();
        format!("{}{reference}{}", &whole[..end], &whole[end..])
    } => "signature-reference";
    object_in_the_signature: tampered("</ds:SignatureValue>", "</ds:SignatureValue><ds:Object><x/></ds:Object>") => "signature-form";
    second_signature_of_the_assertion: {
        let whole = signed(&answer());
        let (start, end) = (whole.find("<ds:Signature ").unwrap(), whole.find("</ds:Signature>").unwrap() + 15);
        let signature = whole[start..end].to_owned();
        format!("{}{signature}{}", &whole[..end], &whole[end..])
    } => "signature-place";
    signature_elsewhere: tampered("<samlp:Status>", &format!("<samlp:Status>{}", GOOD.over("#_response"))) => "signature-place";
    identifier_twice: tampered("<saml:Subject>", r#"<saml:Subject ID="_assertion">"#) => "ids-unique";
    identifier_twice_in_other_letters: tampered("<saml:Subject>", r#"<saml:Subject Id="_assertion">"#) => "ids-unique";
}

// Another assertion than the one of this login.
refused! {
    two_assertions: {
        let whole = signed(&answer());
        change(&whole, "</samlp:Response>", &format!("{}</samlp:Response>", assertion("_second", OTHER_CODE)))
    } => "one-assertion";
    no_assertion: answer().split("<saml:Assertion").next().map(|head| format!("{head}</samlp:Response>")).unwrap() => "one-assertion";
    assertion_of_saml_1_beside_the_signed_one: tampered("<samlp:Status>",
        r#"<Assertion xmlns="urn:oasis:names:tc:SAML:1.0:assertion"/><samlp:Status>"#) => "one-assertion";
    encrypted_assertion_beside_the_signed_one: tampered("</samlp:Response>", "<saml:EncryptedAssertion/></samlp:Response>") => "encrypted";
    wrong_audience: with(AUDIENCE, "<saml:Audience>https://other.example.it</saml:Audience>") => "audience";
    no_audience: with(&format!("<saml:AudienceRestriction>{AUDIENCE}</saml:AudienceRestriction>"), "") => "audience";
    second_restriction_to_another_audience: with("</saml:Conditions>",
        "<saml:AudienceRestriction><saml:Audience>https://other.example.it</saml:Audience></saml:AudienceRestriction></saml:Conditions>") => "audience";
    audience_cut_short_by_a_comment: with(AUDIENCE, "<saml:Audience>https://accesso.comune.example.it<!-- -->.evil.example</saml:Audience>") => "audience";
    wrong_destination: with_first(ACS, "https://other.example.it/spid/acs") => "response-destination";
    destination_that_only_starts_like_ours: with_first(&format!("{ACS}\""), &format!("{ACS}/x\"")) => "response-destination";
    no_destination: with(&format!(r#" Destination="{ACS}""#), "") => "response-destination";
    wrong_recipient: with(&format!(r#"Recipient="{ACS}""#), r#"Recipient="https://other.example.it/spid/acs""#) => "recipient";
    no_recipient: with(&format!(r#" Recipient="{ACS}""#), "") => "recipient";
    wrong_issuer_of_the_response: with_first(&format!(">{IDP}<"), ">https://other.example.it<") => "response-issuer";
    issuer_cut_short_by_a_comment: tampered(&format!(">{IDP}<"), &format!(">{IDP}<!-- -->.evil.example<")) => "response-issuer";
    response_issuer_of_another_format: with_first("nameid-format:entity", "nameid-format:transient") => "response-issuer";
    no_issuer_of_the_response: with(&format!("<saml:Issuer{FORMAT}>{IDP}</saml:Issuer>"), "") => "response-issuer";
    wrong_issuer_of_the_assertion: with(&format!("\n {IDP} <"), "https://other.example.it<") => "assertion-issuer";
    assertion_issuer_without_format: with(&format!("{FORMAT}>\n"), ">\n") => "assertion-issuer";
    answer_to_another_request: with_first("_request", "_another") => "response-in-response-to";
    unsolicited_response: with_first(r#" InResponseTo="_request""#, "") => "response-in-response-to";
    assertion_of_another_login_in_a_fresh_response: with(r#"Data InResponseTo="_request""#, r#"Data InResponseTo="_another""#) => "confirmation-in-response-to";
    unsolicited_assertion: with(r#"Data InResponseTo="_request""#, "Data") => "confirmation-in-response-to";
}

// Time.
refused! {
    response_older_than_the_request: with("11:59:30Z\" InResponseTo", "11:50:00Z\" InResponseTo") => "response-issue-instant";
    response_from_the_future: with("11:59:30Z\" InResponseTo", "12:10:00Z\" InResponseTo") => "response-issue-instant";
    response_instant_in_local_time: with("11:59:30Z\" InResponseTo", "11:59:30+01:00\" InResponseTo") => "response-issue-instant";
    response_instant_without_zone: with("11:59:30Z\" InResponseTo", "11:59:30\" InResponseTo") => "response-issue-instant";
    response_instant_empty: with("2026-11-22T11:59:30Z\" InResponseTo", "\" InResponseTo") => "response-issue-instant";
    assertion_older_than_the_request: with("11:59:31Z", "11:50:00Z") => "assertion-issue-instant";
    assertion_from_the_future: with("11:59:31Z", "12:10:00Z") => "assertion-issue-instant";
    expired_confirmation: with("12:04:00Z", "11:58:00Z") => "confirmation-time";
    confirmation_without_end: with(r#" NotOnOrAfter="2026-11-22T12:04:00Z""#, "") => "confirmation-time";
    confirmation_not_yet_valid: with(r#"Data InResponseTo"#, r#"Data NotBefore="2026-11-22T12:03:00Z" InResponseTo"#) => "confirmation-time";
    expired_assertion: with("12:05:00Z", "11:58:00Z") => "conditions-time";
    assertion_not_yet_valid: with(r#"NotBefore="2026-11-22T11:59:30Z""#, r#"NotBefore="2026-11-22T12:03:00Z""#) => "conditions-time";
    assertion_valid_for_ever: with(r#" NotOnOrAfter="2026-11-22T12:05:00Z""#, "") => "conditions-time";
    login_from_the_future: with("11:59:29Z", "12:10:00Z") => "authn-statement";
    session_that_is_over: with(r#"SessionIndex="#, r#"SessionNotOnOrAfter="2026-11-22T11:00:00Z" SessionIndex="#) => "authn-statement";
}

// What an assertion must say.
refused! {
    response_of_another_version: with_first(r#"Version="2.0""#, r#"Version="1.1""#) => "response-version";
    response_without_id: with(r#" ID="_response""#, "") => "response-id";
    assertion_of_another_version: with(r#"ID="_assertion" Version="2.0""#, r#"ID="_assertion" Version="1.1""#) => "assertion-version";
    assertion_without_id: tampered(r#" ID="_assertion""#, "") => "signature-reference";
    name_id_missing: {
        let whole = answer();
        let (start, end) = (whole.find("<saml:NameID").unwrap(), whole.find("<saml:SubjectConfirmation ").unwrap());
        signed(&format!("{}{}", &whole[..start], &whole[end..]))
    } => "name-id";
    name_id_empty: with("_transient <", " <") => "name-id";
    name_id_of_another_format: with("nameid-format:transient", "nameid-format:persistent") => "name-id";
    name_id_without_format: with(r#" Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient""#, "") => "name-id";
    name_id_without_qualifier: with(&format!(r#" NameQualifier="{IDP}""#), "") => "name-id";
    two_name_ids: with("<saml:SubjectConfirmation ", "<saml:NameID>other</saml:NameID><saml:SubjectConfirmation ") => "name-id";
    subject_missing: with("saml:Subject>", "saml:Other>") => "name-id";
    holder_of_key_confirmation: with("cm:bearer", "cm:holder-of-key") => "subject-confirmation";
    two_confirmations: with("</saml:Subject>", r#"<saml:SubjectConfirmation Method="urn:x"/></saml:Subject>"#) => "subject-confirmation";
    condition_that_we_do_not_know: with("</saml:Conditions>", "<saml:Condition/></saml:Conditions>") => "conditions-known";
    conditions_missing: with("saml:Conditions", "saml:Other") => "conditions-time";
    no_authn_statement: with("saml:AuthnStatement", "saml:Other") => "authn-statement";
    two_authn_statements: with("<saml:AttributeStatement>", "<saml:AuthnStatement/><saml:AttributeStatement>") => "authn-statement";
    no_authn_context: with("saml:AuthnContext>", "saml:Other>") => "level";
    level_that_is_none: with("SpidL1", "SpidL4") => "level";
    level_of_another_scheme: with("https://www.spid.gov.it/SpidL1", "urn:oasis:names:tc:SAML:2.0:ac:classes:Password") => "level";
    no_attributes: with("saml:AttributeStatement", "saml:Other") => "attribute-statement";
    attribute_without_value: with("AttributeValue", "Other") => "attribute-statement";
    attribute_without_name: with(r#" Name="fiscalNumber""#, "") => "attribute-statement";
    attribute_of_another_name: with(r#"Name="fiscalNumber""#, r#"Name="fiscalnumber""#) => "fiscal-number";
    fiscal_number_twice: with("</saml:AttributeStatement>", &format!(
        r#"<saml:Attribute Name="fiscalNumber"><saml:AttributeValue>TINIT-{OTHER_CODE}</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>"#)) => "fiscal-number";
    fiscal_number_with_two_values: with("</saml:AttributeValue>",
        &format!("</saml:AttributeValue><saml:AttributeValue>TINIT-{OTHER_CODE}</saml:AttributeValue>")) => "fiscal-number";
    fiscal_number_with_an_element_inside: with(VALUE, "TINIT-RSSMRA80<b/>A01H501U") => "fiscal-number";
    fiscal_number_empty: with(VALUE, "") => "fiscal-number";
    fiscal_number_without_prefix: with(VALUE, CODE) => "fiscal-number";
    fiscal_number_of_a_company: with(VALUE, "VATIT-97735020584") => "fiscal-number";
    fiscal_number_with_a_wrong_check_character: with(VALUE, "TINIT-RSSMRA80A01H501A") => "fiscal-number";
    fiscal_number_followed_by_another: with(VALUE, &format!("{VALUE}{OTHER_CODE}")) => "fiscal-number";
}

// Status.
refused! {
    status_error_with_a_good_assertion: with(SUCCESS, r#"<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"/>"#) => "status";
    status_error_that_nests_success: with(SUCCESS, &format!(r#"<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder">{SUCCESS}</samlp:StatusCode>"#)) => "status";
    status_missing: with(&format!("<samlp:Status>{SUCCESS}</samlp:Status>"), "") => "status";
    status_empty: with(SUCCESS, "") => "status";
    status_code_without_value: with(SUCCESS, "<samlp:StatusCode/>") => "status";
    two_statuses: with("<samlp:Status>", &format!("<samlp:Status>{SUCCESS}</samlp:Status><samlp:Status>")) => "status";
}

#[test]
fn a_reason_is_one_short_line() {
    let refused =
        received(&change(&answer(), "_request", &format!("a&#10;b{}", "c".repeat(9000)))).unwrap_err();
    let said = refused.to_string();
    assert!(
        said.starts_with("response-in-response-to: ") && said.len() < 300 && !said.contains('\n'),
        "{said}"
    );
}

#[test]
fn level_too_low() {
    let sent = SentRequest { level: Level::L2, ..sent() };
    assert_eq!(received_for(&sent, &signed(&answer()), now()).unwrap_err().name(), "level");
}

#[test]
fn a_comment_does_not_cut_the_fiscal_number() {
    for from in ["TINIT-", "RSSMRA", "80A01H501"] {
        let commented = tampered(from, &format!("{from}<!-- cut here -->"));
        assert_eq!(received(&commented).unwrap().person.key(), CODE);
        let commented = with(from, &format!("{from}<!-- cut here -->"));
        assert_eq!(received(&commented).unwrap().person.key(), CODE);
    }
    assert_eq!(received(&tampered("_transient", "_tran<!-- -->sient")).unwrap().name_id, "_transient");
}

#[test]
fn an_answer_of_another_provider_than_the_one_asked() {
    let other = "https://other-idp.example.it";
    let sent = sent();
    let theirs = signed_by(stranger(), &change(&answer(), IDP, other), GOOD, true, false);
    assert_eq!(received_for(&sent, &theirs, now()).unwrap_err().name(), "response-issuer");
    let as_ours = signed_by(stranger(), &answer(), GOOD, true, false);
    assert_eq!(received_for(&sent, &as_ours, now()).unwrap_err().name(), "signature");
    let (us, them) = (us(Level::L1), provider_named(other, stranger()));
    // A caller that mixes the providers up must not let one speak for the other.
    for message in [theirs, as_ours] {
        let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, message);
        assert_eq!(us.check_response(&them, &sent, &base64, now()).unwrap_err().name(), "response-issuer");
    }
}

#[test]
fn the_providers_errors_by_their_code() {
    let errors = [
        ("ErrorCode nr08", SpidError::OurRequest(8)),
        ("ErrorCode nr18", SpidError::OurRequest(18)),
        ("ErrorCode nr19", SpidError::WrongCredentials),
        ("errorcode NR20", SpidError::LevelTooLow),
        (" ErrorCode nr21 ", SpidError::TimedOut),
        ("ErrorCode  nr22", SpidError::ConsentDenied),
        ("ErrorCode nr23: sospesa", SpidError::Suspended),
        ("ErrorCode nr24", SpidError::Other),
        ("ErrorCode nr25", SpidError::Cancelled),
        ("ErrorCode nr30", SpidError::OtherKind),
        ("ErrorCode nr300", SpidError::Other),
        ("nr19", SpidError::Other),
        ("", SpidError::Other),
    ];
    for (message, error) in errors {
        let failed = r#"<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"/></samlp:StatusCode>"#;
        let status = format!("{failed}<samlp:StatusMessage>{message}</samlp:StatusMessage>");
        let xml = change(&answer(), SUCCESS, &status);
        let xml = xml.split("<saml:Assertion").next().map(|head| format!("{head}</samlp:Response>")).unwrap();
        assert_eq!(received(&xml).unwrap_err(), Refusal::Status(error), "{message}");
    }
}

#[test]
fn an_error_for_another_request_is_no_error_of_this_one() {
    let xml =
        change(&answer(), SUCCESS, r#"<samlp:StatusCode Value="urn:x"/>"#).replacen("_request", "_other", 1);
    assert_eq!(refusal(&xml), "response-in-response-to");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_change_of_a_byte_makes_another_citizen(place in 0usize..6000, byte in any::<u8>(), kind in 0u8..3, both: bool) {
        let mut octets = good_answer(both).as_bytes().to_vec();
        let place = place % octets.len();
        match kind {
            0 => octets[place] = byte,
            1 => octets.insert(place, byte),
            _ => drop(octets.remove(place)),
        }
        let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, octets);
        if let Ok(identity) = us(Level::L1).check_response(&provider(), &sent(), &base64, now()) {
            prop_assert_eq!(identity.person.key(), CODE);
            prop_assert_eq!(identity.level, Level::L1);
            prop_assert_eq!(identity.name_id, "_transient");
            prop_assert_eq!(identity.provider, IDP);
            prop_assert_eq!(identity.assertion_id, "_assertion");
            prop_assert_eq!(identity.not_on_or_after, at(300));
        }
    }
}
