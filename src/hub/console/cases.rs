//! `GET /cases` and below: look-ups and their state; `POST /cases/request`, `/cases/decision`: what officers hand in. Which of
//! the two a document is for is in its first line, whatever the form says; who signed it is looked at where it is taken
//! ([`crate::lookup`]).

use super::{Console, answer, block, role::Right, session::Visitor, views};
use crate::{
    app,
    lookup::{self, Case, Refusal},
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{self, Data},
};
use varco_audit::case::{Answer, Approval, CaseId, Document, Refusal as Refused, Request, Step};
use varco_templates::console::{self as pages, CaseRow, HandIn, Handed, Trouble};
use varco_web::{form, lang};

/// All cases.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::get("/cases")]
pub async fn show(
    request: HttpRequest,
    console: Data<Console>,
    visitor: web::ReqData<Visitor>,
) -> actix_web::Result<HttpResponse> {
    page(&request, &console, &visitor, StatusCode::OK, None).await
}

/// The same as a file.
///
/// # Errors
/// As [`show`].
#[actix_web::get("/cases.csv")]
pub async fn table(request: HttpRequest, console: Data<Console>) -> actix_web::Result<HttpResponse> {
    let lang = lang::of(&request);
    match block(&console, all).await {
        Ok(rows) => Ok(answer::csv("cases", lang, &pages::cases_table(lang, &rows))),
        Err(trouble) => console.trouble(&request, trouble),
    }
}

/// Takes a request.
///
/// # Errors
/// As [`show`].
#[actix_web::post("/cases/request")]
pub async fn ask(
    request: HttpRequest,
    console: Data<Console>,
    visitor: web::ReqData<Visitor>,
    body: web::Bytes,
) -> actix_web::Result<HttpResponse> {
    hand_in(&request, &console, &visitor, &body, &[Request::FORMAT]).await
}

/// Takes an approval, a refusal or an answer.
///
/// # Errors
/// As [`show`].
#[actix_web::post("/cases/decision")]
pub async fn decide(
    request: HttpRequest,
    console: Data<Console>,
    visitor: web::ReqData<Visitor>,
    body: web::Bytes,
) -> actix_web::Result<HttpResponse> {
    let formats = [Approval::FORMAT, Refused::FORMAT, Answer::FORMAT];
    hand_in(&request, &console, &visitor, &body, &formats).await
}

/// One case. Who looks is on record before.
///
/// # Errors
/// As [`show`].
#[actix_web::get("/cases/{case}")]
pub async fn look(
    request: HttpRequest,
    console: Data<Console>,
    visitor: web::ReqData<Visitor>,
    case: web::Path<String>,
) -> actix_web::Result<HttpResponse> {
    let Ok(id) = case.parse::<CaseId>() else { return console.trouble(&request, Trouble::NotFound) };
    if views::record(&console, &visitor, format!("/cases/{id}")).await.is_err() {
        return console.trouble(&request, Trouble::NotRecorded);
    }
    match block(&console, move |console| Ok(one(console, id)?)).await {
        Ok(Some((row, allowed))) => {
            let receipt = allowed && visitor.may(Right::Receipt);
            console.page(&request, StatusCode::OK, |view| pages::case(view, &row, receipt))
        }
        Ok(None) => console.trouble(&request, Trouble::NotFound),
        Err(trouble) => console.trouble(&request, trouble),
    }
}

/// The receipt of a case that was allowed (C2SP tlog-proof). Who takes it is on record before.
///
/// # Errors
/// As [`show`].
#[actix_web::get("/cases/{case}/receipt")]
pub async fn give_receipt(
    request: HttpRequest,
    console: Data<Console>,
    visitor: web::ReqData<Visitor>,
    case: web::Path<String>,
) -> actix_web::Result<HttpResponse> {
    let Ok(id) = case.parse::<CaseId>() else { return console.trouble(&request, Trouble::NotFound) };
    if views::record(&console, &visitor, format!("/cases/{id}/receipt")).await.is_err() {
        return console.trouble(&request, Trouble::NotRecorded);
    }
    let made = block(&console, move |console| match lookup::receipt(&console.hub, id) {
        Err(Refusal::NotYet(..) | Refusal::Unknown(_) | Refusal::Off) => Ok(None),
        made => Ok(Some(made?)),
    });
    match made.await {
        Ok(Some(text)) => Ok(answer::file("text/plain; charset=utf-8", &format!("{id}.receipt"), text)),
        Ok(None) => console.trouble(&request, Trouble::NotFound),
        Err(trouble) => console.trouble(&request, trouble),
    }
}

async fn page(
    request: &HttpRequest,
    console: &Data<Console>,
    visitor: &Visitor,
    status: StatusCode,
    handed: Option<Handed>,
) -> actix_web::Result<HttpResponse> {
    let may = HandIn { requests: visitor.may(Right::Ask), decisions: visitor.may(Right::Decide) };
    match block(console, all).await {
        Ok(rows) => console.page(request, status, |view| pages::cases(view, &rows, may, handed.as_ref())),
        Err(trouble) => console.trouble(request, trouble),
    }
}

/// Gives a document of one of these formats to the case that it is of.
async fn hand_in(
    request: &HttpRequest,
    console: &Data<Console>,
    visitor: &Visitor,
    body: &[u8],
    formats: &[&str],
) -> actix_web::Result<HttpResponse> {
    let field = |name: &str| {
        let mut fields = url::form_urlencoded::parse(body);
        fields.find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    if !form::proves(request, &field("form")) {
        return console.trouble(request, Trouble::FormExpired);
    }
    // A form sends each end of a line as two characters; a document has the one.
    let document = field("document").replace("\r\n", "\n");
    let ours = document.lines().next().is_some_and(|first| formats.contains(&first));
    if !ours {
        let why = Handed::Refused(Refusal::NoDocument.to_string());
        return page(request, console, visitor, StatusCode::UNPROCESSABLE_ENTITY, Some(why)).await;
    }
    let submitted =
        block(console, move |console| match lookup::submit(&console.hub, document.as_bytes(), app::now()) {
            Err(Refusal::Log(error)) => Err(error.into()),
            other => Ok(other),
        });
    match submitted.await {
        Ok(Ok(taken)) => {
            let taken = Handed::Taken(taken.case.to_string());
            page(request, console, visitor, StatusCode::OK, Some(taken)).await
        }
        Ok(Err(refusal)) => {
            let why = Handed::Refused(refusal.to_string());
            page(request, console, visitor, StatusCode::UNPROCESSABLE_ENTITY, Some(why)).await
        }
        Err(trouble) => console.trouble(request, trouble),
    }
}

/// Every case; none where the hub takes none.
fn all(console: &Console) -> anyhow::Result<Vec<CaseRow>> {
    match lookup::cases(&console.hub) {
        Err(Refusal::Off) => Ok(Vec::new()),
        cases => Ok(cases?.iter().map(|case| row(console, case)).collect()),
    }
}

/// A case, and whether it is allowed.
fn one(console: &Console, id: CaseId) -> Result<Option<(CaseRow, bool)>, Refusal> {
    let known = match lookup::known(&console.hub, id) {
        Err(Refusal::Off) => None,
        known => known?,
    };
    Ok(known.map(|known| {
        let allowed = known.case.decided.as_ref().is_some_and(|decided| decided.allowed);
        (row(console, &known.case), allowed)
    }))
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
    let steps = steps.map(|(step, at)| (step.to_string(), answer::written(at, console.zone())));
    CaseRow { case: case.case.to_string(), steps: steps.collect() }
}
