//! The pages of the hub: the choice of a provider, the step to it, and what went wrong.

mod card;
mod choose;
mod transparency;

pub use card::{CardOffer, CardTrouble, card, card_help};
pub use choose::{Choice, Choices, choose};
pub use transparency::{LookupMonth, transparency};

use crate::{
    lang::Lang,
    layout::{self, Frame},
    text::Text,
};
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::LazyLock;

/// Whose page, and in which language.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Language of the page.
    pub lang: Lang,
    /// The public body's name.
    pub owner: &'a str,
}

/// The form that brings a message to a provider.
#[derive(Debug, Clone, Copy)]
pub struct Send<'a> {
    /// Where it goes.
    pub destination: &'a str,
    /// `SAMLRequest` or `SAMLResponse`.
    pub field: &'a str,
    /// The message.
    pub message: &'a str,
    /// What the provider echoes.
    pub relay_state: Option<&'a str>,
}

/// What went wrong, as a citizen is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words of each are in text/*/hub.toml")]
pub enum Trouble {
    UnknownGateway,
    UnknownProvider,
    Unavailable,
    OtherBrowser,
    Used,
    NotAccepted,
    OurRequest,
    Nr19,
    Nr20,
    Nr21,
    Nr22,
    Nr23,
    Nr25,
    Nr30,
    Status,
    NotFound,
}

/// What a page of trouble says and offers beside its words.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// A code to show to the staff or the provider.
    pub code: Option<&'a str>,
    /// The SPID level asked for, 1 to 3.
    pub level: u8,
    /// Whether a login can be started again here.
    pub again: bool,
    /// Whether a gateway waits for an answer.
    pub leave: bool,
}

/// The step to a provider that takes its request by POST; works without scripts.
pub fn send(view: View<'_>, form: Send<'_>) -> Markup {
    let words = &WORDS.of(view.lang).send;
    let body = html! {
        p { (words.intro) }
        (carried(form, &words.button))
    };
    frame(view, &words.title, &body)
}

/// A message in a form with one button.
fn carried(form: Send<'_>, button: &str) -> Markup {
    html! {
        form method="post" action=(form.destination) {
            input type="hidden" name=(form.field) value=(form.message);
            @if let Some(relay_state) = form.relay_state {
                input type="hidden" name="RelayState" value=(relay_state);
            }
            button { (button) }
        }
    }
}

/// The end of a login that no gateway asked for.
pub fn done(view: View<'_>) -> Markup {
    note(view, &WORDS.of(view.lang).done)
}

/// How a logout ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words of each are in text/*/hub.toml")]
pub enum Left {
    Whole,
    Partly,
    Already,
    Unsure,
}

/// The end of a logout, with the way back to the gateway if there is one.
pub fn left(view: View<'_>, how: Left, back: Option<&str>) -> Markup {
    let words = &WORDS.of(view.lang).logged_out;
    let note = match how {
        Left::Whole => &words.whole,
        Left::Partly => &words.partly,
        Left::Already => &words.already,
        Left::Unsure => &words.unsure,
    };
    let body = html! {
        p class="notice" { (note.text) }
        @if let Some(back) = back { p { a class="button" href=(back) { (words.back) } } }
    };
    frame(view, &note.title, &body)
}

/// The step to a provider to log out there, by its redirect binding; `comes_back` when it sends the citizen back.
pub fn leave_by_link(view: View<'_>, url: &str, comes_back: bool) -> Markup {
    let words = &WORDS.of(view.lang).logged_out;
    leaving(view, comes_back, &html! { p { a class="button" href=(url) { (words.go) } } })
}

/// The same, by its POST binding.
pub fn leave_by_form(view: View<'_>, form: Send<'_>, comes_back: bool) -> Markup {
    let words = &WORDS.of(view.lang).logged_out;
    leaving(view, comes_back, &carried(form, &words.go))
}

fn leaving(view: View<'_>, comes_back: bool, way: &Markup) -> Markup {
    let words = &WORDS.of(view.lang).logged_out;
    let body = html! {
        p class="notice" { (if comes_back { &words.leaving.text } else { &words.leaving_for_good }) }
        (way)
    };
    frame(view, &words.leaving.title, &body)
}

/// What went wrong, and what to do next.
pub fn trouble(view: View<'_>, trouble: Trouble, offer: Offer<'_>) -> Markup {
    let all = &WORDS.of(view.lang).trouble;
    let words = all.of(trouble);
    let body = html! {
        div class="notice alarm" role="alert" {
            p { (words.text) }
            p { (words.next.replace("{level}", &offer.level.to_string())) }
        }
        @if let Some(code) = offer.code {
            p { (all.code) " " code { (code) } }
        }
        @if offer.again {
            p { a class="button" href="/login" { (all.again) } }
        }
        @if offer.leave { (leave(&all.leave)) }
    };
    frame(view, &words.title, &body)
}

/// Gives up and goes back to the gateway that waits.
fn leave(words: &str) -> Markup {
    html! {
        form method="post" action="/login/cancel" {
            button class="second" { (words) }
        }
    }
}

fn note(view: View<'_>, words: &Note) -> Markup {
    frame(view, &words.title, &html! { p class="notice" { (words.text) } })
}

fn frame(view: View<'_>, title: &str, body: &Markup) -> Markup {
    layout::page(Frame { lang: view.lang, title, owner: view.owner }, body)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    choose: choose::Words,
    send: SendWords,
    done: Note,
    logged_out: LeftWords,
    trouble: TroubleWords,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SendWords {
    title: String,
    intro: String,
    button: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    title: String,
    text: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LeftWords {
    back: String,
    go: String,
    leaving_for_good: String,
    leaving: Note,
    whole: Note,
    partly: Note,
    already: Note,
    unsure: Note,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TroubleWords {
    again: String,
    leave: String,
    code: String,
    unknown_gateway: Advice,
    unknown_provider: Advice,
    unavailable: Advice,
    other_browser: Advice,
    used: Advice,
    not_accepted: Advice,
    our_request: Advice,
    nr19: Advice,
    nr20: Advice,
    nr21: Advice,
    nr22: Advice,
    nr23: Advice,
    nr25: Advice,
    nr30: Advice,
    status: Advice,
    not_found: Advice,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advice {
    title: String,
    text: String,
    next: String,
}

impl TroubleWords {
    const fn of(&self, trouble: Trouble) -> &Advice {
        match trouble {
            Trouble::UnknownGateway => &self.unknown_gateway,
            Trouble::UnknownProvider => &self.unknown_provider,
            Trouble::Unavailable => &self.unavailable,
            Trouble::OtherBrowser => &self.other_browser,
            Trouble::Used => &self.used,
            Trouble::NotAccepted => &self.not_accepted,
            Trouble::OurRequest => &self.our_request,
            Trouble::Nr19 => &self.nr19,
            Trouble::Nr20 => &self.nr20,
            Trouble::Nr21 => &self.nr21,
            Trouble::Nr22 => &self.nr22,
            Trouble::Nr23 => &self.nr23,
            Trouble::Nr25 => &self.nr25,
            Trouble::Nr30 => &self.nr30,
            Trouble::Status => &self.status,
            Trouble::NotFound => &self.not_found,
        }
    }
}

static WORDS: LazyLock<Text<Words>> =
    LazyLock::new(|| Text::compiled_in(include_str!("text/it/hub.toml"), include_str!("text/en/hub.toml")));

#[cfg(test)]
mod tests {
    use super::*;

    fn view(lang: Lang) -> View<'static> {
        View { lang, owner: "Comune di Esempio" }
    }

    #[test]
    fn the_form_to_a_provider_has_a_button() {
        let form = Send {
            destination: "https://idp.example/sso",
            field: "SAMLRequest",
            message: "c2Ft",
            relay_state: Some("r"),
        };
        let page = send(view(Lang::En), form).into_string();
        assert!(page.contains("<input type=\"hidden\" name=\"SAMLRequest\" value=\"c2Ft\">"), "{page}");
        assert!(page.contains("<input type=\"hidden\" name=\"RelayState\" value=\"r\">"));
        assert!(page.contains("<button>Continue</button>"));
    }

    #[test]
    fn each_trouble_has_words_of_its_own_in_each_language() {
        use Trouble::*;
        let spid = [OurRequest, Nr19, Nr20, Nr21, Nr22, Nr23, Nr25, Nr30, Status];
        for lang in Lang::ALL {
            let pages: std::collections::BTreeSet<_> = spid
                .into_iter()
                .map(|kind| {
                    let offer = Offer { code: None, level: 2, again: false, leave: false };
                    trouble(view(lang), kind, offer).into_string()
                })
                .collect();
            assert_eq!(pages.len(), spid.len());
        }
    }

    #[test]
    fn the_level_and_the_code_are_said() {
        let offer = Offer { code: Some("nr20"), level: 2, again: true, leave: true };
        let page = trouble(view(Lang::It), Trouble::Nr20, offer).into_string();
        assert!(page.contains("livello 2 o superiore") && page.contains("<code>nr20</code>"), "{page}");
        assert!(page.contains("href=\"/login\"") && page.contains("/login/cancel"));
    }
}
