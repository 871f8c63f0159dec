//! What stands before any parser: nothing large, deep, encoded otherwise or with a DTD gets to one. The C parser
//! under the signature check sees only what has passed here.

use super::refusal::Refusal;
use base64::{Engine, engine::general_purpose::STANDARD};
use roxmltree::{Document, Node, ParsingOptions};

/// Longest message, in octets after decoding. A SPID response with every attribute is about 10 KiB.
pub const MAX_OCTETS: usize = 128 * 1024;
/// Most nodes (elements, texts, comments) of a message.
const MAX_NODES: u32 = 4096;
/// Most signs of equality, so most attributes: a parser compares those of an element with each other.
const MAX_EQUALS: usize = 2048;
/// Deepest nesting of elements; a response with a signature has 9.
const MAX_DEPTH: usize = 32;

/// Decodes a form field: base64 (line breaks allowed), capped, UTF-8, and fit to be parsed.
pub fn decode(base64: &str) -> Result<String, Refusal> {
    if base64.len() > MAX_OCTETS * 2 {
        return Err(Refusal::message("size", format!("more than {MAX_OCTETS} octets")));
    }
    let dense: String = base64.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let octets = STANDARD.decode(dense).map_err(|e| Refusal::message("base64", e))?;
    admit(octets)
}

/// Refuses octets that no parser shall see; what it returns has no XML declaration, so that every parser reads
/// the same UTF-8.
pub fn admit(octets: Vec<u8>) -> Result<String, Refusal> {
    if octets.len() > MAX_OCTETS {
        return Err(Refusal::message("size", format!("more than {MAX_OCTETS} octets")));
    }
    let text = String::from_utf8(octets).map_err(|e| Refusal::message("utf-8", e))?;
    let text = without_declaration(text.trim_start_matches('\u{feff}').trim())?;
    let lower = text.to_ascii_lowercase();
    if ["<!doctype", "<!entity", "<!element", "<!attlist"].iter().any(|dtd| lower.contains(dtd)) {
        return Err(Refusal::message("doctype", "a document type declaration"));
    }
    if text.contains("<?") {
        return Err(Refusal::message("processing-instruction", "a processing instruction"));
    }
    if text.bytes().filter(|b| *b == b'=').count() > MAX_EQUALS {
        return Err(Refusal::message("attributes", format!("more than {MAX_EQUALS}")));
    }
    Ok(text.to_owned())
}

fn without_declaration(text: &str) -> Result<&str, Refusal> {
    let Some(rest) = text.strip_prefix("<?xml") else { return Ok(text) };
    let (declaration, rest) =
        rest.split_once("?>").ok_or_else(|| Refusal::message("well-formed", "an open declaration"))?;
    let lower = declaration.to_ascii_lowercase();
    if lower.contains("encoding") && !lower.contains("utf-8") {
        return Err(Refusal::message("encoding", "an encoding other than UTF-8"));
    }
    Ok(rest.trim_start())
}

/// Parses an admitted text, within limits of nodes and depth.
pub fn parse(text: &str) -> Result<Document<'_>, Refusal> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|e| match e {
        roxmltree::Error::NodesLimitReached => {
            Refusal::message("nodes", format!("more than {MAX_NODES} nodes"))
        }
        other => Refusal::message("well-formed", other),
    })?;
    match document.descendants().map(|n| n.ancestors().count()).max() {
        Some(depth) if depth > MAX_DEPTH => {
            Err(Refusal::message("depth", format!("deeper than {MAX_DEPTH}")))
        }
        _ => Ok(document),
    }
}

/// The root element, when it is this one and the only one of its name.
pub fn root<'a, 'i>(
    document: &'a Document<'i>,
    name: (&'static str, &'static str),
) -> Result<Node<'a, 'i>, Refusal> {
    let root = document.root_element();
    if !root.has_tag_name(name) {
        return Err(Refusal::message("root", format!("the root is no {}", name.1)));
    }
    match document.descendants().filter(|n| n.has_tag_name(name)).count() {
        1 => Ok(root),
        n => Err(Refusal::message("one-root", format!("{n} elements {}", name.1))),
    }
}
