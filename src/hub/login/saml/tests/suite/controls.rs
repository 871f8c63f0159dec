//! What SPID allows is accepted: a suite that refuses everything proves nothing.

use super::{
    super::{
        fixture::*,
        stage::{ASSERTION_ISSUED, ASSERTION_MARK, RESPONSE_ISSUED, Stage},
    },
    Control,
};
use base64::{Engine, engine::general_purpose::STANDARD};

const FORMAT: &str = r#" Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity""#;
const AUDIENCE: &str = "<saml:Audience>https://accesso.comune.example.it</saml:Audience>";
const EXC: &str = r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#;

fn hashed(s: &Stage, method: &'static str, digest: &'static str) -> String {
    signed_by(idp(), &s.answer(), Form { method, digest, ..GOOD }, true, true)
}

fn with_key_info(s: &Stage, info: &str) -> String {
    let template = change(
        &GOOD.over("#_assertion"),
        "</ds:Signature>",
        &format!("<ds:KeyInfo>{info}</ds:KeyInfo></ds:Signature>"),
    );
    s.signed_with(idp(), &template)
}

fn commented(s: &Stage, place: &str) -> String {
    s.tampered(place, &format!("{place}<!-- cut here -->"))
}

macro_rules! controls {
    ($($name:ident: |$s:ident| $message:expr;)*) => {
        pub const CONTROLS: &[Control] = &[$(Control {
            name: stringify!($name),
            field: |$s| STANDARD.encode($message),
        }),*];
    };
}

controls! {
    assertion_signed: |s| s.signed();
    assertion_and_response_signed: |s| signed_by(idp(), &s.answer(), GOOD, true, true);
    hash_of_384_bits: |s| hashed(s, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", "http://www.w3.org/2001/04/xmldsig-more#sha384");
    hash_of_512_bits: |s| hashed(s, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", "http://www.w3.org/2001/04/xmlenc#sha512");
    signed_by_another_program: |s| idp().fill_with_program(&s.answer().replace(ASSERTION_MARK, &GOOD.over("#_assertion")).replace("<!--response-->", ""), "Assertion");
    certificate_in_key_info: |s| with_key_info(s, &format!("<ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data>", idp().certificate_base64()));
    certificate_of_a_stranger_in_key_info_is_not_read: |s| with_key_info(s, &format!("<ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data>", stranger().certificate_base64()));
    empty_certificate_in_key_info: |s| with_key_info(s, "<ds:X509Data><ds:X509Certificate/></ds:X509Data>");
    key_name_in_key_info: |s| with_key_info(s, "<ds:KeyName>idp</ds:KeyName>");
    prefixes_kept_by_the_signature: |s| s.signed_with(idp(), &change(&GOOD.over("#_assertion"), EXC, r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"><ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="xs xsi"/></ds:Transform>"#));
    declaration_and_space_around: |s| format!("\n<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", s.signed());
    declaration_without_encoding: |s| format!("<?xml version='1.0'?>{}", s.signed());
    mark_of_utf_8: |s| format!("\u{feff}{}", s.signed());
    issuer_of_the_response_without_format: |s| s.with_first(FORMAT, "");
    instants_with_a_fraction: |s| s.with(&s.t(ASSERTION_ISSUED), &s.t(ASSERTION_ISSUED).replace('Z', ".123Z"));
    response_of_fifty_seconds_to_come: |s| s.at(RESPONSE_ISSUED, 50);
    level_two: |s| s.with("SpidL1", "SpidL2");
    level_three: |s| s.with("SpidL1", "SpidL3");
    no_session_index: |s| s.with(r#" SessionIndex="_session""#, "");
    more_attributes_than_asked: |s| s.with("<saml:AttributeStatement>", r#"<saml:AttributeStatement><saml:Attribute Name="spidCode"><saml:AttributeValue>PROV0123456789</saml:AttributeValue></saml:Attribute><saml:Attribute Name="name"><saml:AttributeValue>Mario</saml:AttributeValue></saml:Attribute>"#);
    comment_in_the_fiscal_number_after_signing: |s| commented(s, "RSSMRA80");
    comment_in_the_fiscal_number_before_signing: |s| s.with("TINIT-", "TINIT-<!-- cut here -->");
    comment_in_the_name: |s| commented(s, "_tran");
    characters_by_their_number: |s| s.with("TINIT-R", "TINIT-&#82;");
    cdata_in_a_value: |s| s.with("TINIT-RSSMRA80A01H501U", "<![CDATA[TINIT-RSSMRA80A01H501U]]>");
    audience_beside_another: |s| s.with(AUDIENCE, &format!("<saml:Audience>https://other.example.it</saml:Audience>{AUDIENCE}"));
    two_restrictions_to_us: |s| s.with("</saml:Conditions>", &format!("<saml:AudienceRestriction>{AUDIENCE}</saml:AudienceRestriction></saml:Conditions>"));
    one_time_use: |s| s.with("</saml:Conditions>", "<saml:OneTimeUse/></saml:Conditions>");
    fiscal_number_in_small_letters: |s| s.with("TINIT-RSSMRA80A01H501U", "tinit-rssmra80a01h501u");
    default_namespace_of_the_assertion: |s| s.signed_with(idp(), &GOOD.over("#_assertion").replace("ds:", "").replace("xmlns:ds", "xmlns").replace("<Signature xmlns:ds", "<Signature xmlns"));
    extensions_that_nobody_reads: |s| s.tampered("<samlp:Status>", "<samlp:Extensions><x/></samlp:Extensions><samlp:Status>");
    answer_of_a_hundred_thousand_octets: |s| s.tampered("<samlp:Status>", &format!("<samlp:Extensions>{}</samlp:Extensions><samlp:Status>", "a".repeat(100_000)));
    namespace_that_no_name_uses_bound_after_signing: |s| s.tampered("<saml:AttributeStatement>", r#"<saml:AttributeStatement xmlns:xs="urn:x">"#);
}
