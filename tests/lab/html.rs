//! Forms and links of a page, as a browser without JavaScript sees them.

/// A form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// Where it goes, as written; empty for the page's own address.
    pub action: String,
    /// Whether it is posted.
    pub post: bool,
    /// Whether it is sent in parts, since it may hold files.
    pub parts: bool,
    /// Its fields in order.
    pub fields: Vec<Field>,
}

/// A field of a form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Field {
    /// Name; empty for a field that is not sent.
    pub name: String,
    /// Value.
    pub value: String,
    /// `text`, `hidden`, `password`, `checkbox`, `radio`, `submit`, `select`…
    pub kind: String,
    /// Ticked, or the selected one.
    pub checked: bool,
}

/// What can be acted upon in a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Forms in order.
    pub forms: Vec<Form>,
    /// Targets of links in order.
    pub links: Vec<String>,
    /// Text of the title.
    pub title: String,
}

impl Form {
    /// Whether it has a field of this name.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|f| f.name == name)
    }

    /// The first field of this kind.
    pub fn kind(&self, kind: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.kind == kind)
    }

    /// What is sent when it is filled in with `values` and its first button (or the one of that name and value
    /// in `values`) is pressed. Every box is ticked.
    pub fn filled(&self, values: &[(&str, &str)]) -> Vec<(String, String)> {
        let given = |f: &Field| values.iter().find(|(n, _)| *n == f.name).map(|(_, v)| (*v).to_owned());
        let mut pressed = false;
        let mut sent: Vec<(String, String)> = Vec::new();
        for field in self.fields.iter().filter(|f| !f.name.is_empty()) {
            let value = given(field).unwrap_or_else(|| field.value.clone());
            let goes = match field.kind.as_str() {
                "submit" => !pressed && value == field.value,
                "radio" | "select" => {
                    (field.checked && given(field).is_none()) || given(field) == Some(field.value.clone())
                }
                _ => true,
            };
            pressed |= goes && field.kind == "submit";
            if goes {
                sent.push((field.name.clone(), value));
            }
        }
        sent
    }
}

/// Reads a page. Whatever cannot be read is passed over, as browsers do.
pub fn read(text: &str) -> Page {
    let mut page = Page::default();
    let (mut open, mut select) = (None::<Form>, String::new());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end..]);
            continue;
        }
        let (tag, attributes, after) = tag(rest);
        rest = after;
        match tag.as_str() {
            "form" => open = Some(form(&attributes)),
            "/form" => page.forms.extend(open.take()),
            "select" => select = get(&attributes, "name"),
            "a" => page.links.push(get(&attributes, "href")),
            "title" => page.title = decode(rest.split('<').next().unwrap_or_default()).trim().to_owned(),
            "script" | "style" => rest = rest.find("</").map_or("", |end| &rest[end..]),
            name => {
                if let (Some(form), Some(field)) = (open.as_mut(), field(name, &attributes, &select)) {
                    form.fields.push(field);
                }
            }
        }
    }
    page.forms.extend(open);
    page
}

type Attributes = Vec<(String, String)>;

fn get(attributes: &Attributes, name: &str) -> String {
    attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap_or_default()
}

fn form(attributes: &Attributes) -> Form {
    let post = get(attributes, "method").eq_ignore_ascii_case("post");
    let parts = get(attributes, "enctype") == "multipart/form-data";
    Form { action: get(attributes, "action"), post, parts, fields: Vec::new() }
}

fn field(tag: &str, attributes: &Attributes, select: &str) -> Option<Field> {
    let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
    let (name, value) = (get(attributes, "name"), get(attributes, "value"));
    let kind = get(attributes, "type").to_lowercase();
    let has = |name: &str| attributes.iter().any(|(n, _)| n == name);
    match tag {
        "input" => {
            let kind = or(kind, "text");
            let value = if kind == "checkbox" { or(value, "on") } else { value };
            Some(Field { name, value, kind, checked: has("checked") })
        }
        "button" if kind.is_empty() || kind == "submit" => {
            Some(Field { name, value, kind: "submit".into(), checked: false })
        }
        "textarea" => Some(Field { name, value, kind: "text".into(), checked: false }),
        "option" => {
            Some(Field { name: select.to_owned(), value, kind: "select".into(), checked: has("selected") })
        }
        _ => None,
    }
}

/// Splits `form action="x">…` into name, attributes and what comes after.
fn tag(text: &str) -> (String, Attributes, &str) {
    let end = text.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(text.len());
    let (name, mut rest) = (text[..end].trim_end_matches('/').to_lowercase(), &text[end..]);
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if rest.is_empty() || rest.starts_with('>') {
            return (name, attributes, rest.strip_prefix('>').unwrap_or(""));
        }
        let stop = |c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/');
        // A stray quote or sign is a name of its own, so that every round moves on.
        let end = rest.char_indices().skip(1).find(|(_, c)| stop(*c)).map_or(rest.len(), |(at, _)| at);
        let key = rest[..end].to_lowercase();
        rest = rest[end..].trim_start();
        let value;
        (value, rest) = match rest.strip_prefix('=') {
            Some(after) => attribute_value(after.trim_start()),
            None => (String::new(), rest),
        };
        attributes.push((key, value));
    }
}

fn attribute_value(text: &str) -> (String, &str) {
    let (value, rest) = match text.chars().next() {
        Some(quote @ ('"' | '\'')) => text[1..].split_once(quote).unwrap_or((&text[1..], "")),
        _ => text.split_at(text.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(text.len())),
    };
    (decode(value), rest)
}

/// Character references that pages of this project use.
fn decode(text: &str) -> String {
    let named =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&amp;", "&")];
    named.iter().fold(text.to_owned(), |text, (reference, sign)| text.replace(reference, sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_and_filled() {
        let page = read(
            r#"<title>A &amp; B</title><!-- <form> --><a href='/x?a=1&amp;b=2'>x</a>
            <form action="/go" METHOD=post><input type=hidden name=t value="1&quot;2">
            <input name=user><input type=password name=pw><input type="checkbox" name=ok required>
            <select name="s"><option value="a">A<option value="b" selected>B</select>
            <button name="action" value="yes">Yes</button><button name="action" value="no">No</button></form>"#,
        );
        assert_eq!((page.title.as_str(), page.links[0].as_str()), ("A & B", "/x?a=1&b=2"));
        let form = &page.forms[0];
        assert!(form.post && form.action == "/go" && form.kind("password").is_some());
        let sent = form.filled(&[("user", "ada"), ("pw", "x"), ("action", "no")]);
        let sent: Vec<_> = sent.iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(sent.join(" "), "t=1\"2 user=ada pw=x ok=on s=b action=no");
    }

    #[test]
    fn broken_pages_end() {
        for text in [
            "<",
            "<form",
            "<form =",
            "<form a=\"",
            "<input a='b",
            "<!--",
            "<script>",
            "<a href",
            "< / > <\" '",
        ] {
            read(text);
        }
    }
}
