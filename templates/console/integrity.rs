//! Whether everything is whole: one row a log, and one sentence above.

use super::{
    Moment, Place, View, WORDS, frame,
    table::{Cell, Kind, Table},
};
use crate::lang::Lang;
use maud::{Markup, html};
use serde::Deserialize;

/// What is wrong with a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alarm {
    /// Two heads that do not continue each other: somebody rewrote it.
    Forked,
    /// It does not verify, or a file of it is gone.
    Damaged,
    /// What is recorded waits: the log's folder cannot be written.
    NotWritten,
    /// Look-ups do not find what is new in it.
    NotIndexed,
    /// Kernel and records differed.
    Differs,
    /// Nothing came for longer than there may be nothing.
    NotShipped,
    /// Nothing ever came.
    NeverShipped,
    /// The site records to the keys of a week that is over, or its clock is not known.
    Late,
    /// Hours without a heartbeat.
    Silent,
    /// No witness has signed for longer than there may be none.
    Unwitnessed,
    /// No timestamp for longer than there may be none.
    Unstamped,
}

/// A log.
#[derive(Debug, Clone, Default)]
pub struct LogState {
    /// The site, or the hub's own.
    pub name: String,
    /// Whether it is the hub's.
    pub hub: bool,
    /// How many entries.
    pub size: Option<u64>,
    /// When its last head was signed, as far as is known here.
    pub checkpoint: Option<Moment>,
    /// When it last came to the hub.
    pub shipped: Option<Moment>,
    /// Who has cosigned its head, and when.
    pub witnesses: Vec<(String, Option<Moment>)>,
    /// When an authority for timestamps last stamped it.
    pub stamped: Option<Moment>,
    /// The last heartbeat.
    pub heartbeat: Option<Moment>,
    /// The longest time of the last days without a heartbeat, in minutes, where it was too long.
    pub silence: Option<u64>,
    /// What is wrong.
    pub alarms: Vec<Alarm>,
}

/// All logs, the hub's first.
#[derive(Debug, Clone, Default)]
pub struct Integrity {
    /// When this was looked at.
    pub at: String,
    /// The logs.
    pub logs: Vec<LogState>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    intro: String,
    at: String,
    whole: String,
    not_whole: String,
    caption: String,
    hub: String,
    log: String,
    state: String,
    size: String,
    checkpoint: String,
    shipped: String,
    witnesses: String,
    stamped: String,
    heartbeat: String,
    silence: String,
    own: String,
    none: String,
    good: String,
    minutes: String,
    open: String,
    what_to_do: String,
    forked: AlarmWords,
    damaged: AlarmWords,
    not_written: AlarmWords,
    not_indexed: AlarmWords,
    differs: AlarmWords,
    not_shipped: AlarmWords,
    never_shipped: AlarmWords,
    late: AlarmWords,
    silent: AlarmWords,
    unwitnessed: AlarmWords,
    unstamped: AlarmWords,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AlarmWords {
    name: String,
    text: String,
}

impl Words {
    const fn alarm(&self, alarm: Alarm) -> &AlarmWords {
        match alarm {
            Alarm::Forked => &self.forked,
            Alarm::Damaged => &self.damaged,
            Alarm::NotWritten => &self.not_written,
            Alarm::NotIndexed => &self.not_indexed,
            Alarm::Differs => &self.differs,
            Alarm::NotShipped => &self.not_shipped,
            Alarm::NeverShipped => &self.never_shipped,
            Alarm::Late => &self.late,
            Alarm::Silent => &self.silent,
            Alarm::Unwitnessed => &self.unwitnessed,
            Alarm::Unstamped => &self.unstamped,
        }
    }
}

/// The page.
pub fn integrity(view: View<'_>, state: &Integrity) -> Markup {
    let words = &WORDS.of(view.lang).integrity;
    let wrong = state.logs.iter().filter(|log| !log.alarms.is_empty()).count();
    let body = html! {
        @if wrong == 0 {
            p class="notice good" role="status" { strong { (words.whole.replace("{n}", &state.logs.len().to_string())) } }
        } @else {
            p class="notice alarm" role="alert" { strong { (words.not_whole.replace("{n}", &wrong.to_string())) } }
            (alarms(words, &state.logs))
        }
        p { (words.intro) }
        (integrity_table(view.lang, state).show(view, Some("/integrity.csv")))
        p class="hint" { (words.at.replace("{at}", &state.at)) }
    };
    frame(view, &WORDS.of(view.lang).place.integrity, Some(Place::Integrity), &body)
}

/// What is wrong, where, and what to do.
fn alarms(words: &Words, logs: &[LogState]) -> Markup {
    html! {
        h2 { (words.open) }
        dl class="alarms" {
            @for log in logs {
                @for alarm in &log.alarms {
                    @let advice = words.alarm(*alarm);
                    dt { (name(words, log)) ": " (advice.name) }
                    dd { (advice.text) }
                }
            }
        }
        p class="hint" { (words.what_to_do) }
    }
}

fn name<'a>(words: &'a Words, log: &'a LogState) -> &'a str {
    if log.hub { &words.hub } else { &log.name }
}

/// The same as a table.
pub fn integrity_table(lang: Lang, state: &Integrity) -> Table {
    let words = &WORDS.of(lang).integrity;
    let columns = [
        &words.log,
        &words.state,
        &words.size,
        &words.checkpoint,
        &words.shipped,
        &words.witnesses,
        &words.stamped,
        &words.heartbeat,
        &words.silence,
    ];
    let mut table = Table::new(&words.caption, &columns.map(String::as_str));
    table.rows = state.logs.iter().map(|log| row(lang, words, log)).collect();
    table
}

fn row(lang: Lang, words: &Words, log: &LogState) -> Vec<Cell> {
    let moment = |moment: &Option<Moment>| {
        Cell::from(moment.as_ref().map_or_else(|| words.none.clone(), |moment| moment.text(lang)))
    };
    let own = |cell: Cell| if log.hub { Cell::from(words.own.as_str()) } else { cell };
    let state = if log.alarms.is_empty() {
        Cell::new(Kind::Good, words.good.as_str())
    } else {
        let names: Vec<_> = log.alarms.iter().map(|alarm| words.alarm(*alarm).name.as_str()).collect();
        Cell::new(Kind::Alarm, names.join("; "))
    };
    let witness = |(name, when): &(String, Option<Moment>)| {
        let when = when.as_ref().map_or_else(|| words.none.clone(), |when| when.text(lang));
        format!("{name}: {when}")
    };
    let witnesses: Vec<_> = log.witnesses.iter().map(witness).collect();
    vec![
        Cell::from(name(words, log)),
        state,
        Cell::new(Kind::Number, log.size.map_or_else(|| words.none.clone(), |size| size.to_string())),
        moment(&log.checkpoint),
        own(moment(&log.shipped)),
        Cell::from(if witnesses.is_empty() { words.none.clone() } else { witnesses.join("; ") }),
        moment(&log.stamped),
        own(moment(&log.heartbeat)),
        own(Cell::from(log.silence.map_or_else(
            || words.none.clone(),
            |minutes| words.minutes.replace("{n}", &minutes.to_string()),
        ))),
    ]
}
