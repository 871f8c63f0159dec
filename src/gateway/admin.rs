//! What the site's administrator reaches, from the office network only: the state of the site for anybody there, the
//! shares of the lanes for who has the role.

pub mod callback;
pub mod fields;
pub mod health;
pub mod host;
pub mod login;
pub mod logout;
pub mod plan;
pub mod session;
pub mod shares;
pub mod status;
#[cfg(test)]
mod tests;
pub mod trial;

use crate::{
    board::Board,
    event_loop::Inbox,
    hub::{Hub, pending::Logins},
    line::live::Live,
    site::shares::Told,
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use jiff::Timestamp;
use maud::Markup;
use session::Sessions;
use std::{
    net::IpAddr,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};
use varco_policy::Subject;
use varco_templates::shares::{self as pages, Trouble, Visit};
use varco_web::{cookie, form, lang, page};

/// How long a page waits for the state machine, as at the portal.
const PATIENCE: Duration = Duration::from_secs(12);

/// The scope by which the hub is asked for roles.
pub const SCOPE: &str = "roles";

/// What the admin pages work with.
#[derive(Debug)]
pub struct Admin {
    /// The site's title.
    pub title: String,
    /// The pages' host name.
    pub host: String,
    /// The site's state.
    pub board: Arc<Board>,
    /// The line's state.
    pub line: Arc<Live>,
    /// Whether the hub answered when it was last asked.
    pub hub: Arc<AtomicBool>,
    /// The hub, where administrators log in.
    pub login: Arc<Hub>,
    /// Logins under way, by the address of the browser.
    pub logins: Logins<IpAddr>,
    /// Who is logged in.
    pub sessions: Sessions,
    /// The state machine.
    pub inbox: Inbox,
    /// What `site.toml` says of the line.
    pub told: Told,
}

impl Admin {
    /// Who asks, if they are logged in.
    fn who(&self, request: &HttpRequest) -> Option<Subject> {
        let secret = cookie::value(request, session::COOKIE)?;
        self.sessions.whose(&secret, now()).map(|visitor| visitor.subject)
    }

    /// A page that may hold forms.
    fn page(
        &self,
        request: &HttpRequest,
        status: StatusCode,
        make: impl FnOnce(Visit<'_>) -> Markup,
    ) -> actix_web::Result<HttpResponse> {
        form::with_form(request, |form| {
            let visit = Visit { lang: lang::of(request), site: &self.title, form };
            page::html(request, status, make(visit))
        })
    }

    fn trouble(&self, request: &HttpRequest, trouble: Trouble) -> actix_web::Result<HttpResponse> {
        let status = match trouble {
            Trouble::NotAdmin | Trouble::LowLevel | Trouble::Refused | Trouble::FormExpired => {
                StatusCode::FORBIDDEN
            }
            Trouble::LoginLost => StatusCode::BAD_REQUEST,
            Trouble::NotFound => StatusCode::NOT_FOUND,
            Trouble::OtherTrial | Trouble::Changed | Trouble::Same | Trouble::NoTrial => StatusCode::CONFLICT,
            Trouble::Later => StatusCode::ACCEPTED,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        self.page(request, status, |visit| pages::trouble(visit, trouble, None))
    }
}

/// The pages.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(status::show)
        .service(health::answer)
        .service(login::begin)
        .service(callback::finish)
        .service(logout::leave)
        .service(shares::show)
        .service(plan::show)
        .service(plan::edit)
        .service(trial::begin)
        .service(trial::confirm)
        .service(trial::take_back)
        .service(page::style_sheet)
        .default_service(web::to(not_found));
}

async fn not_found(request: HttpRequest, admin: web::Data<Admin>) -> actix_web::Result<HttpResponse> {
    // The language menu of a page that answered a form leads here.
    if request.path().starts_with("/shares/") || request.path() == "/login" {
        let chosen = lang::chosen(&request).map(|lang| format!("?lang={}", lang.tag()));
        return Ok(see_other(&format!("/shares{}", chosen.unwrap_or_default())));
    }
    admin.trouble(&request, Trouble::NotFound)
}

/// The address at the other end of the connection. Headers of proxies are not believed: there is none.
fn peer(request: &HttpRequest) -> IpAddr {
    request.peer_addr().map_or(std::net::Ipv4Addr::UNSPECIFIED.into(), |address| address.ip().to_canonical())
}

/// Go there, with GET.
fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}

#[expect(clippy::disallowed_methods, reason = "a request is the edge where a page gets its time")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
