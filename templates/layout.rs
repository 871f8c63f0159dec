//! The frame of every page: language, title, style sheet, language menu, one main region.

use crate::{lang::Lang, text::COMMON};
use maud::{DOCTYPE, Markup, html};

/// What the frame needs to know of a page.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Language of the page.
    pub lang: Lang,
    /// Title of the page, also its first heading.
    pub title: &'a str,
    /// Whose page it is: the site's or the body's name.
    pub owner: &'a str,
}

/// A whole page around `body`. The language menu links to the same page with `?lang=`.
pub fn page(frame: Frame<'_>, body: &Markup) -> Markup {
    page_at(frame, "", body)
}

/// As [`page`], where the page is the same only with its query: `query` is empty or ends in `&`.
pub fn page_at(frame: Frame<'_>, query: &str, body: &Markup) -> Markup {
    page_with(frame, Around { query, ..Around::default() }, body)
}

/// What stands around the main region beside the header.
#[derive(Debug, Clone, Copy, Default)]
pub struct Around<'a> {
    /// The query without which the page is another: empty or ending in `&`.
    pub query: &'a str,
    /// A second style sheet.
    pub style: Option<&'a str>,
    /// Between header and main region.
    pub menu: Option<&'a Markup>,
}

/// As [`page`], with more around it.
pub fn page_with(frame: Frame<'_>, around: Around<'_>, body: &Markup) -> Markup {
    let words = COMMON.of(frame.lang);
    html! {
        (DOCTYPE)
        html lang=(frame.lang.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (frame.title) " - " (frame.owner) }
                link rel="stylesheet" href="/assets/varco.css";
                @if let Some(style) = around.style { link rel="stylesheet" href=(style); }
            }
            body {
                a class="skip" href="#main" { (words.skip_to_content) }
                header {
                    p class="owner" { (frame.owner) }
                    nav aria-label=(words.languages) { (language_menu(frame.lang, around.query)) }
                }
                @if let Some(menu) = around.menu { (menu) }
                main id="main" {
                    h1 { (frame.title) }
                    (body)
                }
            }
        }
    }
}

fn language_menu(current: Lang, query: &str) -> Markup {
    html! {
        ul class="languages" {
            @for lang in Lang::ALL {
                li {
                    @if lang == current {
                        span lang=(lang.tag()) aria-current="true" { (lang.own_name()) }
                    } @else {
                        a href={ "?" (query) "lang=" (lang.tag()) } lang=(lang.tag()) hreflang=(lang.tag()) {
                            (lang.own_name())
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_escapes_what_it_is_given() {
        let frame = Frame { lang: Lang::En, title: "<b>", owner: "A & B" };
        let page = page(frame, &html! { p { "x" } }).into_string();
        assert!(
            page.contains("<h1>&lt;b&gt;</h1>") && page.contains("A &amp; B") && !page.contains("<script")
        );
        assert!(page.contains("<html lang=\"en\">") && page.contains("href=\"?lang=it\""));
    }
}
