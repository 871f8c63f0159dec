//! A site's administrators: a role for those who are listed, two factors, and another name than as citizens.

use super::*;
use crate::oidc::tests::ADMIN;
use serde_json::{Value, json};

const OFFICE: [(&str, &str); 2] = [("redirect_uri", ADMIN), ("scope", "openid roles")];
const L1: &str = "https://www.spid.gov.it/SpidL1";
const L2: &str = "https://www.spid.gov.it/SpidL2";

/// A hub whose first gateway lists `admins`.
async fn listing(name: &str, admins: &str) -> (Running, Idp) {
    let site = Site::make(name);
    site.change("[\"RSSMRA80A01X000Z\"]", admins);
    let idp = Idp::new(IDP, true);
    idp.register(&site.folder.join("idp/idp.xml"));
    (Running::with(site).await, idp)
}

/// SECURITY.md I7.
#[actix_web::test]
async fn who_is_listed_has_the_role_and_is_not_the_same_as_the_citizen() {
    let (hub, idp) = listing("admin", "[\"rssmra80a01h501u\"]").await;
    let admin = log_in_with(&hub, &idp, &OFFICE).await;
    assert_eq!((&admin["roles"], &admin["acr"]), (&json!(["site-admin"]), &json!(L2)));
    let known = ["iss", "aud", "exp", "iat", "sub", "nonce", "auth_time", "acr", "amr", "at_hash", "roles"];
    let ours = ["sid", "provider_session"];
    let known = |name: &str| known.contains(&name) || ours.contains(&name);
    assert!(admin.as_object().unwrap().keys().all(|name| known(name)), "{admin}");
    assert_eq!(log_in_with(&hub, &idp, &OFFICE).await["sub"], admin["sub"]);
    // As a citizen, roles asked for or not.
    for scope in ["openid", "openid roles"] {
        let citizen = log_in_with(&hub, &idp, &[("scope", scope)]).await;
        assert_eq!((citizen.get("roles"), &citizen["acr"]), (None, &json!(L1)));
        assert_ne!(citizen["sub"], admin["sub"], "a pass could be joined with the office");
    }
    assert_eq!(count(&hub, "person"), 1);
    hub.stop().await;
}

#[actix_web::test]
async fn who_is_not_listed_logs_in_without_a_role() {
    let (hub, idp) = listing("no-admin", "[\"RSSMRA80A01X000Z\"]").await;
    let person = log_in_with(&hub, &idp, &OFFICE).await;
    assert_eq!((person.get("roles"), &person["acr"]), (None, &json!(L2)));
    hub.stop().await;
}

#[actix_web::test]
async fn an_administrator_shows_two_factors() {
    let (hub, idp) = listing("admin-level", "[\"RSSMRA80A01H501U\"]").await;
    let mut admin = hub.browser();
    admin.get(&request(&OFFICE)).await;
    let asked = ask(&hub, &idp, &mut admin).await;
    assert_eq!(asked.level, L2);
    let low = Request { level: L1.to_owned(), ..asked };
    let answer = post(&mut admin, &low, &idp.answer(&low, &Says::Citizen(MARIO), app::now())).await;
    refused(answer, StatusCode::FORBIDDEN, "controlli di sicurezza").await;
    // nr20 says which level it takes.
    let asked = ask(&hub, &idp, &mut admin).await;
    let answer = post(&mut admin, &asked, &idp.answer(&asked, &Says::Error("nr20"), app::now())).await;
    refused(answer, StatusCode::FORBIDDEN, "livello 2 o superiore").await;
    hub.stop().await;
}

/// A request for one factor, and then a login that takes two: the answer to the first opens no office.
#[actix_web::test]
async fn a_login_that_becomes_an_administrators_on_the_way_has_no_role() {
    let (hub, idp) = listing("admin-late", "[\"RSSMRA80A01H501U\"]").await;
    let mut admin = hub.browser();
    admin.get(&request(&[])).await;
    let asked = ask(&hub, &idp, &mut admin).await;
    admin.get(&request(&OFFICE)).await;
    let back = post(&mut admin, &asked, &idp.answer(&asked, &Says::Citizen(MARIO), app::now())).await;
    let told: Value = claims(&hub, &back, &OFFICE).await;
    assert_eq!((told.get("roles"), &told["acr"]), (None, &json!(L1)));
    hub.stop().await;
}

#[actix_web::test]
async fn forms_may_end_at_the_office_that_waits() {
    let (hub, _idp) = listing("admin-forms", "[]").await;
    let mut admin = hub.browser();
    admin.get(&request(&OFFICE)).await;
    let page = admin.get("/login").await;
    let policy = page.headers()["Content-Security-Policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("https://router.biblioteca.example.it:8443;"), "{policy}");
    hub.stop().await;
}
