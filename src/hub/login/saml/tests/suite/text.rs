//! Octets and text: what never reaches the C parser, and what two parsers might read differently.

use super::{
    super::{fixture::*, stage::Stage},
    Case, cases,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE},
};
use flate2::{Compression, write::DeflateEncoder};
use std::io::Write;

fn doctype(s: &Stage, text: &str) -> String {
    format!("{text}{}", s.signed())
}

fn declared(s: &Stage, declaration: &str) -> String {
    format!("<?xml {declaration}?>{}", s.signed())
}

fn utf_16(s: &Stage, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    format!("\u{feff}{}", s.signed()).encode_utf16().flat_map(bytes).collect()
}

/// The response with something in its Extensions, which nobody reads.
fn extended(s: &Stage, content: &str) -> String {
    s.tampered("<samlp:Status>", &format!("<samlp:Extensions>{content}</samlp:Extensions><samlp:Status>"))
}

fn octets(s: &Stage, from: &str, to: &[u8]) -> Vec<u8> {
    let xml = s.signed();
    let at = xml.find(from).unwrap();
    [&xml.as_bytes()[..at], to, &xml.as_bytes()[at + from.len()..]].concat()
}

fn deflated(octets: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(octets).unwrap();
    encoder.finish().unwrap()
}

cases! {
    doctype_alone: |s| doctype(s, "<!DOCTYPE Response>") => "doctype";
    doctype_in_other_letters: |s| doctype(s, "<!dOcTyPe Response>") => "doctype";
    doctype_after_a_declaration: |s| doctype(s, "<?xml version='1.0'?>\n<!DOCTYPE Response>") => "doctype";
    doctype_after_a_mark: |s| doctype(s, "\u{feff}<!DOCTYPE Response>") => "doctype";
    doctype_with_an_external_subset: |s| doctype(s, "<!DOCTYPE Response SYSTEM 'http://198.18.0.9/x.dtd'>") => "doctype";
    doctype_that_reads_a_file: |s| doctype(s, "<!DOCTYPE Response [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>").replace("_transient", "&e;") => "doctype";
    doctype_with_a_parameter_entity: |s| doctype(s, "<!DOCTYPE Response [<!ENTITY % p SYSTEM 'http://198.18.0.9/x'> %p;]>") => "doctype";
    doctype_that_makes_an_identifier: |s| doctype(s, "<!DOCTYPE Response [<!ATTLIST saml:Subject x ID #IMPLIED>]>") => "doctype";
    doctype_billion_laughs: |s| doctype(s, "<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'><!ENTITY c '&b;&b;&b;'>]>").replace("_transient", "&c;") => "doctype";
    doctype_quadratic: |s| doctype(s, &format!("<!DOCTYPE x [<!ENTITY a '{}'>]>", "a".repeat(10_000))) => "doctype";
    doctype_inside_a_comment: |s| extended(s, "<!-- <!DOCTYPE x> -->") => "doctype";
    entity_declared_in_the_middle: |s| extended(s, "<!ENTITY a 'b'>") => "doctype";
    entity_that_nobody_declared: |s| s.tampered("_transient", "&mario;") => "well-formed";
    character_that_xml_cannot_hold: |s| s.tampered("_transient", "&#1;") => "well-formed";
    nul_as_a_reference: |s| s.tampered("_transient", "&#0;") => "well-formed";
    nul_in_the_text: |s| s.tampered("_transient", "_tran\0sient") => "well-formed";
    processing_instruction: |s| extended(s, "<?xml-stylesheet href='http://198.18.0.9/x'?>") => "processing-instruction";
    processing_instruction_in_a_value: |s| s.tampered("_transient", "_tran<?x?>sient") => "processing-instruction";
    processing_instruction_that_the_provider_signed: |s| s.with(CODE, "RSSMRA80A01<?x?>H501U") => "processing-instruction";
    second_declaration: |s| format!("<?xml version='1.0'?><?xml version='1.0'?>{}", s.signed()) => "processing-instruction";
    declaration_that_does_not_end: |s| format!("<?xml version='1.0' {}", s.signed()) => "well-formed";
    encoding_of_latin_letters: |s| declared(s, "version='1.0' encoding='ISO-8859-1'") => "encoding";
    encoding_of_seven_bits: |s| declared(s, "version='1.0' encoding='UTF-7'") => "encoding";
    encoding_of_sixteen_bits: |s| declared(s, "version='1.0' encoding='UTF-16'") => "encoding";
    encoding_of_big_machines: |s| declared(s, "version='1.0' encoding='IBM037'") => "encoding";
    utf_16_little_endian: |s| utf_16(s, u16::to_le_bytes) => "utf-8";
    utf_16_big_endian: |s| utf_16(s, u16::to_be_bytes) => "utf-8";
    utf_7_with_its_mark: |s| [b"+/v8-".as_slice(), s.signed().as_bytes()].concat() => "well-formed";
    utf_8_longer_than_needed: |s| octets(s, "_transient", b"_tran\xc0\xaf") => "utf-8";
    utf_8_of_a_surrogate: |s| octets(s, "_transient", b"_tran\xed\xa0\x80") => "utf-8";
    utf_8_cut_short: |s| octets(s, "_transient", b"_tran\xc3") => "utf-8";
    octet_of_latin_letters: |s| octets(s, "_transient", b"_tr\xe0nsient") => "utf-8";
    message_too_long: |s| extended(s, &"a".repeat(130 * 1024)) => "size";
    message_too_deep: |s| extended(s, &format!("{}{}", "<x>".repeat(40), "</x>".repeat(40))) => "depth";
    message_far_too_deep: |s| extended(s, &"<x>".repeat(20_000)) => "nodes";
    nodes_too_many: |s| extended(s, &"<x/>".repeat(5000)) => "nodes";
    comments_too_many: |s| extended(s, &"<!---->".repeat(5000)) => "nodes";
    attributes_too_many: |s| extended(s, &format!("<x {}/>", (0..9000).map(|n| format!("a{n}='' ")).collect::<String>())) => "attributes";
    namespaces_too_many: |s| extended(s, &format!("<x {}/>", (0..4000).map(|n| format!("xmlns:a{n}='b' ")).collect::<String>())) => "attributes";
    attribute_twice: |s| s.tampered(r#"ID="_assertion""#, r#"ID="_assertion" ID="_other""#) => "well-formed";
    prefix_that_nobody_bound: |s| s.tampered("saml:Audience>", "other:Audience>") => "well-formed";
    text_after_the_response: |s| format!("{}x", s.signed()) => "well-formed";
    second_response_after_the_first: |s| format!("{0}{0}", s.signed()) => "well-formed";
    response_cut_short: |s| s.signed().drain(..2000).collect::<String>() => "well-formed";
    cdata_that_does_not_end: |s| s.tampered("_transient", "<![CDATA[_transient") => "well-formed";
    response_of_no_namespace: |_s| "<Response/>" => "root";
    response_of_saml_1: |s| s.signed().replace("urn:oasis:names:tc:SAML:2.0:protocol", "urn:oasis:names:tc:SAML:1.0:protocol") => "root";
    response_in_other_letters: |s| s.signed().replace("samlp:Response", "samlp:response") => "root";
    response_of_the_namespace_of_assertions: |s| s.signed().replace(r#"xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol""#, r#"xmlns:samlp="urn:oasis:names:tc:SAML:2.0:assertion""#) => "root";
    request_instead_of_a_response: |s| s.signed().replace("samlp:Response", "samlp:AuthnRequest") => "root";
    artifact_response: |s| s.signed().replace("samlp:Response", "samlp:ArtifactResponse") => "root";
    logout_response: |s| s.signed().replace("samlp:Response", "samlp:LogoutResponse") => "root";
    page_of_html: |s| format!("<html><body>{}</body></html>", s.request) => "root";
    cdata_with_markup_that_the_provider_signed: |s| s.with(CODE, "<![CDATA[RSSMRA80A01H501U</saml:AttributeValue>]]>") => "fiscal-number";
    message_of_json: |s| format!("{{\"id\":\"{}\"}}", s.request) => "well-formed";
}

/// The field itself, where it is no plain base64 of XML.
pub const FIELDS: &[Case] = &[
    Case {
        attack: "field_of_the_alphabet_for_addresses",
        field: |s| format!("-_{}", URL_SAFE.encode(s.signed())),
        refusal: "base64",
    },
    Case { attack: "field_without_padding", field: |s| STANDARD_NO_PAD.encode(padded(s)), refusal: "base64" },
    Case {
        attack: "field_with_too_much_padding",
        field: |s| format!("{}==", STANDARD_NO_PAD.encode(whole(s))),
        refusal: "base64",
    },
    Case {
        attack: "field_with_padding_inside",
        field: |s| format!("PHg=PHg={}", STANDARD.encode(s.signed())),
        refusal: "base64",
    },
    Case {
        attack: "field_percent_encoded_once_more",
        field: |s| STANDARD.encode(padded(s)).replace('=', "%3D"),
        refusal: "base64",
    },
    Case {
        attack: "field_encoded_twice",
        field: |s| STANDARD.encode(STANDARD.encode(s.signed())),
        refusal: "well-formed",
    },
    Case { attack: "field_of_bare_xml", field: Stage::signed, refusal: "base64" },
    Case {
        attack: "field_with_a_nul",
        field: |s| format!("{}\0", STANDARD.encode(s.signed())),
        refusal: "base64",
    },
    Case {
        attack: "field_with_a_letter_of_another_script",
        field: |s| format!("{}é", STANDARD.encode(s.signed())),
        refusal: "base64",
    },
    Case {
        attack: "field_with_a_space_of_another_script",
        field: |s| format!("{}\u{a0}", STANDARD.encode(s.signed())),
        refusal: "base64",
    },
    Case { attack: "field_with_bits_to_spare", field: |s| spare(s), refusal: "base64" },
    Case {
        attack: "field_too_long",
        field: |s| format!("{}{}", STANDARD.encode(s.signed()), " ".repeat(300 * 1024)),
        refusal: "size",
    },
    Case {
        attack: "field_deflated",
        field: |s| STANDARD.encode(deflated(s.signed().as_bytes())),
        refusal: "utf-8",
    },
    Case {
        attack: "field_that_would_inflate_to_a_bomb",
        field: |_| STANDARD.encode([b"\xff".as_slice(), &deflated(&vec![b' '; 20 << 20])].concat()),
        refusal: "utf-8",
    },
];

/// A message whose base64 ends in padding.
fn padded(s: &Stage) -> String {
    let xml = whole(s);
    format!("{xml} ")
}

/// A message whose base64 needs none.
fn whole(s: &Stage) -> String {
    let xml = s.signed();
    let missing = (3 - xml.len() % 3) % 3;
    format!("{xml}{}", " ".repeat(missing))
}

/// A message whose last character of base64 says more than its octets.
fn spare(s: &Stage) -> String {
    let field = STANDARD.encode(padded(s));
    let kept = field.trim_end_matches('=');
    let (rest, _) = kept.split_at(kept.len() - 1);
    format!("{rest}B==")
}
