//! Somebody else's card, request, handle, connection.

use super::*;
use crate::{oidc::tests::request, store::Kind};
use openidconnect::reqwest::StatusCode;

/// The handle that a good card was given.
async fn handle(hub: &Running, authority: &Authority, citizen: &mut Browser) -> String {
    let shown = show(hub, citizen, Some(&mario(authority))).await;
    let to = shown.header("location").unwrap().to_owned();
    to.split_once("handle=").unwrap().1.to_owned()
}

async fn enter(citizen: &mut Browser, handle: &str) -> (StatusCode, String) {
    let answer = citizen.get(&format!("/cns/enter?handle={handle}")).await;
    (answer.status(), answer.text().await.unwrap())
}

/// SECURITY.md N13.
#[actix_web::test]
async fn a_handle_is_good_once_and_in_the_browser_that_asked() {
    let (hub, authority) = start("cns-handle").await;
    let mut citizen = hub.browser();
    citizen.get(&request(&[])).await;
    let first = handle(&hub, &authority, &mut citizen).await;
    // A victim who follows somebody else's address, logged in or not.
    for asked in [false, true] {
        let mut victim = hub.browser();
        if asked {
            victim.get(&request(&[])).await;
        }
        let stolen = handle(&hub, &authority, &mut citizen).await;
        let (status, page) = enter(&mut victim, &stolen).await;
        assert!(status == StatusCode::FORBIDDEN && page.contains("iniziato altrove"), "{page}");
        let (status, page) = enter(&mut citizen, &stolen).await;
        assert!(
            status == StatusCode::FORBIDDEN && page.contains("già usato"),
            "used up by the thief: {page}"
        );
    }
    assert_eq!(count(&hub, "authentication"), 0);
    assert_eq!(enter(&mut citizen, &first).await.0, StatusCode::FOUND);
    let (status, page) = enter(&mut citizen, &first).await;
    assert!(status == StatusCode::FORBIDDEN && page.contains("già usato"), "{page}");
    for handle in ["x", ""] {
        assert_ne!(enter(&mut citizen, handle).await.0, StatusCode::OK);
    }
    assert_eq!(count(&hub, "authentication"), 1);
    hub.stop().await;
}

/// SECURITY.md N13: who reads or writes the login state.
#[actix_web::test]
async fn the_login_state_says_nobody_and_logs_nobody_in() {
    let (hub, authority) = start("cns-state").await;
    let mut citizen = hub.browser();
    let one = handle(&hub, &authority, &mut citizen).await;
    let now = app::now().as_second();
    let sealed: String = hub.hub.store.peek(Kind::Handle, &one, now).await.unwrap().unwrap();
    assert!(!sealed.contains("RSSMRA"));
    let mut octets = sealed.clone().into_bytes();
    octets[40] = if octets[40] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(octets).unwrap();
    for (handle, kept) in [("moved", sealed.as_str()), ("changed", &changed), ("made", "AAAA"), ("none", "")]
    {
        hub.hub.store.put(Kind::Handle, handle, &kept.to_owned(), 60, now).await.unwrap();
        let (status, page) = enter(&mut citizen, handle).await;
        assert!(
            status == StatusCode::FORBIDDEN && page.contains("controlli di sicurezza"),
            "{handle}: {page}"
        );
    }
    assert_eq!(count(&hub, "authentication"), 0);
    assert_eq!(enter(&mut citizen, &one).await.0, StatusCode::OK, "nobody waits, and it is on record");
    hub.stop().await;
}

/// SECURITY.md N14: the next person at the computer has the browser, but not the card.
#[actix_web::test]
async fn neither_a_connection_nor_a_session_stands_for_the_card() {
    let (hub, authority) = start("cns-shared").await;
    let card = mario(&authority);
    let mut first = hub.browser();
    let path = ask(&mut first).await;
    let mut stream = client::connect(&hub, Some(&card), |_| {}).unwrap();
    assert_eq!(client::send(&mut stream, &path).status, 302);
    let second = ask(&mut hub.browser()).await;
    let anew = client::send(&mut stream, &second);
    let once_more = format!("{second}&again=1");
    assert_eq!((anew.status, anew.header("location")), (302, Some(once_more.as_str())));
    assert_eq!(anew.header("connection"), Some("close"));
    // A handshake before the request proves nothing of now.
    let mut early = client::connect(&hub, Some(&card), |_| {}).unwrap();
    let later = ask_later(&hub).await;
    let anew = client::send(&mut early, &later);
    let once_more = format!("{later}&again=1");
    assert_eq!((anew.status, anew.header("location")), (302, Some(once_more.as_str())));
    // A clock that stays behind does not send the browser round for ever.
    refused(&client::get(&hub, &once_more, Some(&card), |_| {}).unwrap(), 403, "Ricomincia");
    // No session is kept, so none is taken up.
    let session = early.ssl().session().unwrap().to_owned();
    assert!(session.id().is_empty(), "the server names no session");
    assert_eq!(count(&hub, "authentication"), 0);
    hub.stop().await;
}

/// A request that is issued in the future, as one after the handshake is.
async fn ask_later(hub: &Running) -> String {
    let asked = crate::login::cns::asked::CardAsked {
        id: "_later".into(),
        body: String::new(),
        browser: String::new(),
        issued: app::now() + jiff::SignedDuration::from_secs(3600),
    };
    hub.hub.store.put(Kind::Card, "later", &asked, 60, app::now().as_second()).await.unwrap();
    "/card?state=later".to_owned()
}

/// A store that fails midway lets nobody in, and says so.
#[actix_web::test]
async fn without_the_login_state_nobody_enters() {
    let (hub, authority) = start("cns-midway").await;
    let mut citizen = hub.browser();
    let path = ask(&mut citizen).await;
    database(&hub).execute_batch("DROP TABLE login_state").unwrap();
    let shown = client::get(&hub, &path, Some(&mario(&authority)), |_| {}).unwrap();
    assert!(shown.status == 503 && shown.body.contains("momentaneamente"), "{}", shown.body);
    for path in ["/cns/login", "/cns/enter?handle=x"] {
        assert_eq!(citizen.get(path).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    hub.stop().await;
}
