//! What one person may use of a site in a day, and how many may be in at once.

use crate::{config::ConfigError, size::Size};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The least a day may be limited to, in bytes: a login and some pages still fit.
const LEAST_VOLUME: Size = Size::from_bytes(1_000_000);
const LEAST_TIME: SignedDuration = SignedDuration::from_mins(1);
const MOST_TIME: SignedDuration = SignedDuration::from_hours(24);

/// Limits per person and per site. A person is a subject of the hub, not a device; a day is the site's own, from midnight
/// to midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// How long a person may be online in a day, with however many devices at once: 1 minute to 24 hours.
    #[serde(default)]
    pub daily_time: Option<SignedDuration>,
    /// How much a person may move in a day, both directions added, with all devices: 1 MB or more.
    #[serde(default)]
    pub daily_volume: Option<Size>,
    /// Passes that a person may hold at once, 1 or more. One more replaces the oldest, so that a lost phone locks nobody
    /// out.
    #[serde(default = "passes_per_person")]
    pub passes_per_person: u32,
    /// Passes at the site at once, 1 or more; without it, as many as there are slots.
    #[serde(default)]
    pub guests: Option<u32>,
}

const fn passes_per_person() -> u32 {
    3
}

impl Default for Limits {
    fn default() -> Self {
        let passes_per_person = passes_per_person();
        Self { daily_time: None, daily_volume: None, passes_per_person, guests: None }
    }
}

impl Limits {
    /// Whether it must be kept what a person has used of the day. Where nothing asks for it, it is not.
    pub const fn count_the_day(&self) -> bool {
        self.daily_time.is_some() || self.daily_volume.is_some()
    }

    pub(crate) fn check(&self, file: &Path) -> Result<(), ConfigError> {
        let bad =
            |key: &str, problem: String, remedy: &str| Err(ConfigError::new(file, key, problem, remedy));
        let out = |time: &SignedDuration| !(LEAST_TIME..=MOST_TIME).contains(time);
        if let Some(time) = self.daily_time.filter(out) {
            let problem = format!("{time:#} is out of range");
            return bad("limits.daily_time", problem, "give from 1m to 24h, or leave it out for no limit");
        }
        if let Some(volume) = self.daily_volume.filter(|volume| *volume < LEAST_VOLUME) {
            let problem = format!("{volume} is too little to be of use");
            return bad("limits.daily_volume", problem, "give 1MB or more, or leave it out for no limit");
        }
        if self.passes_per_person == 0 {
            let remedy = "give 1 or more; for no guests at all, set interfaces.guest = []";
            return bad("limits.passes_per_person", "0 lets nobody in".into(), remedy);
        }
        if self.guests == Some(0) {
            let remedy = "leave it out for no limit; for no guests at all, set interfaces.guest = []";
            return bad("limits.guests", "0 lets nobody in".into(), remedy);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(text: &str) -> Limits {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn what_is_not_said_is_not_limited() {
        assert_eq!(limits(""), Limits::default());
        assert!(!Limits::default().count_the_day());
        let all = limits("daily_time = '3h'\ndaily_volume = '2GB'\npasses_per_person = 2\nguests = 200");
        assert!(all.count_the_day() && all.check(Path::new("site.toml")).is_ok());
        assert_eq!(all.daily_volume, Some(Size::from_bytes(2_000_000_000)));
    }

    #[test]
    fn limits_that_let_nobody_in_are_refused() {
        let said = |text: &str| limits(text).check(Path::new("site.toml")).unwrap_err().to_string();
        insta::assert_snapshot!(said("daily_time = '59s'"), @"site.toml: limits.daily_time: 59s is out of range; give from 1m to 24h, or leave it out for no limit");
        assert!(said("daily_time = '25h'").contains("limits.daily_time: 25h"));
        insta::assert_snapshot!(said("daily_volume = '999kB'"), @"site.toml: limits.daily_volume: 999kB is too little to be of use; give 1MB or more, or leave it out for no limit");
        insta::assert_snapshot!(said("passes_per_person = 0"), @"site.toml: limits.passes_per_person: 0 lets nobody in; give 1 or more; for no guests at all, set interfaces.guest = []");
        insta::assert_snapshot!(said("guests = 0"), @"site.toml: limits.guests: 0 lets nobody in; leave it out for no limit; for no guests at all, set interfaces.guest = []");
    }
}
