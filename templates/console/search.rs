//! Headers of entries, and an entry's own page.

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

/// The header of an entry.
#[derive(Debug, Clone, Default)]
pub struct HeaderRow {
    /// The log.
    pub log: String,
    /// Its number.
    pub sequence: u64,
    /// Its class.
    pub class: String,
    /// When.
    pub at: String,
    /// The period whose key it is sealed to.
    pub period: String,
    /// Its mark.
    pub mark: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    intro: String,
    caption: String,
    log: String,
    class: String,
    sequence: String,
    at: String,
    day: String,
    period: String,
    mark: String,
    all: String,
    search: String,
    most: String,
    entry: String,
    entry_intro: String,
    proof: String,
    unproved: String,
    digest: String,
    back: String,
    classes: BTreeMap<String, String>,
}

impl Words {
    /// What a class is, in a few words.
    pub(super) fn class(&self, class: &str) -> &str {
        self.classes.get(class).map_or("", String::as_str)
    }
}

pub(super) const CLASSES: [&str; 7] = ["R1", "R2a", "R2b", "R3", "R4", "R5", "R6"];

/// Headers of entries, and the form to find them.
pub fn search(view: View<'_>, choice: &Choice, rows: &[HeaderRow]) -> Markup {
    let words = &WORDS.of(view.lang).search;
    let body = html! {
        p { (words.intro) }
        form class="filter" method="get" action="/search" {
            (logs(&words.log, "", choice))
            label {
                (words.class)
                select name="class" {
                    option value="" { (words.all) }
                    @for class in CLASSES {
                        option value=(class) selected[class == choice.class] {
                            (class) " " (words.class(class))
                        }
                    }
                }
            }
            (day("from", &words.day, &choice.from))
            label { (words.sequence) input type="number" name="sequence" min="0" value=(choice.sequence); }
            button { (words.search) }
        }
        (search_table(view.lang, rows).show(view, Some(&format!("/search.csv?{}", view.query))))
        p class="hint" { (words.most) }
    };
    frame(view, &WORDS.of(view.lang).place.search, Some(Place::Search), &body)
}

/// The same as a table.
pub fn search_table(lang: Lang, rows: &[HeaderRow]) -> Table {
    let words = &WORDS.of(lang).search;
    let columns = [&words.sequence, &words.log, &words.class, &words.at, &words.period, &words.mark];
    let mut table = Table::new(&words.caption, &columns.map(String::as_str));
    for row in rows {
        let number = row.sequence.to_string();
        table.rows.push(vec![
            Cell::from(number.as_str()).leading(format!("/entry/{}/{number}", row.log)),
            Cell::from(row.log.as_str()),
            Cell::from(row.class.as_str()),
            Cell::from(row.at.as_str()),
            Cell::from(row.period.as_str()),
            Cell::new(Kind::Code, row.mark.as_str()),
        ]);
    }
    table
}

/// One entry: its header, and the way to its proof. What is in it has no field here.
pub fn entry(view: View<'_>, row: &HeaderRow, digest: &str, proved: bool) -> Markup {
    let words = &WORDS.of(view.lang).search;
    let title = words.entry.replace("{n}", &row.sequence.to_string()).replace("{log}", &row.log);
    let body = html! {
        p { (words.entry_intro) }
        dl class="facts" {
            dt { (words.log) } dd { (row.log) }
            dt { (words.sequence) } dd { (row.sequence) }
            dt { (words.class) } dd { (row.class) " " (words.class(&row.class)) }
            dt { (words.at) } dd { (row.at) }
            dt { (words.period) } dd { (row.period) }
            dt { (words.mark) } dd { code { (row.mark) } }
            dt { (words.digest) } dd { code { (digest) } }
        }
        @if proved {
            p { a class="button" href={ "/entry/" (row.log) "/" (row.sequence) "/proof" } { (words.proof) } }
        } @else {
            p class="notice" { (words.unproved) }
        }
        p { a href="/search" { (words.back) } }
    };
    frame(view, &title, Some(Place::Search), &body)
}
