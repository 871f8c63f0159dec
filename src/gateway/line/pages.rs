//! `/evidence`, `/evidence.csv`, `/metrics`: on the office side, without a login. They name nobody.

use super::{
    ledger,
    live::Live,
    metrics,
    minute::Minute,
    stream::Csv,
    tally::{BySpan, Span, Tally, day, days, half_hours},
};
use crate::{board::Board, settings::Settings};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::ContentDisposition},
    web,
};
use jiff::{Timestamp, Zoned, civil::Date, tz::TimeZone};
use serde::Deserialize;
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use varco_templates::evidence::{self as view, DayFacts, Figures, Row, When};
use varco_web::{lang, page};

/// What the pages work with.
#[derive(Debug, Clone)]
pub struct Evidence {
    title: String,
    school: bool,
    zone: TimeZone,
    state: PathBuf,
    board: Arc<Board>,
    live: Arc<Live>,
    hub: Arc<AtomicBool>,
}

impl Evidence {
    /// For a site; `hub` is whether the hub answers.
    pub fn new(settings: &Settings, board: Arc<Board>, live: Arc<Live>, hub: Arc<AtomicBool>) -> Self {
        let site = &settings.site;
        let (school, zone) = (is_school(site), site.timezone.zone().clone());
        Self { title: site.title.clone(), school, zone, state: settings.state.clone(), board, live, hub }
    }
}

/// Whether the office's work is lessons.
pub fn is_school(site: &varco_policy::Site) -> bool {
    site.profile.as_deref() == Some("school")
}

/// The pages.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(show).service(export).service(scrape);
}

#[actix_web::get("/evidence")]
async fn show(request: HttpRequest, evidence: web::Data<Evidence>) -> HttpResponse {
    let lang = lang::of(&request);
    let (title, evidence) = (evidence.title.clone(), evidence.as_ref().clone());
    let now = Zoned::new(super::now(), evidence.zone.clone());
    match web::block(move || content(&evidence, &now)).await {
        Ok(content) => page::html(&request, StatusCode::OK, view::show(lang, &title, &content)),
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}

#[derive(Debug, Deserialize)]
struct Dates {
    from: Date,
    to: Date,
}

#[actix_web::get("/evidence.csv")]
async fn export(dates: web::Query<Dates>, evidence: web::Data<Evidence>) -> HttpResponse {
    let Some(span) = span(dates.from, dates.to, &evidence.zone) else {
        return HttpResponse::BadRequest().body("`from` is after `to`\n");
    };
    let name = format!("evidence-{}-{}.csv", dates.from, dates.to);
    match Csv::begin(evidence.state.clone(), span).await {
        Ok(csv) => HttpResponse::Ok()
            .content_type("text/csv; charset=utf-8; header=present")
            .insert_header(ContentDisposition::attachment(name))
            .body(csv),
        Err(error) => HttpResponse::ServiceUnavailable().body(format!("{error}\n")),
    }
}

#[actix_web::get("/metrics")]
async fn scrape(evidence: web::Data<Evidence>) -> HttpResponse {
    let hub = evidence.hub.load(Ordering::Relaxed);
    let log = (evidence.board.log.state(), evidence.board.shipping.state());
    let text = metrics::text(&evidence.live.now(), &evidence.board.status(), log, hub);
    HttpResponse::Ok().content_type(metrics::CONTENT_TYPE).body(text)
}

/// Whole days of the site, both included.
pub fn span(from: Date, to: Date, zone: &TimeZone) -> Option<Span> {
    (from <= to).then(|| Some(Span { from: day(from, zone)?.from, to: day(to, zone)?.to }))?
}

/// Everything on the page; reads the disk.
fn content(evidence: &Evidence, now: &Zoned) -> view::Evidence {
    let (zone, today) = (now.time_zone(), now.date());
    let (dates, day_spans): (Vec<_>, Vec<_>) = days(today, 30, zone).into_iter().unzip();
    let halves = half_hours(now.timestamp());
    let from = day_spans.first().map_or(now.timestamp(), |span| span.from);
    let (mut by_day, mut by_half) = (BySpan::new(&day_spans), BySpan::new(&halves));
    let unread = read(&evidence.state, from, now.timestamp(), |minute| {
        by_day.add(&minute);
        by_half.add(&minute);
        true
    });
    let (by_day, by_half) = (by_day.sums(), by_half.sums());
    let live = evidence.live.now();
    // Today, and yesterday if anything is known of it.
    let day_said = |back: usize| {
        let place = by_day.len().checked_sub(back + 1)?;
        let (date, span, tally) = (dates.get(place)?, day_spans.get(place)?, by_day.get(place)?.as_ref());
        let facts = said(evidence.school, *date, *span, tally, now);
        (back == 0 || tally.is_some()).then_some(facts)
    };
    view::Evidence {
        days_said: [day_said(0), day_said(1)].into_iter().flatten().collect(),
        half_hours: rows(halves.iter().map(|span| hour(span.from, zone)), by_half),
        days: rows(dates.iter().map(Date::to_string), by_day.iter().cloned()),
        fault: live.fault.or(unread),
        alarm: live.alarm,
        dates: (dates.first().copied().unwrap_or(today).to_string(), today.to_string()),
    }
}

/// Why the minutes on record cannot be read; before the first there is no file, which is no fault.
fn read(state: &Path, from: Timestamp, to: Timestamp, each: impl FnMut(Minute) -> bool) -> Option<String> {
    let file = ledger::file(state);
    if !file.exists() {
        return None;
    }
    ledger::read(state, from, to, each).err().map(|error| error.to_string())
}

fn hour(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M").to_string()
}

fn rows(labels: impl Iterator<Item = String>, tallies: impl IntoIterator<Item = Option<Tally>>) -> Vec<Row> {
    let row = |(label, tally): (String, Option<Tally>)| Row { label, figures: tally.as_ref().map(figures) };
    labels.zip(tallies).map(row).collect()
}

fn figures(tally: &Tally) -> Figures {
    Figures {
        office: tally.rate(tally.own),
        guest: tally.rate(tally.lent),
        lent_permille: tally.lent_permille(),
        waited: tally.waited_seconds(),
        delay: tally.delay_p99_us,
    }
}

/// What the sentence of a day says. What is not on record of the day, up to `now`, is missing.
pub fn said(school: bool, date: Date, span: Span, tally: Option<&Tally>, now: &Zoned) -> DayFacts {
    let is_today = date == now.date();
    let end = span.to.min(now.timestamp());
    let elapsed = u64::try_from(end.as_second() - span.from.as_second()).unwrap_or(0);
    // The minute under way, and the start of the one before, are no gap.
    let elapsed = if is_today { elapsed.saturating_sub(120) } else { elapsed };
    let observed = tally.map_or(0, |tally| tally.observed_ms / 1_000);
    let when = match is_today {
        true => When::Today,
        false => When::On { year: date.year(), month: date.month(), day: date.day() },
    };
    DayFacts {
        when,
        lent_permille: tally.and_then(Tally::lent_permille),
        waited: tally.map_or(0, Tally::waited_seconds),
        missing: elapsed.saturating_sub(observed) / 60,
        school,
    }
}

#[cfg(test)]
mod tests;
