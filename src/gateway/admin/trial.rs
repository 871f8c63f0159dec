//! `POST /shares/try`, `/shares/confirm`, `/shares/take-back`: a change is put on trial, kept, or taken back. Any
//! administrator may end another's trial, either way.

use super::{
    Admin, PATIENCE,
    fields::{Sent, base},
    see_other,
};
use crate::{
    event_loop::Message,
    site::shares::{Attempt, LONGEST_TRIAL, SharesAnswer, SharesAsk},
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use varco_policy::Subject;
use varco_templates::shares::{self as pages, Trouble};

/// Puts the change on trial.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::post("/shares/try")]
pub async fn begin(
    request: HttpRequest,
    admin: web::Data<Admin>,
    body: web::Bytes,
) -> actix_web::Result<HttpResponse> {
    let sent = Sent::read(&body);
    let (who, before) = match admin.may(&request, &sent) {
        Ok(both) => both,
        Err(why) => return admin.trouble(&request, why),
    };
    if sent.get("base") != base(&before) {
        return admin.trouble(&request, Trouble::Changed);
    }
    let seconds = sent.get("seconds").parse().ok().filter(|seconds| (1..=LONGEST_TRIAL).contains(seconds));
    let shares = match sent.shares(&before, &admin.told) {
        Ok(shares) => shares,
        Err(form) => {
            return admin.page(&request, StatusCode::UNPROCESSABLE_ENTITY, |v| pages::mend(v, &form));
        }
    };
    let seconds = seconds.unwrap_or(super::plan::SECONDS);
    let attempt = Attempt { from: before, shares, seconds, by: Some(who) };
    ask(&request, &admin, SharesAsk::Try(attempt)).await
}

/// Keeps what is on trial.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::post("/shares/confirm")]
pub async fn confirm(
    request: HttpRequest,
    admin: web::Data<Admin>,
    body: web::Bytes,
) -> actix_web::Result<HttpResponse> {
    let seen = Sent::read(&body);
    let trial = admin.board.status().shares.and_then(|shares| shares.trial);
    // Only what the administrator has looked at is kept.
    if trial.is_some_and(|trial| seen.get("base") != base(&trial.shares)) {
        return admin.trouble(&request, Trouble::Changed);
    }
    end(&request, &admin, &body, SharesAsk::Confirm).await
}

/// Ends the trial now.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::post("/shares/take-back")]
pub async fn take_back(
    request: HttpRequest,
    admin: web::Data<Admin>,
    body: web::Bytes,
) -> actix_web::Result<HttpResponse> {
    end(&request, &admin, &body, SharesAsk::TakeBack).await
}

async fn end(
    request: &HttpRequest,
    admin: &Admin,
    body: &[u8],
    way: impl FnOnce(Option<Subject>) -> SharesAsk,
) -> actix_web::Result<HttpResponse> {
    match admin.may(request, &Sent::read(body)) {
        Ok((who, _)) => ask(request, admin, way(Some(who))).await,
        Err(why) => admin.trouble(request, why),
    }
}

async fn ask(request: &HttpRequest, admin: &Admin, ask: SharesAsk) -> actix_web::Result<HttpResponse> {
    let trouble = match admin.inbox.ask(|answer| Message::Shares(ask, answer), PATIENCE).await {
        Ok(SharesAnswer::OnTrial(_) | SharesAnswer::Confirmed | SharesAnswer::TakenBack) => {
            return Ok(see_other("/shares"));
        }
        Ok(SharesAnswer::Refused(why)) => {
            return admin.page(request, StatusCode::SERVICE_UNAVAILABLE, |visit| {
                pages::trouble(visit, Trouble::KernelRefused, Some(&why))
            });
        }
        Ok(SharesAnswer::Later) => Trouble::Later,
        Ok(SharesAnswer::OtherTrial) => Trouble::OtherTrial,
        Ok(SharesAnswer::Changed) => Trouble::Changed,
        Ok(SharesAnswer::Same) => Trouble::Same,
        Ok(SharesAnswer::NoTrial) => Trouble::NoTrial,
        Ok(SharesAnswer::RecordsFailed) => Trouble::RecordsFailed,
        Ok(SharesAnswer::GateDown | SharesAnswer::Planned(_)) => Trouble::GateDown,
        Err(_) => Trouble::Overloaded,
    };
    admin.trouble(request, trouble)
}
