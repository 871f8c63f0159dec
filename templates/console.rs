//! The pages of the console at the hub. What names a citizen has no field here.

mod case;
mod cases;
mod choice;
mod integrity;
mod looked;
mod moment;
mod retention;
mod search;
mod sessions;
mod sheet;
pub mod table;

pub use case::{CaseRow, StepRow, case, case_table};
pub use cases::{HandIn, Handed, Refused, Why, cases, cases_table};
pub use choice::Choice;
pub use integrity::{Alarm, Integrity, LogState, integrity, integrity_table};
pub use looked::{SeenRow, looked, looked_table};
pub use moment::Moment;
pub use retention::{DueRow, DueState, HoldRow, HoldState, due_table, holds_table, retention};
pub use search::{HeaderRow, entry, search, search_table};
pub use sessions::{CountRow, DayRow, Few, counts_table, sessions, sessions_table};
pub use sheet::{Head, Sheet, SheetEntry, SiteHead, Stamp, sheet};

use crate::{
    lang::Lang,
    layout::{self, Around, Frame},
    text::Text,
};
use maud::{Markup, html};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::LazyLock};

/// What the console's pages have more than the others: wide tables, a menu, and how they are printed.
pub const STYLE_SHEET: &str = include_str!("assets/console.css");

/// Where one is in the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words of each are in text/*/console.toml")]
pub enum Place {
    Integrity,
    Sessions,
    Search,
    Cases,
    Retention,
    Looked,
}

impl Place {
    /// Its address.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Integrity => "/integrity",
            Self::Sessions => "/sessions",
            Self::Search => "/search",
            Self::Cases => "/cases",
            Self::Retention => "/retention",
            Self::Looked => "/looked",
        }
    }
}

/// What every page needs.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Language of the page.
    pub lang: Lang,
    /// The public body's name.
    pub owner: &'a str,
    /// The hidden value of our own forms.
    pub form: &'a str,
    /// The beginning of the identifier of who is logged in.
    pub who: Option<&'a str>,
    /// The names of their roles.
    pub roles: &'a [&'a str],
    /// The pages that they may see.
    pub menu: &'a [Place],
    /// The query of this page without the language: empty or ending in `&`.
    pub query: &'a str,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words of each are in text/*/console.toml")]
pub enum Trouble {
    SignIn,
    Forbidden,
    NotListed,
    FormExpired,
    LoginLost,
    Refused,
    NotFound,
    TooLarge,
    Unavailable,
    NotRecorded,
}

/// The way in.
pub fn sign_in(view: View<'_>) -> Markup {
    let words = &WORDS.of(view.lang).frame;
    let body = html! {
        p { (words.sign_in) }
        (enter(view))
        p class="hint" { (words.recorded) }
    };
    frame(view, &words.title, None, &body)
}

/// Somebody is in now; the page leads on by itself.
pub fn entered(view: View<'_>) -> Markup {
    let words = &WORDS.of(view.lang).frame;
    let body = html! {
        p class="notice" role="status" { (words.entered) }
        p { a class="button" href=(Place::Integrity.path()) { (words.go_on) } }
    };
    frame(view, &words.title, None, &body)
}

/// What went wrong, and what to do next.
pub fn trouble(view: View<'_>, trouble: Trouble) -> Markup {
    let words = WORDS.of(view.lang);
    let advice = words.trouble.of(trouble);
    let body = html! {
        div class="notice alarm" role="alert" { p { (advice.text) } }
        @if matches!(trouble, Trouble::SignIn | Trouble::LoginLost | Trouble::Refused) {
            (enter(view))
        } @else {
            p { a class="button second" href="/" { (words.frame.back) } }
        }
    };
    frame(view, &advice.title, None, &body)
}

fn enter(view: View<'_>) -> Markup {
    html! {
        form method="post" action="/login" {
            (hidden(view))
            button { (WORDS.of(view.lang).frame.sign_in_button) }
        }
    }
}

fn hidden(view: View<'_>) -> Markup {
    html! { input type="hidden" name="form" value=(view.form); }
}

fn frame(view: View<'_>, title: &str, here: Option<Place>, body: &Markup) -> Markup {
    let menu = view.who.map(|who| menu(view, who, here));
    let around = Around { query: view.query, style: Some("/assets/console.css"), menu: menu.as_ref() };
    layout::page_with(Frame { lang: view.lang, title, owner: view.owner }, around, body)
}

/// Where one can go, who one is, and the way out.
fn menu(view: View<'_>, who: &str, here: Option<Place>) -> Markup {
    let all = WORDS.of(view.lang);
    let words = &all.frame;
    html! {
        div class="console" {
            nav aria-label=(words.menu) {
                ul class="places" {
                    @for place in view.menu {
                        li {
                            a href=(place.path()) aria-current=[(Some(*place) == here).then_some("page")] {
                                (all.place.of(*place))
                            }
                        }
                    }
                }
            }
            form class="visitor" method="post" action="/logout" {
                (hidden(view))
                span {
                    @for (n, role) in view.roles.iter().enumerate() {
                        @if n > 0 { ", " }
                        (all.roles.get(*role).map_or(*role, String::as_str))
                    }
                    " · " (words.identifier) " " code { (who) }
                }
                button class="second" { (words.log_out) }
            }
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    frame: FrameWords,
    place: PlaceWords,
    roles: BTreeMap<String, String>,
    moment: moment::Words,
    table: table::Words,
    integrity: integrity::Words,
    sessions: sessions::Words,
    search: search::Words,
    looked: looked::Words,
    cases: cases::Words,
    case: case::Words,
    sheet: sheet::Words,
    retention: retention::Words,
    trouble: TroubleWords,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FrameWords {
    title: String,
    sign_in: String,
    sign_in_button: String,
    recorded: String,
    entered: String,
    go_on: String,
    back: String,
    menu: String,
    identifier: String,
    log_out: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceWords {
    integrity: String,
    sessions: String,
    search: String,
    cases: String,
    retention: String,
    looked: String,
}

impl PlaceWords {
    fn of(&self, place: Place) -> &str {
        match place {
            Place::Integrity => &self.integrity,
            Place::Sessions => &self.sessions,
            Place::Search => &self.search,
            Place::Cases => &self.cases,
            Place::Retention => &self.retention,
            Place::Looked => &self.looked,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TroubleWords {
    sign_in: Advice,
    forbidden: Advice,
    not_listed: Advice,
    form_expired: Advice,
    login_lost: Advice,
    refused: Advice,
    not_found: Advice,
    too_large: Advice,
    unavailable: Advice,
    not_recorded: Advice,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advice {
    title: String,
    text: String,
}

impl TroubleWords {
    const fn of(&self, trouble: Trouble) -> &Advice {
        match trouble {
            Trouble::SignIn => &self.sign_in,
            Trouble::Forbidden => &self.forbidden,
            Trouble::NotListed => &self.not_listed,
            Trouble::FormExpired => &self.form_expired,
            Trouble::LoginLost => &self.login_lost,
            Trouble::Refused => &self.refused,
            Trouble::NotFound => &self.not_found,
            Trouble::TooLarge => &self.too_large,
            Trouble::Unavailable => &self.unavailable,
            Trouble::NotRecorded => &self.not_recorded,
        }
    }
}

static WORDS: LazyLock<Text<Words>> = LazyLock::new(|| {
    Text::compiled_in(include_str!("text/it/console.toml"), include_str!("text/en/console.toml"))
});
