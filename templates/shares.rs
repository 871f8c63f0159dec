//! The pages where a site's administrator sets the shares of the lanes. No personal data on them.

mod sentence;
mod words;

use crate::{
    lang::Lang,
    layout::{Frame, page},
};
use maud::{Markup, html};
use sentence::speed;
pub use sentence::{Changed, sentence};
pub use words::{Ended, Trouble};
use words::{WORDS, Words, filled};

/// What every page needs.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'a> {
    /// Language of the page.
    pub lang: Lang,
    /// The site's title.
    pub site: &'a str,
    /// The hidden value of our own forms.
    pub form: &'a str,
}

/// A lane in one direction, as it is now.
#[derive(Debug, Clone)]
pub struct LaneNow {
    /// `critical`, `office` or `guest`.
    pub lane: &'static str,
    /// Whether it is towards the Internet.
    pub up: bool,
    /// Guarantee in force.
    pub guaranteed: String,
    /// Ceiling in force.
    pub ceiling: String,
    /// How fast it is; `None` before it was measured twice.
    pub rate: Option<String>,
    /// Bytes waiting.
    pub waiting: u64,
}

/// A rate in the form, as it was typed.
#[derive(Debug, Clone)]
pub struct Field {
    /// `critical`, `office` or `guest`.
    pub lane: &'static str,
    /// Whether it is towards the Internet.
    pub up: bool,
    /// Whether it is the ceiling.
    pub ceiling: bool,
    /// Its name in the form.
    pub name: String,
    /// What was typed.
    pub value: String,
    /// What is wrong with it.
    pub problem: Option<Problem>,
}

/// What is wrong with a rate. The rates are as settings write them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the text files say each in full")]
pub enum Problem {
    NotARate,
    Nothing,
    UnderFloor(String),
    UnderGuarantee(String),
    AboveLink(String),
}

/// What is wrong with the form as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mend {
    /// A field says what.
    Fields,
    /// The guarantees of a direction add up to more than the line carries.
    SoldTwice {
        /// Whether it is towards the Internet.
        up: bool,
        /// Their sum.
        sum: String,
        /// What the line carries.
        link: String,
    },
    /// The enforcer says what.
    Refused(String),
}

/// The form.
#[derive(Debug, Clone)]
pub struct Form {
    /// Every rate.
    pub fields: Vec<Field>,
    /// Which shares it was made from.
    pub base: String,
    /// What is wrong with it.
    pub mend: Option<Mend>,
}

/// The page to log in from.
pub fn sign_in(visit: Visit<'_>) -> Markup {
    let words = WORDS.of(visit.lang);
    framed(
        visit,
        &words.sign_in_title,
        &html! {
            p { (words.sign_in) }
            (button(visit, "/login", &words.sign_in_button, "button"))
            p { a href="/" { (words.state) } }
        },
    )
}

/// The lanes and the form to change them. `ended` says how the last trial ended.
pub fn shares(visit: Visit<'_>, lanes: &[LaneNow], form: &Form, ended: Option<Ended>) -> Markup {
    let words = WORDS.of(visit.lang);
    framed(
        visit,
        &words.title,
        &html! {
            @if let Some(ended) = ended {
                p class="notice alarm" role="status" { (ended.text(words)) }
            }
            (live(words, lanes))
            p { a class="button second" href="/shares" { (words.reload) } }
            h2 id="change" { (words.change) }
            (edit(visit, form))
            (farewell(visit))
        },
    )
}

/// The form alone, to be mended.
pub fn mend(visit: Visit<'_>, form: &Form) -> Markup {
    let words = WORDS.of(visit.lang);
    framed(visit, &words.change, &html! { (edit(visit, form)) (way_back(words)) })
}

/// What a change means, and exactly does. `fields` are the rates to try.
pub fn preview(visit: Visit<'_>, changes: &[Changed], lines: &[String], form: &Form, seconds: u32) -> Markup {
    let words = WORDS.of(visit.lang);
    let try_it = filled(&words.try_it, &[("seconds", &seconds.to_string())]);
    framed(
        visit,
        &words.preview_title,
        &html! {
            p class="notice" { (sentence(visit.lang, changes)) }
            form method="post" action="/shares/try" {
                (hidden(visit, form))
                input type="hidden" name="seconds" value=(seconds);
                button type="submit" { (try_it) }
                " "
                button class="second" type="submit" formaction="/shares/edit" { (words.modify) }
            }
            (way_back(words))
            h2 id="exact" { (words.exact) }
            @if lines.is_empty() {
                p { (words.exact_none) }
            } @else {
                p { (filled(&words.exact_count, &[("count", &lines.len().to_string())])) }
                pre class="plan" tabindex="0" role="region" aria-labelledby="exact" {
                    @for line in lines { (line) "\n" }
                }
            }
        },
    )
}

/// Shares on trial, for which `tried` stands, and the two ways out.
pub fn trial(visit: Visit<'_>, lanes: &[LaneNow], changes: &[Changed], tried: &str, seconds: i64) -> Markup {
    let words = WORDS.of(visit.lang);
    let left = filled(&words.trial, &[("seconds", &seconds.to_string())]);
    framed(
        visit,
        &words.trial_title,
        &html! {
            p class="notice alarm" role="status" { (left) }
            p { (sentence(visit.lang, changes)) }
            form method="post" action="/shares/confirm" {
                input type="hidden" name="form" value=(visit.form);
                input type="hidden" name="base" value=(tried);
                button class="button" type="submit" { (words.confirm) }
            }
            (button(visit, "/shares/take-back", &words.take_back, "button second"))
            (live(words, lanes))
            p { a class="button second" href="/shares" { (words.reload) } }
            (farewell(visit))
        },
    )
}

/// Something stands in the way; `detail` is the system's own reason.
pub fn trouble(visit: Visit<'_>, trouble: Trouble, detail: Option<&str>) -> Markup {
    let words = WORDS.of(visit.lang);
    let notice = trouble.notice(words);
    framed(
        visit,
        &notice.title,
        &html! {
            p class="notice alarm" { (notice.text) @if let Some(detail) = detail { " " code { (detail) } } }
            (way_back(words))
        },
    )
}

fn framed(visit: Visit<'_>, title: &str, body: &Markup) -> Markup {
    page(Frame { lang: visit.lang, title, owner: visit.site }, body)
}

fn way_back(words: &Words) -> Markup {
    html! { p { a href="/shares" { (words.back) } } }
}

fn button(visit: Visit<'_>, action: &str, label: &str, class: &str) -> Markup {
    html! {
        form method="post" action=(action) {
            input type="hidden" name="form" value=(visit.form);
            button class=(class) type="submit" { (label) }
        }
    }
}

fn farewell(visit: Visit<'_>) -> Markup {
    let words = WORDS.of(visit.lang);
    html! {
        p { a href="/" { (words.state) } }
        (button(visit, "/logout", &words.log_out, "button second"))
    }
}

fn live(words: &Words, lanes: &[LaneNow]) -> Markup {
    html! {
        div class="wide" tabindex="0" role="region" aria-label=(words.live) { table {
            caption { (words.live) }
            thead { tr {
                @for head in [&words.lane, &words.direction, &words.guaranteed, &words.ceiling, &words.speed, &words.waiting] {
                    th scope="col" { (head) }
                }
            } }
            tbody {
                @for lane in lanes {
                    tr {
                        th scope="row" { (words.lane_name(lane.lane)) }
                        td { (words.direction_of(lane.up)) }
                        td class="number" { (speed(&lane.guaranteed)) }
                        td class="number" { (speed(&lane.ceiling)) }
                        td class="number" { (lane.rate.as_deref().map_or_else(|| words.unknown.clone(), speed)) }
                        td class="number" { (lane.waiting) }
                    }
                }
            }
        } }
    }
}

fn hidden(visit: Visit<'_>, form: &Form) -> Markup {
    html! {
        input type="hidden" name="form" value=(visit.form);
        input type="hidden" name="base" value=(form.base);
        @for field in &form.fields {
            input type="hidden" name=(field.name) value=(field.value);
        }
    }
}

fn edit(visit: Visit<'_>, form: &Form) -> Markup {
    let words = WORDS.of(visit.lang);
    html! {
        @if let Some(mend) = &form.mend {
            p class="notice alarm" role="alert" { (what_to_mend(words, mend)) }
        }
        form method="post" action="/shares/plan" {
            input type="hidden" name="form" value=(visit.form);
            input type="hidden" name="base" value=(form.base);
            p id="hint" { (words.hint) }
            @for lane in ["critical", "office", "guest"] {
                fieldset {
                    legend { (words.lane_name(lane)) }
                    @for field in form.fields.iter().filter(|field| field.lane == lane) {
                        (input(words, field))
                    }
                }
            }
            button type="submit" { (words.preview) }
        }
    }
}

fn input(words: &Words, field: &Field) -> Markup {
    let what = if field.ceiling { &words.ceiling } else { &words.guaranteed };
    let error = format!("{}-error", field.name);
    let described = if field.problem.is_some() { format!("hint {error}") } else { "hint".to_owned() };
    html! {
        p class="field" {
            label for=(field.name) { (what) " " (words.direction_of(field.up)) }
            " "
            input type="text" id=(field.name) name=(field.name) value=(field.value) required size="12"
                autocomplete="off" aria-describedby=(described) aria-invalid=[field.problem.as_ref().map(|_| "true")];
            @if let Some(problem) = &field.problem {
                " " strong class="error" id=(error) { (what_is_wrong(words, problem)) }
            }
        }
    }
}

fn what_is_wrong(words: &Words, problem: &Problem) -> String {
    let said = &words.field;
    match problem {
        Problem::NotARate => said.not_a_rate.clone(),
        Problem::Nothing => said.nothing.clone(),
        Problem::UnderFloor(rate) => filled(&said.under_floor, &[("rate", rate)]),
        Problem::UnderGuarantee(rate) => filled(&said.under_guarantee, &[("rate", rate)]),
        Problem::AboveLink(rate) => filled(&said.above_link, &[("rate", rate)]),
    }
}

fn what_to_mend(words: &Words, mend: &Mend) -> Markup {
    match mend {
        Mend::Fields => html! { (words.mend) },
        Mend::SoldTwice { up, sum, link } => {
            let pairs = [("direction", words.direction_of(*up)), ("sum", sum), ("link", link)];
            html! { (filled(&words.sold_twice, &pairs)) }
        }
        Mend::Refused(why) => html! { (words.plan_refused) " " code { (why) } },
    }
}

#[cfg(test)]
mod tests;
