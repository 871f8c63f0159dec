//! Who looks is seen.

use super::*;

/// SECURITY.md C4: it is in the log before it is on the page, and a page that cannot be recorded is not shown.
#[actix_web::test]
async fn who_looks_is_seen() {
    let (hub, idp) = start("console-looked").await;
    let mut carla = enter(&hub, &idp, CARLA).await;
    let before = next(&hub);
    assert_eq!(status(&mut carla, "/integrity").await, 200);
    assert_eq!(next(&hub), before, "nothing personal is there");
    let page = carla.get("/looked").await.text().await.unwrap();
    assert_eq!(next(&hub), before + 1);
    assert!(
        page.contains("/looked?month=") && page.contains("responsabile della protezione dei dati"),
        "{page}"
    );
    assert!(
        page.contains(&format!("<td class=\"number\">{before}</td>")),
        "its own view is the newest: {page}"
    );
    let leaf = hub.hub.log.leaf(before).unwrap().unwrap();
    let text = String::from_utf8_lossy(&leaf).into_owned();
    assert!(text.starts_with("varco-leaf/1 R4 @hub ") && !text.contains("privacy"), "sealed: {text}");
    fill(&hub);
    for path in ["/looked", "/looked.csv", "/cases", "/cases.csv", "/retention", "/holds.csv"] {
        let refused = carla.get(path).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(!refused.text().await.unwrap().contains("/looked?month="));
    }
    assert_eq!(next(&hub), before + 1);
    hub.stop().await;
}

/// The steps of cases in the hub's log are the list of cases once more.
#[actix_web::test]
async fn who_searches_the_steps_of_cases_is_seen() {
    let (hub, idp) = start("console-steps").await;
    let mut anna = enter(&hub, &idp, ANNA).await;
    let before = next(&hub);
    assert_eq!(status(&mut anna, "/search?log=@hub").await, 200);
    assert_eq!(next(&hub), before, "no case is there");
    let case = CaseId::of(b"a request");
    let held = hub.hub.log.record(&[held(case)], app::now()).unwrap();
    hub.hub.log.prove(held).unwrap();
    let pages = [
        "/search?log=@hub".to_owned(),
        "/search.csv?log=@hub".to_owned(),
        format!("/search?log=@hub&sequence={held}"),
        format!("/entry/@hub/{held}"),
        format!("/entry/@hub/{held}/proof"),
    ];
    for (page, n) in pages.iter().zip(1..) {
        let shown = anna.get(page).await.text().await.unwrap();
        assert!(shown.contains(&case.to_string()) || page.ends_with("/proof"), "{page}: {shown}");
        assert_eq!(next(&hub), held + 1 + n, "{page}");
    }
    fill(&hub);
    for page in &pages {
        let refused = anna.get(page).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE, "{page}");
    }
    hub.stop().await;
}
