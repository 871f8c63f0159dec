//! Who enters, by which answer, and how a session ends.

use super::*;
use crate::console::session::COOKIE;

#[actix_web::test]
async fn who_is_not_listed_does_not_enter_and_is_on_record() {
    let (hub, idp) = start("console-unlisted").await;
    let mut mario = hub.console_browser();
    let back = walk(&hub, &idp, &mut mario, MARIO).await;
    let refused = mario.get(&back).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(!mario.cookies.contains_key(COOKIE));
    assert!(refused.text().await.unwrap().contains("non vi ha assegnato un ruolo"));
    let db = database(&hub);
    let row = "SELECT count(*) FROM authentication WHERE client_id = '@console' AND level = 2";
    assert_eq!(db.query_row(row, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    hub.stop().await;
}

/// Somebody else's answer, an old one, one of another browser, one that names another issuer.
#[actix_web::test]
async fn an_answer_is_good_once_and_in_the_browser_that_asked() {
    let (hub, idp) = start("console-replay").await;
    let mut anna = hub.console_browser();
    let back = walk(&hub, &idp, &mut anna, ANNA).await;
    let mut thief = hub.console_browser();
    assert_eq!(status(&mut thief, &back).await, 400, "no cookie of the login");
    let other = back.replace(&format!("iss={}", "https"), "iss=http");
    assert_ne!(other, back);
    assert_eq!(status(&mut anna, &other).await, 400);
    assert_eq!(status(&mut anna, &back).await, 400, "its state is used up");
    // A login that somebody else began is no way into a session of theirs.
    let mut bruno = hub.console_browser();
    let of_bruno = walk(&hub, &idp, &mut bruno, BRUNO).await;
    walk(&hub, &idp, &mut anna, ANNA).await;
    assert_eq!(status(&mut anna, &of_bruno).await, 400);
    assert!(!anna.cookies.contains_key(COOKIE));
    hub.stop().await;
}

/// The console's codes are good in the hub alone: nobody has its secret.
#[actix_web::test]
async fn a_code_of_the_console_opens_nothing_at_the_token_endpoint() {
    let (hub, idp) = start("console-code").await;
    let mut anna = hub.console_browser();
    let back = walk(&hub, &idp, &mut anna, ANNA).await;
    let code = back.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let redirect = format!("{}/login/callback", hub.console);
    for secret in ["", crate::testing::SECRET] {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "@console"),
            ("client_secret", secret),
            ("code", &code),
            ("redirect_uri", &redirect),
            ("code_verifier", "verifier-verifier-verifier-verifier-verifier"),
        ];
        assert_eq!(hub.browser().post("/oidc/token", &form).await.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(anna.get(&back).await.status(), StatusCode::OK, "and is still hers");
    hub.stop().await;
}

#[actix_web::test]
async fn forms_are_our_own_and_a_logout_is_one() {
    let (hub, idp) = start("console-forms").await;
    let mut anna = enter(&hub, &idp, ANNA).await;
    for path in ["/login", "/logout"] {
        for fields in [&[("form", "forged")][..], &[]] {
            assert_eq!(anna.post(path, fields).await.status(), StatusCode::FORBIDDEN, "{path}");
        }
    }
    let secret = anna.cookies[COOKIE].clone();
    let hidden = form(anna.get("/integrity").await).await;
    assert_eq!(anna.post("/logout", &[("form", &hidden)]).await.status(), StatusCode::SEE_OTHER);
    assert!(!anna.cookies.contains_key(COOKIE));
    anna.cookies.insert(COOKIE.into(), secret);
    assert_eq!(status(&mut anna, "/integrity").await, 403, "the value is worth nothing any more");
    hub.stop().await;
}

/// A value that was planted before the login is not the one after it; nor is there a session of the login before.
#[actix_web::test]
async fn each_login_has_a_session_of_its_own() {
    let (hub, idp) = start("console-fixation").await;
    let mut anna = hub.console_browser();
    anna.cookies.insert(COOKIE.into(), "planted".into());
    let back = walk(&hub, &idp, &mut anna, ANNA).await;
    assert_eq!(anna.get(&back).await.status(), StatusCode::OK);
    assert_ne!(anna.cookies[COOKIE], "planted");
    assert_eq!(status(&mut anna, "/integrity").await, 200);
    let mut elsewhere = enter(&hub, &idp, ANNA).await;
    assert_eq!(status(&mut elsewhere, "/integrity").await, 200);
    assert_eq!(status(&mut anna, "/integrity").await, 403, "one session a person");
    hub.stop().await;
}

#[actix_web::test]
async fn a_login_that_the_provider_ends_is_ended_here() {
    let (hub, idp) = start("console-ended").await;
    let mut anna = enter(&hub, &idp, ANNA).await;
    assert_eq!(status(&mut anna, "/integrity").await, 200);
    let db = database(&hub);
    assert_eq!(db.execute("DELETE FROM session WHERE client_id = '@console'", []).unwrap(), 1);
    assert_eq!(status(&mut anna, "/integrity").await, 403);
    hub.stop().await;
}
