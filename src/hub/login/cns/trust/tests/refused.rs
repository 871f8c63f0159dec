//! Signatures that do not hold, and octets that no parser sees.

use super::*;
use crate::testing::trust::{sign, template};

fn good() -> String {
    draft(1, 2).signed(&SIGNER)
}

/// Our list with another template.
fn with(template: &str) -> String {
    draft(1, 2).xml().replace("{SIGNATURE}", template)
}

/// The signature of a text, and the text without it.
fn cut(text: &str) -> (String, String) {
    let start = text.find("<ds:Signature ").unwrap();
    let end = text.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    (text[start..end].to_owned(), format!("{}{}", &text[..start], &text[end..]))
}

#[test]
fn a_tampered_list() {
    let good = good();
    assert_eq!(names(&verify(&good).unwrap()), ["Issuer 1", "Issuer 2"]);
    for (from, to) in [
        ("Issuer 2", "Issuer 3"),
        ("<TSLSequenceNumber>1<", "<TSLSequenceNumber>2<"),
        ("2027-05-01", "2027-05-02"),
        ("2024-01-01", "2023-01-01"),
        ("</TSPService>", "</TSPService> "),
    ] {
        refused(&change(&good, from, to), "signature");
    }
    let swapped = encode(&ISSUERS[4]);
    refused(&change(&good, &encode(&ISSUERS[0]), &swapped), "signature");
    refused(&change(&good, "2026-11-01T10:00:00Z</xades", "2026-11-02T10:00:00Z</xades"), "signature");
}

fn encode(certificate: &X509) -> String {
    openssl::base64::encode_block(&certificate.to_der().unwrap())
}

#[test]
fn a_strangers_signature() {
    refused(&draft(1, 2).signed(&STRANGER), "signer");
    // He says that our signer made it.
    refused(&sign(&with(&template(&SIGNER.certificate)), &STRANGER), "signature");
    // Ours made it, and says that he did.
    refused(&sign(&with(&template(&STRANGER.certificate)), &SIGNER), "signer");
    let unsigned = draft(1, 2).xml().replace("{SIGNATURE}", "");
    refused(&unsigned, "unsigned");
    refused(&with(&template(&SIGNER.certificate)), "signature-form");
    assert_eq!(TrustList::verify(good().as_bytes(), &[], now()).unwrap_err().rule, "signer");
    let both = [STRANGER.certificate.clone(), SIGNER.certificate.clone()];
    assert!(TrustList::verify(good().as_bytes(), &both, now()).is_ok(), "while the signer changes");
}

/// What the key in the signature says does not matter.
#[test]
fn a_key_that_the_list_brings_along() {
    let info = format!(
        "<ds:SignatureValue/><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
        encode(&STRANGER.certificate)
    );
    let brought = change(&template(&SIGNER.certificate), "<ds:SignatureValue/>", &info);
    refused(&sign(&with(&brought), &STRANGER), "signature");
    assert!(verify(&sign(&with(&brought), &SIGNER)).is_ok());
    let led = change(&brought, "<ds:X509Data>", "<ds:RetrievalMethod URI=\"#list\"/><ds:X509Data>");
    refused(&sign_form(&led), "signature-form");
}

/// As signed, for the form alone: it is judged before any cryptography.
fn sign_form(template: &str) -> String {
    with(template)
        .replace("<ds:DigestValue/>", "<ds:DigestValue>AAAA</ds:DigestValue>")
        .replace("<ds:SignatureValue/>", "<ds:SignatureValue>AAAA</ds:SignatureValue>")
}

const PROPERTIES: &str =
    "<ds:Reference Type=\"http://uri.etsi.org/01903#SignedProperties\" URI=\"#properties\">";

#[test]
fn references_other_than_the_two() {
    let good = template(&SIGNER.certificate);
    let start = good.find(PROPERTIES).unwrap();
    let end = good.rfind("</ds:Reference>").unwrap() + "</ds:Reference>".len();
    let (second, without) = (&good[start..end], format!("{}{}", &good[..start], &good[end..]));
    // Really signed, so that the form alone refuses it.
    refused(&sign(&with(&without), &SIGNER), "signature-reference");
    let third = change(&good, "</ds:SignedInfo>", &format!("{second}</ds:SignedInfo>"));
    refused(&sign(&with(&third), &SIGNER), "signature-reference");
    refused(&sign(&with(&change(&good, "URI=\"\"", "URI=\"#list\"")), &SIGNER), "signature-reference");
    for (from, to) in [
        ("URI=\"#properties\"", "URI=\"#list\""),
        ("URI=\"#properties\"", "URI=\"\""),
        ("Type=\"http://uri.etsi.org/01903#SignedProperties\" ", ""),
        ("URI=\"\"", ""),
    ] {
        refused(&sign_form(&change(&good, from, to)), "signature-reference");
    }
    refused(&sign_form(&change(&good, " Id=\"properties\"", "")), "signature-reference");
}

#[test]
fn algorithms_and_transforms_that_are_not_taken() {
    let good = template(&SIGNER.certificate);
    let (sha256, sha1) = ("xmlenc#sha256\"", "xmldsig#sha1\"");
    let sha1_digest = good.replacen(
        &format!("http://www.w3.org/2001/04/{sha256}"),
        &format!("http://www.w3.org/2000/09/{sha1}"),
        1,
    );
    refused(&sign(&with(&sha1_digest), &SIGNER), "signature-algorithm");
    let rsa_sha1 = change(
        &good,
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    );
    refused(&sign(&with(&rsa_sha1), &SIGNER), "signature-algorithm");
    let hmac = change(&good, "xmldsig-more#rsa-sha256", "xmldsig-more#hmac-sha256");
    refused(&sign_form(&hmac), "signature-algorithm");
    let inclusive = change(
        &good,
        "http://www.w3.org/2001/10/xml-exc-c14n#",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    );
    refused(&sign_form(&inclusive), "signature-algorithm");
    let xslt = change(
        &good,
        "<ds:Transforms>",
        "<ds:Transforms><ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\"/>",
    );
    refused(&sign_form(&xslt), "signature-transform");
    // The digest of the signer's certificate.
    let at = good.find("<xades:CertDigest>").unwrap();
    let weak = format!(
        "{}{}",
        &good[..at],
        good[at..].replacen(
            "http://www.w3.org/2001/04/xmlenc#sha256",
            "http://www.w3.org/2000/09/xmldsig#sha1",
            1
        )
    );
    refused(&sign_form(&weak), "signer");
}

#[test]
fn properties_that_say_no_signer_or_more_than_was_signed() {
    let good = template(&SIGNER.certificate);
    let v1 = good.replace("SigningCertificateV2", "SigningCertificate");
    assert!(verify(&sign(&with(&v1), &SIGNER)).is_ok(), "the older form");
    let start = good.find("<xades:SigningCertificateV2>").unwrap();
    let end = good.find("</xades:SignedSignatureProperties>").unwrap();
    let none = format!("{}{}", &good[..start], &good[end..]);
    refused(&sign(&with(&none), &SIGNER), "signer");
    let both = format!(
        "{}{}{}",
        &good[..end],
        good[start..end].replace("CertificateV2", "Certificate"),
        &good[end..]
    );
    refused(&sign(&with(&both), &SIGNER), "signer");
    for (from, to) in [
        ("</xades:QualifyingProperties>", "<xades:UnsignedProperties/></xades:QualifyingProperties>"),
        ("</ds:Object>", "</ds:Object><ds:Object/>"),
        ("</ds:Object>", "<x/></ds:Object>"),
        ("Target=\"#sig\"", "Target=\"#list\""),
        (" Id=\"sig\"", ""),
    ] {
        refused(&sign_form(&change(&good, from, to)), "signature-form");
    }
    refused(&sign_form(&change(&good, "Id=\"whole\"", "Id=\"properties\"")), "ids-unique");
}

#[test]
fn a_signature_moved_doubled_or_wrapped() {
    let good = good();
    let (signature, bare) = cut(&good);
    refused(
        &change(&bare, "<SchemeInformation>", &format!("{signature}<SchemeInformation>")),
        "signature-place",
    );
    refused(
        &change(&bare, "</SchemeInformation>", &format!("{signature}</SchemeInformation>")),
        "signature-place",
    );
    refused(
        &change(&good, "</TrustServiceStatusList>", "<Extra/></TrustServiceStatusList>"),
        "signature-place",
    );
    refused(&change(&good, "</ds:Signature>", &format!("</ds:Signature>{signature}")), "ids-unique");
    let inside = signature
        .replace("\"sig\"", "\"s2\"")
        .replace("\"properties\"", "\"p2\"")
        .replace("\"whole\"", "\"w2\"");
    let inside = change(&good, "</SchemeInformation>", &format!("{inside}</SchemeInformation>"));
    refused(&inside, "signature-place");
    // The signed list inside another, whose signature is the same.
    let inner = bare.split_once("?>").unwrap().1.trim().to_owned();
    let evil = Draft::of(2, &ISSUERS[3..5]).xml();
    let renamed = change(&evil, "Id=\"list\"", "Id=\"evil\"");
    refused(&renamed.replace("{SIGNATURE}", &signature), "signature");
    refused(&renamed.replace("{SIGNATURE}", &format!("<Hidden>{inner}</Hidden>{signature}")), "signature");
    refused(&renamed.replace("{SIGNATURE}", good.split_once("?>").unwrap().1.trim()), "signature-place");
}

#[test]
fn octets_that_no_parser_sees() {
    let good = good();
    let body = good.split_once("?>").unwrap().1.trim_start();
    refused(&format!("<!DOCTYPE x [<!ENTITY e \"x\">]>{body}"), "doctype");
    refused(&format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>{body}"), "encoding");
    refused(&change(&good, "<SchemeInformation>", "<?x?><SchemeInformation>"), "processing-instruction");
    refused(&(good.clone() + &" ".repeat(8 * 1024 * 1024)), "size");
    let many: String = (0..40_001).map(|n| format!("a{n}='' ")).collect();
    refused(&format!("<x {many}/>"), "attributes");
    refused(&format!("<x>{}</x>", "<y/>".repeat(300_000)), "nodes");
    refused(&format!("{}{}", "<x>".repeat(40), "</x>".repeat(40)), "depth");
    refused("<x/>", "root");
    refused("", "well-formed");
    for part in [2, 3, 10] {
        refused(&good[..good.len() - good.len() / part], "well-formed");
    }
    let other = change(&good, "02231/v2#", "02231/v3#");
    refused(&other, "root");
}

#[test]
fn a_list_past_its_next_update() {
    let good = good();
    let at = |now: &str| TrustList::verify(good.as_bytes(), ours(), now.parse().unwrap());
    assert!(at("2027-05-01T09:59:59Z").is_ok());
    assert_eq!(at("2027-05-01T10:00:00Z").unwrap_err().rule, "expired");
}

/// A comment is no part of what is signed, so anybody can put one in; nothing else is read for it.
#[test]
fn a_comment_changes_nothing() {
    let good = good();
    let text = change(&good, "Issuer 1<", "Issu<!-- 9 -->er 1<");
    let text = change(&text, "<TSLSequenceNumber>1", "<TSLSequenceNumber>1<!-- 2 -->");
    let list = verify(&text).unwrap();
    assert_eq!((names(&list), list.issuers.number), (vec!["Issuer 1", "Issuer 2"], 1));
}
