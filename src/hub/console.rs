//! The console: what those see who look after the log, from the authority's network only. Each page is behind a right
//! (`gate.rs`), each right belongs to a role (`role.rs`), and people log in as at any site: through the hub's own SPID,
//! CIE and cards, of which the console is one more relying party.

pub mod answer;
pub mod callback;
pub mod cases;
pub mod gate;
pub mod integrity;
pub mod login;
pub mod logout;
pub mod logs;
pub mod looked;
pub mod retention;
pub mod role;
pub mod search;
pub mod session;
pub mod sessions;
pub mod start;
#[cfg(test)]
mod tests;
pub mod views;

use crate::{app::Hub, config::ConsoleSettings, routes};
use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::Server,
    http::{StatusCode, header},
    middleware,
    web::{self, Data},
};
use anyhow::Context;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use maud::Markup;
use role::Right;
use session::Visitor;
use std::{net::TcpListener, time::Duration};
use varco_templates::console::{self as pages, Place, Trouble, View};
use varco_web::{form, headers, lang, page, session::Sessions};
use views::Views;

/// The console's name as a relying party. No gateway can be called so.
pub const CLIENT: &str = "@console";
/// Where its codes are sent.
pub const CALLBACK: &str = "/login/callback";
/// How many people may be logged in.
const MOST: usize = 64;
/// How long a browser may take to send the head of a request, and a stopping console to finish answers.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// The longest form, in octets, but for those that hold a file (`cases/hand_in.rs`).
const LARGEST_BODY: usize = 4 << 10;

/// What a handler gives.
pub type Reply = actix_web::Result<HttpResponse>;

/// What the console's pages work with.
#[derive(Debug)]
pub struct Console {
    /// The hub.
    pub hub: Data<Hub>,
    /// `[console]`.
    pub settings: ConsoleSettings,
    /// Who is logged in.
    pub sessions: Sessions<Visitor>,
    /// Who looked at what.
    pub views: Views,
    host: String,
}

impl Console {
    /// The console of a hub with these settings.
    ///
    /// # Errors
    /// When the database fails.
    pub fn new(hub: &Data<Hub>, settings: ConsoleSettings) -> anyhow::Result<Self> {
        let host = settings.url.host_str().unwrap_or_default().to_ascii_lowercase();
        let views = Views::open(hub).context("hub.db")?;
        Ok(Self { hub: hub.clone(), settings, sessions: Sessions::new(MOST), views, host })
    }

    /// When a day begins in the console's time zone.
    ///
    /// # Errors
    /// At the end of time.
    pub fn begins(&self, day: Date) -> anyhow::Result<Timestamp> {
        Ok(day.to_zoned(self.zone().clone())?.timestamp())
    }

    /// The time zone in which instants are written.
    pub fn zone(&self) -> &TimeZone {
        self.settings.timezone.zone()
    }

    fn owner(&self) -> &str {
        let path = self.settings.body.as_deref();
        let body = path.and_then(|path| self.hub.body(path)).or_else(|| self.hub.bodies.first());
        body.map_or("Varco", |body| &body.body.display_name)
    }

    /// A page that may hold forms, with the menu of who asks.
    ///
    /// # Errors
    /// When the kernel has no randomness to give.
    pub fn page(
        &self,
        request: &HttpRequest,
        status: StatusCode,
        make: impl FnOnce(View<'_>) -> Markup,
    ) -> Reply {
        let visitor = Visitor::of(request);
        let menu = visitor.as_ref().map(menu).unwrap_or_default();
        let roles: Vec<_> = visitor.iter().flat_map(|v| &v.roles).map(|role| role.name()).collect();
        form::with_form(request, |form| {
            let who = visitor.as_ref().map(Visitor::short);
            let view = View {
                lang: lang::of(request),
                owner: self.owner(),
                form,
                who,
                roles: &roles,
                menu: &menu,
                query: &query(request),
            };
            page::html(request, status, make(view))
        })
    }

    /// A page that says what went wrong.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub fn trouble(&self, request: &HttpRequest, trouble: Trouble) -> Reply {
        let status = match trouble {
            Trouble::SignIn | Trouble::Forbidden | Trouble::NotListed | Trouble::FormExpired => {
                StatusCode::FORBIDDEN
            }
            Trouble::LoginLost | Trouble::Refused => StatusCode::BAD_REQUEST,
            Trouble::NotFound => StatusCode::NOT_FOUND,
            Trouble::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Trouble::Unavailable | Trouble::NotRecorded => StatusCode::SERVICE_UNAVAILABLE,
        };
        self.page(request, status, |view| pages::trouble(view, trouble))
    }
}

/// Does what waits for the disk, off the threads that answer. What fails is in the log of the program, and the page says
/// that something does.
///
/// # Errors
/// The page to show.
pub async fn block<T: Send + 'static>(
    console: &Data<Console>,
    work: impl FnOnce(&Console) -> anyhow::Result<T> + Send + 'static,
) -> Result<T, Trouble> {
    let console = console.clone();
    let done = web::block(move || work(&console)).await.map_err(|_| Trouble::Unavailable)?;
    done.map_err(|error| {
        tracing::error!(error = format!("{error:#}"), "a page of the console cannot be made");
        Trouble::Unavailable
    })
}

/// The pages that somebody may see.
fn menu(visitor: &Visitor) -> Vec<Place> {
    let places = [
        (Right::Integrity, Place::Integrity),
        (Right::Sessions, Place::Sessions),
        (Right::Search, Place::Search),
        (Right::Cases, Place::Cases),
        (Right::Retention, Place::Retention),
        (Right::Looked, Place::Looked),
    ];
    places.into_iter().filter(|(right, _)| visitor.may(*right)).map(|(_, place)| place).collect()
}

/// The query of a page without the language, for the menu of languages: empty or ending in `&`.
fn query(request: &HttpRequest) -> String {
    let rest =
        request.query_string().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("lang="));
    rest.map(|pair| format!("{pair}&")).collect()
}

/// Serves the console on a listener of its own.
///
/// # Errors
/// When the socket cannot be used.
pub fn serve(console: Console, tls: rustls::ServerConfig, socket: TcpListener) -> std::io::Result<Server> {
    let console = Data::new(console);
    let server = HttpServer::new(move || {
        // A form here ends here, but for the login, which ends at the hub.
        let hub = console.hub.settings.public_url.origin().ascii_serialization();
        App::new()
            .app_data(console.clone())
            .wrap(middleware::from_fn(gate::check))
            .wrap(middleware::from_fn(routes::limit_time))
            .wrap(headers::strict(&[&hub]).add(("X-Frame-Options", "DENY")))
            .configure(pages_of)
    });
    let server = server
        .workers(1)
        .client_request_timeout(HEAD_PATIENCE)
        .shutdown_timeout(HEAD_PATIENCE.as_secs())
        .listen_rustls_0_23(socket, tls)?;
    Ok(server.run())
}

/// The pages.
pub fn pages_of(config: &mut web::ServiceConfig) {
    config
        .app_data(web::PayloadConfig::new(LARGEST_BODY))
        .service(start::show)
        .service(login::begin)
        .service(callback::finish)
        .service(logout::leave)
        .service(integrity::show)
        .service(integrity::table)
        .service(sessions::show)
        .service(sessions::table)
        .service(sessions::counts_table)
        .service(search::show)
        .service(search::table)
        .service(search::entry)
        .service(search::proof)
        .service(cases::show)
        .service(cases::table)
        .service(cases::hand_in::ask)
        .service(cases::hand_in::decide)
        .service(cases::one::show)
        .service(cases::one::table)
        .service(cases::one::receipt)
        .service(cases::sheet::show)
        .service(retention::show)
        .service(retention::holds_table)
        .service(retention::due_table)
        .service(looked::show)
        .service(looked::table)
        .service(page::style_sheet)
        .service(style_sheet)
        .default_service(web::to(not_found));
}

/// The console's own style sheet.
#[actix_web::get("/assets/console.css")]
async fn style_sheet() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/css; charset=utf-8")
        .insert_header(("Cache-Control", "private, max-age=3600"))
        .body(pages::STYLE_SHEET)
}

async fn not_found(request: HttpRequest, console: Data<Console>) -> Reply {
    console.trouble(&request, Trouble::NotFound)
}

/// Go there, with GET.
fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}
