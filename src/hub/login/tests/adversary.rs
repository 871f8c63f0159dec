//! The adversarial suite (`saml::tests::suite`) at the endpoint: each answer gets its page, and leaves nothing behind.

use super::*;
use crate::login::saml::tests::{
    fixture,
    stage::Stage,
    suite::{self, Case, Control, controls},
};
use std::collections::BTreeSet;

/// A hub that trusts the provider of the suite, and a reader of the requests to it.
async fn start(name: &str) -> (Running, Idp) {
    let site = Site::make(name);
    let metadata = fixture::metadata_of(IDP, fixture::idp());
    std::fs::write(site.folder.join("idp/idp.xml"), metadata).unwrap();
    (Running::with(site).await, Idp::new(IDP, true))
}

/// What the suite's provider needs to know of a request.
fn stage(asked: &Request) -> Stage {
    Stage { request: asked.id.clone(), acs: asked.acs.clone(), now: app::now() }
}

#[actix_web::test]
async fn each_attack_gets_its_page_and_opens_nothing() {
    let (hub, idp) = start("adversary").await;
    let mut citizen = hub.browser();
    citizen.get(&request(&[])).await;
    for Case { attack, field, refusal } in suite::ALL.iter().copied().flatten() {
        let asked = ask(&hub, &idp, &mut citizen).await;
        let answer = post(&mut citizen, &asked, &field(&stage(&asked))).await;
        let words = if *refusal == "no-success" { "non ha completato" } else { "controlli di sicurezza" };
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{attack}");
        assert!(answer.headers().get("Location").is_none(), "{attack}");
        let page = answer.text().await.unwrap();
        assert!(page.contains(words) && page.contains("href=\"/login\""), "{attack}: {page}");
    }
    assert_eq!((count(&hub, "authentication"), count(&hub, "person")), (0, 0));
    assert_eq!(codes(&hub), 0);
    // Each is counted, in a row a day and reason: nobody fills the register.
    let attacks = suite::ALL.iter().copied().flatten().count();
    assert_eq!(refusals(&hub, "sum(count)", ""), i64::try_from(attacks).unwrap());
    let reasons: BTreeSet<_> = suite::ALL.iter().copied().flatten().map(|case| case.refusal).collect();
    assert!(refusals(&hub, "count(*)", "") <= i64::try_from(reasons.len()).unwrap());
    hub.stop().await;
}

fn codes(hub: &Running) -> i64 {
    let db = rusqlite::Connection::open(hub.site.folder.join("state/hub.db")).unwrap();
    db.query_row("SELECT count(*) FROM login_state WHERE kind = 'code'", [], |row| row.get(0)).unwrap()
}

fn refusals(hub: &Running, what: &str, which: &str) -> i64 {
    let db = rusqlite::Connection::open(hub.site.folder.join("state/hub.db")).unwrap();
    db.query_row(&format!("SELECT {what} FROM refusal {which}"), [], |row| row.get(0)).unwrap()
}

#[actix_web::test]
async fn every_control_logs_in() {
    let (hub, idp) = start("controls").await;
    for Control { name, field } in controls::CONTROLS {
        let mut citizen = hub.browser();
        let asked = ask(&hub, &idp, &mut citizen).await;
        let answer = post(&mut citizen, &asked, &field(&stage(&asked))).await;
        assert_eq!(answer.status(), StatusCode::OK, "{name}");
        assert!(answer.text().await.unwrap().contains("Accesso riuscito"), "{name}");
    }
    let all = i64::try_from(controls::CONTROLS.len()).unwrap();
    assert_eq!((count(&hub, "authentication"), count(&hub, "person")), (all, 1), "all of them are Mario");
    hub.stop().await;
}

#[actix_web::test]
async fn a_provider_that_went_or_changed_its_scheme_is_not_heard() {
    let (hub, idp) = start("gone").await;
    let mut citizen = hub.browser();
    let asked = ask(&hub, &idp, &mut citizen).await;
    std::fs::remove_file(hub.site.folder.join("idp/idp.xml")).unwrap();
    assert!(hub.hub.trusted.refresh(app::now()));
    let answer = post(&mut citizen, &asked, &suite::good(&stage(&asked))).await;
    refused(answer, StatusCode::FORBIDDEN, "controlli di sicurezza").await;
    assert_eq!(refusals(&hub, "count(*)", "WHERE reason = 'provider'"), 1);
    hub.stop().await;
}
