//! The choice of a way to log in, and of a provider: SPID's button (Avviso SPID 42; italia/spid-sp-access-button), CIE's and
//! eIDAS', without scripts and with nothing from elsewhere. Providers are named in words: their logos are trade marks, and
//! twelve of them weigh more than the page.

use super::{View, WORDS, frame, leave};
use maud::{Markup, html};
use serde::Deserialize;

/// A provider that can be chosen.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Its entityID.
    pub entity_id: String,
    /// Its name for citizens.
    pub name: String,
    /// The address that leads to it, from the root.
    pub action: String,
}

/// What the body offers. A scheme that it is not in has nothing here.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// Whether the body is in SPID, with providers or without.
    pub in_spid: bool,
    /// SPID's providers, in the order to show.
    pub spid: Vec<Choice>,
    /// That of CIE.
    pub cie: Vec<Choice>,
    /// The Italian eIDAS node.
    pub eidas: Vec<Choice>,
    /// Where a login by card begins.
    pub card: Option<String>,
    /// What helps with it.
    pub card_help: Option<String>,
}

impl Choices {
    fn none(&self) -> bool {
        self.spid.is_empty() && self.cie.is_empty() && self.eidas.is_empty() && self.card.is_none()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    title: String,
    intro: String,
    spid: String,
    spid_hint: String,
    no_spid: String,
    none: String,
    cie: String,
    cie_hint: String,
    eidas: String,
    eidas_hint: String,
    card: String,
    card_hint: String,
    card_help: String,
    help: String,
    help_hint: String,
    more: String,
    without: String,
    support: String,
    cancel: String,
}

/// The choice. The forms are plain GETs, each with one provider; `waiting` when a gateway waits and can be told that the
/// citizen gave up.
pub fn choose(view: View<'_>, choices: &Choices, waiting: bool) -> Markup {
    let words = &WORDS.of(view.lang).choose;
    // Where SPID is the only way, its list is what the citizen came for.
    let only = choices.cie.is_empty() && choices.eidas.is_empty() && choices.card.is_none();
    let body = html! {
        p { (words.intro) }
        @if choices.none() && !choices.in_spid {
            p class="notice alarm" { (words.none) }
        }
        @if choices.in_spid {
            (spid(words, &choices.spid, only))
        }
        @for provider in &choices.cie {
            (way(provider, "cie", &words.cie, None, &words.cie_hint))
        }
        @for provider in &choices.eidas {
            (way(provider, "eidas", &words.eidas, Some("en"), &words.eidas_hint))
        }
        @if let Some(action) = &choices.card {
            (card(words, action, choices.card_help.as_deref()))
        }
        @if choices.in_spid { (help(words)) }
        @if waiting { (leave(&words.cancel)) }
    };
    frame(view, &words.title, &body)
}

/// SPID's button, which unfolds the list of providers.
fn spid(words: &Words, providers: &[Choice], open: bool) -> Markup {
    html! {
        details class="way" open[open] {
            summary {
                (icon("spid"))
                (words.spid)
            }
            @if providers.is_empty() {
                p class="notice alarm" { (words.no_spid) }
            } @else {
                p { (words.spid_hint) }
                ul class="choices" {
                    @for provider in providers {
                        li { (form(provider, &html! { button { (provider.name) } })) }
                    }
                }
            }
        }
    }
}

/// A scheme with one provider, whose name is the scheme's.
fn way(provider: &Choice, image: &str, label: &str, lang: Option<&str>, hint: &str) -> Markup {
    let id = format!("{image}-hint");
    let button = html! {
        button class={ "way " (image) } aria-describedby=(id) {
            (icon(image))
            span lang=[lang] { (label) }
        }
    };
    html! {
        (form(provider, &button))
        p class="hint" id=(id) { (hint) }
    }
}

/// The way by card; its form has no field.
fn card(words: &Words, action: &str, help: Option<&str>) -> Markup {
    html! {
        form method="get" action=(action) {
            button class="way card" aria-describedby="card-hint" {
                (icon("card"))
                span { (words.card) }
            }
        }
        p class="hint" id="card-hint" { (words.card_hint) }
        @if let Some(help) = help {
            p class="hint" { a href=(help) { (words.card_help) } }
        }
    }
}

fn form(provider: &Choice, button: &Markup) -> Markup {
    html! {
        form method="get" action=(provider.action) {
            input type="hidden" name="entityID" value=(provider.entity_id);
            (button)
        }
    }
}

/// The image beside a label that says the same, so it has no words of its own.
fn icon(name: &str) -> Markup {
    html! { img src={ "/assets/" (name) ".svg" } alt="" width="30" height="30"; }
}

/// The links of the official button. They lead out of the walled garden, and that is said.
fn help(words: &Words) -> Markup {
    html! {
        details class="help" {
            summary { (words.help) }
            p { (words.help_hint) }
            ul {
                li { a href="https://www.spid.gov.it" { (words.more) } }
                li { a href="https://www.spid.gov.it/richiedi-spid" { (words.without) } }
                li { a href="https://www.spid.gov.it/serve-aiuto" { (words.support) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BUTTONS, Lang, STYLE_SHEET};

    fn view(lang: Lang) -> View<'static> {
        View { lang, owner: "Comune di Esempio" }
    }

    fn choice(name: &str) -> Choice {
        Choice {
            entity_id: format!("https://{name}.example/?a&b"),
            name: format!("<{name}>"),
            action: "/spid/login".into(),
        }
    }

    fn spid(count: usize) -> Choices {
        let spid = (0..count).map(|n| choice(&format!("gestore-di-identita-{n}"))).collect();
        Choices { in_spid: true, spid, ..Choices::default() }
    }

    fn all() -> Choices {
        let (card, card_help) = (Some("/cns/login".into()), Some("/cns/help".into()));
        Choices { cie: vec![choice("cie")], eidas: vec![choice("eidas")], card, card_help, ..spid(12) }
    }

    #[test]
    fn each_provider_is_one_plain_form() {
        let page = choose(view(Lang::It), &spid(1), true).into_string();
        assert!(page.contains("value=\"https://gestore-di-identita-0.example/?a&amp;b\""), "{page}");
        assert!(page.contains("&lt;gestore-di-identita-0&gt;") && page.contains("/login/cancel"));
        assert!(page.contains("Entra con SPID") && !page.contains("<script") && !page.contains("style="));
    }

    #[test]
    fn only_what_the_body_offers_is_there() {
        for lang in Lang::ALL {
            let [only_spid, every] = [spid(2), all()].map(|c| choose(view(lang), &c, false).into_string());
            assert!(
                only_spid.contains("<details class=\"way\" open>"),
                "the only way is unfolded: {only_spid}"
            );
            assert!(!only_spid.contains("/cns/") && every.contains("action=\"/cns/login\""));
            assert!(!only_spid.contains("cie.svg") && !only_spid.contains("eIDAS"));
            assert!(every.contains("<details class=\"way\">") && every.contains("CIE"), "{every}");
            assert!(every.contains("Login with eIDAS") && every.contains("/assets/eidas.svg"));
            let none = choose(view(lang), &Choices::default(), false).into_string();
            assert!(none.contains("class=\"notice alarm\"") && !none.contains("SPID</summary>"), "{none}");
            assert!(!none.contains("spid.gov.it"));
        }
        let broken = choose(view(Lang::It), &spid(0), false).into_string();
        assert!(broken.contains("nessun gestore SPID"), "{broken}");
    }

    #[test]
    fn an_image_says_nothing_that_its_label_does_not() {
        let page = choose(view(Lang::It), &all(), false).into_string();
        let images: Vec<_> = page.match_indices("<img ").map(|(at, _)| &page[at..at + 80]).collect();
        assert_eq!(images.len(), 4, "one a scheme, none a provider");
        assert!(images.iter().all(|image| image.contains("alt=\"\"")), "{images:?}");
        assert!(page.contains("<span lang=\"en\">Login with eIDAS</span>"));
        for (name, image) in BUTTONS {
            assert!(page.contains(&format!("src=\"/assets/{name}.svg\"")));
            // An image's own policy runs no style of its own, so each colour is an attribute.
            assert!(
                image.starts_with("<svg ") && !image.contains("<style") && !image.contains("href"),
                "{name}"
            );
        }
    }

    #[test]
    fn the_page_is_light() {
        let page = choose(view(Lang::It), &all(), true).into_string().len();
        let images: usize = BUTTONS.iter().map(|(_, image)| image.len()).sum();
        // In octets, uncompressed, with twelve providers and all three schemes.
        assert!(page <= 6 * 1024, "{page}");
        assert!(images <= 4 * 1024, "{images}");
        assert!(page + images + STYLE_SHEET.len() <= 16 * 1024, "{}", page + images + STYLE_SHEET.len());
    }
}
