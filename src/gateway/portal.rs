//! What citizens reach: over plain HTTP only the answers to their devices' probes, over HTTPS the pages.

pub mod callback;
pub mod capport;
pub mod health;
pub mod host;
pub mod login;
pub mod logout;
pub mod probe;
pub mod start;
pub mod status;
#[cfg(test)]
pub(crate) mod tests;

use crate::{
    board::Board,
    event_loop::Inbox,
    hub::{Hub, pending::Logins},
    neighbour::Neighbours,
    site::Answer,
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use jiff::Timestamp;
use std::{net::IpAddr, sync::Arc, time::Duration};
use varco_policy::{Device, Schedule, hours::Opening};
use varco_templates::portal::{self as pages, Moment, Problem, Visit};
use varco_web::{form, lang, page};

/// How long a request may take, its body included: longer than the hub and the state machine are waited for.
pub const LONGEST: Duration = Duration::from_secs(35);
/// How long a page waits for the state machine: a record takes milliseconds, an enforcer that hangs 10 seconds.
const PATIENCE: Duration = Duration::from_secs(12);

/// What the portal's pages work with.
#[derive(Debug)]
pub struct Portal {
    /// The site's title.
    pub title: String,
    /// The portal's host name.
    pub host: String,
    /// When the site is open.
    pub schedule: Schedule,
    /// Who is online.
    pub board: Arc<Board>,
    /// Who has which hardware address.
    pub neighbours: Neighbours,
    /// The state machine.
    pub inbox: Inbox,
    /// The hub.
    pub hub: Arc<Hub>,
    /// Logins under way.
    pub logins: Logins<Device>,
}

impl Portal {
    /// The device that a request comes from.
    fn device(&self, request: &HttpRequest) -> Option<Device> {
        self.neighbours.device(peer(request)?)
    }

    fn visit(&self, request: &HttpRequest) -> Visit<'_> {
        Visit { lang: lang::of(request), site: &self.title }
    }

    /// A page that says what stands in the way.
    fn problem(&self, request: &HttpRequest, status: StatusCode, problem: Problem) -> HttpResponse {
        page::html(request, status, pages::problem(self.visit(request), problem))
    }

    /// The page for an answer that is not the one hoped for.
    fn unmet(&self, request: &HttpRequest, answer: Answer) -> HttpResponse {
        let problem = match answer {
            Answer::Closed { opens } => return self.closed(request, StatusCode::SERVICE_UNAVAILABLE, opens),
            Answer::Spent { anew } => {
                let anew = anew.map(|at| self.moment(at));
                let page = pages::spent(self.visit(request), anew.as_ref());
                return page::html(request, StatusCode::FORBIDDEN, page);
            }
            Answer::Full => Problem::Full,
            Answer::NoSlot => Problem::NoSlot,
            Answer::RecordsFailed => Problem::RecordsFailed,
            Answer::GateDown | Answer::EndsLater => Problem::GateDown,
            Answer::ClockWrong => Problem::ClockWrong,
            Answer::Overtaken => Problem::Overtaken,
            Answer::NotAGuest | Answer::NoPass => Problem::UnknownDevice,
            Answer::Online(_) | Answer::Ended | Answer::RateSet | Answer::RateLater => Problem::Broken,
        };
        self.problem(request, StatusCode::SERVICE_UNAVAILABLE, problem)
    }

    /// Where the site is closed now, the page that says so: a login would be of no use.
    fn closed_now(&self, request: &HttpRequest, status: StatusCode) -> Option<HttpResponse> {
        match self.schedule.at(now()) {
            Opening::Open { .. } => None,
            Opening::Closed { opens } => Some(self.closed(request, status, opens)),
        }
    }

    fn closed(&self, request: &HttpRequest, status: StatusCode, opens: Option<Timestamp>) -> HttpResponse {
        let opens = opens.map(|at| self.moment(at));
        page::html(request, status, pages::closed(self.visit(request), opens.as_ref()))
    }

    /// An instant as the clock at the site shows it.
    fn moment(&self, at: Timestamp) -> Moment {
        let shown = at.to_zoned(self.schedule.zone().clone());
        let weekday = shown.weekday().to_monday_zero_offset();
        let text = |format: &str| shown.strftime(format).to_string();
        Moment {
            weekday: usize::from(weekday.unsigned_abs()),
            date: text("%d/%m/%Y"),
            clock: text("%H:%M"),
            iso: text("%Y-%m-%dT%H:%M:%S%:z"),
        }
    }

    fn unknown_device(&self, request: &HttpRequest) -> HttpResponse {
        self.problem(request, StatusCode::FORBIDDEN, Problem::UnknownDevice)
    }
}

/// The pages, served over HTTPS.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(start::show)
        .service(login::begin)
        .service(callback::finish)
        .service(status::show)
        .service(logout::leave)
        .service(logout::left)
        .service(capport::answer)
        .service(health::answer)
        .service(page::style_sheet)
        .default_service(web::to(not_found));
}

async fn not_found(request: HttpRequest, portal: web::Data<Portal>) -> HttpResponse {
    portal.problem(&request, StatusCode::NOT_FOUND, Problem::NotFound)
}

/// The address at the other end of the connection. Headers of proxies are not believed: there is none.
fn peer(request: &HttpRequest) -> Option<IpAddr> {
    request.peer_addr().map(|address| address.ip().to_canonical())
}

/// Go there, with GET.
fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}

#[expect(clippy::disallowed_methods, reason = "a request is the edge where a page gets its time")]
fn now() -> Timestamp {
    Timestamp::now()
}
