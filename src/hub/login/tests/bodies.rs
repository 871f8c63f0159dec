//! Several bodies in one hub: each has its own name, keys and addresses, and what is for the one is nothing to the other.

use super::*;

const SCHOOL: &str = "https://scuola.example.it";
const MUSEUM: [(&str, &str); 2] =
    [("client_id", "museo"), ("redirect_uri", "https://wifi.museo.example.it/login/callback")];

/// A hub of two bodies; the gateway of the museum is the school's, which is in CIE too.
async fn two(name: &str) -> (Running, Idp) {
    let site = Site::make(name);
    let text = std::fs::read_to_string(&site.file).unwrap();
    let (before, after) = text.split_once("[[gateway]]").unwrap();
    let school = format!(
        "[[body]]\npath = \"scuola\"\nname = \"Scuola di Esempio\"\ndisplay_name = \"Scuola\"\n\
         url = \"{SCHOOL}\"\nipa_code = \"istsc_x\"\nemail = \"spid@scuola.example.it\"\n\
         telephone = \"+390110000001\"\nlocality = \"Torino\"\nmunicipality = \"L219\"\n\
         [body.spid]\nentity_id = \"{SCHOOL}\"\nlevel = 2\n[body.cie]\nentity_id = \"{SCHOOL}\"\nlevel = 2\n\n"
    );
    let after = after.replace("client_id = \"museo\"", "body = \"scuola\"\nclient_id = \"museo\"");
    std::fs::write(&site.file, format!("{before}{school}[[gateway]]{after}")).unwrap();
    let folders = format!("cie = \"{}\"\n", site.folder.join("idp-cie").display());
    site.change("[providers]\n", &format!("[providers]\n{folders}"));
    let idp = Idp::new(IDP, true);
    idp.register(&site.folder.join("idp/idp.xml"));
    (Running::with(site).await, idp)
}

async fn ask_at(hub: &Running, idp: &Idp, citizen: &mut Browser, path: &str) -> Request {
    let sent = citizen.get(&format!("{path}/login?entityID={}", idp.entity_id)).await;
    assert_eq!(sent.status(), StatusCode::FOUND);
    Request { acs: format!("{}{path}/acs", hub.base), ..idp.read(&location(&sent)) }
}

async fn post_at(citizen: &mut Browser, path: &str, request: &Request, message: &str) -> Response {
    let form = [("SAMLResponse", message), ("RelayState", &request.relay_state)];
    citizen.post(&format!("{path}/acs"), &form).await
}

#[actix_web::test]
async fn each_body_has_its_metadata_and_its_keys() {
    let (hub, _idp) = two("bodies-metadata").await;
    let mut anybody = hub.browser();
    let mut certificates = std::collections::BTreeSet::new();
    for (path, entity_id, acs) in [
        ("/spid/metadata", "https://accesso.comune.example.it", "/spid/acs"),
        ("/metadata", "https://accesso.comune.example.it", "/spid/acs"),
        ("/scuola/spid/metadata", SCHOOL, "/scuola/spid/acs"),
        ("/scuola/metadata", SCHOOL, "/scuola/spid/acs"),
        ("/scuola/cie/metadata", SCHOOL, "/scuola/cie/acs"),
    ] {
        let xml = anybody.get(path).await.text().await.unwrap();
        assert!(xml.contains(&format!("entityID=\"{entity_id}\"")), "{path}: {xml}");
        assert!(xml.contains(&format!("Location=\"{}{acs}\"", hub.base)), "{path}: {xml}");
        let certificate = xml.split_once("<ds:X509Certificate>").unwrap().1.split('<').next().unwrap();
        certificates.insert((entity_id, certificate.to_owned()));
    }
    assert_eq!(certificates.len(), 2, "one pair a body");
    for path in ["/cie/metadata", "/museo/spid/metadata", "/cie/login?entityID=x", "/museo/metadata"] {
        assert_eq!(anybody.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    hub.stop().await;
}

#[actix_web::test]
async fn a_gateway_logs_in_with_its_own_body() {
    let (hub, idp) = two("bodies-login").await;
    let mut citizen = hub.browser();
    citizen.get(&request(&MUSEUM)).await;
    let page = citizen.get("/login").await.text().await.unwrap();
    assert!(page.contains("action=\"/scuola/spid/login\"") && page.contains("Scuola"), "{page}");
    let other = citizen.get(&format!("/spid/login?entityID={IDP}")).await;
    assert_eq!(location(&other), "/login", "the other body does not ask for this gateway");
    let asked = ask_at(&hub, &idp, &mut citizen, "/scuola/spid").await;
    assert_eq!((asked.audience.as_str(), asked.level.as_str()), (SCHOOL, "https://www.spid.gov.it/SpidL2"));
    let message = idp.answer(&asked, &Says::Citizen(MARIO), app::now());
    let back = location(&post_at(&mut citizen, "/scuola/spid", &asked, &message).await);
    assert!(back.starts_with("https://wifi.museo.example.it/login/callback?code="), "{back}");
    hub.stop().await;
}

#[actix_web::test]
async fn what_answers_one_body_is_refused_by_the_other() {
    let (hub, idp) = two("bodies-cross").await;
    let mut citizen = hub.browser();
    // At the other's address, whoever it is addressed to; and the request is used up.
    let asked = ask_at(&hub, &idp, &mut citizen, "/scuola/spid").await;
    let message = idp.answer(&asked, &Says::Citizen(MARIO), app::now());
    for (path, status, words) in [
        ("/spid", StatusCode::BAD_REQUEST, "controlli di sicurezza"),
        ("/scuola/spid", StatusCode::FORBIDDEN, "già usato"),
    ] {
        refused(post_at(&mut citizen, path, &asked, &message).await, status, words).await;
    }
    // Of the same body, at the other scheme's address.
    let asked = ask_at(&hub, &idp, &mut citizen, "/scuola/spid").await;
    let message = idp.answer(&asked, &Says::Citizen(MARIO), app::now());
    let answer = post_at(&mut citizen, "/scuola/cie", &asked, &message).await;
    refused(answer, StatusCode::BAD_REQUEST, "controlli di sicurezza").await;
    // Made for the other: its name as audience, its address as recipient.
    for field in ["audience", "acs"] {
        let asked = ask_at(&hub, &idp, &mut citizen, "/scuola/spid").await;
        let made = match field {
            "audience" => Request { audience: "https://accesso.comune.example.it".into(), ..asked.clone() },
            _ => Request { acs: format!("{}/spid/acs", hub.base), ..asked.clone() },
        };
        let message = idp.answer(&made, &Says::Citizen(MARIO), app::now());
        let answer = post_at(&mut citizen, "/scuola/spid", &asked, &message).await;
        refused(answer, StatusCode::FORBIDDEN, "controlli di sicurezza").await;
    }
    assert_eq!(count(&hub, "authentication"), 0);
    hub.stop().await;
}

#[actix_web::test]
async fn an_answer_to_one_body_ends_no_login_of_the_other() {
    let (hub, idp) = two("bodies-waiting").await;
    let mut citizen = hub.browser();
    let asked = ask_at(&hub, &idp, &mut citizen, "/spid").await;
    citizen.get(&request(&MUSEUM)).await;
    let message = idp.answer(&asked, &Says::Citizen(MARIO), app::now());
    let answer = post_at(&mut citizen, "/spid", &asked, &message).await;
    assert_eq!(answer.status(), StatusCode::OK, "it is nobody's login");
    let asked = ask_at(&hub, &idp, &mut citizen, "/scuola/spid").await;
    let message = idp.answer(&asked, &Says::Citizen(MARIO), app::now());
    assert_eq!(post_at(&mut citizen, "/scuola/spid", &asked, &message).await.status(), StatusCode::FOUND);
    hub.stop().await;
}

#[actix_web::test]
async fn a_provider_is_asked_in_its_own_scheme_only() {
    let (hub, idp) = two("bodies-scheme").await;
    let ministry = Idp::new("https://cie.example.it", true);
    ministry.register(&hub.site.folder.join("idp-cie/cie.xml"));
    // A provider that is in two folders is what the first says.
    idp.register(&hub.site.folder.join("idp-cie/again.xml"));
    assert!(hub.hub.trusted.refresh(crate::app::now()));
    let mut citizen = hub.browser();
    for path in
        ["/scuola/spid/login?entityID=https://cie.example.it", "/cie/login?entityID=https://cie.example.it"]
    {
        refused(citizen.get(path).await, StatusCode::NOT_FOUND, "Gestore sconosciuto").await;
    }
    let again = citizen.get(&format!("/scuola/cie/login?entityID={IDP}")).await;
    refused(again, StatusCode::NOT_FOUND, "Gestore sconosciuto").await;
    let asked = ask_at(&hub, &ministry, &mut citizen, "/scuola/cie").await;
    assert_eq!(asked.audience, SCHOOL);
    hub.stop().await;
}
