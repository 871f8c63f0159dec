//! Text into XML, and a few looks into XML. Nothing else here writes a value into a document unescaped.

use roxmltree::{Document, Node};

/// SAML 2.0 protocol namespace.
pub const SAMLP: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
/// SAML 2.0 assertion namespace.
pub const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
/// SAML 2.0 metadata namespace.
pub const MD: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
/// XML signature namespace.
pub const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
/// `Format` of an `Issuer` (SPID technical rules).
pub const ENTITY: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";
/// `Format` of a `NameID` (SPID technical rules).
pub const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
/// POST binding.
pub const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
/// Redirect binding.
pub const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";

/// `text` as the content of an element or of a quoted attribute.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

/// The first child of `node` with this name.
pub fn child<'a, 'd>(node: Node<'a, 'd>, namespace: &str, name: &str) -> Option<Node<'a, 'd>> {
    children(node, namespace, name).next()
}

/// The children of `node` with this name.
pub fn children<'a, 'd: 'a>(
    node: Node<'a, 'd>,
    namespace: &str,
    name: &str,
) -> impl Iterator<Item = Node<'a, 'd>> {
    node.children().filter(move |n| n.has_tag_name((namespace, name)))
}

/// The text of `node` without the white space around it.
pub fn text(node: Node<'_, '_>) -> String {
    node.text().unwrap_or_default().trim().to_owned()
}

/// Parses a document; a DOCTYPE is an error.
///
/// # Errors
/// When it is not well-formed or has a DOCTYPE.
pub fn parse(xml: &str) -> anyhow::Result<Document<'_>> {
    Ok(Document::parse(xml)?)
}
