//! An instant on a page: as it is written, and how long ago it was.

use super::WORDS;
use crate::lang::Lang;
use serde::Deserialize;

/// An instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// With its offset: `2026-11-22 10:00:05+01:00`.
    pub at: String,
    /// How long ago, in seconds; none for what is to come.
    pub ago: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    now: String,
    minutes: String,
    hours: String,
    days: String,
}

impl Moment {
    /// How long ago it was, in words.
    pub fn age(&self, lang: Lang) -> String {
        let words = &WORDS.of(lang).moment;
        let (word, count) = match self.ago {
            0..=119 => (&words.now, 0),
            120..=7199 => (&words.minutes, self.ago / 60),
            7200..=172_799 => (&words.hours, self.ago / 3600),
            _ => (&words.days, self.ago / 86_400),
        };
        word.replace("{n}", &count.to_string())
    }

    /// Both: `2026-11-22 10:00:05+01:00 (3 minutes ago)`.
    pub(super) fn text(&self, lang: Lang) -> String {
        format!("{} ({})", self.at, self.age(lang))
    }
}
