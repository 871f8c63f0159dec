//! Look-ups: their state, and the documents that are handed in.

use super::{
    Place, View, WORDS, frame, hidden,
    table::{Cell, Kind, Table},
};
use crate::lang::Lang;
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A case of a look-up.
#[derive(Debug, Clone, Default)]
pub struct CaseRow {
    /// Its identifier.
    pub case: String,
    /// Its steps in order: which, and when.
    pub steps: Vec<(String, String)>,
}

/// What may be handed in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HandIn {
    /// Requests.
    pub requests: bool,
    /// Approvals, refusals, answers.
    pub decisions: bool,
}

/// What came of a document that was handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handed {
    /// It is recorded: the case.
    Taken(String),
    /// It is not: why, in the words of who reads documents.
    Refused(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    intro: String,
    caption: String,
    case: String,
    state: String,
    last: String,
    steps: BTreeMap<String, String>,
    step: String,
    at: String,
    hand_in: String,
    request: String,
    request_hint: String,
    decision: String,
    decision_hint: String,
    file: String,
    send: String,
    taken: String,
    refused: String,
    title: String,
    case_intro: String,
    receipt: String,
    receipt_hint: String,
    back: String,
}

/// All look-ups, and what may be handed in.
pub fn cases(view: View<'_>, rows: &[CaseRow], may: HandIn, handed: Option<&Handed>) -> Markup {
    let words = &WORDS.of(view.lang).cases;
    let body = html! {
        @match handed {
            Some(Handed::Taken(case)) => p class="notice good" role="status" { (words.taken) " " a href={ "/cases/" (case) } { code { (case) } } },
            Some(Handed::Refused(why)) => div class="notice alarm" role="alert" { p { (words.refused) } p { (why) } },
            None => {},
        }
        p { (words.intro) }
        (cases_table(view.lang, rows).show(view, Some("/cases.csv")))
        @if may.requests || may.decisions { h2 { (words.hand_in) } }
        @if may.requests { (upload(view, "/cases/request", &words.request, &words.request_hint)) }
        @if may.decisions { (upload(view, "/cases/decision", &words.decision, &words.decision_hint)) }
    };
    frame(view, &WORDS.of(view.lang).place.cases, Some(Place::Cases), &body)
}

fn upload(view: View<'_>, action: &str, title: &str, hint: &str) -> Markup {
    let words = &WORDS.of(view.lang).cases;
    let id = action.rsplit('/').next().unwrap_or_default();
    html! {
        form method="post" action=(action) {
            (hidden(view))
            fieldset {
                legend { (title) }
                p class="hint" id={ (id) "-hint" } { (hint) }
                p class="field" {
                    label for=(id) { (words.file) }
                    textarea name="document" id=(id) rows="8" required spellcheck="false" aria-describedby={ (id) "-hint" } {}
                }
                button { (words.send) }
            }
        }
    }
}

/// The same as a table.
pub fn cases_table(lang: Lang, rows: &[CaseRow]) -> Table {
    let words = &WORDS.of(lang).cases;
    let columns = [&words.case, &words.state, &words.last];
    let mut table = Table::new(&words.caption, &columns.map(String::as_str));
    for row in rows {
        let last = row.steps.last();
        table.rows.push(vec![
            Cell::new(Kind::Code, row.case.as_str()).leading(format!("/cases/{}", row.case)),
            Cell::from(last.map_or("", |(step, _)| step_of(words, step))),
            Cell::from(last.map_or("", |(_, at)| at.as_str())),
        ]);
    }
    table
}

fn step_of<'a>(words: &'a Words, step: &'a str) -> &'a str {
    words.steps.get(step).map_or(step, String::as_str)
}

/// One look-up: its steps, each an entry of the hub's log.
pub fn case(view: View<'_>, row: &CaseRow, receipt: bool) -> Markup {
    let words = &WORDS.of(view.lang).cases;
    let mut table = Table::new(&words.title, &[&words.step, &words.at].map(String::as_str));
    for (step, at) in &row.steps {
        table.rows.push(vec![Cell::from(step_of(words, step)), Cell::from(at.as_str())]);
    }
    let body = html! {
        p { (words.case) ": " code { (row.case) } }
        p { (words.case_intro) }
        (table.show(view, None))
        @if receipt {
            p { a class="button" href={ "/cases/" (row.case) "/receipt" } { (words.receipt) } }
            p class="hint" { (words.receipt_hint) }
        }
        p { a href="/cases" { (words.back) } }
    };
    frame(view, &words.title, Some(Place::Cases), &body)
}
