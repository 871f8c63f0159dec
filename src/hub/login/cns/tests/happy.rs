//! Good cards.

use super::*;
use crate::{
    browser,
    login::{cns::ACR, saml::tests::fixture},
    oidc::tests::{ADMIN, answer as parameters, exchange, request},
    register::{month::Month, seal},
    testing::idp::{Idp, Says},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openidconnect::reqwest::{Response, StatusCode};
use serde_json::{Value, json};

/// The claims of the ID token for the code in a redirect.
async fn claims(hub: &Running, back: &Response, changes: &[(&str, &str)]) -> Value {
    let code = parameters(&location(back))["code"].clone();
    let redirect = changes.iter().copied().filter(|(name, _)| *name == "redirect_uri");
    let form: Vec<_> = redirect.chain([("code", code.as_str())]).collect();
    let (status, tokens) = exchange(hub, &form).await;
    assert_eq!(status, StatusCode::OK);
    let token = tokens["id_token"].as_str().unwrap().to_owned();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// A whole login by card, asked by the gateway.
async fn log_in(hub: &Running, card: &Card, changes: &[(&str, &str)]) -> Value {
    let mut citizen = hub.browser();
    citizen.get(&request(changes)).await;
    let shown = show(hub, &mut citizen, Some(card)).await;
    assert_eq!(shown.status, 302, "{}", shown.body);
    let back = citizen.get(shown.header("location").unwrap()).await;
    assert_eq!(back.status(), StatusCode::FOUND);
    assert!(!citizen.cookies.contains_key(browser::COOKIE), "nothing of the login stays");
    claims(hub, &back, changes).await
}

/// What is sealed of the only login by card.
fn sealed(hub: &Running) -> Value {
    let (place, at, pair): (String, i64, Vec<u8>) = database(hub)
        .query_row("SELECT request_id, at, pair FROM authentication WHERE way = 'cns'", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    let month = Month::of(at);
    let keys = crate::register::keys::MonthKeys::new(hub.site.folder.join("keys/register.months"));
    let private = keys.private(month).unwrap().unwrap();
    serde_json::from_slice(&seal::open(&private, month, &format!("pair:{place}"), &pair).unwrap()).unwrap()
}

/// SECURITY.md N15: one person is one person whichever way they log in.
#[actix_web::test]
async fn a_card_logs_in_and_is_the_same_person_as_with_spid() {
    let site = Site::make("cns");
    let idp = Idp::new("https://idp.example.it", true);
    idp.register(&site.folder.join("idp/idp.xml"));
    let (hub, authority) = start_with(site, "").await;
    let card = log_in(&hub, &mario(&authority), &[]).await;
    assert_eq!((&card["acr"], &card["amr"]), (&json!(ACR), &json!(["cns"])));
    assert_eq!((card.get("roles"), card.get("provider_session")), (None, None), "nothing to end elsewhere");
    assert!(!card.to_string().contains("RSSMRA80A01H501U"));
    let mut citizen = hub.browser();
    citizen.get(&request(&[])).await;
    let sent = citizen.get("/spid/login?entityID=https://idp.example.it").await;
    let read = idp.read(&location(&sent));
    let asked = crate::testing::idp::Request { acs: format!("{}/spid/acs", hub.base), ..read };
    let message = idp.answer(&asked, &Says::Citizen("RSSMRA80A01H501U"), app::now());
    let form = [("SAMLResponse", message.as_str()), ("RelayState", asked.relay_state.as_str())];
    let back = citizen.post("/spid/acs", &form).await;
    assert_eq!(claims(&hub, &back, &[]).await["sub"], card["sub"]);
    assert_eq!((count(&hub, "authentication"), count(&hub, "person")), (2, 1));
    let _ = fixture::IDP;
    hub.stop().await;
}

/// SECURITY.md N16: what the register keeps, and what stands in clear.
#[actix_web::test]
async fn the_register_seals_what_the_card_and_its_issuer_said() {
    let (hub, authority) = start("cns-register").await;
    let card = mario(&authority);
    log_in(&hub, &card, &[]).await;
    let kept = sealed(&hub)["card"].clone();
    assert_eq!((&kept["serial"], &kept["policy"]), (&json!("C0FFEE"), &json!("1.3.76.16.2.1")));
    assert_eq!(kept["fiscal_code"], "RSSMRA80A01H501U");
    assert_eq!(kept["issuer"], "C=IT, OU=Regione di Esempio, CN=CA Carta dei Servizi");
    let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
    let both = [card.certificate.to_der().unwrap(), authority.certificate.to_der().unwrap()].concat();
    assert_eq!(kept["chain_sha256"], json!(hex(&openssl::sha::sha256(&both))));
    let said = &kept["revocation"];
    assert_eq!(
        (&said["said"], &said["source"], &said["answer"]),
        (&json!("good"), &json!("ocsp"), &json!("MAMKAQA="))
    );
    assert_eq!(kept["trust_list"]["number"], 42);
    let clear: (String, i64, String, String) = database(&hub)
        .query_row("SELECT way, level, response_issuer, name_id FROM authentication", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap();
    assert_eq!(clear, ("cns".into(), 3, "Carte dei servizi di prova".into(), String::new()));
    hub.stop().await;
}

/// SECURITY.md N17, I7.
#[actix_web::test]
async fn an_administrator_may_show_a_card() {
    let site = Site::make("cns-admin");
    site.change("[\"RSSMRA80A01X000Z\"]", "[\"RSSMRA80A01H501U\"]");
    let (hub, authority) = start_with(site, "").await;
    let office = [("redirect_uri", ADMIN), ("scope", "openid roles")];
    let claims = log_in(&hub, &mario(&authority), &office).await;
    assert_eq!((&claims["roles"], &claims["acr"]), (&json!(["site-admin"]), &json!(ACR)));
    let other = authority.card(&Spec::named("BNCLCU90A01H501S/1234567890123456.q5oV="));
    assert_eq!(log_in(&hub, &other, &office).await.get("roles"), None);
    hub.stop().await;
}

/// SECURITY.md N17: a card that was reported stolen, on the day that its issuer is silent.
#[actix_web::test]
async fn silence_makes_no_administrator() {
    let site = Site::make("cns-soft-admin");
    site.change("[\"RSSMRA80A01X000Z\"]", "[\"RSSMRA80A01H501U\"]");
    let (hub, authority) = start_with(site, "revocation = \"soft\"").await;
    let office = [("redirect_uri", ADMIN), ("scope", "openid roles")];
    answer(&hub, Standing::Silent(vec!["http://ocsp.example.it/: silence: no answer in 3 s".into()]));
    assert_eq!(log_in(&hub, &mario(&authority), &office).await.get("roles"), None);
    answer(&hub, good());
    assert_eq!(log_in(&hub, &mario(&authority), &office).await["roles"], json!(["site-admin"]));
    hub.stop().await;
}

#[actix_web::test]
async fn regional_cards_and_the_identity_card_are_cards_too() {
    let (hub, authority) = start("cns-policies").await;
    for (policy, name) in [
        ("1.3.159.6.1.3.2.10", pki::NAME),
        ("1.3.76.12.1.1.10.2.2.10", pki::NAME),
        ("1.3.76.47.4", "RSSMRA80A01H501U/CA00000AA.q5oVnv8zkBzuxbIM/N2tq+sLk0Y="),
    ] {
        let card = authority.card(&Spec { policies: vec!["1.3.6.1.4.1.1", policy], ..Spec::named(name) });
        assert_eq!(show(&hub, &mut hub.browser(), Some(&card)).await.status, 302, "{policy}");
    }
    hub.stop().await;
}

#[actix_web::test]
async fn a_card_with_an_rsa_key_is_good_without_pss() {
    let (hub, authority) = start("cns-rsa").await;
    let card = authority.card(&Spec { key: pki::rsa(2048), ..Spec::default() });
    let path = ask(&mut hub.browser()).await;
    let shown = client::get(&hub, &path, Some(&card), |builder| {
        builder.set_sigalgs_list("ECDSA+SHA256:RSA+SHA256").unwrap()
    });
    assert_eq!(shown.unwrap().status, 302);
    hub.stop().await;
}

/// SECURITY.md N11: where the settings are soft.
#[actix_web::test]
async fn silence_lets_in_where_the_settings_are_soft_and_the_register_says_so() {
    let (hub, authority) = start_with(Site::make("cns-soft"), "revocation = \"soft\"").await;
    answer(&hub, Standing::Silent(vec!["http://ocsp.example.it/: no answer in 3 s".into()]));
    log_in(&hub, &mario(&authority), &[]).await;
    assert_eq!(sealed(&hub)["card"]["revocation"]["said"], "nothing");
    let nobody = Standing::Unaskable(vec!["http://10.0.0.1/: network: not a public address".into()]);
    for said in [Standing::Revoked { since: app::now(), proof: proof() }, Standing::Unknown(proof()), nobody]
    {
        answer(&hub, said);
        assert_eq!(show(&hub, &mut hub.browser(), Some(&mario(&authority))).await.status, 403);
    }
    hub.stop().await;
}

#[actix_web::test]
async fn the_choice_offers_the_card_and_the_way_there() {
    let (hub, _authority) = start("cns-choice").await;
    let mut citizen = hub.browser();
    let page = citizen.get("/login").await;
    let policy = page.headers()["Content-Security-Policy"].to_str().unwrap().to_owned();
    let page = page.text().await.unwrap();
    assert!(page.contains("action=\"/cns/login\"") && page.contains("href=\"/cns/help\""), "{page}");
    let cards = hub.hub.settings.cns.as_ref().unwrap().url.origin().ascii_serialization();
    assert!(policy.contains(&cards), "a form may end there: {policy}");
    assert!(citizen.get("/assets/card.svg").await.status().is_success());
    let help = citizen.get("/cns/help?lang=en").await.text().await.unwrap();
    assert!(help.contains("take the card out of the reader"), "{help}");
    let sent = location(&citizen.get("/cns/login").await);
    assert!(sent.starts_with(&format!("{cards}/card?state=")) && sent.ends_with("&lang=en"), "{sent}");
    hub.stop().await;
}

#[actix_web::test]
async fn a_body_without_cards_has_no_way_there() {
    let hub = Running::start("cns-none").await;
    assert!(!hub.browser().get("/login").await.text().await.unwrap().contains("/cns/"));
    for path in ["/cns/login", "/cns/help"] {
        assert_eq!(hub.browser().get(path).await.status(), StatusCode::NOT_FOUND);
    }
    assert_eq!(location(&hub.browser().get("/cns/enter?handle=x").await), "/login");
    hub.stop().await;
}
