//! Writing XML: a tree of elements that escapes whatever it is given.

/// An element being written. Names are ours, so they are static; values may be anybody's, so they are escaped.
#[derive(Debug, Clone)]
pub struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    content: Vec<Content>,
}

#[derive(Debug, Clone)]
enum Content {
    Element(Element),
    Text(String),
}

/// An empty element; `name` carries its prefix.
pub const fn element(name: &'static str) -> Element {
    Element { name, attributes: Vec::new(), content: Vec::new() }
}

impl Element {
    /// Adds an attribute or a namespace declaration.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    /// Adds an element inside.
    pub fn child(mut self, child: Self) -> Self {
        self.content.push(Content::Element(child));
        self
    }

    /// Adds elements inside.
    pub fn children(self, children: impl IntoIterator<Item = Self>) -> Self {
        children.into_iter().fold(self, Self::child)
    }

    /// Adds text.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.content.push(Content::Text(text.into()));
        self
    }

    /// The element as XML, without a declaration.
    pub fn to_xml(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        out.push('<');
        out.push_str(self.name);
        for (name, value) in &self.attributes {
            out.push(' ');
            out.push_str(name);
            out.push_str("=\"");
            escape(value, out);
            out.push('"');
        }
        if self.content.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        self.content.iter().for_each(|content| content.write(out));
        out.push_str("</");
        out.push_str(self.name);
        out.push('>');
    }
}

impl Content {
    fn write(&self, out: &mut String) {
        match self {
            Self::Element(element) => element.write(out),
            Self::Text(text) => escape(text, out),
        }
    }
}

/// One escape for text and attributes: whitespace survives attribute normalisation, and a character that XML
/// cannot hold at all becomes U+FFFD rather than a broken document.
fn escape(value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_the_same() {
        let hostile = "a\"b<c>&d]]>'\t\r\n</x>é";
        let xml = element("x").with("a", hostile).child(element("y").text(hostile)).to_xml();
        let document = roxmltree::Document::parse(&xml).unwrap();
        let root = document.root_element();
        assert_eq!(root.attribute("a"), Some(hostile));
        assert_eq!(root.first_element_child().and_then(|y| y.text()), Some(hostile));
    }

    #[test]
    fn a_character_that_xml_cannot_hold_is_replaced() {
        assert_eq!(element("x").text("a\0b\u{1f}").to_xml(), "<x>a\u{fffd}b\u{fffd}</x>");
    }
}
