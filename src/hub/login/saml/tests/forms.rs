//! What never reaches the C parser.

use super::{super::guard, fixture::*};

fn refused(octets: &[u8]) -> &'static str {
    guard::admit(octets.to_vec()).and_then(|text| guard::parse(&text).map(drop)).unwrap_err().name()
}

#[test]
fn base64_that_is_none() {
    assert_eq!(guard::decode("PHgv*").unwrap_err().name(), "base64");
    assert_eq!(guard::decode("").and_then(|t| guard::parse(&t).map(drop)).unwrap_err().name(), "well-formed");
}

#[test]
fn base64_with_line_breaks_is_fine() {
    assert_eq!(guard::decode("PHgv\r\n Pg==\n").unwrap(), "<x/>");
}

#[test]
fn a_message_too_long() {
    assert_eq!(refused(format!("<x>{}</x>", "a".repeat(guard::MAX_OCTETS)).as_bytes()), "size");
    assert_eq!(guard::decode(&"A".repeat(guard::MAX_OCTETS * 4)).unwrap_err().name(), "size");
}

/// At each limit, and one above it.
#[test]
fn the_limits_are_what_they_say() {
    let text = |octets: usize| format!("<x>{}</x>", "a".repeat(octets - 7)).into_bytes();
    let taken = |octets: Vec<u8>| guard::admit(octets).and_then(|text| guard::parse(&text).map(drop));
    assert_eq!(taken(text(128 * 1024)), Ok(()));
    assert_eq!(refused(&text(128 * 1024 + 1)), "size");
    let field = |length: usize| format!("PHgvPg=={}", " ".repeat(length - 8));
    assert_eq!(guard::decode(&field(256 * 1024)).unwrap(), "<x/>");
    assert_eq!(guard::decode(&field(256 * 1024 + 1)).unwrap_err().name(), "size");
    let deep = |levels: usize| ("<x>".repeat(levels) + &"</x>".repeat(levels)).into_bytes();
    // The document itself counts as one.
    assert_eq!(taken(deep(31)), Ok(()));
    assert_eq!(refused(&deep(32)), "depth");
    let equals = |count: usize| format!("<x>{}</x>", "=".repeat(count)).into_bytes();
    assert_eq!(taken(equals(2048)), Ok(()));
    assert_eq!(refused(&equals(2049)), "attributes");
}

#[test]
fn octets_that_are_no_utf_8() {
    assert_eq!(refused(b"<x>\xff</x>"), "utf-8");
    let utf_16: Vec<u8> = "\u{feff}<x/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(refused(&utf_16), "utf-8");
}

#[test]
fn a_declared_encoding_that_parsers_would_read_differently() {
    assert_eq!(refused(b"<?xml version='1.0' encoding='UTF-7'?><x/>"), "encoding");
    assert_eq!(refused(b"<?xml version='1.0' encoding='ISO-8859-1'?><x/>"), "encoding");
    assert_eq!(refused(b"<?xml version='1.0' encoding='utf-8'"), "well-formed");
}

#[test]
fn a_nul_or_control_character() {
    assert_eq!(refused(b"<x>\0</x>"), "well-formed");
    assert_eq!(refused(b"<x>\x01</x>"), "well-formed");
}

#[test]
fn doctype_xxe() {
    assert_eq!(refused(b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>"), "doctype");
    assert_eq!(
        refused(b"<?xml version='1.0'?>\n<!doctype x SYSTEM 'http://198.18.0.9/x.dtd'><x/>"),
        "doctype"
    );
}

#[test]
fn doctype_billion_laughs() {
    assert_eq!(refused(b"<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><x>&b;</x>"), "doctype");
}

#[test]
fn an_entity_nobody_declared() {
    assert_eq!(refused(b"<x>&e;</x>"), "well-formed");
}

#[test]
fn a_processing_instruction() {
    assert_eq!(refused(b"<x><?xml-stylesheet href='a'?></x>"), "processing-instruction");
}

#[test]
fn nesting_too_deep() {
    assert_eq!(refused(("<x>".repeat(40) + &"</x>".repeat(40)).as_bytes()), "depth");
    let deepest = "<x>".repeat(20_000);
    assert!(["nodes", "well-formed"].contains(&refused(deepest.as_bytes())));
}

#[test]
fn elements_too_many() {
    assert_eq!(refused(format!("<x>{}</x>", "<y/>".repeat(5000)).as_bytes()), "nodes");
}

#[test]
fn text_after_the_root() {
    assert_eq!(refused(b"<x/>a"), "well-formed");
    assert_eq!(refused(b"<x/><x/>"), "well-formed");
}

#[test]
fn a_root_that_is_no_response() {
    assert_eq!(refusal("<x/>"), "root");
    assert_eq!(refusal("<Response/>"), "root");
}

#[test]
fn a_bare_signed_assertion() {
    let whole = signed(&answer());
    let start = whole.find("<saml:Assertion").unwrap();
    let end = whole.find("</samlp:Response>").unwrap();
    assert_eq!(refusal(&whole[start..end]), "root");
}
