//! How many look-ups of the authorities there were, by month.

use super::{View, frame};
use crate::text::Text;
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::LazyLock;

/// A month's counts.
#[derive(Debug, Clone, Copy)]
pub struct LookupMonth<'a> {
    /// Such as 2026-11.
    pub month: &'a str,
    /// Asked, allowed, refused, answered.
    pub counts: [u64; 4],
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    title: String,
    intro: String,
    none: String,
    month: String,
    asked: String,
    allowed: String,
    refused: String,
    answered: String,
    proof: String,
}

static WORDS: LazyLock<Text<Words>> = LazyLock::new(|| {
    Text::compiled_in(
        include_str!("../text/it/transparency.toml"),
        include_str!("../text/en/transparency.toml"),
    )
});

/// The page. `log` is the name of the hub's log, from which anybody counts the same.
pub fn transparency(view: View<'_>, months: &[LookupMonth<'_>], log: &str) -> Markup {
    let words = WORDS.of(view.lang);
    let body = html! {
        p { (words.intro) }
        @if months.is_empty() { p { (words.none) } } @else { (table(words, months)) }
        p { (words.proof) " " code { (log) } }
    };
    frame(view, &words.title, &body)
}

fn table(words: &Words, months: &[LookupMonth<'_>]) -> Markup {
    html! {
        table {
            thead { tr {
                @for head in [&words.month, &words.asked, &words.allowed, &words.refused, &words.answered] {
                    th scope="col" { (head) }
                }
            } }
            tbody {
                @for LookupMonth { month, counts } in months {
                    tr {
                        th scope="row" { (month) }
                        @for count in counts { td { (count) } }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Lang;

    #[test]
    fn the_page_says_the_counts_in_every_language_and_that_there_were_none() {
        for lang in Lang::ALL {
            let view = View { lang, owner: "Comune" };
            let months = [LookupMonth { month: "2026-11", counts: [31, 17, 14, 13] }];
            let page = transparency(view, &months, "hub.example.it/log").into_string();
            for said in ["2026-11", ">31<", ">17<", ">14<", ">13<", "hub.example.it/log"] {
                assert!(page.contains(said), "{said}: {page}");
            }
            assert!(!page.contains("<script"));
            assert!(transparency(view, &[], "x").into_string().contains(&WORDS.of(lang).none));
        }
    }
}
