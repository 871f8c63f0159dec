//! What a browser is told, and what it gives back.

use super::*;

#[actix_web::test]
async fn nothing_frames_the_console_and_it_answers_to_its_own_name() {
    let (hub, _idp) = start("console-headers").await;
    let answer = hub.console_browser().get("/").await;
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    let policy = header("content-security-policy");
    assert!(
        policy.contains("frame-ancestors 'none'") && policy.starts_with("default-src 'none'"),
        "{policy}"
    );
    assert!(!policy.contains("script-src") && !policy.contains("unsafe"));
    assert!(policy.contains(&format!("form-action 'self' {}", hub.base)), "{policy}");
    assert_eq!(header("x-frame-options"), "DENY");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("referrer-policy"), "no-referrer");
    // The hub's own name, or any other, is not answered here; and the console's paths are none at the hub.
    for host in ["accesso.comune.example.it", "evil.example", "127.0.0.1"] {
        let asked = hub.client.get(format!("{}/", hub.console)).header("Host", host);
        assert_eq!(asked.send().await.unwrap().status(), StatusCode::MISDIRECTED_REQUEST, "{host}");
    }
    assert_eq!(hub.browser().get("/integrity").await.status(), StatusCode::NOT_FOUND);
    hub.stop().await;
}

/// What is typed comes back on the page, as text.
#[actix_web::test]
async fn what_is_typed_is_text() {
    let (hub, idp) = start("console-escape").await;
    let mut anna = enter(&hub, &idp, ANNA).await;
    let typed = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    for page in
        ["/search?log=@hub&sequence=", "/search?class=", "/sessions?log=", "/looked?month=", "/integrity?"]
    {
        let text = anna.get(&format!("{page}{typed}")).await.text().await.unwrap();
        assert!(!text.contains("<script"), "{page}: {text}");
    }
    hub.stop().await;
}
