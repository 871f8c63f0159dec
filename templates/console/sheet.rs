//! The sheet of evidence of a case: what the hub's log says of it, how anybody verifies that, and room for a signature. It is
//! made to be printed.

use super::{
    CaseRow, Place, View, WORDS, frame,
    table::{Cell, Kind, Table},
};
use maud::{Markup, html};
use serde::Deserialize;

/// The sheet. What names a citizen, or an address, has no field here.
#[derive(Debug, Clone, Default)]
pub struct Sheet {
    /// When it was made.
    pub made: String,
    /// The entry that says that it was.
    pub view: u64,
    /// The case.
    pub case: CaseRow,
    /// Its entries.
    pub entries: Vec<SheetEntry>,
    /// The head of the hub's log.
    pub hub: Head,
    /// The witnesses that there are, and when each cosigned that head.
    pub witnesses: Vec<(String, Option<String>)>,
    /// The timestamp that covers the case.
    pub stamp: Option<Stamp>,
    /// The copies of the sites' logs.
    pub sites: Vec<SiteHead>,
}

/// An entry of the hub's log.
#[derive(Debug, Clone, Default)]
pub struct SheetEntry {
    /// Which step it is.
    pub step: String,
    /// When.
    pub at: String,
    /// Its number.
    pub entry: u64,
    /// Whether the head covers it.
    pub covered: bool,
    /// SHA-256 over the entry, where it is there.
    pub digest: Option<String>,
}

/// The head of a log (C2SP tlog-checkpoint).
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// Which log.
    pub origin: String,
    /// How many entries.
    pub size: u64,
    /// The root of its tree, base64.
    pub root: String,
    /// What verifies it.
    pub key: String,
}

/// A timestamp (RFC 3161).
#[derive(Debug, Clone, Default)]
pub struct Stamp {
    /// How many entries the stamped checkpoint has.
    pub size: u64,
    /// When.
    pub at: String,
    /// The authority's unit.
    pub by: String,
    /// Its number there.
    pub serial: String,
}

/// The copy of a site's log.
#[derive(Debug, Clone, Default)]
pub struct SiteHead {
    /// The site.
    pub name: String,
    /// Its last checkpoint; none where nothing ever came.
    pub head: Option<Head>,
    /// When the hub acknowledged it.
    pub copied: Option<String>,
    /// Whether two heads were shown that do not continue each other.
    pub forked: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    title: String,
    intro: String,
    print: String,
    act: String,
    act_hint: String,
    act_fields: Vec<String>,
    case: String,
    case_hint: String,
    state: String,
    none: String,
    entries: String,
    entries_hint: String,
    number: String,
    at: String,
    digest: String,
    not_covered: String,
    pruned: String,
    head: String,
    head_hint: String,
    origin: String,
    size: String,
    root: String,
    key: String,
    witnesses: String,
    witness: String,
    cosigned: String,
    no_witness: String,
    not_cosigned: String,
    stamp: String,
    stamped: String,
    no_stamp: String,
    sites: String,
    sites_hint: String,
    site: String,
    copied: String,
    never: String,
    forked: String,
    verify: String,
    verify_steps: Vec<VerifyStep>,
    signature: String,
    signature_fields: Vec<String>,
    made: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VerifyStep {
    text: String,
    command: String,
}

/// The page.
pub fn sheet(view: View<'_>, sheet: &Sheet) -> Markup {
    let all = WORDS.of(view.lang);
    let words = &all.sheet;
    let body = html! {
        p { (words.intro) }
        p class="notice screen" { (words.print) }
        section { h2 { (words.act) } p class="hint" { (words.act_hint) } (to_fill(&words.act_fields)) }
        section { h2 { (words.case) } (state(view, sheet)) }
        section { h2 { (words.entries) } p { (words.entries_hint) } (entries(view, sheet)) }
        section { h2 { (words.head) } p { (words.head_hint) } (head(words, &sheet.hub)) (vouched(view, sheet)) }
        section { h2 { (words.sites) } p { (words.sites_hint) } (sites(view, &sheet.sites)) }
        section { h2 { (words.verify) } (verify(words, sheet)) }
        section class="signature" {
            h2 { (words.signature) }
            (to_fill(&words.signature_fields))
            p class="hint" { (words.made.replace("{at}", &sheet.made).replace("{n}", &sheet.view.to_string())) }
        }
        p class="screen" { a href={ "/cases/" (sheet.case.case) } { (all.cases.case) } }
    };
    frame(view, &words.title, Some(Place::Cases), &body)
}

/// Lines that are filled in by hand.
fn to_fill(names: &[String]) -> Markup {
    html! { dl class="fill" { @for name in names { div { dt { (name) } dd {} } } } }
}

fn state(view: View<'_>, sheet: &Sheet) -> Markup {
    let all = WORDS.of(view.lang);
    let last = sheet.case.steps.last().map_or("", |last| all.cases.step(&last.step));
    html! {
        dl class="facts" {
            dt { (all.cases.case) } dd { code { (sheet.case.case) } }
            dt { (all.sheet.state) } dd { (last) }
            @if let Some(outcome) = &sheet.case.outcome { dt { (all.case.label()) } dd { (all.case.outcome(outcome)) } }
        }
        p class="hint" { (all.sheet.case_hint) }
    }
}

fn entries(view: View<'_>, sheet: &Sheet) -> Markup {
    let all = WORDS.of(view.lang);
    let words = &all.sheet;
    let columns = [&words.number, &words.state, &words.at, &words.digest].map(String::as_str);
    let mut table = Table::new(&words.entries, &columns);
    for entry in &sheet.entries {
        let digest = match &entry.digest {
            Some(digest) => Cell::new(Kind::Code, digest.as_str()),
            None if entry.covered => Cell::from(words.pruned.as_str()),
            None => Cell::from(words.not_covered.as_str()),
        };
        let step = all.cases.step(&entry.step);
        table.rows.push(vec![entry.entry.to_string().into(), step.into(), entry.at.as_str().into(), digest]);
    }
    table.quiet().show(view, None)
}

fn head(words: &Words, head: &Head) -> Markup {
    html! {
        dl class="facts" {
            dt { (words.origin) } dd { code { (head.origin) } }
            dt { (words.size) } dd { (head.size) }
            dt { (words.root) } dd { code { (head.root) } }
            dt { (words.key) } dd { code { (head.key) } }
        }
    }
}

/// Who else vouches for the head: witnesses and an authority for timestamps.
fn vouched(view: View<'_>, sheet: &Sheet) -> Markup {
    let words = &WORDS.of(view.lang).sheet;
    let mut table = Table::new(&words.witnesses, &[&words.witness, &words.cosigned].map(String::as_str));
    for (name, at) in &sheet.witnesses {
        table
            .rows
            .push(vec![name.as_str().into(), at.as_ref().unwrap_or(&words.not_cosigned).as_str().into()]);
    }
    html! {
        @if sheet.witnesses.is_empty() { p { (words.no_witness) } } @else { (table.show(view, None)) }
        h3 { (words.stamp) }
        @match &sheet.stamp {
            Some(stamp) => p {
                (words.stamped.replace("{at}", &stamp.at).replace("{n}", &stamp.size.to_string())
                    .replace("{by}", &stamp.by).replace("{serial}", &stamp.serial))
            },
            None => p { (words.no_stamp) },
        }
    }
}

fn sites(view: View<'_>, sites: &[SiteHead]) -> Markup {
    let words = &WORDS.of(view.lang).sheet;
    let columns = [&words.site, &words.size, &words.root, &words.copied].map(String::as_str);
    let mut table = Table::new(&words.sites, &columns);
    for site in sites {
        let (size, root) = match &site.head {
            Some(head) => {
                (Cell::new(Kind::Number, head.size.to_string()), Cell::new(Kind::Code, head.root.as_str()))
            }
            None => (Cell::from(words.none.as_str()), Cell::from(words.never.as_str())),
        };
        let copied = Cell::from(site.copied.as_ref().unwrap_or(&words.none).as_str());
        let copied = if site.forked { Cell::new(Kind::Alarm, words.forked.as_str()) } else { copied };
        table.rows.push(vec![site.name.as_str().into(), size, root, copied]);
    }
    table.quiet().show(view, None)
}

/// How it is verified by who believes none of it.
fn verify(words: &Words, sheet: &Sheet) -> Markup {
    let filled = |text: &str| text.replace("{case}", &sheet.case.case).replace("{key}", &sheet.hub.key);
    html! {
        ol class="steps" {
            @for step in &words.verify_steps {
                li {
                    (filled(&step.text))
                    @if !step.command.is_empty() { pre { code { (filled(&step.command)) } } }
                }
            }
        }
    }
}
