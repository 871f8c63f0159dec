//! What is chosen above a table: a log, a class, a time.

use maud::{Markup, html};

/// What was chosen on the page of sessions or of the search, as it was typed.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// The logs that there are.
    pub logs: Vec<String>,
    /// The one chosen; empty for all.
    pub log: String,
    /// The class chosen; empty for all.
    pub class: String,
    /// From this day.
    pub from: String,
    /// To this day.
    pub to: String,
    /// The number of an entry.
    pub sequence: String,
}

/// One of the logs; `all` is the word for none of them.
pub(super) fn logs(label: &str, all: &str, choice: &Choice) -> Markup {
    html! {
        label {
            (label)
            select name="log" {
                @if !all.is_empty() { option value="" { (all) } }
                @for log in &choice.logs {
                    option value=(log) selected[*log == choice.log] { (log) }
                }
            }
        }
    }
}

/// A day.
pub(super) fn day(name: &str, label: &str, value: &str) -> Markup {
    html! { label { (label) input type="date" name=(name) value=(value); } }
}
