//! The page of evidence: what was lent and what the office waited, of which nobody's name is part.

use crate::{
    chart::{self, Bar, Chart},
    lang::Lang,
    layout::{Frame, page},
    text::Text,
};
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::LazyLock;

/// Words of the page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    title: String,
    today: String,
    on: String,
    lent: String,
    offices: String,
    lessons: String,
    second: String,
    seconds: String,
    missing_one: String,
    missing: String,
    nothing: String,
    months: [String; 12],
    last_day: String,
    last_month: String,
    rates: String,
    rates_seen: String,
    delay: String,
    delay_seen: String,
    gaps_seen: String,
    table: String,
    when: String,
    office: String,
    guest: String,
    part: String,
    waited: String,
    not_measured: String,
    download: String,
    metrics: String,
    status: String,
    fault: String,
    alarm: String,
    how: String,
}

static WORDS: LazyLock<Text<Words>> = LazyLock::new(|| {
    Text::compiled_in(include_str!("text/it/evidence.toml"), include_str!("text/en/evidence.toml"))
});

/// Which day a sentence is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The day that is not over.
    Today,
    /// Another.
    On {
        /// Year.
        year: i16,
        /// 1 to 12.
        month: i8,
        /// 1 to 31.
        day: i8,
    },
}

/// What the sentence of a day says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayFacts {
    /// Which day.
    pub when: When,
    /// Thousandths of the line that were lent; `None` when nothing was measured.
    pub lent_permille: Option<u64>,
    /// Seconds in which the office waited.
    pub waited: u64,
    /// Minutes of the day so far that were not measured.
    pub missing: u64,
    /// Whether the office is a school.
    pub school: bool,
}

/// What happened in a half hour or a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Mean rate of the office's lanes, both directions, bit/s.
    pub office: u64,
    /// Mean rate lent to citizens, both directions, bit/s.
    pub guest: u64,
    /// Thousandths of the line lent.
    pub lent_permille: Option<u64>,
    /// Seconds in which the office waited.
    pub waited: u64,
    /// 99th percentile of the delay added, microseconds.
    pub delay: Option<u64>,
}

/// A half hour or a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Which.
    pub label: String,
    /// What happened; `None` where nothing was measured.
    pub figures: Option<Figures>,
}

/// The page's content.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The sentences, newest day first.
    pub days_said: Vec<DayFacts>,
    /// The last 24 hours.
    pub half_hours: Vec<Row>,
    /// The last 30 days.
    pub days: Vec<Row>,
    /// Why evidence cannot be written or read.
    pub fault: Option<String>,
    /// Whether the line carries less than its least.
    pub alarm: bool,
    /// First and last date of the last 30 days, for the download.
    pub dates: (String, String),
}

/// The one sentence of a day.
pub fn sentence(lang: Lang, facts: &DayFacts) -> String {
    let words = WORDS.of(lang);
    let when = match facts.when {
        When::Today => words.today.clone(),
        When::On { year, month, day } => {
            let month = usize::try_from(month - 1).ok().and_then(|month| words.months.get(month));
            let month = month.map_or("", String::as_str);
            let fill = words.on.replace("{day}", &day.to_string()).replace("{month}", month);
            fill.replace("{year}", &year.to_string())
        }
    };
    let Some(lent) = facts.lent_permille else { return words.nothing.replace("{when}", &when) };
    let office = if facts.school { &words.lessons } else { &words.offices };
    let seconds = if facts.waited == 1 { &words.second } else { &words.seconds };
    let missing = match facts.missing {
        0 => String::new(),
        1 => words.missing_one.clone(),
        minutes => words.missing.replace("{minutes}", &minutes.to_string()),
    };
    let said = words.lent.replace("{when}", &when).replace("{share}", &percent(lang, lent));
    let said = said.replace("{office}", office).replace("{waited}", &facts.waited.to_string());
    said.replace("{seconds}", seconds).replace("{missing}", &missing)
}

/// Below 10 % with a decimal, above without.
fn percent(lang: Lang, permille: u64) -> String {
    if permille < 100 { tenths(lang, permille) } else { ((permille + 5) / 10).to_string() }
}

fn tenths(lang: Lang, tenths: u64) -> String {
    let point = match lang {
        Lang::It => ',',
        Lang::En => '.',
    };
    format!("{}{point}{}", tenths / 10, tenths % 10)
}

/// The page.
pub fn show(lang: Lang, site: &str, evidence: &Evidence) -> Markup {
    let words = WORDS.of(lang);
    let (from, to) = &evidence.dates;
    page(
        Frame { lang, title: &words.title, owner: site },
        &html! {
            @if evidence.alarm { p class="notice alarm" role="status" { (words.alarm) } }
            @if let Some(fault) = &evidence.fault {
                p class="notice alarm" role="status" { (words.fault) " " (fault) }
            }
            @for facts in &evidence.days_said { p class="notice" { (sentence(lang, facts)) } }
            (part(lang, "day", &words.last_day, &evidence.half_hours))
            (part(lang, "month", &words.last_month, &evidence.days))
            p { (words.how) }
            p {
                a href={ "/evidence.csv?from=" (from) "&to=" (to) } { (words.download) } " · "
                a href="/metrics" { (words.metrics) } " · "
                a href="/" { (words.status) }
            }
        },
    )
}

fn part(lang: Lang, id: &str, heading: &str, rows: &[Row]) -> Markup {
    let words = WORDS.of(lang);
    html! {
        section aria-labelledby={ (id) "-heading" } {
            h2 id={ (id) "-heading" } { (heading) }
            figure {
                (rates(words, &format!("{id}-rates"), rows))
                figcaption {
                    (words.rates) ": "
                    span class="swatch office" {} " " (words.office) ", "
                    span class="swatch guest" {} " " (words.guest)
                }
            }
            figure {
                (delays(words, &format!("{id}-delay"), rows))
                figcaption { (words.delay) }
            }
            details {
                summary { (words.table) }
                (table(lang, heading, rows))
            }
        }
    }
}

fn rates(words: &Words, id: &str, rows: &[Row]) -> Markup {
    let most = rows.iter().filter_map(|row| row.figures).map(|f| f.office + f.guest).max().unwrap_or(0);
    let description = words.rates_seen.replace("{most}", &mbit(most)) + &gaps(words, rows);
    let parts = |figures: &Figures| vec![figures.office, figures.guest];
    chart::draw(&Chart {
        id,
        title: &words.rates,
        description,
        classes: &["office", "guest"],
        bars: bars(rows, |row| row.figures.as_ref().map(parts)),
        write: mbit,
    })
}

fn delays(words: &Words, id: &str, rows: &[Row]) -> Markup {
    let most = rows.iter().filter_map(|row| row.figures?.delay).max().unwrap_or(0);
    let description = words.delay_seen.replace("{most}", &millis(most)) + &gaps(words, rows);
    chart::draw(&Chart {
        id,
        title: &words.delay,
        description,
        classes: &["delay"],
        bars: bars(rows, |row| row.figures?.delay.map(|delay| vec![delay])),
        write: millis,
    })
}

fn bars(rows: &[Row], parts: impl Fn(&Row) -> Option<Vec<u64>>) -> Vec<Bar> {
    rows.iter().map(|row| Bar { label: row.label.clone(), parts: parts(row) }).collect()
}

fn gaps(words: &Words, rows: &[Row]) -> String {
    match rows.iter().filter(|row| row.figures.is_none()).count() {
        0 => String::new(),
        gaps => words.gaps_seen.replace("{gaps}", &gaps.to_string()),
    }
}

fn mbit(bits: u64) -> String {
    match bits {
        0..1_000_000 => format!("{} kbit/s", bits / 1_000),
        _ => format!("{} Mbit/s", bits / 1_000_000),
    }
}

fn millis(micros: u64) -> String {
    match micros {
        0..10_000 if !micros.is_multiple_of(1_000) => format!("{micros} µs"),
        _ => format!("{} ms", micros / 1_000),
    }
}

fn table(lang: Lang, caption: &str, rows: &[Row]) -> Markup {
    let words = WORDS.of(lang);
    let [office, guest] = [&words.office, &words.guest].map(|lane| format!("{lane} (Mbit/s)"));
    html! {
        table {
            caption { (caption) }
            thead { tr {
                @for head in [&words.when, &office, &guest, &words.part, &words.waited, &words.delay] {
                    th scope="col" { (head) }
                }
            } }
            tbody {
                @for row in rows { tr {
                    th scope="row" { (row.label) }
                    @match &row.figures {
                        Some(figures) => (cells(lang, figures)),
                        None => td colspan="5" { (words.not_measured) },
                    }
                } }
            }
        }
    }
}

fn cells(lang: Lang, figures: &Figures) -> Markup {
    let rate = |bits: u64| tenths(lang, bits / 100_000);
    let part = figures.lent_permille.map_or("–".to_owned(), |part| format!("{} %", percent(lang, part)));
    let delay = figures.delay.map_or("–".to_owned(), |delay| format!("{} ms", tenths(lang, delay / 100)));
    html! {
        td class="number" { (rate(figures.office)) }
        td class="number" { (rate(figures.guest)) }
        td class="number" { (part) }
        td class="number" { (figures.waited) " s" }
        td class="number" { (delay) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(lent_permille: Option<u64>, waited: u64, missing: u64, school: bool) -> DayFacts {
        DayFacts { when: When::Today, lent_permille, waited, missing, school }
    }

    #[test]
    fn a_day_is_one_plain_sentence() {
        let said = |lang, facts| sentence(lang, &facts);
        let school = facts(Some(412), 0, 0, true);
        assert_eq!(said(Lang::En, school), "Today 41 % of the line was lent; lessons waited 0 seconds.");
        assert_eq!(
            said(Lang::It, school),
            "Oggi: 41 % della linea prestato; le lezioni hanno aspettato 0 secondi."
        );
        let other =
            DayFacts { when: When::On { year: 2026, month: 11, day: 21 }, ..facts(Some(4), 1, 25, false) };
        assert_eq!(
            said(Lang::En, other),
            "On 21 November 2026 0.4 % of the line was lent; the offices waited 1 second; 25 minutes were not measured."
        );
        assert_eq!(
            said(Lang::It, other),
            "21 novembre 2026: 0,4 % della linea prestato; gli uffici hanno aspettato 1 secondo; 25 minuti non misurati."
        );
        assert_eq!(said(Lang::En, facts(None, 0, 9, false)), "Today nothing was measured.");
        assert_eq!(said(Lang::It, facts(None, 0, 9, false)), "Oggi: nulla è stato misurato.");
    }

    #[test]
    fn the_table_has_the_numbers_of_the_charts_and_says_gaps() {
        let figures = Figures {
            office: 3_000_000,
            guest: 91_250_000,
            lent_permille: Some(912),
            waited: 0,
            delay: Some(1_234),
        };
        let rows = vec![
            Row { label: "10:00".into(), figures: Some(figures) },
            Row { label: "10:30".into(), figures: None },
        ];
        let evidence = Evidence {
            half_hours: rows,
            alarm: true,
            fault: Some("disk <full>".into()),
            ..Evidence::default()
        };
        let page = show(Lang::En, "Library", &evidence).into_string();
        for part in
            ["(Mbit/s)", "91.2<", "3.0<", "91 %", "0 s", "1.2 ms", "Not measured", "disk &lt;full&gt;"]
        {
            assert!(page.contains(part), "{part}");
        }
        assert_eq!(page.matches("<svg").count(), 4);
        assert!(page.contains("below its least") && !page.contains("style=") && !page.contains("<script"));
    }
}
