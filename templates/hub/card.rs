//! The pages of logins by smart card: what a card was refused for, and what helps when the browser itself says no.

use super::{View, frame};
use crate::{
    layout::{self, Frame},
    text::Text,
};
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::LazyLock;

/// Why a card opens nothing, as a citizen is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words of each are in text/*/card.toml")]
pub enum CardTrouble {
    NoCard,
    Start,
    Used,
    OtherBrowser,
    NotAccepted,
    Form,
    Strength,
    Issuer,
    NotYet,
    Expired,
    Signing,
    Usage,
    Purpose,
    Policy,
    Subject,
    FiscalCode,
    TooYoung,
    Parent,
    Revoked,
    Unknown,
    Unaskable,
    Silent,
    NoList,
}

impl CardTrouble {
    /// Every one.
    pub const ALL: [Self; 23] = [
        Self::NoCard,
        Self::Start,
        Self::Used,
        Self::OtherBrowser,
        Self::NotAccepted,
        Self::Form,
        Self::Strength,
        Self::Issuer,
        Self::NotYet,
        Self::Expired,
        Self::Signing,
        Self::Usage,
        Self::Purpose,
        Self::Policy,
        Self::Subject,
        Self::FiscalCode,
        Self::TooYoung,
        Self::Parent,
        Self::Revoked,
        Self::Unknown,
        Self::Unaskable,
        Self::Silent,
        Self::NoList,
    ];
}

/// The ways that are left.
#[derive(Debug, Clone, Copy)]
pub struct CardOffer<'a> {
    /// Where a login by card begins.
    pub again: &'a str,
    /// What helps with a card.
    pub help: &'a str,
    /// The choice of a way.
    pub other: &'a str,
    /// What stands before `lang=` in the addresses of the language menu: empty, or `name=value&`.
    pub query: &'a str,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    again: String,
    help: String,
    other: String,
    no_card: Advice,
    start: Advice,
    used: Advice,
    other_browser: Advice,
    not_accepted: Advice,
    form: Advice,
    strength: Advice,
    issuer: Advice,
    not_yet: Advice,
    expired: Advice,
    signing: Advice,
    usage: Advice,
    purpose: Advice,
    policy: Advice,
    subject: Advice,
    fiscal_code: Advice,
    too_young: Advice,
    parent: Advice,
    revoked: Advice,
    unknown: Advice,
    unaskable: Advice,
    silent: Advice,
    no_list: Advice,
    advice: HelpWords,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Advice {
    title: String,
    text: String,
    next: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HelpWords {
    title: String,
    intro: String,
    cases: Vec<Case>,
    shared_title: String,
    shared: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    what: String,
    then: String,
}

impl Words {
    const fn of(&self, trouble: CardTrouble) -> &Advice {
        match trouble {
            CardTrouble::NoCard => &self.no_card,
            CardTrouble::Start => &self.start,
            CardTrouble::Used => &self.used,
            CardTrouble::OtherBrowser => &self.other_browser,
            CardTrouble::NotAccepted => &self.not_accepted,
            CardTrouble::Form => &self.form,
            CardTrouble::Strength => &self.strength,
            CardTrouble::Issuer => &self.issuer,
            CardTrouble::NotYet => &self.not_yet,
            CardTrouble::Expired => &self.expired,
            CardTrouble::Signing => &self.signing,
            CardTrouble::Usage => &self.usage,
            CardTrouble::Purpose => &self.purpose,
            CardTrouble::Policy => &self.policy,
            CardTrouble::Subject => &self.subject,
            CardTrouble::FiscalCode => &self.fiscal_code,
            CardTrouble::TooYoung => &self.too_young,
            CardTrouble::Parent => &self.parent,
            CardTrouble::Revoked => &self.revoked,
            CardTrouble::Unknown => &self.unknown,
            CardTrouble::Unaskable => &self.unaskable,
            CardTrouble::Silent => &self.silent,
            CardTrouble::NoList => &self.no_list,
        }
    }
}

static WORDS: LazyLock<Text<Words>> = LazyLock::new(|| {
    Text::compiled_in(include_str!("../text/it/card.toml"), include_str!("../text/en/card.toml"))
});

/// Why a card opens nothing, and what to do next.
pub fn card(view: View<'_>, trouble: CardTrouble, offer: CardOffer<'_>) -> Markup {
    let all = WORDS.of(view.lang);
    let words = all.of(trouble);
    let body = html! {
        div class="notice alarm" role="alert" {
            p { (words.text) }
            p { (words.next) }
        }
        p { a class="button" href=(offer.again) { (all.again) } }
        p { a class="button second" href=(offer.other) { (all.other) } }
        p { a href=(offer.help) { (all.help) } }
    };
    let frame = Frame { lang: view.lang, title: &words.title, owner: view.owner };
    layout::page_at(frame, offer.query, &body)
}

/// What to do when the browser says no, and at a computer that others use too.
pub fn card_help(view: View<'_>, again: &str) -> Markup {
    let all = WORDS.of(view.lang);
    let words = &all.advice;
    let body = html! {
        p { (words.intro) }
        dl {
            @for case in &words.cases {
                dt { strong { (case.what) } }
                dd { (case.then) }
            }
        }
        h2 { (words.shared_title) }
        p class="notice" { (words.shared) }
        p { a class="button" href=(again) { (all.again) } }
        p { a class="button second" href="/login" { (all.other) } }
    };
    frame(view, &words.title, &body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lang;
    use std::collections::BTreeSet;

    fn view(lang: Lang) -> View<'static> {
        View { lang, owner: "Comune di Esempio" }
    }

    const OFFER: CardOffer<'_> =
        CardOffer { again: "/cns/login", help: "/cns/help", other: "/login", query: "state=x&" };

    #[test]
    fn each_trouble_has_words_of_its_own_and_another_way_in() {
        for lang in Lang::ALL {
            let pages: BTreeSet<_> =
                CardTrouble::ALL.iter().map(|t| card(view(lang), *t, OFFER).into_string()).collect();
            assert_eq!(pages.len(), CardTrouble::ALL.len());
            for page in pages {
                for link in ["\"/cns/login\"", "\"/cns/help\"", "\"/login\""] {
                    assert!(page.contains(link), "{page}");
                }
                assert!(page.contains("href=\"?state=x&amp;lang=") && !page.contains("<script"), "{page}");
            }
        }
    }

    #[test]
    fn the_help_says_what_to_do_at_a_shared_computer() {
        let page = card_help(view(Lang::It), "/cns/login").into_string();
        assert!(page.contains("togli la carta dal lettore") && page.contains("PUK"), "{page}");
        let page = card_help(view(Lang::En), "/cns/login").into_string();
        assert!(page.contains("take the card out of the reader") && page.contains("PUK"), "{page}");
    }
}
