//! Look-ups: their state, and the documents that are handed in.

use super::{
    CaseRow, Place, View, WORDS, frame, hidden,
    table::{Cell, Kind, Table},
};
use crate::lang::Lang;
use maud::{Markup, html};
use serde::Deserialize;
use std::collections::BTreeMap;

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
    /// It is not.
    Refused(Refused),
}

/// Why a document was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub why: Why,
    /// The case that it is of, where that is what is wrong.
    pub case: Option<String>,
    /// The step of the case, the same.
    pub step: Option<String>,
    /// When it was signed, the same.
    pub at: Option<String>,
}

impl From<Why> for Refused {
    fn from(why: Why) -> Self {
        Self { why, case: None, step: None, at: None }
    }
}

/// What is wrong with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words of each are in text/*/console.toml")]
pub enum Why {
    Off,
    NoDocument,
    OtherHalf,
    TooLarge,
    Malformed,
    UnknownSigner,
    OtherRole,
    Signature,
    OtherCase,
    Old,
    Future,
    UnknownCase,
    Twice,
    NotYet,
    Holders,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    intro: String,
    caption: String,
    pub(super) case: String,
    state: String,
    last: String,
    steps: BTreeMap<String, String>,
    hand_in: String,
    request: String,
    request_hint: String,
    decision: String,
    decision_hint: String,
    file: String,
    paste: String,
    text: String,
    send: String,
    taken: String,
    refused: String,
    why: WhyWords,
}

impl Words {
    /// The word for a step.
    pub(super) fn step<'a>(&'a self, step: &'a str) -> &'a str {
        self.steps.get(step).map_or(step, String::as_str)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WhyWords {
    off: String,
    no_document: String,
    other_half: String,
    too_large: String,
    malformed: String,
    unknown_signer: String,
    other_role: String,
    signature: String,
    other_case: String,
    old: String,
    future: String,
    unknown_case: String,
    twice: String,
    not_yet: String,
    holders: String,
}

impl WhyWords {
    fn of(&self, why: Why) -> &str {
        match why {
            Why::Off => &self.off,
            Why::NoDocument => &self.no_document,
            Why::OtherHalf => &self.other_half,
            Why::TooLarge => &self.too_large,
            Why::Malformed => &self.malformed,
            Why::UnknownSigner => &self.unknown_signer,
            Why::OtherRole => &self.other_role,
            Why::Signature => &self.signature,
            Why::OtherCase => &self.other_case,
            Why::Old => &self.old,
            Why::Future => &self.future,
            Why::UnknownCase => &self.unknown_case,
            Why::Twice => &self.twice,
            Why::NotYet => &self.not_yet,
            Why::Holders => &self.holders,
        }
    }
}

/// All look-ups, and what may be handed in.
pub fn cases(view: View<'_>, rows: &[CaseRow], may: HandIn, handed: Option<&Handed>) -> Markup {
    let words = &WORDS.of(view.lang).cases;
    let body = html! {
        @match handed {
            Some(Handed::Taken(case)) => p class="notice good" role="status" { (words.taken) " " a href={ "/cases/" (case) } { code { (case) } } },
            Some(Handed::Refused(refused)) => (why(words, refused)),
            None => {},
        }
        p { (words.intro) }
        (cases_table(view.lang, rows).quiet().show(view, Some("/cases.csv")))
        @if may.requests || may.decisions { h2 { (words.hand_in) } }
        @if may.requests { (upload(view, "/cases/request", &words.request, &words.request_hint)) }
        @if may.decisions { (upload(view, "/cases/decision", &words.decision, &words.decision_hint)) }
    };
    frame(view, &WORDS.of(view.lang).place.cases, Some(Place::Cases), &body)
}

fn why(words: &Words, refused: &Refused) -> Markup {
    let step = refused.step.as_deref().map(|step| words.step(step)).unwrap_or_default();
    let text = words.why.of(refused.why).replace("{step}", step);
    let text = text.replace("{at}", refused.at.as_deref().unwrap_or_default());
    html! {
        div class="notice alarm" role="alert" {
            p { strong { (words.refused) } }
            p { (text) }
            @if let Some(case) = &refused.case { p { (words.case) ": " code { (case) } } }
        }
    }
}

/// A document as a file, or its text where the file is on another machine.
fn upload(view: View<'_>, action: &str, title: &str, hint: &str) -> Markup {
    let words = &WORDS.of(view.lang).cases;
    let id = action.rsplit('/').next().unwrap_or_default();
    html! {
        form class="upload" method="post" action=(action) enctype="multipart/form-data" {
            (hidden(view))
            fieldset {
                legend { (title) }
                p class="hint" id={ (id) "-hint" } { (hint) }
                p {
                    label for=(id) { (words.file) }
                    input type="file" name="file" id=(id) aria-describedby={ (id) "-hint" };
                }
                details {
                    summary { (words.paste) }
                    label for={ (id) "-text" } { (words.text) }
                    textarea name="text" id={ (id) "-text" } rows="8" spellcheck="false" autocomplete="off" {}
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
            Cell::from(last.map_or("", |last| words.step(&last.step))),
            Cell::from(last.map_or("", |last| last.at.as_str())),
        ]);
    }
    table
}
