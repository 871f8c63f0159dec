//! What is held, and what is due to be destroyed.

use super::{
    Place, View, WORDS, frame,
    table::{Cell, Kind, Table},
};
use crate::lang::Lang;
use maud::{Markup, html};
use serde::Deserialize;

/// The records of a case that are held.
#[derive(Debug, Clone)]
pub struct HoldRow {
    /// The case.
    pub case: String,
    /// When the hold was made.
    pub made: String,
    /// When it was last said that it goes on.
    pub renewed: String,
    /// It holds no longer than this.
    pub until: String,
    /// How it stands.
    pub state: HoldState,
    /// The entry that says so.
    pub entry: u64,
}

/// How a hold stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldState {
    /// It holds.
    Held,
    /// Its time is over, and nobody has said that it was released.
    Over,
    /// It was released.
    Released,
}

/// A class in a period.
#[derive(Debug, Clone)]
pub struct DueRow {
    /// The class.
    pub class: String,
    /// The period.
    pub period: String,
    /// When its time is over.
    pub ends: String,
    /// How it stands.
    pub state: DueState,
}

/// How the keys of a class in a period stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DueState {
    /// They are kept.
    Kept,
    /// They are to be destroyed now.
    Due,
    /// They were destroyed: when, the entry that says so, whether before their time.
    Destroyed(String, u64, bool),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    intro: String,
    holds: String,
    holds_hint: String,
    made: String,
    renewed: String,
    until: String,
    state: String,
    entry: String,
    held: String,
    over: String,
    released: String,
    due: String,
    due_hint: String,
    now: String,
    nothing: String,
    class: String,
    period: String,
    ends: String,
    kept: String,
    to_destroy: String,
    destroyed: String,
    early: String,
}

/// The page.
pub fn retention(view: View<'_>, holds: &[HoldRow], due: &[DueRow]) -> Markup {
    let words = &WORDS.of(view.lang).retention;
    let now = due.iter().filter(|row| row.state == DueState::Due).count();
    let body = html! {
        @if now > 0 {
            p class="notice alarm" role="alert" { strong { (words.now.replace("{n}", &now.to_string())) } }
        } @else {
            p class="notice good" role="status" { strong { (words.nothing) } }
        }
        p { (words.intro) }
        h2 { (words.due) }
        p { (words.due_hint) }
        (due_table(view.lang, due).quiet().show(view, Some("/due.csv")))
        h2 { (words.holds) }
        p { (words.holds_hint) }
        (holds_table(view.lang, holds).quiet().show(view, Some("/holds.csv")))
    };
    frame(view, &WORDS.of(view.lang).place.retention, Some(Place::Retention), &body)
}

/// Holds as a table.
pub fn holds_table(lang: Lang, rows: &[HoldRow]) -> Table {
    let all = WORDS.of(lang);
    let words = &all.retention;
    let columns = [&all.cases.case, &words.state, &words.made, &words.renewed, &words.until, &words.entry];
    let mut table = Table::new(&words.holds, &columns.map(String::as_str));
    for row in rows {
        let state = match row.state {
            HoldState::Held => Cell::new(Kind::Good, words.held.as_str()),
            HoldState::Over => Cell::new(Kind::Alarm, words.over.as_str()),
            HoldState::Released => Cell::from(words.released.as_str()),
        };
        table.rows.push(vec![
            Cell::new(Kind::Code, row.case.as_str()).leading(format!("/cases/{}", row.case)),
            state,
            row.made.as_str().into(),
            row.renewed.as_str().into(),
            row.until.as_str().into(),
            Cell::new(Kind::Number, row.entry.to_string()),
        ]);
    }
    table
}

/// What is due as a table.
pub fn due_table(lang: Lang, rows: &[DueRow]) -> Table {
    let all = WORDS.of(lang);
    let words = &all.retention;
    let columns = [&words.class, &words.period, &words.ends, &words.state].map(String::as_str);
    let mut table = Table::new(&words.due, &columns);
    for row in rows {
        let state = match &row.state {
            DueState::Kept => Cell::from(words.kept.as_str()),
            DueState::Due => Cell::new(Kind::Alarm, words.to_destroy.as_str()),
            DueState::Destroyed(at, entry, early) => {
                let said = if *early { &words.early } else { &words.destroyed };
                Cell::from(said.replace("{at}", at).replace("{n}", &entry.to_string()))
            }
        };
        let class = format!("{} {}", row.class, all.search.class(&row.class));
        table.rows.push(vec![class.into(), row.period.as_str().into(), row.ends.as_str().into(), state]);
    }
    table
}
