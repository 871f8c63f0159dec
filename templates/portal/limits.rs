//! What the pages say of opening hours and of what a person may use in a day.

use super::{Visit, WORDS, framed};
use maud::{Markup, html};
use serde::Deserialize;

/// Words about limits.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    ends: String,
    ends_length: String,
    ends_closing: String,
    ends_time: String,
    time_left: String,
    volume_left: String,
    extend: String,
    extend_text: String,
    closed_title: String,
    closed_text: String,
    closed_opens: String,
    closed_unknown: String,
    spent_title: String,
    spent_text: String,
    spent_anew: String,
    weekdays: [String; 7],
}

/// An instant as the clock at the site shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Day of the week, 0 for Monday, to 6.
    pub weekday: usize,
    /// The day, `23/11/2026`.
    pub date: String,
    /// The time, `08:00`.
    pub clock: String,
    /// All of it for machines, with UTC offset.
    pub iso: String,
}

/// Why a pass ends when its time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its length.
    Length,
    /// The site closes.
    Closing,
    /// The person's time of the day is used up.
    Time,
}

/// A pass, as its citizen sees it.
#[derive(Debug, Clone)]
pub struct Online<'a> {
    /// Until then.
    pub until: Moment,
    /// Minutes until then.
    pub minutes: i64,
    /// Why it ends then. After [`End::Length`] a new login gives more time.
    pub ends: End,
    /// Minutes that the person has left of the day, where that is limited.
    pub today_minutes: Option<i64>,
    /// Bytes that the person has left of the day, where that is limited.
    pub today_bytes: Option<u64>,
    /// The hidden token of the forms.
    pub form: &'a str,
}

/// The facts of a pass: until when, why, and what is left of the day.
pub(super) fn facts(visit: Visit<'_>, online: &Online<'_>) -> Markup {
    let (words, own) = (WORDS.of(visit.lang), &WORDS.of(visit.lang).limits);
    let why = match online.ends {
        End::Length => &own.ends_length,
        End::Closing => &own.ends_closing,
        End::Time => &own.ends_time,
    };
    html! {
        dl class="facts" {
            dt { (words.online_until) }
            dd { time datetime=(online.until.iso) { (online.until.clock) } }
            dt { (words.online_left) }
            dd { (online.minutes) " " (words.minutes) }
            dt { (own.ends) }
            dd { (why) }
            @if let Some(minutes) = online.today_minutes {
                dt { (own.time_left) }
                dd { (minutes) " " (words.minutes) }
            }
            @if let Some(bytes) = online.today_bytes {
                dt { (own.volume_left) }
                dd { (amount(bytes)) }
            }
        }
    }
}

/// The button that begins a new login, where that gives more time.
pub(super) fn extend(visit: Visit<'_>, online: &Online<'_>) -> Markup {
    let own = &WORDS.of(visit.lang).limits;
    html! {
        @if online.ends == End::Length {
            form method="post" action="/login" {
                input type="hidden" name="form" value=(online.form);
                button type="submit" { (own.extend) }
            }
            p { (own.extend_text) }
        }
    }
}

/// The site is closed; it opens again then, where that is known.
pub fn closed(visit: Visit<'_>, opens: Option<&Moment>) -> Markup {
    let own = &WORDS.of(visit.lang).limits;
    refusal(visit, (&own.closed_title, &own.closed_text), &own.closed_opens, opens)
}

/// The person has used up the day; they may come again then, where that is known.
pub fn spent(visit: Visit<'_>, anew: Option<&Moment>) -> Markup {
    let own = &WORDS.of(visit.lang).limits;
    refusal(visit, (&own.spent_title, &own.spent_text), &own.spent_anew, anew)
}

/// Without a way to the entrance: it would lead here again.
fn refusal(visit: Visit<'_>, (title, text): (&str, &str), when: &str, moment: Option<&Moment>) -> Markup {
    let (words, own) = (WORDS.of(visit.lang), &WORDS.of(visit.lang).limits);
    framed(
        visit,
        title,
        &html! {
            p class="notice" { (text) }
            @match moment.map(|moment| (moment, own.weekdays.get(moment.weekday))) {
                Some((moment, Some(day))) => p {
                    (when) " "
                    time datetime=(moment.iso) { (day) " " (moment.date) ", " (moment.clock) }
                    "."
                }
                _ => p { (own.closed_unknown) }
            }
            p { a href="/status" { (words.to_status) } }
        },
    )
}

/// Rounded down, in the larger unit only where nothing that matters is lost.
fn amount(bytes: u64) -> String {
    const MEGA: u64 = 1_000_000;
    if bytes >= 10_000 * MEGA {
        format!("{} GB", bytes / (1000 * MEGA))
    } else {
        format!("{} MB", bytes / MEGA)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{lang::Lang, portal::online};

    fn moment() -> Moment {
        Moment {
            weekday: 0,
            date: "23/11/2026".into(),
            clock: "08:00".into(),
            iso: "2026-11-23T08:00:00+01:00".into(),
        }
    }

    fn pass(ends: End) -> Online<'static> {
        let (today_minutes, today_bytes) = (Some(75), Some(1_999_999_999));
        Online { until: moment(), minutes: 42, ends, today_minutes, today_bytes, form: "token" }
    }

    #[test]
    fn a_pass_says_until_when_why_and_what_is_left() {
        let visit = Visit { lang: Lang::En, site: "Library" };
        let page = online(visit, &pass(End::Closing)).into_string();
        assert!(page.contains("<time datetime=\"2026-11-23T08:00:00+01:00\">08:00</time>"), "{page}");
        assert!(
            page.contains("42 minutes") && page.contains("75 minutes") && page.contains("1999 MB"),
            "{page}"
        );
        assert!(page.contains("closes") && !page.contains("action=\"/login\""), "{page}");
        let page = online(visit, &pass(End::Length)).into_string();
        assert!(page.contains("action=\"/login\"") && page.contains("action=\"/logout\""), "{page}");
        let none = Online { today_minutes: None, today_bytes: None, ..pass(End::Length) };
        assert!(!online(visit, &none).into_string().contains("today"));
    }

    #[test]
    fn who_is_refused_reads_when_to_come_again() {
        let it = Visit { lang: Lang::It, site: "Biblioteca" };
        let page = closed(it, Some(&moment())).into_string();
        assert!(page.contains("lunedì 23/11/2026, 08:00") && !page.contains("href=\"/\""), "{page}");
        assert!(closed(it, None).into_string().contains("personale"));
        let page = spent(Visit { lang: Lang::En, site: "Library" }, Some(&moment())).into_string();
        assert!(page.contains("Monday 23/11/2026, 08:00"), "{page}");
    }

    #[test]
    fn amounts_are_whole_numbers() {
        assert_eq!(amount(0), "0 MB");
        assert_eq!(amount(2_000_000_000), "2000 MB");
        assert_eq!(amount(12_300_000_000), "12 GB");
    }
}
