//! What stands before any parser: nothing large, deep, encoded otherwise or with a DTD gets to one. The C parser
//! under the signature check sees only what has passed here.

use super::refusal::{Refusal, one_line};
use base64::{Engine, engine::general_purpose::STANDARD};
use roxmltree::{Document, Error, Node, ParsingOptions};

/// Longest message, in octets after decoding. A SPID response with every attribute is about 10 KiB.
pub const MAX_OCTETS: usize = 128 * 1024;
/// Those of a message; a response with a signature has 9 levels.
const MESSAGE: Limits = Limits { octets: MAX_OCTETS, equals: 2048, nodes: 4096, depth: 32 };

/// What a text may cost a parser.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Its length.
    pub octets: usize,
    /// Most signs of equality, so most attributes: a parser compares those of an element with each other.
    pub equals: usize,
    /// Most nodes (elements, texts, comments).
    pub nodes: u32,
    /// Deepest nesting of elements, the document itself counted.
    pub depth: usize,
}

/// Why a text, or what is in it, is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {why}")]
pub struct Unfit {
    /// The name of the rule that it breaks.
    pub rule: &'static str,
    /// What was found.
    pub why: String,
}

/// `why` may quote the text, which may be an attacker's: it is made one short line.
pub fn unfit(rule: &'static str, why: impl ToString) -> Unfit {
    Unfit { rule, why: one_line(&why.to_string()) }
}

impl From<Refusal> for Unfit {
    fn from(refusal: Refusal) -> Self {
        let rule = refusal.name();
        match refusal {
            Refusal::Check { why, .. } | Refusal::NotAResponse { why, .. } => Self { rule, why },
            Refusal::Status { error, .. } => Self { rule, why: error.to_string() },
        }
    }
}

impl From<Unfit> for Refusal {
    fn from(unfit: Unfit) -> Self {
        Self::message(unfit.rule, unfit.why)
    }
}

impl Limits {
    /// Refuses octets that no parser shall see; what it returns has no XML declaration, so that every parser reads
    /// the same UTF-8.
    pub fn admit<'a>(&self, octets: &'a [u8]) -> Result<&'a str, Unfit> {
        if octets.len() > self.octets {
            return Err(unfit("size", format!("more than {} octets", self.octets)));
        }
        let text = std::str::from_utf8(octets).map_err(|e| unfit("utf-8", e))?;
        let text = without_declaration(text.trim_start_matches('\u{feff}').trim())?;
        let lower = text.to_ascii_lowercase();
        if ["<!doctype", "<!entity", "<!element", "<!attlist"].iter().any(|dtd| lower.contains(dtd)) {
            return Err(unfit("doctype", "a document type declaration"));
        }
        if text.contains("<?") {
            return Err(unfit("processing-instruction", "a processing instruction"));
        }
        if text.bytes().filter(|b| *b == b'=').count() > self.equals {
            return Err(unfit("attributes", format!("more than {}", self.equals)));
        }
        Ok(text)
    }

    /// Parses an admitted text, within the limits of nodes and depth.
    pub fn parse<'a>(&self, text: &'a str) -> Result<Document<'a>, Unfit> {
        let options =
            ParsingOptions { allow_dtd: false, nodes_limit: self.nodes, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text, options).map_err(|e| match e {
            Error::NodesLimitReached => unfit("nodes", format!("more than {} nodes", self.nodes)),
            other => unfit("well-formed", other),
        })?;
        // Each node comes after its parent, so one pass is enough however deep it goes.
        let mut depths = Vec::<usize>::new();
        for node in document.descendants() {
            let above = node.parent().and_then(|p| depths.get(p.id().get_usize()).copied()).unwrap_or(0);
            if above >= self.depth {
                return Err(unfit("depth", format!("deeper than {}", self.depth)));
            }
            depths.push(above.saturating_add(1));
        }
        Ok(document)
    }
}

/// Decodes a form field: base64 (line breaks allowed), capped, UTF-8, and fit to be parsed.
pub fn decode(base64: &str) -> Result<String, Refusal> {
    if base64.len() > MAX_OCTETS * 2 {
        return Err(Refusal::message("size", format!("more than {MAX_OCTETS} octets")));
    }
    let dense: String = base64.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let octets = STANDARD.decode(dense).map_err(|e| Refusal::message("base64", e))?;
    admit(octets)
}

/// A message fit to be parsed.
pub fn admit(octets: Vec<u8>) -> Result<String, Refusal> {
    Ok(MESSAGE.admit(&octets)?.to_owned())
}

/// Parses an admitted message.
pub fn parse(text: &str) -> Result<Document<'_>, Refusal> {
    Ok(MESSAGE.parse(text)?)
}

fn without_declaration(text: &str) -> Result<&str, Unfit> {
    let Some(rest) = text.strip_prefix("<?xml") else { return Ok(text) };
    let (declaration, rest) =
        rest.split_once("?>").ok_or_else(|| unfit("well-formed", "an open declaration"))?;
    let lower = declaration.to_ascii_lowercase();
    if lower.contains("encoding") && !lower.contains("utf-8") {
        return Err(unfit("encoding", "an encoding other than UTF-8"));
    }
    Ok(rest.trim_start())
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
