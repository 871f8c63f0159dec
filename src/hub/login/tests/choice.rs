//! The page of the choice: each body's ways, an order that favours nobody, images of our own.

use super::start;
use crate::testing::{Browser, Running, Site, idp::Idp};
use openidconnect::reqwest::StatusCode;
use std::collections::BTreeSet;

async fn page(citizen: &mut Browser) -> String {
    citizen.get("/login").await.text().await.unwrap()
}

#[actix_web::test]
async fn each_way_is_offered_where_the_body_has_it() {
    let (spid_only, _idp) = start("choice-spid").await;
    for folder in ["cie", "eidas"] {
        let other = Idp::new(&format!("https://{folder}.example.it"), true);
        other.register(&spid_only.site.folder.join(format!("idp-{folder}/{folder}.xml")));
    }
    let seen = page(&mut spid_only.browser()).await;
    assert!(seen.contains("Entra con SPID") && !seen.contains("CIE") && !seen.contains("eIDAS"), "{seen}");
    spid_only.stop().await;

    let site = Site::make("choice-all");
    site.change("eidas = false", "eidas = true");
    site.change(
        "# [body.cie]\n# entity_id = \"https://accesso.comune.example.it\"",
        "[body.cie]\nentity_id = \"https://accesso.comune.example.it\"\nlevel = 1",
    );
    let root = site.folder.display().to_string();
    let folders = format!("cie = \"{root}/idp-cie\"\neidas = \"{root}/idp-eidas\"\n");
    site.change("[providers]\n", &format!("[providers]\n{folders}"));
    for folder in ["cie", "eidas"] {
        let other = Idp::new(&format!("https://{folder}.example.it"), true);
        other.register(&site.folder.join(format!("idp-{folder}/{folder}.xml")));
    }
    let all = Running::with(site).await;
    let seen = page(&mut all.browser()).await;
    let way = |action: &str, name: &str| {
        let form = format!("action=\"{action}\"><input type=\"hidden\" name=\"entityID\" value=\"{name}\">");
        assert!(seen.contains(&form), "{form}: {seen}");
    };
    way("/cie/login", "https://cie.example.it");
    // The node is asked as a provider of SPID.
    way("/spid/login", "https://eidas.example.it");
    assert!(seen.contains("Entra con CIE") && seen.contains("Login with eIDAS"));
    assert!(seen.contains("nessun gestore SPID"), "SPID without providers says so");
    let policy =
        all.browser().get("/login").await.headers()["Content-Security-Policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("img-src 'self'") && !policy.contains("unsafe"), "{policy}");
    for name in ["spid", "cie", "eidas"] {
        let image = all.browser().get(&format!("/assets/{name}.svg")).await;
        assert_eq!(
            (image.status(), image.headers()["Content-Type"].to_str().unwrap()),
            (StatusCode::OK, "image/svg+xml")
        );
    }
    assert_eq!(all.browser().get("/assets/other.svg").await.status(), StatusCode::NOT_FOUND);
    all.stop().await;
}

#[actix_web::test]
async fn the_order_favours_nobody() {
    let (hub, _idp) = start("choice-order").await;
    for n in 1..6 {
        let other = Idp::new(&format!("https://idp{n}.example.it"), true);
        other.register(&hub.site.folder.join(format!("idp/idp{n}.xml")));
    }
    assert!(hub.hub.trusted.refresh(crate::app::now()));
    let mut orders = BTreeSet::new();
    // Twelve draws of six that are all alike come once in 720 to the eleventh.
    for _ in 0..12 {
        let seen = page(&mut hub.browser()).await;
        let values = seen.match_indices("name=\"entityID\" value=\"");
        let order: Vec<_> = values.map(|(at, _)| seen[at..at + 55].to_owned()).collect();
        assert_eq!(order.len(), 6);
        orders.insert(order);
    }
    assert!(orders.len() > 1, "{orders:?}");
    hub.stop().await;
}

#[actix_web::test]
async fn a_provider_is_called_as_citizens_know_it() {
    let site = Site::make("choice-names");
    site.change("[providers.names]\n", "[providers.names]\n\"https://idp.example.it\" = \"Nome noto\"\n");
    Idp::new("https://idp.example.it", true).register(&site.folder.join("idp/idp.xml"));
    let address = Idp::new("https://altro.example.it", true).metadata();
    let address = address.replace("Gestore di prova", "https://www.altro.example.it");
    std::fs::write(site.folder.join("idp/altro.xml"), address).unwrap();
    let hub = Running::with(site).await;
    let seen = page(&mut hub.browser()).await;
    assert!(seen.contains("<button>Nome noto</button>") && !seen.contains("Gestore di prova"), "{seen}");
    assert!(seen.contains("<button>Prova</button>"), "an address is no name: {seen}");
    hub.stop().await;
}
