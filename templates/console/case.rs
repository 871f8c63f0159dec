//! One look-up: its steps, each an entry of the hub's log.

use super::{
    Place, View, WORDS, frame,
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
    /// Its steps in order.
    pub steps: Vec<StepRow>,
    /// What the answer says, and how many sessions.
    pub outcome: Option<(String, u32)>,
}

/// A step of a case.
#[derive(Debug, Clone, Default)]
pub struct StepRow {
    /// Which.
    pub step: String,
    /// When.
    pub at: String,
    /// Its entry in the hub's log, where it is asked for.
    pub entry: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    title: String,
    intro: String,
    caption: String,
    step: String,
    at: String,
    entry: String,
    outcome: String,
    outcomes: BTreeMap<String, String>,
    sessions: String,
    receipt: String,
    receipt_hint: String,
    sheet: String,
    back: String,
}

impl Words {
    /// What stands before it.
    pub(super) fn label(&self) -> &str {
        &self.outcome
    }

    /// What an answer says, in words.
    pub(super) fn outcome(&self, (outcome, count): &(String, u32)) -> String {
        let said = self.outcomes.get(outcome).unwrap_or(outcome);
        said.replace("{n}", &count.to_string())
    }
}

/// The page.
pub fn case(view: View<'_>, row: &CaseRow, receipt: bool) -> Markup {
    let all = WORDS.of(view.lang);
    let words = &all.case;
    let at = format!("/cases/{}", row.case);
    let body = html! {
        dl class="facts" {
            dt { (all.cases.case) } dd { code { (row.case) } }
            @if let Some(outcome) = &row.outcome { dt { (words.outcome) } dd { (words.outcome(outcome)) } }
        }
        p { (words.intro) }
        (case_table(view.lang, row).show(view, Some(&format!("{at}/steps.csv"))))
        @if receipt {
            p { a class="button" href={ (at) "/receipt" } { (words.receipt) } }
            p class="hint" { (words.receipt_hint) }
        }
        p { a href={ (at) "/sheet" } { (words.sheet) } }
        p { a href="/cases" { (words.back) } }
    };
    frame(view, &words.title, Some(Place::Cases), &body)
}

/// The same as a table: what the answer says stands at its step.
pub fn case_table(lang: Lang, row: &CaseRow) -> Table {
    let all = WORDS.of(lang);
    let words = &all.case;
    let columns = [&words.step, &words.at, &words.entry, &words.outcome, &words.sessions];
    let mut table = Table::new(&words.caption, &columns.map(String::as_str));
    for step in &row.steps {
        let outcome = row.outcome.as_ref().filter(|_| step.step == "answered");
        table.rows.push(vec![
            Cell::from(all.cases.step(&step.step)),
            Cell::from(step.at.as_str()),
            Cell::new(Kind::Number, step.entry.map(|entry| entry.to_string()).unwrap_or_default()),
            Cell::from(outcome.map(|outcome| words.outcome(outcome)).unwrap_or_default()),
            Cell::new(Kind::Number, outcome.map(|(_, count)| count.to_string()).unwrap_or_default()),
        ]);
    }
    table
}
