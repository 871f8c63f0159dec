//! A table, as a page shows it and as a file (RFC 4180): the same cells, so that who takes the file away has what they saw.

use super::{View, WORDS};
use crate::lang::Lang;
use maud::{Markup, html};
use serde::Deserialize;

/// How a cell is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Text.
    #[default]
    Text,
    /// A number.
    Number,
    /// Something to be compared sign by sign.
    Code,
    /// All is well: the text says so, the colour too.
    Good,
    /// Something is wrong.
    Alarm,
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// How it is meant.
    pub kind: Kind,
    /// Where more is.
    pub to: Option<String>,
}

impl Cell {
    /// A cell of this kind.
    pub fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { text: text.into(), kind, to: None }
    }

    /// The same, leading there.
    #[must_use]
    pub fn leading(self, to: impl Into<String>) -> Self {
        Self { to: Some(to.into()), ..self }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(Kind::Text, text)
    }
}

/// A table; the first cell of a row says whose row it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// What it is of.
    pub caption: String,
    /// What the columns are.
    pub columns: Vec<String>,
    /// Its rows.
    pub rows: Vec<Vec<Cell>>,
    /// Whether a heading above says what it is of, so that the caption is for who does not see that.
    quiet: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    none: String,
    export: String,
}

impl Table {
    pub(super) fn new(caption: &str, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        Self { caption: caption.to_owned(), columns, ..Self::default() }
    }

    /// The same, its caption only for who hears it.
    pub(super) fn quiet(self) -> Self {
        Self { quiet: true, ..self }
    }

    /// The class of a column's head: numbers stand right.
    fn head(&self, column: usize) -> Option<&'static str> {
        self.rows
            .first()
            .and_then(|row| row.get(column))
            .and_then(|cell| class(cell.kind))
            .filter(|_| column > 0)
            .filter(|class| *class == "number")
    }

    /// On a page; `export` is the address of the same as a file.
    pub(super) fn show(&self, view: View<'_>, export: Option<&str>) -> Markup {
        let words = &WORDS.of(view.lang).table;
        html! {
            // What is wider than the window is moved with the keyboard too.
            div class="wide" tabindex="0" role="region" aria-label=(self.caption) {
                table {
                    caption class=[self.quiet.then_some("quiet")] { (self.caption) }
                    thead { tr { @for (n, column) in self.columns.iter().enumerate() { th scope="col" class=[self.head(n)] { (column) } } } }
                    tbody { @for row in &self.rows { (shown(row)) } }
                }
            }
            @if self.rows.is_empty() { p { (words.none) } }
            @if let Some(export) = export.filter(|_| !self.rows.is_empty()) {
                p class="export" { a href=(export) { (words.export) } }
            }
        }
    }

    /// As a file (RFC 4180). A spreadsheet takes a cell that begins like a formula for one, so those begin with an apostrophe.
    pub fn csv(&self) -> String {
        let head = line(self.columns.iter().map(String::as_str));
        let rows = self.rows.iter().map(|row| line(row.iter().map(|cell| cell.text.as_str())));
        std::iter::once(head).chain(rows).collect()
    }
}

fn shown(row: &[Cell]) -> Markup {
    let Some((first, rest)) = row.split_first() else { return Markup::default() };
    html! {
        tr {
            th scope="row" { (content(first)) }
            @for cell in rest {
                td class=[class(cell.kind)] { (content(cell)) }
            }
        }
    }
}

fn content(cell: &Cell) -> Markup {
    let text = html! {
        @match cell.kind {
            Kind::Code => code { (cell.text) },
            Kind::Good | Kind::Alarm => span class="mark" { (cell.text) },
            Kind::Text | Kind::Number => (cell.text),
        }
    };
    html! {
        @match &cell.to {
            Some(to) => a href=(to) { (text) },
            None => (text),
        }
    }
}

const fn class(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Number => Some("number"),
        Kind::Good => Some("good"),
        Kind::Alarm => Some("bad"),
        Kind::Text | Kind::Code => None,
    }
}

fn line<'a>(fields: impl Iterator<Item = &'a str>) -> String {
    let fields: Vec<_> = fields.map(field).collect();
    fields.join(",") + "\r\n"
}

fn field(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { "'" } else { "" };
    let text = format!("{guard}{text}");
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// The name of a file for a table, of its caption: letters, digits and hyphens.
pub fn file_name(place: &str, lang: Lang) -> String {
    let plain: String = place.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    format!("varco-{plain}-{}.csv", lang.tag())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_rfc_4180_and_starts_no_formula() {
        let mut table = Table::new("Things", &["name", "what, \"why\""]);
        for (name, what) in [
            ("plain", "two\r\nlines"),
            ("=1+1", "+39"),
            ("-2", "@SUM(A1)"),
            ("\t=1", "say \"no\""),
            ("a=b", ""),
        ] {
            table.rows.push(vec![name.into(), what.into()]);
        }
        assert_eq!(
            table.csv(),
            "name,\"what, \"\"why\"\"\"\r\nplain,\"two\r\nlines\"\r\n'=1+1,'+39\r\n'-2,'@SUM(A1)\r\n'\t=1,\"say \"\"no\"\"\"\r\na=b,\r\n"
        );
    }

    #[test]
    fn a_page_escapes_cells_and_says_scopes() {
        let mut table = Table::new("<b>", &["<i>"]);
        let rest =
            [Cell::new(Kind::Alarm, "\"><script>").leading("/x?\"><script>"), Cell::new(Kind::Code, "<a>")];
        table.rows.push(std::iter::once("<u>".into()).chain(rest).collect());
        let view = View { lang: Lang::It, owner: "", form: "", who: None, roles: &[], menu: &[], query: "" };
        let page = table.show(view, Some("/x.csv")).into_string();
        assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains("<u>"), "{page}");
        assert!(page.contains("<th scope=\"row\">&lt;u&gt;</th>") && page.contains("<th scope=\"col\">"));
        assert!(page.contains("<td class=\"bad\"><a href=\"/x?&quot;&gt;&lt;script&gt;\">"), "{page}");
    }
}
