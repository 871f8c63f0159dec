//! Each role at each page, and who has none.

use super::*;

/// Every page, and who may see it: auditor, approver, privacy officer, operator.
const PAGES: [(&str, [bool; 4]); 16] = [
    ("/integrity", [true, true, true, true]),
    ("/integrity.csv", [true, true, true, true]),
    ("/sessions", [true, false, false, false]),
    ("/sessions.csv?from=2026-11-01", [true, false, false, false]),
    ("/counts.csv", [true, false, false, false]),
    ("/retention", [true, false, true, false]),
    ("/holds.csv", [true, false, true, false]),
    ("/due.csv", [true, false, true, false]),
    ("/search", [true, false, false, false]),
    ("/search.csv?log=@hub", [true, false, false, false]),
    ("/entry/@hub/0", [true, false, false, false]),
    ("/entry/@hub/0/proof", [true, false, false, false]),
    ("/cases", [true, true, true, false]),
    ("/cases.csv", [true, true, true, false]),
    ("/looked", [true, false, true, false]),
    ("/looked.csv", [true, false, true, false]),
];

/// SECURITY.md C2.
#[actix_web::test]
async fn each_role_sees_its_own_pages() {
    let (hub, idp) = start("console-roles").await;
    for (n, (role, person)) in PEOPLE.into_iter().enumerate() {
        let mut console = enter(&hub, &idp, person).await;
        for (page, may) in PAGES {
            let wanted = if may[n] { 200 } else { 403 };
            assert_eq!(status(&mut console, page).await, wanted, "{role} {page}");
        }
        for nowhere in ["/admin", "/integrity/x", "/../hub.toml", "/integrity.csv.csv"] {
            assert_eq!(status(&mut console, nowhere).await, 404, "{role} {nowhere}");
        }
    }
    hub.stop().await;
}

#[actix_web::test]
async fn there_is_no_page_without_a_login() {
    let (hub, _idp) = start("console-stranger").await;
    let mut stranger = hub.console_browser();
    for (page, _) in PAGES {
        let answer = stranger.get(page).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{page}");
        assert!(answer.text().await.unwrap().contains("Prima entrate"));
    }
    assert_eq!(status(&mut stranger, "/nowhere").await, 403, "which pages there are is not said");
    stranger.cookies.insert(session::COOKIE.into(), "a-guess".into());
    assert_eq!(status(&mut stranger, "/integrity").await, 403);
    hub.stop().await;
}
