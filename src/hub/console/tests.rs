//! The console of a running hub, in browsers of its people. What is shared: people, their way in, and what they get.

mod browser;
mod cases;
mod copies;
mod logins;
mod looked;
mod retention;
mod roles;
mod search;

use super::session;
use crate::{
    app,
    testing::{
        Browser, Running, Site, eventually,
        idp::{Idp, Request, Says},
        location,
    },
};
use openidconnect::reqwest::{Response, StatusCode};
use varco_audit::{case::CaseId, content::Body};

const ANNA: &str = "VRDNNA80A41X000M";
const BRUNO: &str = "BNCBRN75B02X000O";
const CARLA: &str = "NRECRL70C43X000V";
const DINO: &str = "GLLDNI85D04X000W";
const MARIO: &str = "RSSMRA80A01H501U";

/// Role and person.
const PEOPLE: [(&str, &str); 4] =
    [("auditor", ANNA), ("approver", BRUNO), ("privacy", CARLA), ("operator", DINO)];

fn lists() -> String {
    format!(
        "auditors = [\"{ANNA}\"]\napprovers = [\"{BRUNO}\"]\nprivacy = [\"{CARLA}\"]\noperators = [\"{DINO}\"]"
    )
}

async fn start(name: &str) -> (Running, Idp) {
    start_with(Site::make(name)).await
}

async fn start_with(site: Site) -> (Running, Idp) {
    let site = site.with_console(&lists()).with_officers();
    let idp = Idp::new("https://idp.example.it", true);
    idp.register(&site.folder.join("idp/idp.xml"));
    (Running::with(site).await, idp)
}

/// The hidden value of the page's forms.
async fn form(page: Response) -> String {
    let page = page.text().await.unwrap();
    page.split("name=\"form\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// From the console to the hub, to the provider and back to the hub: the address of the callback.
async fn walk(hub: &Running, idp: &Idp, console: &mut Browser, person: &'static str) -> String {
    let hidden = form(console.get("/").await).await;
    let asked = console.post("/login", &[("form", &hidden)]).await;
    assert_eq!(asked.status(), StatusCode::SEE_OTHER);
    let mut at_hub = hub.browser();
    at_hub.get(&location(&asked)).await;
    let sent = at_hub.get(&format!("/spid/login?entityID={}", idp.entity_id)).await;
    let asked = Request { acs: format!("{}/spid/acs", hub.base), ..idp.read(&location(&sent)) };
    assert_eq!(asked.level, "https://www.spid.gov.it/SpidL2", "two factors");
    let message = idp.answer(&asked, &Says::Citizen(person), app::now());
    let message = [("SAMLResponse", message.as_str()), ("RelayState", &asked.relay_state)];
    location(&at_hub.post("/spid/acs", &message).await)
}

/// Somebody who has logged in.
async fn enter(hub: &Running, idp: &Idp, person: &'static str) -> Browser {
    let mut console = hub.console_browser();
    let back = walk(hub, idp, &mut console, person).await;
    assert!(back.starts_with(&format!("{}/login/callback?code=", hub.console)), "{back}");
    let entered = console.get(&back).await;
    assert_eq!(entered.status(), StatusCode::OK);
    assert_eq!(entered.headers()["refresh"], "0; url=/integrity");
    let cookies: Vec<_> =
        entered.headers().get_all("Set-Cookie").iter().map(|c| c.to_str().unwrap()).collect();
    let session = cookies.iter().find(|c| c.starts_with(session::COOKIE)).unwrap();
    for part in ["HttpOnly", "Secure", "Path=/", "SameSite=Strict"] {
        assert!(session.contains(part), "{session}");
    }
    console
}

async fn status(console: &mut Browser, path: &str) -> u16 {
    console.get(path).await.status().as_u16()
}

/// How many leaves the hub's log was ever given.
fn next(hub: &Running) -> u64 {
    let state = hub.hub.log.state();
    state.size + state.waiting
}

/// A page or a file once that it is as it should be, or the last one that came.
async fn once(console: &mut Browser, path: &str, is: impl Fn(&str) -> bool) -> String {
    let mut text = String::new();
    eventually(async || {
        text = console.get(path).await.text().await.unwrap();
        is(&text)
    })
    .await;
    text
}

/// The database in which the console keeps who looked.
fn database(hub: &Running) -> rusqlite::Connection {
    rusqlite::Connection::open(hub.site.folder.join("state/hub.db")).unwrap()
}

/// From now on no view can be recorded.
fn fill(hub: &Running) {
    let full = "CREATE TRIGGER full BEFORE INSERT ON viewed BEGIN SELECT RAISE(ABORT, 'full'); END";
    database(hub).execute_batch(full).unwrap();
}

/// What two officers held.
fn held(case: CaseId) -> Body {
    let by = ["anna".to_owned(), "bruno".to_owned()];
    Body::Held { case, by, until: app::now(), records: 2, digest: "00".repeat(32) }
}
