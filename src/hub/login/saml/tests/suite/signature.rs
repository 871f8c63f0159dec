//! Signatures: who made them, by which algorithm, over what.

use super::{
    super::{
        fixture::*,
        stage::{ASSERTION_MARK, Stage, cut},
    },
    Case, cases,
};
use openssl::{hash::MessageDigest, pkey::PKey, sign::Signer as Mac};

const MORE: &str = "http://www.w3.org/2001/04/xmldsig-more#";
const SHA256: &str = "xmldsig-more#rsa-sha256";
const EXC: &str = r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#;
const METHOD: &str = r#"<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>"#;

/// A stranger signs, and says in KeyInfo what key to use: no signature covers that.
fn with_key_info(s: &Stage, info: &str) -> String {
    let xml = s.signed_with(stranger(), &GOOD.over("#_assertion"));
    change(&xml, "</ds:Signature>", &format!("<ds:KeyInfo>{info}</ds:KeyInfo></ds:Signature>"))
}

/// A stranger's key, as KeyInfo writes it.
fn key_value() -> String {
    let rsa = stranger().key.rsa().unwrap();
    let number = |n: &openssl::bn::BigNumRef| openssl::base64::encode_block(&n.to_vec());
    format!(
        "<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{}</ds:Modulus><ds:Exponent>{}</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>",
        number(rsa.n()),
        number(rsa.e())
    )
}

/// A true HMAC whose secret is the provider's public key: who only looks whether the value fits is deceived.
fn hmac(s: &Stage) -> String {
    let method = METHOD.replace("rsa-sha256", "hmac-sha256");
    let xml = s.tampered(METHOD, &method);
    let (info, _) = cut(&xml, "<ds:SignedInfo>", "</ds:SignedInfo>");
    let canonical =
        info.replace("<ds:SignedInfo>", r#"<ds:SignedInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">"#);
    let canonical = ["CanonicalizationMethod", "SignatureMethod", "Transform", "DigestMethod"]
        .iter()
        .fold(canonical, |text, name| expanded(&text, name));
    let key = PKey::hmac(&idp().certificate.public_key().unwrap().public_key_to_pem().unwrap()).unwrap();
    let mut mac = Mac::new(MessageDigest::sha256(), &key).unwrap();
    mac.update(canonical.as_bytes()).unwrap();
    let (value, _) = cut(&xml, "<ds:SignatureValue>", "</ds:SignatureValue>");
    let made = openssl::base64::encode_block(&mac.sign_to_vec().unwrap());
    change(&xml, &value, &format!("<ds:SignatureValue>{made}</ds:SignatureValue>"))
}

/// Writes an empty element with an end tag, as canonical XML does.
fn expanded(xml: &str, name: &str) -> String {
    let parts: Vec<_> = xml.split(&format!("<ds:{name} ")).collect();
    let closed = |part: &&str| part.replacen("/>", &format!("></ds:{name}>"), 1);
    let head = parts[0].to_owned();
    parts[1..].iter().fold(head, |text, part| format!("{text}<ds:{name} {}", closed(part)))
}

/// What lies in the signature of the assertion, once more.
fn doubled(s: &Stage, start: &str, end: &str) -> String {
    let xml = s.signed();
    let (part, _) = cut(&xml, start, end);
    xml.replacen(&part, &format!("{part}{part}"), 1)
}

fn reference(s: &Stage, uri: &str) -> String {
    s.tampered(r##"URI="#_assertion""##, &format!(r#"URI="{uri}""#))
}

cases! {
    nobody_signed: |s| signed_by(idp(), &s.answer(), GOOD, false, false) => "assertion-signed";
    only_the_response_is_signed: |s| signed_by(idp(), &s.answer(), GOOD, false, true) => "assertion-signed";
    signature_of_another_namespace: |s| s.tampered(r#"xmlns:ds="http://www.w3.org/2000/09/xmldsig#""#, r#"xmlns:ds="http://www.w3.org/2000/09/xmldsig""#) => "assertion-signed";
    fiscal_number_changed_after_signing: |s| s.tampered(CODE, OTHER_CODE) => "signature";
    level_changed_after_signing: |s| s.tampered("SpidL1", "SpidL3") => "signature";
    expiry_changed_after_signing: |s| s.tampered(&s.t(300), &s.t(30_000)) => "signature";
    name_id_changed_after_signing: |s| s.tampered("_transient", "_mine") => "signature";
    space_added_after_signing: |s| s.tampered("</saml:NameID>", " </saml:NameID>") => "signature";
    attribute_added_after_signing: |s| s.tampered("</saml:AttributeStatement>", r#"<saml:Attribute Name="x"><saml:AttributeValue>x</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>"#) => "signature";
    namespace_of_an_attribute_changed_after_signing: |s| s.tampered(r#"<saml:Attribute Name="fiscalNumber">"#, r#"<saml:Attribute xmlns:saml="urn:x" Name="fiscalNumber">"#) => "signature";
    entity_written_out_after_signing: |s| s.tampered("_transient", "_tr&#97;nsient&#32;x") => "signature";
    signed_by_a_stranger: |s| signed_by(stranger(), &s.answer(), GOOD, true, true) => "signature";
    response_signed_by_a_stranger_around_a_good_assertion: |s| {
        let inner = idp().fill(&s.answer().replace(ASSERTION_MARK, &GOOD.over("#_assertion")));
        stranger().fill(&inner.replace("<!--response-->", &GOOD.over("#_response")))
    } => "signature";
    assertion_signed_by_a_stranger_in_a_good_response: |s| {
        let inner = stranger().fill(&s.answer().replace(ASSERTION_MARK, &GOOD.over("#_assertion")));
        idp().fill(&inner.replace("<!--response-->", &GOOD.over("#_response")))
    } => "signature";
    response_changed_under_its_own_signature: |s| change(&signed_by(idp(), &s.answer(), GOOD, true, true), r#"ID="_response""#, r#"ID="_response" Consent="urn:x""#) => "signature";
    certificate_of_a_stranger_in_key_info: |s| with_key_info(s, &format!("<ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data>", stranger().certificate_base64())) => "signature";
    key_of_a_stranger_in_key_info: |s| with_key_info(s, &key_value()) => "signature";
    key_name_in_key_info: |s| with_key_info(s, "<ds:KeyName>stranger</ds:KeyName>") => "signature";
    issuer_and_serial_in_key_info: |s| with_key_info(s, "<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>CN=x</ds:X509IssuerName><ds:X509SerialNumber>1</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data>") => "signature";
    retrieval_method_to_an_address: |s| with_key_info(s, r#"<ds:RetrievalMethod Type="http://www.w3.org/2000/09/xmldsig#rawX509Certificate" URI="http://198.18.0.9/key"/>"#) => "signature-form";
    retrieval_method_into_the_document: |s| with_key_info(s, r##"<ds:RetrievalMethod URI="#_response"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/></ds:Transforms></ds:RetrievalMethod>"##) => "signature-form";
    key_info_reference: |s| with_key_info(s, r##"<dsig11:KeyInfoReference xmlns:dsig11="http://www.w3.org/2009/xmldsig11#" URI="#_response"/>"##) => "signature-form";
    encrypted_key_in_key_info: |s| with_key_info(s, r#"<xenc:EncryptedKey xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"/>"#) => "signature-form";
    signature_value_emptied: |s| {
        let xml = s.signed();
        let (value, _) = cut(&xml, "<ds:SignatureValue>", "</ds:SignatureValue>");
        xml.replace(&value, "<ds:SignatureValue></ds:SignatureValue>")
    } => "signature";
    signature_value_of_another_answer: |s| {
        let (value, _) = cut(&s.another(), "<ds:SignatureValue>", "</ds:SignatureValue>");
        let xml = s.signed();
        let (mine, _) = cut(&xml, "<ds:SignatureValue>", "</ds:SignatureValue>");
        xml.replace(&mine, &value)
    } => "signature";
    sha_1_signature: |s| s.signed_as(Form { method: "http://www.w3.org/2000/09/xmldsig#rsa-sha1", ..GOOD }) => "signature-algorithm";
    sha_1_digest: |s| s.signed_as(Form { digest: "http://www.w3.org/2000/09/xmldsig#sha1", ..GOOD }) => "signature-algorithm";
    sha_224_signature: |s| s.tampered(SHA256, "xmldsig-more#rsa-sha224") => "signature-algorithm";
    sha_3_digest: |s| s.tampered("2001/04/xmlenc#sha256", "2007/05/xmldsig-more#sha3-256") => "signature-algorithm";
    md5_signature: |s| s.tampered(SHA256, "xmldsig-more#rsa-md5") => "signature-algorithm";
    md5_digest: |s| s.tampered("http://www.w3.org/2001/04/xmlenc#sha256", &format!("{MORE}md5")) => "signature-algorithm";
    ripemd_digest: |s| s.tampered("xmlenc#sha256", "xmlenc#ripemd160") => "signature-algorithm";
    dsa_signature: |s| s.tampered("2001/04/xmldsig-more#rsa-sha256", "2009/xmldsig11#dsa-sha256") => "signature-algorithm";
    elliptic_curve_signature: |s| s.tampered(SHA256, "xmldsig-more#ecdsa-sha256") => "signature-algorithm";
    pss_signature: |s| s.tampered("2001/04/xmldsig-more#rsa-sha256", "2007/05/xmldsig-more#sha256-rsa-MGF1") => "signature-algorithm";
    algorithm_in_other_letters: |s| s.tampered(SHA256, "xmldsig-more#RSA-SHA256") => "signature-algorithm";
    algorithm_empty: |s| s.tampered(&format!("{MORE}rsa-sha256"), "") => "signature-algorithm";
    hmac_with_the_public_key: |s| hmac(s) => "signature-algorithm";
    hmac_cut_to_nothing: |s| s.tampered(METHOD, &METHOD.replace("rsa-sha256\"/>", "hmac-sha256\"><ds:HMACOutputLength>0</ds:HMACOutputLength></ds:SignatureMethod>")) => "signature-algorithm";
    no_signature_method: |s| s.tampered(METHOD, "") => "signature-form";
    two_signature_methods: |s| s.tampered(METHOD, &format!("{METHOD}{METHOD}")) => "signature-form";
    no_digest_method: |s| s.tampered(r#"<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>"#, "") => "signature-form";
    no_signed_info: |s| { let xml = s.signed(); cut(&xml, "<ds:SignedInfo>", "</ds:SignedInfo>").1 } => "signature-form";
    two_signed_infos: |s| doubled(s, "<ds:SignedInfo>", "</ds:SignedInfo>") => "signature-form";
    no_signature_value: |s| { let xml = s.signed(); cut(&xml, "<ds:SignatureValue>", "</ds:SignatureValue>").1 } => "signature-form";
    two_signature_values: |s| doubled(s, "<ds:SignatureValue>", "</ds:SignatureValue>") => "signature-form";
    two_key_infos: |s| s.tampered("</ds:SignatureValue>", "</ds:SignatureValue><ds:KeyInfo/><ds:KeyInfo/>") => "signature-form";
    object_in_the_signature: |s| s.tampered("</ds:SignatureValue>", "</ds:SignatureValue><ds:Object><x/></ds:Object>") => "signature-form";
    manifest_in_the_signature: |s| s.tampered("</ds:SignatureValue>", "</ds:SignatureValue><ds:Object><ds:Manifest/></ds:Object>") => "signature-form";
    foreign_element_in_the_signature: |s| s.tampered("<ds:SignedInfo>", r#"<x xmlns="urn:x"/><ds:SignedInfo>"#) => "signature-form";
    inclusive_canonicalisation: |s| s.signed_as(Form { canonicalisation: "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", ..GOOD }) => "signature-algorithm";
    canonicalisation_of_version_1_1: |s| s.tampered("CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"", "CanonicalizationMethod Algorithm=\"http://www.w3.org/2006/12/xml-c14n11\"") => "signature-algorithm";
    canonicalisation_with_comments: |s| s.signed_as(Form { canonicalisation: "http://www.w3.org/2001/10/xml-exc-c14n#WithComments", ..GOOD }) => "signature-algorithm";
    no_canonicalisation: |s| s.tampered(r#"<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#, "") => "signature-form";
    xpath_transform_that_signs_nothing: |s| s.tampered(EXC, r#"<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath>false()</ds:XPath></ds:Transform>"#) => "signature-transform";
    xpath_filter_transform: |s| s.tampered(EXC, r#"<ds:Transform Algorithm="http://www.w3.org/2002/06/xmldsig-filter2"/>"#) => "signature-transform";
    xslt_transform: |s| s.tampered(ENVELOPED, "http://www.w3.org/TR/1999/REC-xslt-19991116") => "signature-transform";
    xslt_program_in_a_transform: |s| s.tampered(EXC, r#"<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"><xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"><xsl:template match="/"><xsl:value-of select="document('file:///etc/passwd')"/></xsl:template></xsl:stylesheet></ds:Transform>"#) => "signature-transform";
    base64_transform: |s| s.tampered(EXC, r#"<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#base64"/>"#) => "signature-transform";
    decryption_transform: |s| s.tampered(EXC, r#"<ds:Transform Algorithm="http://www.w3.org/2002/07/decrypt#XML"/>"#) => "signature-transform";
    program_inside_an_allowed_transform: |s| s.tampered(EXC, r#"<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"><ds:XPath>false()</ds:XPath></ds:Transform>"#) => "signature-transform";
    foreign_element_among_the_transforms: |s| s.tampered("</ds:Transforms>", r#"<x xmlns="urn:x"/></ds:Transforms>"#) => "signature-transform";
    a_transform_of_another_namespace: |s| s.tampered(EXC, r#"<x xmlns="urn:x" Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>"#) => "signature-transform";
    third_transform: |s| s.tampered(EXC, &format!("{EXC}{EXC}")) => "signature-transform";
    transforms_in_the_other_order: |s| s.tampered(&format!(r#"<ds:Transform Algorithm="{ENVELOPED}"/>{EXC}"#), &format!(r#"{EXC}<ds:Transform Algorithm="{ENVELOPED}"/>"#)) => "signature-transform";
    enveloped_transform_alone: |s| s.signed_as(Form { transforms: &[ENVELOPED], ..GOOD }) => "signature-transform";
    canonical_transform_alone: |s| s.tampered(&format!(r#"<ds:Transform Algorithm="{ENVELOPED}"/>"#), "") => "signature-transform";
    no_transforms: |s| { let xml = s.signed(); cut(&xml, "<ds:Transforms>", "</ds:Transforms>").1 } => "signature-transform";
    two_lists_of_transforms: |s| doubled(s, "<ds:Transforms>", "</ds:Transforms>") => "signature-transform";
    reference_to_the_whole_document: |s| s.signed_with(idp(), &GOOD.over("")) => "signature-reference";
    reference_to_the_response_around: |s| s.signed_with(idp(), &GOOD.over("#_response")) => "signature-reference";
    reference_to_a_part_of_the_assertion: |s| idp().fill(&change(&s.answer().replace(ASSERTION_MARK, &GOOD.over("#_subject")), "<saml:Subject>", r#"<saml:Subject ID="_subject">"#)) => "signature-reference";
    reference_by_xpointer: |s| s.signed_with(idp(), &GOOD.over("#xpointer(id('_assertion'))")) => "signature-reference";
    reference_to_the_root_by_xpointer: |s| reference(s, "#xpointer(/)") => "signature-reference";
    reference_to_a_file: |s| reference(s, "file:///etc/passwd") => "signature-reference";
    reference_to_an_address: |s| reference(s, "http://198.18.0.9/x") => "signature-reference";
    reference_without_a_name: |s| reference(s, "#") => "signature-reference";
    reference_in_other_letters: |s| reference(s, "#_ASSERTION") => "signature-reference";
    reference_percent_encoded: |s| reference(s, "#%5Fassertion") => "signature-reference";
    reference_without_the_hash: |s| reference(s, "_assertion") => "signature-reference";
    identifier_of_another_namespace: |s| s.tampered(r#" ID="_assertion""#, r#" saml:ID="_assertion""#) => "signature-reference";
    reference_of_another_namespace: |s| s.tampered(" URI=", " ds:URI=") => "signature-reference";
    algorithm_of_another_namespace: |s| s.tampered("<ds:SignatureMethod Algorithm=", "<ds:SignatureMethod ds:Algorithm=") => "signature-algorithm";
    reference_without_uri: |s| s.tampered(r##" URI="#_assertion""##, "") => "signature-reference";
    no_reference: |s| { let xml = s.signed(); cut(&xml, "<ds:Reference ", "</ds:Reference>").1 } => "signature-reference";
    two_references: |s| doubled(s, "<ds:Reference ", "</ds:Reference>") => "signature-reference";
    second_reference_to_nothing: |s| s.tampered("</ds:SignedInfo>", r#"<ds:Reference URI=""/></ds:SignedInfo>"#) => "signature-reference";
    assertion_without_id: |s| s.tampered(r#" ID="_assertion""#, "") => "signature-reference";
    assertion_with_an_empty_id: |s| reference(s, "#").replace(r#" ID="_assertion""#, r#" ID="""#) => "signature-reference";
    two_signatures_of_the_assertion: |s| doubled(s, "<ds:Signature ", "</ds:Signature>") => "signature-place";
    signature_in_the_status: |s| s.tampered("<samlp:Status>", &format!("<samlp:Status>{}", GOOD.over("#_response"))) => "signature-place";
    signature_in_the_subject: |s| s.tampered("<saml:Subject>", &format!("<saml:Subject>{}", GOOD.over("#_assertion"))) => "signature-place";
    signature_in_the_key_info_of_another: |s| s.tampered("</ds:SignatureValue>", &format!("</ds:SignatureValue><ds:KeyInfo><ds:KeyName>{}</ds:KeyName></ds:KeyInfo>", GOOD.over("#_assertion"))) => "signature-place";
    identifier_twice: |s| s.tampered("<saml:Subject>", r#"<saml:Subject ID="_assertion">"#) => "ids-unique";
    identifier_twice_as_id: |s| s.tampered("<saml:Subject>", r#"<saml:Subject Id="_assertion">"#) => "ids-unique";
    identifier_twice_in_small_letters: |s| s.tampered("<saml:Subject>", r#"<saml:Subject id="_assertion">"#) => "ids-unique";
    identifier_twice_as_xml_id: |s| s.tampered("<saml:Subject>", r#"<saml:Subject xml:id="_assertion">"#) => "ids-unique";
    identifier_twice_with_space: |s| s.tampered("<saml:Subject>", r#"<saml:Subject ID=" _assertion ">"#) => "ids-unique";
    identifier_of_the_response_twice: |s| s.tampered("<saml:Subject>", r#"<saml:Subject ID="_response">"#) => "ids-unique";
}
