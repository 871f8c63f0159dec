//! `POST /shares/plan`: what a change means and exactly does, before it does anything. `POST /shares/edit`: back to the form,
//! with what was typed.

use super::{Admin, PATIENCE, fields::Sent};
use crate::{
    change::changed,
    event_loop::Message,
    site::shares::{SharesAnswer, SharesAsk},
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use varco_policy::Shares;
use varco_templates::shares::{self as pages, Form, Mend, Trouble};
use varco_web::form;

/// How long a trial of the page lasts, in seconds.
pub const SECONDS: u32 = 60;

/// Shows what would change, or what is wrong with it.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::post("/shares/plan")]
pub async fn show(
    request: HttpRequest,
    admin: web::Data<Admin>,
    body: web::Bytes,
) -> actix_web::Result<HttpResponse> {
    let sent = Sent::read(&body);
    let before = match admin.may(&request, &sent) {
        Ok((_, before)) => before,
        Err(why) => return admin.trouble(&request, why),
    };
    match sent.shares(&before, &admin.told) {
        Ok(shares) => plan(&request, &admin, &sent, &before, shares).await,
        Err(form) => mend(&request, &admin, &form),
    }
}

/// The form again.
///
/// # Errors
/// When the kernel has no randomness to give.
#[actix_web::post("/shares/edit")]
pub async fn edit(
    request: HttpRequest,
    admin: web::Data<Admin>,
    body: web::Bytes,
) -> actix_web::Result<HttpResponse> {
    let sent = Sent::read(&body);
    match admin.may(&request, &sent) {
        Ok(_) => admin.page(&request, StatusCode::OK, |visit| pages::mend(visit, &sent.again())),
        Err(why) => admin.trouble(&request, why),
    }
}

async fn plan(
    request: &HttpRequest,
    admin: &Admin,
    sent: &Sent,
    before: &Shares,
    shares: Shares,
) -> actix_web::Result<HttpResponse> {
    let changes = changed(before, &shares);
    if changes.is_empty() {
        return admin.trouble(request, Trouble::Same);
    }
    match admin.inbox.ask(|answer| Message::Shares(SharesAsk::Plan(shares), answer), PATIENCE).await {
        Ok(SharesAnswer::Planned(lines)) => admin.page(request, StatusCode::OK, |visit| {
            pages::preview(visit, &changes, &lines, &sent.again(), SECONDS)
        }),
        Ok(SharesAnswer::Refused(why)) => {
            mend(request, admin, &Form { mend: Some(Mend::Refused(why)), ..sent.again() })
        }
        Ok(_) => admin.trouble(request, Trouble::GateDown),
        Err(_) => admin.trouble(request, Trouble::Overloaded),
    }
}

fn mend(request: &HttpRequest, admin: &Admin, form: &Form) -> actix_web::Result<HttpResponse> {
    admin.page(request, StatusCode::UNPROCESSABLE_ENTITY, |visit| pages::mend(visit, form))
}

impl Admin {
    /// Who asks by a form of ours, and the confirmed shares.
    pub(super) fn may(
        &self,
        request: &HttpRequest,
        sent: &Sent,
    ) -> Result<(varco_policy::Subject, Shares), Trouble> {
        let who = self.who(request).filter(|_| form::proves(request, sent.get("form")));
        let who = who.ok_or(Trouble::FormExpired)?;
        let shares = self.board.status().shares.ok_or(Trouble::GateDown)?;
        Ok((who, shares.confirmed))
    }
}
