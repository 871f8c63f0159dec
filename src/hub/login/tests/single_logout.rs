//! Single logout over HTTPS, both ways: providers that end logins, gateways that ask, citizens who leave.

use super::*;
use crate::testing::SECRET;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

const GATEWAY: &str = "biblioteca-civica";
const LEFT: &str = "https://wifi.biblioteca.example.it/left";

/// A provider's signed request for the login of the tests.
async fn logout(hub: &Running, idp: &Idp) -> Response {
    let message = idp.logout(&format!("{}/spid/logout", hub.base), app::now());
    hub.browser().post("/spid/logout", &[("SAMLRequest", &message), ("RelayState", "r")]).await
}

async fn poll(hub: &Running, client: &str, secret: &str, body: &str) -> (StatusCode, Value) {
    let request = hub.client.post(format!("{}/oidc/events", hub.base)).basic_auth(client, Some(secret));
    let answer = request.body(body.to_owned()).send().await.unwrap();
    let status = answer.status();
    (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
}

/// What the gateway is told now, as `jti` and claims.
async fn told(hub: &Running, client: &str, body: &Value) -> Vec<(String, Value)> {
    let (status, sets) = poll(hub, client, &encoded(SECRET), &body.to_string()).await;
    assert_eq!(status, StatusCode::OK);
    let claims = |token: &Value| {
        let part = token.as_str().unwrap().split('.').nth(1).unwrap().to_owned();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    sets["sets"].as_object().unwrap().iter().map(|(jti, token)| (jti.clone(), claims(token))).collect()
}

fn encoded(secret: &str) -> String {
    url::form_urlencoded::byte_serialize(secret.as_bytes()).collect()
}

fn now_only() -> Value {
    json!({ "returnImmediately": true })
}

#[actix_web::test]
async fn what_a_provider_ends_is_told_to_the_gateway_until_it_acknowledges() {
    let (hub, idp) = start("slo").await;
    let login = log_in(&hub, &idp).await;
    assert_eq!(login["provider_session"], true);
    let answer = logout(&hub, &idp).await;
    let to = location(&answer);
    assert!(to.starts_with(IDP) && to.contains("SAMLResponse=") && to.contains("Signature="), "{to}");
    let events = told(&hub, GATEWAY, &now_only()).await;
    let [(jti, claims)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((&claims["sub"], &claims["sid"]), (&login["sub"], &login["sid"]));
    assert_eq!(
        (&claims["iss"], &claims["aud"], &claims["jti"]),
        (&json!(hub.base), &json!([GATEWAY]), &json!(jti))
    );
    let event = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    assert_eq!((&claims["events"], claims.get("nonce")), (&event, None));
    assert!(told(&hub, "museo", &now_only()).await.is_empty());
    assert_eq!(told(&hub, GATEWAY, &now_only()).await.len(), 1, "again, until it is acknowledged");
    let done = json!({ "ack": [jti], "returnImmediately": true });
    assert!(told(&hub, GATEWAY, &done).await.is_empty());
    // The provider asks once more: there is nothing left, and it is answered all the same.
    assert_eq!(logout(&hub, &idp).await.status(), StatusCode::FOUND);
    assert!(told(&hub, GATEWAY, &now_only()).await.is_empty());
    hub.stop().await;
}

#[actix_web::test]
async fn a_gateway_that_waits_is_told_at_once() {
    let (hub, idp) = start("slo-wait").await;
    log_in(&hub, &idp).await;
    let waits = async {
        for _ in 0..100 {
            let events = told(&hub, GATEWAY, &json!({ "maxEvents": 5 })).await;
            if !events.is_empty() {
                return events.len();
            }
        }
        0
    };
    let (told, answer) = tokio::join!(waits, logout(&hub, &idp));
    assert_eq!((told, answer.status()), (1, StatusCode::FOUND));
    let none = told_more(&hub).await;
    assert_eq!(none, (0, true), "none was asked for, but there is one");
    hub.stop().await;
}

/// How many events an answer holds that may hold none, and whether there are more.
async fn told_more(hub: &Running) -> (usize, bool) {
    let (_, sets) = poll(hub, GATEWAY, &encoded(SECRET), r#"{"maxEvents":0}"#).await;
    (sets["sets"].as_object().unwrap().len(), sets["moreAvailable"] == true)
}

#[actix_web::test]
async fn only_a_gateway_is_told() {
    let (hub, _idp) = start("slo-who").await;
    for (client, secret) in [(GATEWAY, "wrong"), ("nobody", SECRET), ("", "")] {
        assert_eq!(poll(&hub, client, secret, "{}").await.0, StatusCode::UNAUTHORIZED, "{client}");
    }
    for body in ["", "[]", "x", r#"{"ack":"x"}"#, r#"{"maxEvents":-1}"#] {
        assert_eq!(poll(&hub, GATEWAY, &encoded(SECRET), body).await.0, StatusCode::BAD_REQUEST, "{body}");
    }
    let known = hub.browser().get("/.well-known/openid-configuration").await.text().await.unwrap();
    let known: Value = serde_json::from_str(&known).unwrap();
    assert_eq!(known["end_session_endpoint"], format!("{}/oidc/logout", hub.base));
    assert_eq!(known["security_events_endpoint"], format!("{}/oidc/events", hub.base));
    assert_eq!(known["security_events_delivery_methods_supported"], json!(["urn:ietf:rfc:8936"]));
    let get = hub.client.get(format!("{}/oidc/events", hub.base)).send().await.unwrap();
    assert_eq!(get.status(), StatusCode::NOT_FOUND);
    hub.stop().await;
}

#[actix_web::test]
async fn a_forged_logout_ends_nothing() {
    let (hub, idp) = start("slo-forged").await;
    log_in(&hub, &idp).await;
    for stranger in [Idp::new(IDP, true), Idp::new("https://secondo.example.it", true)] {
        refused(logout(&hub, &stranger).await, StatusCode::BAD_REQUEST, "controlli di sicurezza").await;
    }
    // Another provider that is trusted knows the transient name: the login is not its.
    let second = Idp::new("https://secondo.example.it", true);
    second.register(&hub.site.folder.join("idp/second.xml"));
    assert!(hub.hub.trusted.refresh(crate::app::now()));
    assert_eq!(logout(&hub, &second).await.status(), StatusCode::FOUND);
    assert!(told(&hub, GATEWAY, &now_only()).await.is_empty());
    assert_eq!(count(&hub, "session"), 1);
    hub.stop().await;
}

#[actix_web::test]
async fn a_login_that_ended_on_its_way_makes_no_token() {
    let (hub, idp) = start("slo-on-its-way").await;
    let mut citizen = hub.browser();
    citizen.get(&request(&[])).await;
    let asked = ask(&hub, &idp, &mut citizen).await;
    let back = post(&mut citizen, &asked, &idp.answer(&asked, &Says::Citizen(MARIO), app::now())).await;
    logout(&hub, &idp).await;
    let code = answer(&location(&back))["code"].clone();
    let (status, error) = exchange(&hub, &[("code", &code)]).await;
    assert_eq!((status, &error["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_grant")));
    hub.stop().await;
}

/// A provider must not be told "done" when it is not.
#[actix_web::test]
async fn a_logout_that_cannot_be_written_is_not_answered_as_done() {
    let (hub, idp) = start("slo-no-disk").await;
    log_in(&hub, &idp).await;
    let db = rusqlite::Connection::open(hub.site.folder.join("state/hub.db")).unwrap();
    db.execute_batch("ALTER TABLE event RENAME TO away").unwrap();
    refused(logout(&hub, &idp).await, StatusCode::INTERNAL_SERVER_ERROR, "momentaneamente").await;
    db.execute_batch("ALTER TABLE away RENAME TO event").unwrap();
    assert_eq!(logout(&hub, &idp).await.status(), StatusCode::FOUND);
    assert_eq!(told(&hub, GATEWAY, &now_only()).await.len(), 1);
    hub.stop().await;
}

/// A citizen's browser asks to log out at the provider too; the page, and the request as the provider reads it.
async fn leave(hub: &Running, idp: &Idp, sid: &str, back: &str) -> (String, Request) {
    let form =
        [("client_id", GATEWAY), ("logout_hint", sid), ("post_logout_redirect_uri", back), ("state", "s")];
    let answer = hub.browser().post("/oidc/logout", &form).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let page = answer.text().await.unwrap();
    let link = page.split("href=\"https://idp.example.it/").nth(1).expect("a link to the provider");
    let link = format!("{IDP}/{}", link.split('"').next().unwrap().replace("&amp;", "&"));
    let asked = idp.read(&link);
    (page, asked)
}

async fn back(hub: &Running, asked: &Request, message: &str) -> Response {
    let form = [("SAMLResponse", message), ("RelayState", asked.relay_state.as_str())];
    hub.browser().post("/spid/logout", &form).await
}

#[actix_web::test]
async fn a_citizen_who_left_logs_out_at_the_provider_and_comes_back() {
    let (hub, idp) = start("slo-leave").await;
    let slo = format!("{}/spid/logout", hub.base);
    let login = log_in(&hub, &idp).await;
    let (page, asked) = leave(&hub, &idp, login["sid"].as_str().unwrap(), LEFT).await;
    assert!(page.contains("Dalla rete sei già uscito") && !page.contains("<script"), "{page}");
    let done = idp.logged_out(&asked.id, &slo, "Success", app::now());
    let answer = back(&hub, &asked, &done).await;
    assert_eq!((answer.status(), location(&answer)), (StatusCode::FOUND, format!("{LEFT}?state=s")));
    refused(back(&hub, &asked, &done).await, StatusCode::BAD_REQUEST, "Non sappiamo se").await;
    // The login is over: nothing more to end, and no event for who has left.
    let form = [("client_id", GATEWAY), ("logout_hint", login["sid"].as_str().unwrap())];
    let again = hub.browser().post("/oidc/logout", &form).await;
    assert!(again.text().await.unwrap().contains("Sei già uscito"));
    logout(&hub, &idp).await;
    assert!(told(&hub, GATEWAY, &now_only()).await.is_empty());
    hub.stop().await;
}

#[actix_web::test]
async fn what_the_provider_answers_is_checked_and_said() {
    let (hub, idp) = start("slo-answers").await;
    let slo = format!("{}/spid/logout", hub.base);
    let stranger = Idp::new(IDP, true);
    for (who, id, to, status, words) in [
        (&idp, None, slo.as_str(), "PartialLogout", "non dappertutto"),
        (&idp, None, &slo, "Responder", "Non sappiamo se"),
        (&idp, Some("_other"), &slo, "Success", "Non sappiamo se"),
        (&idp, None, "https://other.example.it/slo", "Success", "Non sappiamo se"),
        (&stranger, None, &slo, "Success", "Non sappiamo se"),
    ] {
        let login = log_in(&hub, &idp).await;
        let (_, asked) = leave(&hub, &idp, login["sid"].as_str().unwrap(), LEFT).await;
        let message = who.logged_out(id.unwrap_or(&asked.id), to, status, app::now());
        let answer = back(&hub, &asked, &message).await;
        assert!(answer.headers().get("Location").is_none(), "{status}");
        let page = answer.text().await.unwrap();
        assert!(page.contains(words) && page.contains(&format!("{LEFT}?state=s")), "{status}: {page}");
    }
    hub.stop().await;
}

#[actix_web::test]
async fn nobody_is_sent_where_the_gateway_is_not() {
    let (hub, idp) = start("slo-back").await;
    let slo = format!("{}/spid/logout", hub.base);
    let login = log_in(&hub, &idp).await;
    let sid = login["sid"].as_str().unwrap();
    // Another gateway's name, an unknown one, a parameter twice: the login stays.
    for form in [
        vec![("client_id", "museo"), ("logout_hint", sid)],
        vec![("client_id", "nobody"), ("logout_hint", sid)],
        vec![("client_id", GATEWAY), ("client_id", GATEWAY), ("logout_hint", sid)],
        vec![("client_id", GATEWAY), ("logout_hint", "guess")],
    ] {
        let page = hub.browser().post("/oidc/logout", &form).await.text().await.unwrap();
        assert!(!page.contains(IDP), "{page}");
    }
    let (page, asked) = leave(&hub, &idp, sid, "https://evil.example/left").await;
    let done = back(&hub, &asked, &idp.logged_out(&asked.id, &slo, "Success", app::now())).await;
    assert_eq!(done.status(), StatusCode::OK);
    let said = done.text().await.unwrap();
    assert!(!said.contains("evil") && !page.contains("evil") && said.contains("Sei uscito"));
    hub.stop().await;
}
