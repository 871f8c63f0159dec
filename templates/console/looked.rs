//! Who looked at what.

use super::{
    Place, View, WORDS, frame,
    table::{Cell, Kind, Table},
};
use crate::lang::Lang;
use maud::{Markup, html};
use serde::Deserialize;

/// What was looked at.
#[derive(Debug, Clone, Default)]
pub struct SeenRow {
    /// When.
    pub at: String,
    /// The beginning of the identifier.
    pub who: String,
    /// Their roles, as the log has them.
    pub roles: String,
    /// The address of the page.
    pub what: String,
    /// Its entry in the hub's log.
    pub sequence: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    intro: String,
    caption: String,
    month: String,
    show: String,
    at: String,
    who: String,
    roles: String,
    what: String,
    entry: String,
    counted: String,
}

/// Who looked at what in a month. `counted` is how many entries of that kind the log itself has.
pub fn looked(view: View<'_>, month: &str, rows: &[SeenRow], counted: Option<u64>) -> Markup {
    let words = &WORDS.of(view.lang).looked;
    let body = html! {
        p { (words.intro) }
        form class="filter" method="get" action="/looked" {
            label { (words.month) input type="month" name="month" value=(month); }
            button { (words.show) }
        }
        (looked_table(view.lang, rows).show(view, Some(&format!("/looked.csv?month={month}"))))
        @if let Some(counted) = counted {
            p class="hint" { (words.counted.replace("{n}", &counted.to_string())) }
        }
    };
    frame(view, &WORDS.of(view.lang).place.looked, Some(Place::Looked), &body)
}

/// The same as a table.
pub fn looked_table(lang: Lang, rows: &[SeenRow]) -> Table {
    let all = WORDS.of(lang);
    let words = &all.looked;
    let columns = [&words.at, &words.who, &words.roles, &words.what, &words.entry];
    let mut table = Table::new(&words.caption, &columns.map(String::as_str));
    for row in rows {
        let roles: Vec<_> =
            row.roles.split(", ").map(|r| all.roles.get(r).map_or(r, String::as_str)).collect();
        table.rows.push(vec![
            Cell::from(row.at.as_str()),
            Cell::new(Kind::Code, row.who.as_str()),
            Cell::from(roles.join(", ")),
            Cell::new(Kind::Code, row.what.as_str()),
            Cell::new(Kind::Number, row.sequence.to_string()),
        ]);
    }
    table
}
