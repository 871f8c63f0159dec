//! The pages that citizens see at a site.

mod limits;

pub use limits::{End, Moment, Online, closed, spent};

use crate::{
    lang::Lang,
    layout::{Frame, page},
    text::Text,
};
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::LazyLock;

/// Words of the portal.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    start_title: String,
    start_intro: String,
    start_steps: String,
    start_button: String,
    privacy_heading: String,
    privacy: String,
    online_title: String,
    online_until: String,
    online_left: String,
    minutes: String,
    log_out: String,
    online_end: String,
    offline_title: String,
    offline_text: String,
    left_title: String,
    left_text: String,
    leaving_title: String,
    leaving_text: String,
    provider_text: String,
    provider_button: String,
    to_start: String,
    to_status: String,
    limits: limits::Words,
    problems: Problems,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Problems {
    no_slot: Notice,
    full: Notice,
    records_failed: Notice,
    gate_down: Notice,
    clock_wrong: Notice,
    hub_down: Notice,
    overloaded: Notice,
    overtaken: Notice,
    unknown_device: Notice,
    login_lost: Notice,
    refused: Notice,
    form_expired: Notice,
    not_found: Notice,
    broken: Notice,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Notice {
    title: String,
    text: String,
}

static WORDS: LazyLock<Text<Words>> = LazyLock::new(|| {
    Text::compiled_in(include_str!("text/it/portal.toml"), include_str!("text/en/portal.toml"))
});

/// Why a citizen is not let in, as a page says it: what happened and what to do, no detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the text files say each in full")]
pub enum Problem {
    NoSlot,
    Full,
    RecordsFailed,
    GateDown,
    ClockWrong,
    HubDown,
    Overloaded,
    Overtaken,
    UnknownDevice,
    LoginLost,
    Refused,
    FormExpired,
    NotFound,
    Broken,
}

impl Problem {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::NoSlot,
        Self::Full,
        Self::RecordsFailed,
        Self::GateDown,
        Self::ClockWrong,
        Self::HubDown,
        Self::Overloaded,
        Self::Overtaken,
        Self::UnknownDevice,
        Self::LoginLost,
        Self::Refused,
        Self::FormExpired,
        Self::NotFound,
        Self::Broken,
    ];

    const fn notice(self, words: &Words) -> &Notice {
        let p = &words.problems;
        match self {
            Self::NoSlot => &p.no_slot,
            Self::Full => &p.full,
            Self::RecordsFailed => &p.records_failed,
            Self::GateDown => &p.gate_down,
            Self::ClockWrong => &p.clock_wrong,
            Self::HubDown => &p.hub_down,
            Self::Overloaded => &p.overloaded,
            Self::Overtaken => &p.overtaken,
            Self::UnknownDevice => &p.unknown_device,
            Self::LoginLost => &p.login_lost,
            Self::Refused => &p.refused,
            Self::FormExpired => &p.form_expired,
            Self::NotFound => &p.not_found,
            Self::Broken => &p.broken,
        }
    }
}

/// What every page of the portal needs.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'a> {
    /// Language of the page.
    pub lang: Lang,
    /// The site's title.
    pub site: &'a str,
}

/// The page a citizen meets first. `form` is the hidden token of the login form.
pub fn start(visit: Visit<'_>, form: &str) -> Markup {
    let words = WORDS.of(visit.lang);
    framed(
        visit,
        &words.start_title,
        &html! {
            p { (words.start_intro) }
            p { (words.start_steps) }
            form method="post" action="/login" {
                input type="hidden" name="form" value=(form);
                button type="submit" { (words.start_button) }
            }
            h2 { (words.privacy_heading) }
            p { (words.privacy) }
        },
    )
}

/// Online, until when and why.
pub fn online(visit: Visit<'_>, online: &Online<'_>) -> Markup {
    let words = WORDS.of(visit.lang);
    framed(
        visit,
        &words.online_title,
        &html! {
            (limits::facts(visit, online))
            (limits::extend(visit, online))
            p { (words.online_end) }
            form method="post" action="/logout" {
                input type="hidden" name="form" value=(online.form);
                button class="second" type="submit" { (words.log_out) }
            }
        },
    )
}

/// Not online: the pass has ended or never began.
pub fn offline(visit: Visit<'_>) -> Markup {
    let words = WORDS.of(visit.lang);
    notice(visit, &words.offline_title, &words.offline_text, false)
}

/// The form that asks to log out at the identity provider too.
#[derive(Debug, Clone, Copy)]
pub struct AtProvider<'a> {
    /// Where it is posted.
    pub action: &'a str,
    /// Its hidden fields.
    pub fields: &'a [(&'static str, String)],
}

/// Logged out: the flows are cut. `provider` where a session is left there.
pub fn left(visit: Visit<'_>, provider: Option<AtProvider<'_>>) -> Markup {
    let words = WORDS.of(visit.lang);
    notice_with(visit, &words.left_title, &words.left_text, false, &at_provider(words, provider))
}

/// Logged out, but the kernel cannot be told now.
pub fn leaving(visit: Visit<'_>, provider: Option<AtProvider<'_>>) -> Markup {
    let words = WORDS.of(visit.lang);
    notice_with(visit, &words.leaving_title, &words.leaving_text, true, &at_provider(words, provider))
}

fn at_provider(words: &Words, provider: Option<AtProvider<'_>>) -> Markup {
    html! {
        @if let Some(provider) = provider {
            p { (words.provider_text) }
            form method="post" action=(provider.action) {
                @for (name, value) in provider.fields { input type="hidden" name=(name) value=(value); }
                button class="second" type="submit" { (words.provider_button) }
            }
        }
    }
}

/// Something stands in the way.
pub fn problem(visit: Visit<'_>, problem: Problem) -> Markup {
    let said = problem.notice(WORDS.of(visit.lang));
    notice(visit, &said.title, &said.text, true)
}

fn notice(visit: Visit<'_>, title: &str, text: &str, alarm: bool) -> Markup {
    notice_with(visit, title, text, alarm, &html! {})
}

fn notice_with(visit: Visit<'_>, title: &str, text: &str, alarm: bool, more: &Markup) -> Markup {
    let words = WORDS.of(visit.lang);
    framed(
        visit,
        title,
        &html! {
            p class=(if alarm { "notice alarm" } else { "notice" }) { (text) }
            (more)
            p { a class="button" href="/" { (words.to_start) } }
            p { a href="/status" { (words.to_status) } }
        },
    )
}

fn framed(visit: Visit<'_>, title: &str, body: &Markup) -> Markup {
    page(Frame { lang: visit.lang, title, owner: visit.site }, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_exists_in_every_language() {
        for lang in Lang::ALL {
            let visit = Visit { lang, site: "Library <b>" };
            let mut pages = vec![start(visit, "t"), offline(visit), left(visit, None), leaving(visit, None)];
            pages.extend([closed(visit, None), spent(visit, None)]);
            pages.extend(Problem::ALL.map(|p| problem(visit, p)));
            for page in pages {
                let page = page.into_string();
                assert!(page.contains("<h1>") && page.contains("Library &lt;b&gt;"), "{page}");
                assert!(!page.contains("<script") && !page.contains("style="), "{page}");
            }
        }
    }

    #[test]
    fn who_left_may_log_out_at_the_provider_too() {
        let fields = [("logout_hint", "a\"b".to_owned())];
        let provider = AtProvider { action: "https://accesso.example.it/oidc/logout", fields: &fields };
        let visit = Visit { lang: Lang::It, site: "Biblioteca" };
        for page in [left(visit, Some(provider)), leaving(visit, Some(provider))] {
            let page = page.into_string();
            assert!(page.contains(r#"<form method="post" action="https://accesso.example.it/oidc/logout">"#));
            assert!(page.contains(r#"name="logout_hint" value="a&quot;b""#), "{page}");
        }
        assert!(!left(visit, None).into_string().contains("<form method=\"post\""));
    }

    #[test]
    fn the_entrance_is_a_form() {
        let page = start(Visit { lang: Lang::It, site: "Biblioteca" }, "token").into_string();
        assert!(page.contains(r#"<form method="post" action="/login">"#));
        assert!(page.contains(r#"name="form" value="token""#));
    }
}
