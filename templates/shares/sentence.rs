//! What a change of shares means, in one sentence.

use super::words::{WORDS, Words, filled};
use crate::lang::Lang;

/// A rate that changes. The rates are as settings write them: `80mbit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// `critical`, `office` or `guest`.
    pub lane: &'static str,
    /// Whether it is towards the Internet.
    pub up: bool,
    /// Whether it is the ceiling.
    pub ceiling: bool,
    /// Before.
    pub from: String,
    /// After.
    pub to: String,
    /// Whether it becomes more.
    pub rises: bool,
}

impl Changed {
    fn is_twin_of(&self, other: &Self) -> bool {
        let same = |c: &Self| (c.lane, c.ceiling, c.from.clone(), c.to.clone());
        self.up != other.up && same(self) == same(other)
    }
}

/// What the changes mean. What is the same in both directions is said once.
pub fn sentence(lang: Lang, changes: &[Changed]) -> String {
    let words = WORDS.of(lang);
    let clauses: Vec<_> = changes.iter().filter_map(|change| clause(words, change, changes)).collect();
    let text = clauses.join("; ");
    let mut rest = text.chars();
    match rest.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), rest.as_str()),
        None => words.nothing.clone(),
    }
}

/// `None` for the second of two that are said once.
fn clause(words: &Words, change: &Changed, all: &[Changed]) -> Option<String> {
    let twin = all.iter().any(|other| change.is_twin_of(other));
    if twin && !change.up {
        return None;
    }
    let direction = if twin { &words.both } else { words.direction_of(change.up) };
    let lane = words.of_lane(change.lane);
    let pattern = match (change.ceiling, change.rises) {
        (true, _) => &words.sentence.may,
        (false, true) => &words.sentence.rises,
        (false, false) => &words.sentence.falls,
    };
    let (from, to) = (speed(&change.from), speed(&change.to));
    let values = [
        ("whom", lane.whom.as_str()),
        ("who", &lane.who),
        ("from", &from),
        ("to", &to),
        ("direction", direction),
    ];
    Some(filled(pattern, &values))
}

/// A rate as people read it: `80 Mbit/s` for `80mbit`.
pub fn speed(rate: &str) -> String {
    let at = rate.find(|c: char| !c.is_ascii_digit()).unwrap_or(rate.len());
    let (number, unit) = rate.split_at(at);
    let unit = match unit {
        "gbit" => "Gbit/s",
        "mbit" => "Mbit/s",
        "kbit" => "kbit/s",
        _ => "bit/s",
    };
    format!("{number} {unit}")
}
