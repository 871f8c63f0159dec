//! The words of the shares pages.

use crate::text::Text;
use serde::Deserialize;
use std::sync::LazyLock;

pub static WORDS: LazyLock<Text<Words>> = LazyLock::new(|| {
    Text::compiled_in(include_str!("../text/it/shares.toml"), include_str!("../text/en/shares.toml"))
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    pub title: String,
    pub sign_in_title: String,
    pub sign_in: String,
    pub sign_in_button: String,
    pub log_out: String,
    pub state: String,
    pub back: String,
    pub live: String,
    pub lane: String,
    pub direction: String,
    pub up: String,
    pub down: String,
    pub both: String,
    pub guaranteed: String,
    pub ceiling: String,
    pub speed: String,
    pub waiting: String,
    pub unknown: String,
    pub reload: String,
    pub change: String,
    pub hint: String,
    pub preview: String,
    pub preview_title: String,
    pub exact: String,
    pub exact_none: String,
    pub exact_count: String,
    pub try_it: String,
    pub modify: String,
    pub trial_title: String,
    pub trial: String,
    pub confirm: String,
    pub take_back: String,
    pub nothing: String,
    pub mend: String,
    pub sold_twice: String,
    pub plan_refused: String,
    ended: Endings,
    pub field: Fields,
    pub sentence: Sentence,
    lanes: Lanes,
    troubles: Troubles,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Endings {
    asked: String,
    time_over: String,
    enforcer_lost: String,
    refused: String,
    records_failed: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    pub not_a_rate: String,
    pub nothing: String,
    pub under_floor: String,
    pub under_guarantee: String,
    pub above_link: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sentence {
    pub falls: String,
    pub rises: String,
    pub may: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lanes {
    critical: Lane,
    office: Lane,
    guest: Lane,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lane {
    pub name: String,
    pub whom: String,
    pub who: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    pub title: String,
    pub text: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Troubles {
    hub_down: Notice,
    overloaded: Notice,
    login_lost: Notice,
    refused: Notice,
    low_level: Notice,
    not_admin: Notice,
    form_expired: Notice,
    gate_down: Notice,
    records_failed: Notice,
    other_trial: Notice,
    changed: Notice,
    same: Notice,
    no_trial: Notice,
    later: Notice,
    kernel_refused: Notice,
    not_found: Notice,
}

impl Words {
    /// The lane of this word; there are three.
    pub fn of_lane(&self, lane: &str) -> &Lane {
        match lane {
            "critical" => &self.lanes.critical,
            "office" => &self.lanes.office,
            _ => &self.lanes.guest,
        }
    }

    pub fn lane_name(&self, lane: &str) -> &str {
        &self.of_lane(lane).name
    }

    pub fn direction_of(&self, up: bool) -> &str {
        if up { &self.up } else { &self.down }
    }
}

/// A text with `{name}` replaced by its value.
pub fn filled(text: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// How the last trial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the text files say each in full")]
pub enum Ended {
    Asked,
    TimeOver,
    EnforcerLost,
    Refused,
    RecordsFailed,
}

impl Ended {
    pub(super) fn text(self, words: &Words) -> &str {
        let said = &words.ended;
        match self {
            Self::Asked => &said.asked,
            Self::TimeOver => &said.time_over,
            Self::EnforcerLost => &said.enforcer_lost,
            Self::Refused => &said.refused,
            Self::RecordsFailed => &said.records_failed,
        }
    }
}

/// What stands in the way of an administrator: what happened and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the text files say each in full")]
pub enum Trouble {
    HubDown,
    Overloaded,
    LoginLost,
    Refused,
    LowLevel,
    NotAdmin,
    FormExpired,
    GateDown,
    RecordsFailed,
    OtherTrial,
    Changed,
    Same,
    NoTrial,
    Later,
    KernelRefused,
    NotFound,
}

impl Trouble {
    pub(super) fn notice(self, words: &Words) -> &Notice {
        let t = &words.troubles;
        match self {
            Self::HubDown => &t.hub_down,
            Self::Overloaded => &t.overloaded,
            Self::LoginLost => &t.login_lost,
            Self::Refused => &t.refused,
            Self::LowLevel => &t.low_level,
            Self::NotAdmin => &t.not_admin,
            Self::FormExpired => &t.form_expired,
            Self::GateDown => &t.gate_down,
            Self::RecordsFailed => &t.records_failed,
            Self::OtherTrial => &t.other_trial,
            Self::Changed => &t.changed,
            Self::Same => &t.same,
            Self::NoTrial => &t.no_trial,
            Self::Later => &t.later,
            Self::KernelRefused => &t.kernel_refused,
            Self::NotFound => &t.not_found,
        }
    }
}
