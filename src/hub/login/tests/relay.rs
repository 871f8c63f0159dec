//! RelayState: the one thing that finds a request, so that nothing but it does, once.

use super::*;

/// A field of the form as somebody could send it instead of `relay`, and what is said to it.
fn shapes(relay: &str) -> Vec<(&'static str, Vec<String>, StatusCode)> {
    let one = |text: String| vec![text];
    let changed = |from: usize, to: &str| format!("{}{to}{}", &relay[..from], &relay[from + 1..]);
    vec![
        ("missing", vec![], StatusCode::BAD_REQUEST),
        ("empty", one(String::new()), StatusCode::BAD_REQUEST),
        ("twice", vec![relay.to_owned(), relay.to_owned()], StatusCode::BAD_REQUEST),
        ("another beside it", vec![relay.to_owned(), "x".to_owned()], StatusCode::BAD_REQUEST),
        ("space alone", one(" \t ".to_owned()), StatusCode::FORBIDDEN),
        ("cut short", one(relay[..42].to_owned()), StatusCode::FORBIDDEN),
        ("longer", one(format!("{relay}A")), StatusCode::FORBIDDEN),
        ("twice as long", one(relay.repeat(2)), StatusCode::FORBIDDEN),
        ("far too long", one("A".repeat(100_000)), StatusCode::FORBIDDEN),
        ("in capitals", one(relay.to_ascii_uppercase()), StatusCode::FORBIDDEN),
        ("in small letters", one(relay.to_ascii_lowercase()), StatusCode::FORBIDDEN),
        (
            "one letter changed",
            one(changed(7, if &relay[7..8] == "x" { "y" } else { "x" })),
            StatusCode::FORBIDDEN,
        ),
        ("an address", one("https://evil.example/".to_owned()), StatusCode::FORBIDDEN),
        ("an address and it", one(format!("https://evil.example/?{relay}")), StatusCode::FORBIDDEN),
        ("a path", one(format!("../{relay}")), StatusCode::FORBIDDEN),
        ("a nul after it", one(format!("{relay}\0")), StatusCode::FORBIDDEN),
        ("a nul inside", one(changed(20, "\0")), StatusCode::FORBIDDEN),
        ("a line after it", one(format!("{relay}\r\nSet-Cookie: a=b")), StatusCode::FORBIDDEN),
        ("a control character", one(format!("\u{1}{relay}")), StatusCode::FORBIDDEN),
        ("a wild card", one("%".to_owned()), StatusCode::FORBIDDEN),
        ("a question for the store", one(format!("{relay}' OR '1'='1")), StatusCode::FORBIDDEN),
        ("markup", one("<script>alert(1)</script>".to_owned()), StatusCode::FORBIDDEN),
        ("letters of another script", one(changed(3, "\u{430}")), StatusCode::FORBIDDEN),
    ]
}

#[actix_web::test]
async fn no_other_shape_of_it_finds_the_request() {
    let (hub, idp) = start("relay").await;
    let mut citizen = hub.browser();
    let asked = ask(&hub, &idp, &mut citizen).await;
    assert_eq!(asked.relay_state.len(), 43);
    let message = idp.answer(&asked, &Says::Citizen(MARIO), app::now());
    for (shape, values, status) in shapes(&asked.relay_state) {
        let relays = values.iter().map(|value| ("RelayState", value.as_str()));
        let form: Vec<_> = [("SAMLResponse", message.as_str())].into_iter().chain(relays).collect();
        let answer = citizen.post("/spid/acs", &form).await;
        assert_eq!(answer.status(), status, "{shape}");
        let page = answer.text().await.unwrap();
        assert!(!page.contains("<script") && !page.contains("evil.example"), "{shape}: {page}");
    }
    for name in ["RelayState[]", "relaystate", "RELAYSTATE", "RelayState.x", " RelayState"] {
        let answer =
            citizen.post("/spid/acs", &[("SAMLResponse", &message), (name, &asked.relay_state)]).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{name}");
    }
    let twice =
        [("SAMLResponse", message.as_str()), ("SAMLResponse", &message), ("RelayState", &asked.relay_state)];
    assert_eq!(citizen.post("/spid/acs", &twice).await.status(), StatusCode::BAD_REQUEST);
    assert_eq!((count(&hub, "authentication"), count(&hub, "refusal")), (0, 0), "nothing of it is kept");
    assert_eq!(
        post(&mut citizen, &asked, &message).await.status(),
        StatusCode::OK,
        "and the request still waits"
    );
    refused(post(&mut citizen, &asked, &message).await, StatusCode::FORBIDDEN, "già usato").await;
    hub.stop().await;
}

#[actix_web::test]
async fn that_of_somebody_else_logs_nobody_in() {
    let (hub, idp) = start("relay-other").await;
    let (mut attacker, mut victim) = (hub.browser(), hub.browser());
    let (of_attacker, of_victim) = (ask(&hub, &idp, &mut attacker).await, ask(&hub, &idp, &mut victim).await);
    // Login CSRF: the attacker's answer, finished in the victim's browser.
    let message = idp.answer(&of_attacker, &Says::Citizen(MARIO), app::now());
    refused(post(&mut victim, &of_attacker, &message).await, StatusCode::FORBIDDEN, "iniziato altrove").await;
    // The attacker's answer under the victim's own relay state.
    refused(post(&mut victim, &of_victim, &message).await, StatusCode::FORBIDDEN, "controlli di sicurezza")
        .await;
    // What was tried is used up, for either.
    let again = idp.answer(&of_victim, &Says::Citizen(MARIO), app::now());
    refused(post(&mut victim, &of_victim, &again).await, StatusCode::FORBIDDEN, "già usato").await;
    refused(post(&mut attacker, &of_attacker, &message).await, StatusCode::FORBIDDEN, "già usato").await;
    assert_eq!(count(&hub, "authentication"), 0);
    hub.stop().await;
}

#[actix_web::test]
async fn a_used_answer_is_used_in_every_browser() {
    let (hub, idp) = start("relay-used").await;
    let mut citizen = hub.browser();
    let asked = ask(&hub, &idp, &mut citizen).await;
    let message = idp.answer(&asked, &Says::Citizen(MARIO), app::now());
    assert_eq!(post(&mut citizen, &asked, &message).await.status(), StatusCode::OK);
    let mut other = hub.browser();
    ask(&hub, &idp, &mut other).await;
    for browser in [&mut citizen, &mut other, &mut hub.browser()] {
        refused(post(browser, &asked, &message).await, StatusCode::FORBIDDEN, "già usato").await;
    }
    // Nor does a new request of the same browser take the old answer.
    let fresh = ask(&hub, &idp, &mut citizen).await;
    refused(post(&mut citizen, &fresh, &message).await, StatusCode::FORBIDDEN, "controlli di sicurezza")
        .await;
    assert_eq!(count(&hub, "authentication"), 1);
    hub.stop().await;
}
