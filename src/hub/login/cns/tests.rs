//! Cards against the running listener, over real TLS: good ones, and bad ones in each way.

mod attacks;
mod client;
mod forms;
mod happy;
mod pki;
mod refusals;
mod settings;

use super::{
    issuers::Issuers,
    sources::{Lists, Questions, Told},
    standing::{Proof, Source, Standing},
    trust::NoList,
};
use crate::{
    app,
    testing::{Browser, Running, Site, location},
};
use client::Answer;
use pki::{Authority, Card, Spec};
use std::sync::Arc;

/// A hub that lets cards of one authority in, and that authority.
async fn start(name: &str) -> (Running, Authority) {
    start_with(Site::make(name), "").await
}

async fn start_with(site: Site, more: &str) -> (Running, Authority) {
    let hub = Running::with(site.with_cards(more)).await;
    // The listeners begin when this thread first waits.
    assert!(hub.browser().get("/health").await.status().is_success());
    let authority = Authority::new("CA Carta dei Servizi");
    recognise(&hub, Ok(&[&authority]));
    answer(&hub, good());
    (hub, authority)
}

/// What the trust list says from now on.
fn recognise(hub: &Running, said: Result<&[&Authority], NoList>) {
    let now = app::now();
    let list = said.map(|all| {
        let all = all.iter().map(|authority| authority.issuer()).collect();
        Arc::new(Issuers { number: 42, issued: now, next_update: now, all })
    });
    match &hub.hub.cards.as_ref().unwrap().lists {
        Lists::Given(given) => *given.lock().unwrap() = list,
        Lists::Kept(_) => panic!("a test asks no trust list"),
    }
}

/// What issuers say from now on.
fn answer(hub: &Running, said: Standing) {
    tell(hub, Told::Says(said));
}

fn tell(hub: &Running, said: Told) {
    match &hub.hub.cards.as_ref().unwrap().questions {
        Questions::Given(given) => *given.lock().unwrap() = said,
        Questions::Live(_) => panic!("a test asks nobody"),
    }
}

fn proof() -> Proof {
    Proof {
        source: Source::Ocsp,
        url: "http://ocsp.example.it/".parse().unwrap(),
        produced: app::now(),
        digest: [7; 32],
        answer: Some(vec![0x30, 0x03, 0x0a, 0x01, 0x00]),
    }
}

fn good() -> Standing {
    Standing::Good(proof())
}

/// Leads a browser to the card's listener; returns path and query there.
async fn ask(citizen: &mut Browser) -> String {
    let sent = citizen.get("/cns/login").await;
    let to = location(&sent);
    let at = to.find("/card?state=").unwrap();
    to[at..].to_owned()
}

/// The whole way to the card's answer.
async fn show(hub: &Running, citizen: &mut Browser, card: Option<&Card>) -> Answer {
    let path = ask(citizen).await;
    client::get(hub, &path, card, |_| {}).unwrap()
}

/// Refused with this status and these words, and nothing is left of it but a count.
fn refused(answer: &Answer, status: u16, words: &str) {
    assert_eq!(answer.status, status, "{words}: {}", answer.body);
    assert!(answer.header("location").is_none());
    assert!(answer.body.contains(words), "{words}: {}", answer.body);
    assert!(answer.body.contains("/login\"") && answer.body.contains("/cns/help\""), "another way in");
}

fn database(hub: &Running) -> rusqlite::Connection {
    rusqlite::Connection::open(hub.site.folder.join("state/hub.db")).unwrap()
}

fn count(hub: &Running, table: &str) -> i64 {
    database(hub).query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

/// The reasons on record.
fn reasons(hub: &Running) -> Vec<(String, String, String, i64)> {
    let db = database(hub);
    let mut all = db.prepare("SELECT way, provider, reason, count FROM refusal ORDER BY reason").unwrap();
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    all.query_map([], row).unwrap().map(Result::unwrap).collect()
}

/// A good card.
fn mario(authority: &Authority) -> Card {
    authority.card(&Spec::default())
}
