//! `GET /looked`: who looked at what, by month. Looking here is a view too.

use super::{Console, Reply, answer, session::Visitor, views};
use crate::app;
use actix_web::{
    HttpRequest,
    web::{Data, ReqData},
};
use jiff::civil::Date;
use serde::Deserialize;
use varco_audit::{
    class::Class,
    index::Span,
    leaf::{Leaf, Mark},
};
use varco_templates::console::{self as pages, SeenRow, Trouble};
use varco_web::query;

/// How many views a page shows.
const MOST: u32 = 2000;

/// The month that is asked for: `2026-11`.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    month: Option<String>,
}

/// What is shown of a month.
struct Shown {
    month: String,
    rows: Vec<SeenRow>,
    counted: u64,
}

/// The page.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::get("/looked")]
pub async fn show(request: HttpRequest, console: Data<Console>, visitor: ReqData<Visitor>) -> Reply {
    let found = month(&request, &console, &visitor).await;
    answer::page(&console, &request, found, |view, shown| {
        pages::looked(view, &shown.month, &shown.rows, Some(shown.counted))
    })
}

/// The same as a file.
///
/// # Errors
/// As [`show`].
#[actix_web::get("/looked.csv")]
pub async fn table(request: HttpRequest, console: Data<Console>, visitor: ReqData<Visitor>) -> Reply {
    let found = month(&request, &console, &visitor).await;
    answer::csv(&console, &request, found, "looked", |lang, shown| pages::looked_table(lang, &shown.rows))
}

async fn month(request: &HttpRequest, console: &Data<Console>, visitor: &Visitor) -> Result<Shown, Trouble> {
    let asked = query::of::<Asked>(request).month.unwrap_or_default();
    let today = app::now().to_zoned(console.zone().clone()).date();
    let first = format!("{asked}-01").parse::<Date>().unwrap_or_else(|_| today.first_of_month());
    let month = first.strftime("%Y-%m").to_string();
    let what = format!("{}?month={month}", request.path());
    views::read(console, visitor, what, move |console| read(console, month, first)).await
}

fn read(console: &Console, month: String, first: Date) -> anyhow::Result<Shown> {
    let from = console.begins(first)?;
    let to = console.begins(first.last_of_month().tomorrow()?)?;
    let seen = console.views.seen(from, to, MOST)?;
    let row = |seen: views::Seen| SeenRow {
        at: answer::written(seen.at, console.zone()),
        who: seen.by.get(..8).unwrap_or(&seen.by).to_owned(),
        roles: seen.roles,
        what: seen.what,
        sequence: seen.sequence,
    };
    Ok(Shown { month, rows: seen.into_iter().map(row).collect(), counted: counted(console, from, to)? })
}

/// How many views the log itself has in this time: entries of class R4 that are no step of a case. What is not in a
/// checkpoint yet is counted among the leaves that wait.
fn counted(console: &Console, from: jiff::Timestamp, to: jiff::Timestamp) -> anyhow::Result<u64> {
    let span = Span { first: from, last: to };
    let own = super::logs::own(console);
    let found = console.hub.index.with(|rows| rows.of_class(own.origin(), Class::R4, span))?;
    let sequences: Vec<_> = found.into_iter().map(|(sequence, _)| sequence).collect();
    let entries = own.entries(&sequences)?;
    let is_view = |entry: &&Vec<u8>| Leaf::read(entry).is_ok_and(|leaf| leaf.header.mark == Mark::None);
    Ok(entries.iter().filter(is_view).count() as u64)
}
