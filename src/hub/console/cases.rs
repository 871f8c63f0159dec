//! `GET /cases`: look-ups and their state; what officers hand in (`hand_in.rs`), and each case by itself (`one.rs`). Who reads
//! which cases there are is on record, as who reads one.

pub mod hand_in;
pub mod one;
mod refused;
pub mod sheet;

use super::{Console, Reply, answer, role::Right, session::Visitor, views};
use crate::lookup::{self, Case, Refusal};
use actix_web::{
    HttpRequest,
    http::StatusCode,
    web::{Data, ReqData},
};
use varco_audit::case::{Outcome, Step};
use varco_templates::console::{self as pages, CaseRow, HandIn, Handed, StepRow, Trouble};

/// All cases.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::get("/cases")]
pub async fn show(request: HttpRequest, console: Data<Console>, visitor: ReqData<Visitor>) -> Reply {
    page(&request, &console, &visitor, None).await
}

/// The same as a file.
///
/// # Errors
/// As [`show`].
#[actix_web::get("/cases.csv")]
pub async fn table(request: HttpRequest, console: Data<Console>, visitor: ReqData<Visitor>) -> Reply {
    let found = all(&console, &visitor, "/cases.csv").await;
    answer::csv(&console, &request, found, "cases", |lang, rows| pages::cases_table(lang, &rows))
}

/// The page, with what came of a document that was handed in.
async fn page(
    request: &HttpRequest,
    console: &Data<Console>,
    visitor: &Visitor,
    handed: Option<Handed>,
) -> Reply {
    let may = HandIn { requests: visitor.may(Right::Ask), decisions: visitor.may(Right::Decide) };
    let status = match &handed {
        Some(Handed::Refused(_)) => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::OK,
    };
    match all(console, visitor, "/cases").await {
        Ok(rows) => console.page(request, status, |view| pages::cases(view, &rows, may, handed.as_ref())),
        Err(trouble) => console.trouble(request, trouble),
    }
}

/// Every case, once that somebody reads them is on record; none where the hub takes none.
async fn all(console: &Data<Console>, visitor: &Visitor, what: &str) -> Result<Vec<CaseRow>, Trouble> {
    let read = |console: &Console| match lookup::cases(&console.hub) {
        Err(Refusal::Off) => Ok(Vec::new()),
        cases => Ok(cases?.iter().map(|case| row(console, case)).collect()),
    };
    views::read(console, visitor, what, read).await
}

/// The kind of an outcome, without how much.
fn word(outcome: &Outcome) -> String {
    outcome.to_string().split(' ').next().unwrap_or_default().to_owned()
}

/// What happened, in order. No officer's name is on a page: the case is, its documents say the rest to who may read them.
fn row(console: &Console, case: &Case) -> CaseRow {
    let decided = case
        .decided
        .as_ref()
        .map(|decided| (if decided.allowed { Step::Allowed } else { Step::Refused }, decided.at));
    let answered = case.answered.as_ref().map(|(at, ..)| (Step::Answered, *at));
    let named = case.named.map(|at| (Step::Named, at));
    let steps = [Some((Step::Asked, case.asked)), decided, answered, named].into_iter().flatten();
    let step = |(step, at): (Step, _)| StepRow {
        step: step.to_string(),
        at: answer::written(at, console.zone()),
        ..StepRow::default()
    };
    let outcome = case.answered.as_ref().map(|(_, outcome, count)| (word(outcome), *count));
    CaseRow { case: case.case.to_string(), steps: steps.map(step).collect(), outcome }
}
