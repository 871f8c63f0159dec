//! The pages that a site's administrator sees. No personal data on them.

use crate::{
    lang::Lang,
    layout::{Frame, page},
    text::Text,
};
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::LazyLock;

/// Words of the admin pages.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    title: String,
    gate: String,
    records: String,
    hub: String,
    works: String,
    fails: String,
    passes: String,
    slots: String,
    of: String,
    leaf: String,
    generation: String,
    healed: String,
    lanes: String,
    lane: String,
    direction: String,
    up: String,
    down: String,
    ceiling: String,
    bytes: String,
    drops: String,
    backlog: String,
    critical: String,
    office: String,
    guest: String,
    not_measured: String,
    line_alarm: String,
    evidence: String,
    reload: String,
    shares: String,
}

static WORDS: LazyLock<Text<Words>> = LazyLock::new(|| {
    Text::compiled_in(include_str!("text/it/admin.toml"), include_str!("text/en/admin.toml"))
});

/// The state of a site.
#[derive(Debug, Clone, Default)]
pub struct SiteState {
    /// Whether the enforcer answers and holds the desired state.
    pub gate: bool,
    /// Whether records can be written.
    pub records: bool,
    /// Whether the hub answers.
    pub hub: bool,
    /// Whether numbers about people are shown: passes and slots.
    pub people: bool,
    /// Passes in use.
    pub passes: usize,
    /// Slots lent.
    pub slots_lent: usize,
    /// Slots of the site.
    pub slots_total: usize,
    /// Number of the desired state.
    pub generation: u64,
    /// Whether the line carries less than its least.
    pub line_alarm: bool,
    /// What the kernel last said; `None` before it was asked.
    pub kernel: Option<Kernel>,
}

/// What the kernel last said.
#[derive(Debug, Clone, Default)]
pub struct Kernel {
    /// Queueing discipline at the leaves.
    pub leaf: String,
    /// Differences healed.
    pub healed: u64,
    /// Every lane in both directions.
    pub lanes: Vec<LaneRow>,
}

/// A lane in one direction.
#[derive(Debug, Clone, Default)]
pub struct LaneRow {
    /// `critical`, `office` or `guest`.
    pub lane: &'static str,
    /// Whether it is towards the Internet.
    pub up: bool,
    /// Ceiling in force, as text.
    pub ceiling: String,
    /// Bytes sent.
    pub bytes: u64,
    /// Packets dropped.
    pub drops: u64,
    /// Bytes waiting.
    pub backlog: u64,
}

/// The status page.
pub fn status(lang: Lang, site: &str, state: &SiteState) -> Markup {
    let words = WORDS.of(lang);
    page(
        Frame { lang, title: &words.title, owner: site },
        &html! {
            @if state.line_alarm { p class="notice alarm" role="status" { (words.line_alarm) } }
            (facts(words, state))
            @match &state.kernel {
                Some(kernel) => (lanes(words, kernel)),
                None => p class="notice" { (words.not_measured) },
            }
            p { a href="/evidence" { (words.evidence) } }
            p {
                a class="button second" href="/" { (words.reload) }
                " "
                a class="button" href="/shares" { (words.shares) }
            }
        },
    )
}

fn facts(words: &Words, state: &SiteState) -> Markup {
    let works = |well: bool| if well { &words.works } else { &words.fails };
    html! {
        dl class="facts" {
            dt { (words.gate) } dd { (works(state.gate)) }
            dt { (words.records) } dd { (works(state.records)) }
            dt { (words.hub) } dd { (works(state.hub)) }
            @if state.people {
                dt { (words.passes) } dd { (state.passes) }
                dt { (words.slots) } dd { (state.slots_lent) " " (words.of) " " (state.slots_total) }
            }
            dt { (words.generation) } dd { (state.generation) }
            @if let Some(kernel) = &state.kernel {
                dt { (words.leaf) } dd { (kernel.leaf) }
                dt { (words.healed) } dd { (kernel.healed) }
            }
        }
    }
}

fn lanes(words: &Words, kernel: &Kernel) -> Markup {
    html! {
        table {
            caption { (words.lanes) }
            thead { tr {
                @for head in [&words.lane, &words.direction, &words.ceiling, &words.bytes, &words.drops, &words.backlog] {
                    th scope="col" { (head) }
                }
            } }
            tbody {
                @for row in &kernel.lanes {
                    tr {
                        th scope="row" { (lane_name(words, row.lane)) }
                        td { (if row.up { &words.up } else { &words.down }) }
                        td class="number" { (row.ceiling) }
                        td class="number" { (row.bytes) }
                        td class="number" { (row.drops) }
                        td class="number" { (row.backlog) }
                    }
                }
            }
        }
    }
}

fn lane_name<'a>(words: &'a Words, lane: &'a str) -> &'a str {
    match lane {
        "critical" => &words.critical,
        "office" => &words.office,
        "guest" => &words.guest,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_lanes_once_they_are_measured() {
        let mut state = SiteState { gate: true, slots_total: 126, ..SiteState::default() };
        assert!(!status(Lang::En, "Library", &state).into_string().contains("126"), "a number about people");
        state.people = true;
        let before = status(Lang::En, "Library", &state).into_string();
        assert!(before.contains("Not measured yet.") && before.contains("0 of 126"));
        let row =
            LaneRow { lane: "guest", up: true, ceiling: "100mbit".into(), bytes: 7, ..LaneRow::default() };
        assert!(before.contains("href=\"/evidence\"") && !before.contains("below its least"));
        state.line_alarm = true;
        state.kernel = Some(Kernel { leaf: "pfifo".into(), healed: 2, lanes: vec![row] });
        let after = status(Lang::It, "Biblioteca", &state).into_string();
        assert!(after.contains("visitatori") && after.contains("100mbit") && after.contains("pfifo"));
        assert!(after.contains("meno del suo minimo"));
    }
}
