//! Sums of sessions by site, day and cause.

use super::{
    Place, View, WORDS,
    choice::{Choice, day, logs},
    frame,
    search::CLASSES,
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

/// How many entries of each class the index has of a site's day.
#[derive(Debug, Clone)]
pub struct CountRow {
    /// The site.
    pub site: String,
    /// The day.
    pub day: String,
    /// By class; of those that are about persons, none below 3.
    pub classes: BTreeMap<String, Few>,
}

/// A number that is told, or that is less than 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Few(Option<u64>);

impl Few {
    /// A number that is about nobody.
    pub const fn told(count: u64) -> Self {
        Self(Some(count))
    }

    fn cell(self, few: &str) -> Cell {
        Cell::new(Kind::Number, self.0.map_or_else(|| few.to_owned(), |count| count.to_string()))
    }
}

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
    sums: String,
    counts: String,
    counts_hint: String,
    causes: BTreeMap<String, String>,
}

/// Sums of sessions by site, day and cause.
pub fn sessions(view: View<'_>, choice: &Choice, rows: &[DayRow], counts: &[CountRow]) -> Markup {
    let words = &WORDS.of(view.lang).sessions;
    let body = html! {
        p { (words.intro) }
        form class="filter" method="get" action="/sessions" {
            (logs(&words.site, &words.all, choice))
            (day("from", &words.from, &choice.from))
            (day("to", &words.to, &choice.to))
            button { (words.show) }
        }
        h2 { (words.sums) }
        (sessions_table(view.lang, rows).quiet().show(view, Some(&format!("/sessions.csv?{}", view.query))))
        h2 { (words.counts) }
        p { (words.counts_hint) }
        (counts_table(view.lang, counts).quiet().show(view, Some(&format!("/counts.csv?{}", view.query))))
    };
    frame(view, &WORDS.of(view.lang).place.sessions, Some(Place::Sessions), &body)
}

/// The same as a table.
pub fn sessions_table(lang: Lang, rows: &[DayRow]) -> Table {
    let words = &WORDS.of(lang).sessions;
    let few = |count: Few| count.cell(&words.few);
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

/// How many entries there are, as a table.
pub fn counts_table(lang: Lang, rows: &[CountRow]) -> Table {
    let all = WORDS.of(lang);
    let words = &all.sessions;
    let classes =
        CLASSES.iter().filter(|class| **class != "R1").map(|class| (*class, all.search.class(class)));
    let classes: Vec<_> = classes.collect();
    let named: Vec<_> = classes.iter().map(|(class, says)| format!("{class} {says}")).collect();
    let first = [words.site.as_str(), &words.day];
    let columns: Vec<_> = first.into_iter().chain(named.iter().map(String::as_str)).collect();
    let mut table = Table::new(&words.counts, &columns);
    for row in rows {
        let count = |(class, _): &(&str, &str)| row.classes.get(*class).copied().unwrap_or(Few::told(0));
        let counts = classes.iter().map(|class| count(class).cell(&words.few));
        let first = [Cell::from(row.site.as_str()), Cell::from(row.day.as_str())];
        table.rows.push(first.into_iter().chain(counts).collect());
    }
    table
}
