//! `GET /search`, `/entry/{log}/{sequence}` and its `/proof`: headers of entries and their proofs. No content: what is clear
//! in it is for the pages that are about it, what is sealed is not opened here. A proof holds its whole entry, so there is none of
//! the sums of a day, which may be below what is shown. The headers of a case's steps are as the list of cases: who sees one is on record.

use super::{
    Console, Reply, answer,
    logs::{self, Known},
    session::Visitor,
    views,
};
use actix_web::{
    HttpRequest,
    web::{Data, Path, ReqData},
};
use jiff::civil::Date;
use serde::Deserialize;
use varco_audit::{
    class::Class,
    index::Span,
    leaf::{Leaf, Mark},
    pack::sha256,
};
use varco_templates::console::{self as pages, Choice, HeaderRow, Trouble};
use varco_web::query;

/// How many entries a page shows.
const MOST: usize = 200;
/// How many of the last ones it shows where nothing was chosen.
const LAST: u64 = 50;

/// What is looked for, as it was typed.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    log: Option<String>,
    class: Option<String>,
    from: Option<String>,
    sequence: Option<String>,
}

/// The form, and what was found.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::get("/search")]
pub async fn show(request: HttpRequest, console: Data<Console>, visitor: ReqData<Visitor>) -> Reply {
    let found = found(&request, &console, &visitor).await;
    answer::page(&console, &request, found, |view, (choice, rows)| pages::search(view, &choice, &rows))
}

/// The same as a file.
///
/// # Errors
/// As [`show`].
#[actix_web::get("/search.csv")]
pub async fn table(request: HttpRequest, console: Data<Console>, visitor: ReqData<Visitor>) -> Reply {
    let found = found(&request, &console, &visitor).await;
    answer::csv(&console, &request, found, "search", |lang, (_, rows)| pages::search_table(lang, &rows))
}

/// One entry.
///
/// # Errors
/// As [`show`].
#[actix_web::get("/entry/{log}/{sequence}")]
pub async fn entry(
    request: HttpRequest,
    console: Data<Console>,
    at: Path<(String, u64)>,
    visitor: ReqData<Visitor>,
) -> Reply {
    let read = |console: &Console, log: &Known, octets: &[u8]| {
        let proved = mark(octets).is_some_and(|mark| mark != Mark::Day);
        Ok(row(console, &log.name, octets).map(|row| (row, sha256(octets), proved)))
    };
    let found = of_entry(&request, &console, &visitor, at, read).await;
    answer::page(&console, &request, found, |view, (row, digest, proved)| {
        pages::entry(view, &row, &digest, proved)
    })
}

/// Its proof (C2SP tlog-proof), of the hub's own log with the cosignatures of witnesses where they cover it. None of the sums of
/// a day, which are clear.
///
/// # Errors
/// As [`show`].
#[actix_web::get("/entry/{log}/{sequence}/proof")]
pub async fn proof(
    request: HttpRequest,
    console: Data<Console>,
    at: Path<(String, u64)>,
    visitor: ReqData<Visitor>,
) -> Reply {
    let sequence = at.1;
    let made = move |console: &Console, log: &Known, octets: &[u8]| {
        if mark(octets).is_none_or(|mark| mark == Mark::Day) {
            return Ok(None);
        }
        let proof = if log.is_own() { console.hub.log.prove(sequence)? } else { log.prove(sequence)? };
        Ok(Some((format!("varco-{sequence}.tlog-proof"), proof.to_string())))
    };
    let found = of_entry(&request, &console, &visitor, at, made).await;
    answer::text(&console, &request, found)
}

/// What is made of an entry, where there is one. Of a step of a case it is on record first who sees it.
async fn of_entry<T: Send + 'static>(
    request: &HttpRequest,
    console: &Data<Console>,
    visitor: &Visitor,
    at: Path<(String, u64)>,
    make: impl FnOnce(&Console, &Known, &[u8]) -> anyhow::Result<Option<T>> + Send + 'static,
) -> Result<T, Trouble> {
    let (log, sequence) = at.into_inner();
    let read = move |console: &Console| {
        let Some(log) = named(console, &log) else { return Ok(None) };
        let Some(octets) = log.entries(&[sequence])?.pop() else { return Ok(None) };
        Ok(make(console, &log, &octets)?.map(|made| (made, is_of_case(&octets))))
    };
    let (made, of_case) = super::block(console, read).await?.ok_or(Trouble::NotFound)?;
    on_record(console, visitor, (of_case, request.path())).await?;
    Ok(made)
}

async fn found(
    request: &HttpRequest,
    console: &Data<Console>,
    visitor: &Visitor,
) -> Result<(Choice, Vec<HeaderRow>), Trouble> {
    let asked = query::of(request);
    let (choice, rows, of_cases) = super::block(console, move |console| search(console, asked)).await?;
    on_record(console, visitor, (of_cases, &format!("{}?log={}", request.path(), choice.log))).await?;
    Ok((choice, rows))
}

/// Where a step of a case is among what is shown, who sees it is in the hub's log first.
async fn on_record(
    console: &Data<Console>,
    visitor: &Visitor,
    (of_case, what): (bool, &str),
) -> Result<(), Trouble> {
    if of_case {
        views::record(console, visitor, what.to_owned()).await?;
    }
    Ok(())
}

/// What was found, and whether a step of a case is in it.
fn search(console: &Console, asked: Asked) -> anyhow::Result<(Choice, Vec<HeaderRow>, bool)> {
    let all = logs::all(console);
    let text = |text: Option<String>| text.unwrap_or_default();
    let choice = Choice {
        logs: all.iter().map(|log| log.name.clone()).collect(),
        log: text(asked.log),
        class: text(asked.class),
        from: text(asked.from),
        sequence: text(asked.sequence),
        ..Choice::default()
    };
    let Some(log) = all.iter().find(|log| log.name == choice.log) else {
        return Ok((choice, Vec::new(), false));
    };
    let entries = log.entries(&sequences(console, log, &choice)?)?;
    let rows = entries.iter().filter_map(|octets| row(console, &log.name, octets)).collect();
    let of_cases = entries.iter().any(|octets| is_of_case(octets));
    Ok((choice, rows, of_cases))
}

fn mark(octets: &[u8]) -> Option<Mark> {
    Leaf::read(octets).ok().map(|leaf| leaf.header.mark)
}

fn is_of_case(octets: &[u8]) -> bool {
    matches!(mark(octets), Some(Mark::Case(..)))
}

/// The entries that were asked for: one by its number, those of a class and a day by the index, or else the last ones.
fn sequences(console: &Console, log: &Known, choice: &Choice) -> anyhow::Result<Vec<u64>> {
    if let Ok(sequence) = choice.sequence.parse() {
        return Ok(vec![sequence]);
    }
    if let (Ok(class), Ok(date)) = (choice.class.parse::<Class>(), choice.from.parse::<Date>()) {
        let span = Span { first: console.begins(date)?, last: console.begins(date.tomorrow()?)? };
        let found = console.hub.index.with(|rows| rows.of_class(log.origin(), class, span))?;
        return Ok(found.into_iter().map(|(sequence, _)| sequence).take(MOST).collect());
    }
    let size = log.size()?;
    Ok((size.saturating_sub(LAST)..size).rev().collect())
}

fn named(console: &Console, name: &str) -> Option<Known> {
    logs::all(console).into_iter().find(|log| log.name == name)
}

/// The header of an entry as it is shown.
fn row(console: &Console, log: &str, octets: &[u8]) -> Option<HeaderRow> {
    let leaf = Leaf::read(octets).ok()?;
    let header = leaf.header;
    Some(HeaderRow {
        log: log.to_owned(),
        sequence: header.sequence,
        class: header.class.to_string(),
        at: answer::written(header.at, console.zone()),
        period: header.period.map_or_else(|| "-".to_owned(), |period| period.to_string()),
        mark: leaf.line.rsplit(' ').next().unwrap_or_default().to_owned(),
    })
}
