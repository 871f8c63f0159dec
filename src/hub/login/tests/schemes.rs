//! CIE, the node of eIDAS, and a body that wants pseudonyms, at the endpoint.

use super::*;
use crate::login::saml::tests::{fixture, stage::Stage, suite::schemes::with_dataset};
use base64::{Engine, engine::general_purpose::STANDARD};

const NODE: &str = "https://node.example.it";

/// A hub that trusts the suite's provider in SPID and in CIE, under one name each, and a node of eIDAS.
async fn start(name: &str, identity: &str) -> (Running, Idp) {
    let site = Site::make(name);
    let root = site.folder.display().to_string();
    site.change("eidas = false", "eidas = true");
    site.change("identity = \"fiscal-number\"", &format!("identity = \"{identity}\""));
    site.change("# [body.cie]\n# entity_id", "[body.cie]\nentity_id");
    site.change("# level = 1", "level = 1");
    for scheme in ["cie", "eidas"] {
        site.change(&format!("# {scheme} = "), &format!("{scheme} = "));
        std::fs::create_dir_all(format!("{root}/idp-{scheme}")).unwrap();
    }
    let trust = |file: &str, entity_id: &str| {
        std::fs::write(site.folder.join(file), fixture::metadata_of(entity_id, fixture::idp())).unwrap();
    };
    trust("idp/idp.xml", "https://spid.example.it");
    trust("idp-cie/cie.xml", fixture::IDP);
    trust("idp-eidas/node.xml", NODE);
    (Running::with(site).await, Idp::new(fixture::IDP, true))
}

async fn ask_at(hub: &Running, entity_id: &str, citizen: &mut Browser, scheme: &str) -> Request {
    let sent = citizen.get(&format!("/{scheme}/login?entityID={entity_id}")).await;
    assert_eq!(sent.status(), StatusCode::FOUND);
    let read = Idp::new(entity_id, true).read(&location(&sent));
    Request { acs: format!("{}/{scheme}/acs", hub.base), ..read }
}

/// The provider's answer with the minimum data set, at the level that CIE always writes.
fn field(asked: &Request, entity_id: &str, name: &str, value: &str) -> String {
    let stage = Stage { request: asked.id.clone(), acs: asked.acs.clone(), now: app::now() };
    let xml = with_dataset(&stage, name, value).replace("SpidL1", "SpidL3");
    STANDARD.encode(fixture::signed(&xml.replace(fixture::IDP, entity_id)))
}

async fn post_at(citizen: &mut Browser, scheme: &str, asked: &Request, message: &str) -> Response {
    let form = [("SAMLResponse", message), ("RelayState", asked.relay_state.as_str())];
    citizen.post(&format!("/{scheme}/acs"), &form).await
}

fn levels(hub: &Running) -> Vec<(String, i64)> {
    let db = rusqlite::Connection::open(hub.site.folder.join("state/hub.db")).unwrap();
    let mut all = db.prepare("SELECT way, level FROM authentication ORDER BY number").unwrap();
    all.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

#[actix_web::test]
async fn somebody_is_one_person_in_spid_and_in_cie_and_another_in_eidas() {
    let (hub, _) = start("schemes", "fiscal-number").await;
    for (scheme, entity_id, name, value) in [
        ("cie", fixture::IDP, "fiscalNumber", "TINIT-RSSMRA80A01H501U"),
        ("spid", "https://spid.example.it", "fiscalNumber", "TINIT-RSSMRA80A01H501U"),
        ("spid", NODE, "spidCode", "RSSMRA80A01H501U"),
    ] {
        let mut citizen = hub.browser();
        let asked = ask_at(&hub, entity_id, &mut citizen, scheme).await;
        let answer = post_at(&mut citizen, scheme, &asked, &field(&asked, entity_id, name, value)).await;
        assert_eq!(answer.status(), StatusCode::OK, "{entity_id}: {}", answer.text().await.unwrap());
    }
    let ways = levels(&hub);
    let expected = [("cie", 1), ("spid", 3), ("eidas", 3)].map(|(way, level)| (way.to_owned(), level));
    assert_eq!(ways, expected, "of CIE no more than what was asked is known");
    assert_eq!(count(&hub, "person"), 2);
    hub.stop().await;
}

#[actix_web::test]
async fn an_answer_belongs_to_its_scheme_and_its_attribute() {
    let (hub, _) = start("schemes-mixed", "fiscal-number").await;
    let mut citizen = hub.browser();
    // CIE's answer at SPID's address.
    let asked = ask_at(&hub, fixture::IDP, &mut citizen, "cie").await;
    let message = field(&asked, fixture::IDP, "fiscalNumber", "TINIT-RSSMRA80A01H501U");
    refused(post_at(&mut citizen, "spid", &asked, &message).await, StatusCode::BAD_REQUEST, "controlli")
        .await;
    // The node says a fiscal code, a provider of SPID only a pseudonym.
    let node = ask_at(&hub, NODE, &mut citizen, "spid").await;
    let message = field(&node, NODE, "fiscalNumber", "TINIT-RSSMRA80A01H501U");
    refused(post_at(&mut citizen, "spid", &node, &message).await, StatusCode::FORBIDDEN, "controlli").await;
    let spid = "https://spid.example.it";
    let asked = ask_at(&hub, spid, &mut citizen, "spid").await;
    let message = field(&asked, spid, "spidCode", "PROV0123456789");
    refused(post_at(&mut citizen, "spid", &asked, &message).await, StatusCode::FORBIDDEN, "controlli").await;
    // A provider that is of another scheme by the time of its answer.
    let asked = ask_at(&hub, NODE, &mut citizen, "spid").await;
    let root = &hub.site.folder;
    std::fs::rename(root.join("idp-eidas/node.xml"), root.join("idp/node.xml")).unwrap();
    assert!(hub.hub.trusted.refresh(app::now()));
    let message = field(&asked, NODE, "spidCode", "ES/IT/1");
    refused(post_at(&mut citizen, "spid", &asked, &message).await, StatusCode::FORBIDDEN, "controlli").await;
    assert_eq!((count(&hub, "authentication"), count(&hub, "person")), (0, 0));
    hub.stop().await;
}

#[actix_web::test]
async fn a_body_may_want_pseudonyms() {
    let (hub, _) = start("schemes-pseudonym", "spid-code").await;
    let spid = "https://spid.example.it";
    for value in ["PROV0123456789", "prov0123456789"] {
        let mut citizen = hub.browser();
        let asked = ask_at(&hub, spid, &mut citizen, "spid").await;
        let answer = post_at(&mut citizen, "spid", &asked, &field(&asked, spid, "spidCode", value)).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
    assert_eq!((count(&hub, "authentication"), count(&hub, "person")), (2, 1));
    hub.stop().await;
}
