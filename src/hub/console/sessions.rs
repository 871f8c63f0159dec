//! `GET /sessions`: how many sessions began and ended, by site, day and cause, from the sums that gateways record. A number
//! below 3 never gets as far as the page.

use super::{
    Console, Reply, answer,
    logs::{self, Known},
};
use crate::app;
use actix_web::{HttpRequest, web::Data};
use jiff::{ToSpan, civil::Date};
use serde::Deserialize;
use std::collections::BTreeMap;
use varco_audit::{
    class::Class,
    content::{Body, Content},
    index::{Span, by_day},
    leaf::Leaf,
};
use varco_policy::pass::EndCause;
use varco_templates::console::{self as pages, Choice, CountRow, DayRow, Few, Trouble};
use varco_web::query;

/// How many days a page shows at most.
const MOST_DAYS: i32 = 92;
/// How many it shows where nothing was chosen.
const DAYS: i32 = 14;

/// What is looked for, as it was typed.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    log: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

/// The sums of a day: began, and ended by cause.
type Sums = (u64, BTreeMap<EndCause, u64>);

/// The page.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::get("/sessions")]
pub async fn show(request: HttpRequest, console: Data<Console>) -> Reply {
    let found = found(&request, &console).await;
    answer::page(&console, &request, found, |view, (choice, rows, counts)| {
        pages::sessions(view, &choice, &rows, &counts)
    })
}

/// The same as a file.
///
/// # Errors
/// As [`show`].
#[actix_web::get("/sessions.csv")]
pub async fn table(request: HttpRequest, console: Data<Console>) -> Reply {
    let found = found(&request, &console).await;
    answer::csv(&console, &request, found, "sessions", |lang, (_, rows, _)| {
        pages::sessions_table(lang, &rows)
    })
}

/// How many entries there are, as a file.
///
/// # Errors
/// As [`show`].
#[actix_web::get("/counts.csv")]
pub async fn counts_table(request: HttpRequest, console: Data<Console>) -> Reply {
    let found = found(&request, &console).await;
    answer::csv(&console, &request, found, "counts", |lang, (_, _, rows)| pages::counts_table(lang, &rows))
}

/// What is shown of a time.
type Found = (Choice, Vec<DayRow>, Vec<CountRow>);

async fn found(request: &HttpRequest, console: &Data<Console>) -> Result<Found, Trouble> {
    let asked: Asked = query::of(request);
    let today = app::now().to_zoned(console.zone().clone()).date();
    super::block(console, move |console| search(console, &asked, today)).await
}

fn search(console: &Console, asked: &Asked, today: Date) -> anyhow::Result<Found> {
    let day = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<Date>().ok());
    let to = day(&asked.to).unwrap_or(today);
    let from = day(&asked.from).unwrap_or_else(|| to.saturating_sub(DAYS.days()));
    let from = from.max(to.saturating_sub(MOST_DAYS.days()));
    let sites: Vec<_> = logs::all(console).into_iter().filter(|log| !log.is_own()).collect();
    let choice = Choice {
        logs: sites.iter().map(|log| log.name.clone()).collect(),
        log: asked.log.clone().unwrap_or_default(),
        from: from.to_string(),
        to: to.to_string(),
        ..Choice::default()
    };
    let (mut rows, mut counted) = (Vec::new(), Vec::new());
    for log in sites.iter().filter(|log| choice.log.is_empty() || log.name == choice.log) {
        let days = days(console, log, from, to)?;
        rows.extend(days.into_iter().rev().map(|(day, sums)| row(&log.name, day, sums)));
        counted.extend(count(console, log, from, to)?);
    }
    Ok((choice, rows, counted))
}

/// How many entries of each class the index has of each day, the newest first.
fn count(console: &Console, log: &Known, from: Date, to: Date) -> anyhow::Result<Vec<CountRow>> {
    let span = Span { first: console.begins(from)?, last: console.begins(to.tomorrow()?)? };
    let counts = console.hub.index.with(|rows| rows.counts(log.origin(), span))?;
    let mut days = BTreeMap::<Date, BTreeMap<String, Few>>::new();
    for ((day, class), leaves) in by_day(&counts, console.zone()) {
        // Those of passes and devices are about persons, the others are not.
        let few = if class <= Class::R3 { Few::from(leaves) } else { Few::told(leaves) };
        days.entry(day).or_default().insert(class.to_string(), few);
    }
    let row = |(day, classes): (Date, _)| CountRow { site: log.name.clone(), day: day.to_string(), classes };
    Ok(days.into_iter().rev().filter(|(day, _)| (from..=to).contains(day)).map(row).collect())
}

/// The sums of each day; where a day has several records, they add up.
fn days(console: &Console, log: &Known, from: Date, to: Date) -> anyhow::Result<BTreeMap<Date, Sums>> {
    let marked = console.hub.index.with(|rows| rows.marked(log.origin(), "day"))?;
    // A day is recorded after its end, in the site's time zone: whatever that is, not before the day begins anywhere.
    let first = console.begins(from.saturating_sub(1.day()))?;
    let sequences: Vec<_> = marked.iter().filter(|mark| mark.at >= first).map(|mark| mark.sequence).collect();
    let mut days = BTreeMap::<Date, Sums>::new();
    for entry in log.entries(&sequences)? {
        let content: Content = serde_json::from_slice(Leaf::read(&entry)?.body)?;
        if let Body::Day { day, began, ended } = content.body
            && (from..=to).contains(&day)
        {
            let sums = days.entry(day).or_default();
            sums.0 = sums.0.saturating_add(began);
            for (cause, count) in ended {
                let sum = sums.1.entry(cause).or_default();
                *sum = sum.saturating_add(count);
            }
        }
    }
    Ok(days)
}

fn row(site: &str, day: Date, (began, ended): Sums) -> DayRow {
    let cause = |cause: &EndCause| match serde_json::to_value(cause) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    };
    let ended = ended.iter().map(|(which, count)| (cause(which), Few::from(*count))).collect();
    DayRow { site: site.to_owned(), day: day.to_string(), began: Few::from(began), ended }
}
