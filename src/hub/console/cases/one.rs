//! `GET /cases/{case}` and below: one case, its steps as a file, its receipt. Who looks is on record before.

use super::row;
use crate::{
    console::{Console, Reply, answer, block, logs, role::Right, session::Visitor, views},
    lookup::{self, Refusal},
};
use actix_web::{
    HttpRequest,
    web::{Data, Path, ReqData},
};
use jiff::Timestamp;
use varco_audit::case::{CaseId, Step};
use varco_templates::console::{self as pages, CaseRow, StepRow, Trouble};

/// One case.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::get("/cases/{case}")]
pub async fn show(
    request: HttpRequest,
    console: Data<Console>,
    visitor: ReqData<Visitor>,
    case: Path<String>,
) -> Reply {
    let found = read(&console, &visitor, &case, "").await;
    let may = visitor.may(Right::Receipt);
    answer::page(&console, &request, found, |view, (row, allowed)| pages::case(view, &row, allowed && may))
}

/// Its steps and what the answer said, as a file.
///
/// # Errors
/// As [`show`].
#[actix_web::get("/cases/{case}/steps.csv")]
pub async fn table(
    request: HttpRequest,
    console: Data<Console>,
    visitor: ReqData<Visitor>,
    case: Path<String>,
) -> Reply {
    let found = read(&console, &visitor, &case, "/steps.csv").await;
    let name = format!("case-{case}");
    answer::csv(&console, &request, found, &name, |lang, (row, _)| pages::case_table(lang, &row))
}

/// The receipt of a case that was allowed (C2SP tlog-proof).
///
/// # Errors
/// As [`show`].
#[actix_web::get("/cases/{case}/receipt")]
pub async fn receipt(
    request: HttpRequest,
    console: Data<Console>,
    visitor: ReqData<Visitor>,
    case: Path<String>,
) -> Reply {
    let found = prove(&console, &visitor, &case).await;
    answer::text(&console, &request, found.map(|(id, text)| (format!("{id}.receipt"), text)))
}

async fn prove(console: &Data<Console>, visitor: &Visitor, case: &str) -> Result<(CaseId, String), Trouble> {
    let id = looked_at(console, visitor, case, "/receipt").await?;
    let made = move |console: &Console| match lookup::receipt(&console.hub, id) {
        Err(Refusal::NotYet(..) | Refusal::Unknown(_) | Refusal::Off) => Ok(None),
        made => Ok(Some(made?)),
    };
    Ok((id, block(console, made).await?.ok_or(Trouble::NotFound)?))
}

/// The case that an address names, once the view of what is below it is on record.
pub(super) async fn looked_at(
    console: &Data<Console>,
    visitor: &Visitor,
    case: &str,
    below: &str,
) -> Result<CaseId, Trouble> {
    let id: CaseId = case.parse().map_err(|_| Trouble::NotFound)?;
    views::record(console, visitor, format!("/cases/{id}{below}")).await?;
    Ok(id)
}

/// A case, and whether it is allowed.
async fn read(
    console: &Data<Console>,
    visitor: &Visitor,
    case: &str,
    below: &str,
) -> Result<(CaseRow, bool), Trouble> {
    let id = looked_at(console, visitor, case, below).await?;
    block(console, move |console| one(console, id)).await?.ok_or(Trouble::NotFound)
}

/// A case with each entry that speaks of it; `None` where it is not known.
pub(super) fn one(console: &Console, id: CaseId) -> anyhow::Result<Option<(CaseRow, bool)>> {
    let known = match lookup::known(&console.hub, id) {
        Err(Refusal::Off) => None,
        known => known?,
    };
    let Some(known) = known else { return Ok(None) };
    let allowed = known.case.decided.as_ref().is_some_and(|decided| decided.allowed);
    let steps = steps(console, id)?.into_iter().map(|(step, at, entry)| StepRow {
        step: step.to_string(),
        at: answer::written(at, console.zone()),
        entry: Some(entry),
    });
    Ok(Some((CaseRow { steps: steps.collect(), ..row(console, &known.case) }, allowed)))
}

/// Every step of a case: those of its own table, and holds by the marks of the hub's log.
fn steps(console: &Console, id: CaseId) -> anyhow::Result<Vec<(Step, Timestamp, u64)>> {
    let mut steps = lookup::steps(&console.hub, id)?;
    let own = logs::own(console);
    for step in [Step::Held, Step::Released] {
        let mark = format!("{step}:{id}");
        let marked = console.hub.index.with(|rows| rows.marked(own.origin(), &mark))?;
        steps.extend(marked.into_iter().map(|marked| (step, marked.at, marked.sequence)));
    }
    steps.sort_by_key(|(_, _, entry)| *entry);
    Ok(steps)
}
