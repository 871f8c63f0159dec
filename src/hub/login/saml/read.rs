//! Reading elements of SAML: every value is trimmed (the `collapse` of its XML Schema type), none may be empty.

use jiff::Timestamp;
use roxmltree::Node;

type Name = (&'static str, &'static str);

/// The one child of this name.
pub fn only<'a, 'i>(node: Node<'a, 'i>, name: Name) -> Result<Node<'a, 'i>, String> {
    optional(node, name)?.ok_or_else(|| format!("{} is missing", name.1))
}

/// The child of this name, of which there is at most one.
pub fn optional<'a, 'i>(node: Node<'a, 'i>, name: Name) -> Result<Option<Node<'a, 'i>>, String> {
    let mut found = node.children().filter(|child| child.has_tag_name(name));
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(format!("there is more than one {}", name.1)),
        (first, None) => Ok(first),
    }
}

/// All the text of an element that has no elements inside. A comment splits the text for some parsers, and then
/// reading the first piece alone would let anybody cut the value short; here the pieces are joined.
pub fn text(node: Node<'_, '_>) -> Result<String, String> {
    let name = node.tag_name().name();
    if node.children().any(|child| child.is_element()) {
        return Err(format!("{name} has elements inside"));
    }
    let joined: String = node.children().filter(Node::is_text).filter_map(|child| child.text()).collect();
    let trimmed = joined.trim();
    if trimmed.is_empty() { Err(format!("{name} is empty")) } else { Ok(trimmed.to_owned()) }
}

/// The text of the one child of this name.
pub fn text_of(node: Node<'_, '_>, name: Name) -> Result<String, String> {
    only(node, name).and_then(text)
}

/// The attribute of this name as SAML has it, without a namespace: asking the parser by name alone finds `x:Destination` too.
pub fn plain<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attributes().find(|a| a.namespace().is_none() && a.name() == name).map(|a| a.value())
}

/// An attribute that must be there and not empty.
pub fn attribute<'a>(node: Node<'a, '_>, name: &str) -> Result<&'a str, String> {
    let value = plain(node, name).map(str::trim).unwrap_or_default();
    if value.is_empty() { Err(format!("{name} is missing or empty")) } else { Ok(value) }
}

/// Says so when an attribute is not what it must be.
pub fn is(node: Node<'_, '_>, name: &str, expected: &str) -> Result<(), String> {
    let value = attribute(node, name)?;
    if value == expected { Ok(()) } else { Err(format!("{name} is `{value}`, not `{expected}`")) }
}

/// An instant in UTC, written with `Z` (SAML Core 1.3.3), with or without a fraction.
pub fn instant(node: Node<'_, '_>, name: &str) -> Result<Timestamp, String> {
    let value = attribute(node, name)?;
    let wrong = || format!("{name} `{value}` is not an instant in UTC");
    let seconds = value.strip_suffix('Z').ok_or_else(wrong)?;
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let form = whole.len() == 19
        && whole
            .bytes()
            .zip(*b"0000-00-00T00:00:00")
            .all(|(c, f)| if f == b'0' { c.is_ascii_digit() } else { c == f });
    // How many digits there may be is the parser's to say: one to nine.
    let digits = fraction.bytes().all(|b| b.is_ascii_digit());
    if form && digits { value.parse().map_err(|_| wrong()) } else { Err(wrong()) }
}
