//! SECURITY.md I4: an answer in another browser than the one that asked counts for a minor only, and only where the body
//! declares an age limit.

use super::*;
use crate::{login::saml::FiscalNumber, oidc::tests::ADMIN};

/// The fiscal code of somebody of ten years.
fn child() -> &'static str {
    let year = app::now().strftime("%Y").to_string().parse::<i32>().unwrap() - 10;
    let codes = ('A'..='Z').map(|last| format!("RSSMRA{:02}A01H501{last}", year % 100));
    let code = codes.into_iter().find(|code| FiscalNumber::from_code(code).is_ok()).unwrap();
    Box::leak(code.into_boxed_str())
}

async fn with_age_limit(name: &str) -> (Running, Idp) {
    let site = Site::make(name);
    site.change("# age_limit = 14", "age_limit = 5");
    let idp = Idp::new(IDP, true);
    idp.register(&site.folder.join("idp/idp.xml"));
    (Running::with(site).await, idp)
}

/// A request that one browser sent, and another in which a gateway waits.
async fn elsewhere(hub: &Running, idp: &Idp, changes: &[(&str, &str)]) -> (Request, Browser) {
    let asked = ask(hub, idp, &mut hub.browser()).await;
    let mut other = hub.browser();
    other.get(&request(changes)).await;
    (asked, other)
}

fn longest_request(hub: &Running) -> i64 {
    let db = rusqlite::Connection::open(hub.site.folder.join("state/hub.db")).unwrap();
    let query = "SELECT max(expires) FROM login_state WHERE kind LIKE '%request'";
    db.query_row(query, [], |row| row.get::<_, i64>(0)).unwrap() - app::now().as_second()
}

#[actix_web::test]
async fn a_minors_answer_may_come_a_day_later_in_another_browser() {
    let (hub, idp) = with_age_limit("minor").await;
    let (asked, mut other) = elsewhere(&hub, &idp, &[]).await;
    let hour = 3600;
    let sent = hub.browser().get(&format!("/spid/login?entityID={IDP}")).await;
    let cookie = sent.headers()["Set-Cookie"].to_str().unwrap();
    assert!(cookie.contains(browser::COOKIE) && cookie.contains("Max-Age=86400"), "{cookie}");
    assert!((23 * hour..=24 * hour).contains(&longest_request(&hub)));
    let message = idp.answer(&asked, &Says::Citizen(child()), app::now());
    let back = post(&mut other, &asked, &message).await;
    assert!(answer(&location(&back)).contains_key("code"), "for the gateway that waits in that browser");
    refused(post(&mut other, &asked, &message).await, StatusCode::FORBIDDEN, "già usato").await;
    assert_eq!(count(&hub, "authentication"), 1);
    hub.stop().await;
}

#[actix_web::test]
async fn nobody_else_gains_by_it() {
    let (hub, idp) = with_age_limit("minor-csrf").await;
    // An adult's answer, brought to the browser of a victim.
    let (asked, mut victim) = elsewhere(&hub, &idp, &[]).await;
    let message = idp.answer(&asked, &Says::Citizen(MARIO), app::now());
    refused(post(&mut victim, &asked, &message).await, StatusCode::FORBIDDEN, "iniziato altrove").await;
    // A forged one.
    let (asked, mut victim) = elsewhere(&hub, &idp, &[]).await;
    let message = Idp::new(IDP, true).answer(&asked, &Says::Citizen(child()), app::now());
    refused(post(&mut victim, &asked, &message).await, StatusCode::FORBIDDEN, "controlli di sicurezza").await;
    assert_eq!(count(&hub, "authentication"), 0);
    hub.stop().await;
}

/// Who lures a child into answering for them gets nothing: the browser that asked is not the one that the code goes to.
#[actix_web::test]
async fn the_browser_that_asked_gains_nothing_by_an_answer_elsewhere() {
    let (hub, idp) = with_age_limit("minor-lured").await;
    let mut attacker = hub.browser();
    attacker.get(&request(&[])).await;
    let asked = ask(&hub, &idp, &mut attacker).await;
    let message = idp.answer(&asked, &Says::Citizen(child()), app::now());
    let child = post(&mut hub.browser(), &asked, &message).await;
    assert_eq!(child.status(), StatusCode::OK, "nothing waits there");
    refused(post(&mut attacker, &asked, &message).await, StatusCode::FORBIDDEN, "già usato").await;
    hub.stop().await;
}

#[actix_web::test]
async fn an_answer_elsewhere_opens_no_office() {
    let (hub, idp) = with_age_limit("minor-admin").await;
    let office = [("redirect_uri", ADMIN), ("scope", "openid roles")];
    let (asked, mut other) = elsewhere(&hub, &idp, &office).await;
    let message = idp.answer(&asked, &Says::Citizen(child()), app::now());
    assert_eq!(post(&mut other, &asked, &message).await.status(), StatusCode::OK);
    hub.stop().await;
}

#[actix_web::test]
async fn without_an_age_limit_a_minors_answer_counts_where_it_was_asked() {
    let (hub, idp) = start("minor-none").await;
    let (asked, mut other) = elsewhere(&hub, &idp, &[]).await;
    assert!(longest_request(&hub) <= 15 * 60);
    let message = idp.answer(&asked, &Says::Citizen(child()), app::now());
    refused(post(&mut other, &asked, &message).await, StatusCode::FORBIDDEN, "iniziato altrove").await;
    hub.stop().await;
}
