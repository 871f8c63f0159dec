//! Sums of sessions by site, day and cause.

use super::{
    Place, View, WORDS,
    choice::{Choice, day, logs},
    frame,
    table::{Cell, Kind, Table},
};
use crate::lang::Lang;
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The sums of a site's day. A number below 3 has no field: it would be about a person.
#[derive(Debug, Clone)]
pub struct DayRow {
    /// The site.
    pub site: String,
    /// The day.
    pub day: String,
    /// How many passes began.
    pub began: Few,
    /// How many ended, by cause.
    pub ended: BTreeMap<String, Few>,
}

/// A number that is told, or that is less than 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Few(Option<u64>);

impl From<u64> for Few {
    fn from(count: u64) -> Self {
        Self((count >= 3).then_some(count))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    intro: String,
    caption: String,
    site: String,
    day: String,
    began: String,
    few: String,
    all: String,
    from: String,
    to: String,
    show: String,
    causes: BTreeMap<String, String>,
}

/// Sums of sessions by site, day and cause.
pub fn sessions(view: View<'_>, choice: &Choice, rows: &[DayRow]) -> Markup {
    let words = &WORDS.of(view.lang).sessions;
    let body = html! {
        p { (words.intro) }
        form class="filter" method="get" action="/sessions" {
            (logs(&words.site, &words.all, choice))
            (day("from", &words.from, &choice.from))
            (day("to", &words.to, &choice.to))
            button { (words.show) }
        }
        (sessions_table(view.lang, rows).show(view, Some(&format!("/sessions.csv?{}", view.query))))
    };
    frame(view, &WORDS.of(view.lang).place.sessions, Some(Place::Sessions), &body)
}

/// The same as a table.
pub fn sessions_table(lang: Lang, rows: &[DayRow]) -> Table {
    let words = &WORDS.of(lang).sessions;
    let few =
        |count: Few| Cell::new(Kind::Number, count.0.map_or_else(|| words.few.clone(), |n| n.to_string()));
    let first = [words.site.as_str(), &words.day, &words.began];
    let columns: Vec<_> = first.into_iter().chain(words.causes.values().map(String::as_str)).collect();
    let mut table = Table::new(&words.caption, &columns);
    for row in rows {
        let causes = words.causes.keys().map(|cause| few(row.ended.get(cause).copied().unwrap_or(Few(None))));
        let first = [Cell::from(row.site.as_str()), Cell::from(row.day.as_str()), few(row.began)];
        table.rows.push(first.into_iter().chain(causes).collect());
    }
    table
}
