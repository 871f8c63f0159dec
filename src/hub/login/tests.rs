//! Citizens log in over HTTPS, with a provider that signs; malicious ones try the same.

mod admin;
mod adversary;
mod bodies;
mod choice;
mod minors;
mod relay;
mod schemes;

use crate::{
    app, browser,
    oidc::tests::{answer, exchange, request},
    store::tests::Server,
    testing::{
        Browser, Running, Site,
        idp::{self, Idp, MARIO, Request, Says},
        location,
    },
};
use openidconnect::reqwest::{Response, StatusCode};

const IDP: &str = "https://idp.example.it";

/// A hub that trusts one provider by redirect, and that provider.
async fn start(name: &str) -> (Running, Idp) {
    let site = Site::make(name);
    let idp = Idp::new(IDP, true);
    idp.register(&site.folder.join("idp/idp.xml"));
    (Running::with(site).await, idp)
}

/// Walks a browser to the provider; returns the request as the provider reads it.
async fn ask(hub: &Running, idp: &Idp, citizen: &mut Browser) -> Request {
    let sent = citizen.get(&format!("/spid/login?entityID={}", idp.entity_id)).await;
    assert_eq!(sent.status(), StatusCode::FOUND);
    Request { acs: format!("{}/spid/acs", hub.base), ..idp.read(&location(&sent)) }
}

async fn post(citizen: &mut Browser, request: &Request, message: &str) -> Response {
    citizen.post("/spid/acs", &[("SAMLResponse", message), ("RelayState", &request.relay_state)]).await
}

/// Refused with this status and these words on the page.
async fn refused(answer: Response, status: StatusCode, words: &str) {
    assert_eq!(answer.status(), status);
    assert!(answer.headers().get("Location").is_none());
    let page = answer.text().await.unwrap();
    assert!(page.contains(words), "{words}: {page}");
}

fn count(hub: &Running, table: &str) -> i64 {
    let db = rusqlite::Connection::open(hub.site.folder.join("state/hub.db")).unwrap();
    db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

/// A whole login asked by the gateway; returns the claims of the ID token.
async fn log_in(hub: &Running, idp: &Idp) -> serde_json::Value {
    log_in_with(hub, idp, &[]).await
}

/// The same, with some parameters of the gateway's request changed.
async fn log_in_with(hub: &Running, idp: &Idp, changes: &[(&str, &str)]) -> serde_json::Value {
    let mut citizen = hub.browser();
    citizen.get(&request(changes)).await;
    let asked = ask(hub, idp, &mut citizen).await;
    let back = post(&mut citizen, &asked, &idp.answer(&asked, &Says::Citizen(MARIO), app::now())).await;
    assert_eq!(back.status(), StatusCode::FOUND);
    assert!(!citizen.cookies.contains_key(browser::COOKIE), "nothing of the login stays");
    claims(hub, &back, changes).await
}

/// The claims of the ID token for the code in a redirect.
async fn claims(hub: &Running, back: &Response, changes: &[(&str, &str)]) -> serde_json::Value {
    let code = answer(&location(back))["code"].clone();
    let redirect = changes.iter().copied().filter(|(name, _)| *name == "redirect_uri");
    let form: Vec<_> = redirect.chain([("code", code.as_str())]).collect();
    let (status, tokens) = exchange(hub, &form).await;
    assert_eq!(status, StatusCode::OK);
    let token = tokens["id_token"].as_str().unwrap().to_owned();
    assert!(!token.contains(MARIO));
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[actix_web::test]
async fn a_citizen_logs_in_and_is_the_same_next_time() {
    let (hub, idp) = start("whole").await;
    let first = log_in(&hub, &idp).await;
    assert_eq!(first["acr"], "https://www.spid.gov.it/SpidL1");
    assert_eq!(first["amr"], serde_json::json!(["spid"]));
    assert!(!first.to_string().contains(MARIO));
    assert_eq!(log_in(&hub, &idp).await["sub"], first["sub"]);
    assert_eq!((count(&hub, "authentication"), count(&hub, "person")), (2, 1));
    hub.stop().await;
}

#[actix_web::test]
async fn with_redis_a_citizen_logs_in_the_same() {
    let mut redis = Server::start().await;
    let site = Site::make("with-redis");
    site.change("kind = \"sqlite\"", &format!("kind = \"redis\"\nurl = \"{}\"", redis.url()));
    let idp = Idp::new(IDP, true);
    idp.register(&site.folder.join("idp/idp.xml"));
    let hub = Running::with(site).await;
    log_in(&hub, &idp).await;
    assert_eq!((count(&hub, "authentication"), count(&hub, "person")), (1, 1));
    redis.stop();
    let answer = hub.browser().get(&format!("/spid/login?entityID={IDP}")).await;
    refused(answer, StatusCode::SERVICE_UNAVAILABLE, "momentaneamente").await;
    hub.stop().await;
}

#[actix_web::test]
async fn the_choice_lists_the_providers_without_scripts() {
    let (hub, _idp) = start("choice").await;
    let mut citizen = hub.browser();
    citizen.get(&request(&[])).await;
    let page = citizen.get("/login").await;
    let policy = page.headers()["Content-Security-Policy"].to_str().unwrap().to_owned();
    let targets = format!("form-action 'self' {IDP} https://wifi.biblioteca.example.it;");
    assert!(policy.contains(&targets), "only the gateway that waits: {policy}");
    let page = page.text().await.unwrap();
    assert!(
        page.contains("Gestore di prova") && page.contains("Entra con SPID") && !page.contains("<script")
    );
    assert!(citizen.get("/login?lang=en").await.text().await.unwrap().contains("Log in with SPID"));
    assert!(citizen.get("/login").await.text().await.unwrap().contains("Log in with SPID"), "kept");
    hub.stop().await;
}

#[actix_web::test]
async fn an_answer_is_good_once() {
    let (hub, idp) = start("replay").await;
    let mut citizen = hub.browser();
    citizen.get(&request(&[])).await;
    let asked = ask(&hub, &idp, &mut citizen).await;
    let message = idp.answer(&asked, &Says::Citizen(MARIO), app::now());
    assert_eq!(post(&mut citizen, &asked, &message).await.status(), StatusCode::FOUND);
    refused(post(&mut citizen, &asked, &message).await, StatusCode::FORBIDDEN, "già usato").await;
    assert_eq!(count(&hub, "authentication"), 1);
    hub.stop().await;
}

#[actix_web::test]
async fn an_answer_in_another_browser_is_refused() {
    let (hub, idp) = start("other-browser").await;
    for other in ["none", "another"] {
        let mut attacker = hub.browser();
        attacker.get(&request(&[])).await;
        let asked = ask(&hub, &idp, &mut attacker).await;
        let message = idp.answer(&asked, &Says::Citizen(MARIO), app::now());
        let mut victim = hub.browser();
        if other == "another" {
            victim.get(&request(&[])).await;
        }
        let answer = post(&mut victim, &asked, &message).await;
        refused(answer, StatusCode::FORBIDDEN, "iniziato altrove").await;
    }
    assert_eq!(count(&hub, "authentication"), 0);
    hub.stop().await;
}

#[actix_web::test]
async fn what_nobody_asked_for_is_refused() {
    let (hub, idp) = start("unsolicited").await;
    let mut citizen = hub.browser();
    let asked = ask(&hub, &idp, &mut citizen).await;
    let message = idp.answer(&asked, &Says::Citizen(MARIO), app::now());
    let unknown = citizen.post("/spid/acs", &[("SAMLResponse", &message), ("RelayState", "x")]).await;
    refused(unknown, StatusCode::FORBIDDEN, "già usato").await;
    for form in [vec![("SAMLResponse", message.as_str())], vec![("RelayState", &asked.relay_state)], vec![]] {
        let answer = citizen.post("/spid/acs", &form).await;
        refused(answer, StatusCode::BAD_REQUEST, "controlli di sicurezza").await;
    }
    let other = Request { id: "_other".into(), ..asked };
    let message = idp.answer(&other, &Says::Citizen(MARIO), app::now());
    let answer = post(&mut citizen, &other, &message).await;
    refused(answer, StatusCode::FORBIDDEN, "controlli di sicurezza").await;
    assert_eq!((count(&hub, "authentication"), count(&hub, "refusal")), (0, 1));
    hub.stop().await;
}

#[actix_web::test]
async fn an_answer_of_another_provider_is_refused() {
    let (hub, idp) = start("mix-up").await;
    let second = Idp::new("https://secondo.example.it", true);
    second.register(&hub.site.folder.join("idp/second.xml"));
    assert!(hub.hub.trusted.refresh(app::now()));
    let mut citizen = hub.browser();
    let asked = ask(&hub, &idp, &mut citizen).await;
    let message = second.answer(&asked, &Says::Citizen(MARIO), app::now());
    refused(post(&mut citizen, &asked, &message).await, StatusCode::FORBIDDEN, "controlli di sicurezza")
        .await;
    hub.stop().await;
}

#[actix_web::test]
async fn each_error_of_a_provider_has_its_page_and_the_login_goes_on() {
    let (hub, idp) = start("errors-spid").await;
    let mut citizen = hub.browser();
    citizen.get(&request(&[])).await;
    for (code, words) in [
        ("nr08", "errore di configurazione"),
        ("nr09", "errore di configurazione"),
        ("nr11", "errore di configurazione"),
        ("nr12", "errore di configurazione"),
        ("nr13", "errore di configurazione"),
        ("nr14", "errore di configurazione"),
        ("nr15", "errore di configurazione"),
        ("nr16", "errore di configurazione"),
        ("nr17", "errore di configurazione"),
        ("nr18", "errore di configurazione"),
        ("nr19", "Credenziali errate"),
        ("nr20", "livello 1 o superiore"),
        ("nr21", "Tempo scaduto"),
        ("nr22", "Consenso non dato"),
        ("nr23", "sospesa o revocata"),
        ("nr24", "non ha completato"),
        ("nr25", "Accesso annullato"),
        ("nr30", "persona fisica"),
    ] {
        let asked = ask(&hub, &idp, &mut citizen).await;
        let message = idp.answer(&asked, &Says::Error(code), app::now());
        let answer = post(&mut citizen, &asked, &message).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        let page = answer.text().await.unwrap();
        assert!(page.contains(words) && page.contains(&format!("<code>{code}</code>")), "{code}: {page}");
        assert!(page.contains("href=\"/login\"") && page.contains("/login/cancel"), "what to do next");
    }
    assert_eq!((count(&hub, "authentication"), count(&hub, "refusal")), (0, 18));
    let asked = ask(&hub, &idp, &mut citizen).await;
    let message = idp.answer(&asked, &Says::Citizen(MARIO), app::now());
    assert!(answer(&location(&post(&mut citizen, &asked, &message).await)).contains_key("code"));
    hub.stop().await;
}

#[actix_web::test]
async fn a_login_that_no_gateway_asked_for_ends_here() {
    let (hub, idp) = start("plain").await;
    let mut citizen = hub.browser();
    let asked = ask(&hub, &idp, &mut citizen).await;
    let message = idp.answer(&asked, &Says::Citizen(MARIO), app::now());
    let answer = post(&mut citizen, &asked, &message).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.text().await.unwrap().contains("Accesso riuscito"));
    assert_eq!(count(&hub, "authentication"), 1);
    hub.stop().await;
}

#[actix_web::test]
async fn a_citizen_may_give_up_and_the_gateway_is_told() {
    let (hub, _idp) = start("cancel").await;
    let mut citizen = hub.browser();
    citizen.get(&request(&[])).await;
    let back = citizen.post("/login/cancel", &[]).await;
    let told = answer(&location(&back));
    assert_eq!((told["error"].as_str(), told["state"].as_str()), ("access_denied", "s-1"));
    assert_eq!(location(&citizen.post("/login/cancel", &[]).await), "/login");
    hub.stop().await;
}

#[actix_web::test]
async fn no_code_without_a_record() {
    let (hub, idp) = start("no-record").await;
    let mut citizen = hub.browser();
    citizen.get(&request(&[])).await;
    let asked = ask(&hub, &idp, &mut citizen).await;
    let db = rusqlite::Connection::open(hub.site.folder.join("state/hub.db")).unwrap();
    db.execute_batch("ALTER TABLE authentication RENAME TO away").unwrap();
    let message = idp.answer(&asked, &Says::Citizen(MARIO), app::now());
    let answer = post(&mut citizen, &asked, &message).await;
    refused(answer, StatusCode::INTERNAL_SERVER_ERROR, "momentaneamente").await;
    let codes: i64 =
        db.query_row("SELECT count(*) FROM login_state WHERE kind = 'code'", [], |row| row.get(0)).unwrap();
    assert_eq!(codes, 0);
    db.execute_batch("ALTER TABLE away RENAME TO authentication").unwrap();
    let asked = ask(&hub, &idp, &mut citizen).await;
    let message = idp.answer(&asked, &Says::Citizen(MARIO), app::now());
    assert_eq!(post(&mut citizen, &asked, &message).await.status(), StatusCode::FOUND, "nothing was lost");
    hub.stop().await;
}

#[actix_web::test]
async fn a_store_that_goes_down_midway_is_said() {
    let (hub, idp) = start("midway").await;
    let mut citizen = hub.browser();
    let asked = ask(&hub, &idp, &mut citizen).await;
    let db = rusqlite::Connection::open(hub.site.folder.join("state/hub.db")).unwrap();
    db.execute_batch("DROP TABLE login_state").unwrap();
    let message = idp.answer(&asked, &Says::Citizen(MARIO), app::now());
    for answer in [
        citizen.get(&format!("/spid/login?entityID={IDP}")).await,
        citizen.get("/login").await,
        post(&mut citizen, &asked, &message).await,
    ] {
        refused(answer, StatusCode::SERVICE_UNAVAILABLE, "momentaneamente").await;
    }
    assert_eq!(count(&hub, "authentication"), 0);
    hub.stop().await;
}

#[actix_web::test]
async fn an_unknown_provider_is_a_page_and_none_is_the_choice() {
    let (hub, _idp) = start("unknown-idp").await;
    let mut citizen = hub.browser();
    let answer = citizen.get("/spid/login?entityID=https://evil.example").await;
    refused(answer, StatusCode::NOT_FOUND, "Gestore sconosciuto").await;
    assert_eq!(location(&citizen.get("/spid/login").await), "/login");
    assert_eq!(location(&citizen.get("/spid/acs?lang=en").await), "/login?lang=en");
    hub.stop().await;
}

#[actix_web::test]
async fn a_provider_by_post_gets_a_form_with_a_button() {
    let (hub, _idp) = start("by-post").await;
    let by_post = Idp::new("https://post.example.it", false);
    by_post.register(&hub.site.folder.join("idp/post.xml"));
    assert!(hub.hub.trusted.refresh(app::now()));
    let page = hub.browser().get("/spid/login?entityID=https://post.example.it").await;
    assert_eq!(page.status(), StatusCode::OK);
    let policy = page.headers()["Content-Security-Policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("https://post.example.it"), "{policy}");
    let page = page.text().await.unwrap();
    let field = |name: &str| {
        let marked = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap().1;
        marked.split('"').next().unwrap().to_owned()
    };
    use base64::{Engine, engine::general_purpose::STANDARD};
    let xml = String::from_utf8(STANDARD.decode(field("SAMLRequest")).unwrap()).unwrap();
    let request =
        idp::request(xml.split_once("?>").map_or(xml.as_str(), |(_, rest)| rest), &field("RelayState"));
    assert_eq!(
        (request.audience.as_str(), request.relay_state.len()),
        ("https://accesso.comune.example.it", 43)
    );
    assert!(page.contains("<button>"));
    hub.stop().await;
}

#[actix_web::test]
async fn the_folder_of_providers_is_read_again_and_a_bad_file_harms_nobody() {
    let (hub, _idp) = start("folder").await;
    let folder = hub.site.folder.join("idp");
    assert!(!hub.hub.trusted.refresh(app::now()), "nothing changed");
    std::fs::write(folder.join("bad.xml"), "<not metadata").unwrap();
    assert!(hub.hub.trusted.refresh(app::now()));
    assert!(hub.hub.trusted.current().get(IDP).is_some());
    std::fs::remove_file(folder.join("idp.xml")).unwrap();
    assert!(hub.hub.trusted.refresh(app::now()));
    assert!(hub.hub.trusted.current().get(IDP).is_none());
    hub.stop().await;
}

#[actix_web::test]
async fn metadata_names_our_addresses() {
    let (hub, _idp) = start("metadata").await;
    for path in ["/spid/metadata", "/metadata"] {
        let xml = hub.browser().get(path).await.text().await.unwrap();
        assert!(xml.contains(&format!("{}/spid/acs", hub.base)), "{xml}");
        assert!(xml.contains(&format!("{}/spid/logout", hub.base)) && xml.contains("SignatureValue"));
    }
    hub.stop().await;
}

#[actix_web::test]
async fn a_logout_is_answered_if_it_is_the_providers() {
    let (hub, idp) = start("logout").await;
    let slo = format!("{}/spid/logout", hub.base);
    let good = idp.logout(&slo, app::now());
    let answer = hub.browser().post("/spid/logout", &[("SAMLRequest", &good), ("RelayState", "r")]).await;
    assert_eq!(answer.status(), StatusCode::FOUND);
    let to = location(&answer);
    assert!(to.starts_with(IDP) && to.contains("SAMLResponse=") && to.contains("Signature="), "{to}");
    let forged = Idp::new(IDP, true).logout(&slo, app::now());
    let answer = hub.browser().post("/spid/logout", &[("SAMLRequest", &forged)]).await;
    refused(answer, StatusCode::BAD_REQUEST, "controlli di sicurezza").await;
    hub.stop().await;
}
