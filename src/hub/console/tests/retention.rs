//! What is held, and what was destroyed.

use super::*;

/// What both officers said of keys and holds is on the page of what is kept.
#[actix_web::test]
async fn what_is_held_and_what_was_destroyed_is_told() {
    let site = Site::make("console-retention");
    site.change("[log]\n", "[log]\nretention = { R2b = \"7 days\" }\n");
    let (hub, idp) = start_with(site).await;
    let case = CaseId::of(b"a request");
    let bodies = [
        held(case),
        Body::Expired {
            class: "R2b".to_owned(),
            period: "2026-W20".to_owned(),
            by: ["anna".to_owned(), "bruno".to_owned()],
            keys: 4,
            early: true,
            statement: "00".repeat(32),
        },
    ];
    let first = hub.hub.log.record(&bodies, app::now()).unwrap();
    hub.hub.log.prove(first + 1).unwrap();
    hub.hub.follow.copied(hub.hub.log.key().name(), &(0..first + 2));
    let mut carla = enter(&hub, &idp, CARLA).await;
    let page = once(&mut carla, "/retention", |page| page.contains(&case.to_string())).await;
    assert!(page.contains(&format!("href=\"/cases/{case}\"")) && page.contains("congelati"), "{page}");
    assert!(page.contains("2026-W20") && page.contains(&format!("(voce {})", first + 1)), "{page}");
    // The keys of 1970 are over, and nobody has destroyed them; this week's are kept. They end as the hub's settings say.
    let due = carla.get("/due.csv").await.text().await.unwrap();
    assert!(
        due.contains("R2b attribuzione di indirizzo e porte,1970-W01,1970-01-05")
            && due.contains("da distruggere"),
        "{due}"
    );
    assert!(due.contains("conservate") && due.contains("distrutte prima del termine"), "{due}");
    let holds = carla.get("/holds.csv").await.text().await.unwrap();
    assert!(
        holds.lines().count() == 2 && holds.contains(&case.to_string()) && !holds.contains("anna"),
        "{holds}"
    );
    hub.stop().await;
}
