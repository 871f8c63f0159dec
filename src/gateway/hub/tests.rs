//! The relying party against a small provider that signs real tokens, and can be told to misbehave.

use super::*;
use provider::{Mischief, Provider};

mod events;
pub mod provider;

#[expect(
    clippy::disallowed_methods,
    reason = "the verifier of ID tokens reads the real clock, so the provider must"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

/// Begins a login, lets the provider answer it with a code, and finishes it.
async fn log_in(mischief: Mischief) -> Result<Confirmed, HubError> {
    let provider = Provider::start().await;
    let hub = provider.hub();
    let begun = hub.begin(Lang::En, now()).await?;
    provider.misbehave(mischief);
    let response = provider.authorize(&begun.url);
    assert_eq!(response.state.as_deref(), Some(begun.state.as_str()));
    hub.finish(response, begun.proof, now()).await
}

fn refusal(result: Result<Confirmed, HubError>) -> String {
    match result {
        Err(HubError::Refused(why)) => why,
        other => panic!("not refused: {other:?}"),
    }
}

#[actix_web::test]
async fn an_honest_provider_names_the_subject() {
    let person = log_in(Mischief::None).await.unwrap();
    assert_eq!(person.subject.as_str(), "pairwise-1");
    assert!(!person.is_site_admin() && !person.showed_two_factors());
}

#[actix_web::test]
async fn what_is_not_for_us_is_refused() {
    for (mischief, because) in [
        (Mischief::Nonce, "nonce"),
        (Mischief::Audience, "audience"),
        (Mischief::Issuer, "issuer"),
        (Mischief::Expired, "xpired"),
        (Mischief::Key, "ignature"),
        (Mischief::Hmac, "algorithm"),
        (Mischief::NoToken, "no ID token"),
        (Mischief::Subject, "printable"),
    ] {
        let why = refusal(log_in(mischief).await);
        assert!(why.contains(because), "{mischief:?}: {why}");
    }
}

#[actix_web::test]
async fn a_code_is_good_once_and_only_with_its_verifier() {
    let provider = Provider::start().await;
    let hub = provider.hub();
    let (first, second) =
        (hub.begin(Lang::It, now()).await.unwrap(), hub.begin(Lang::It, now()).await.unwrap());
    let response = provider.authorize(&first.url);
    // Another login's verifier: a stolen code is worth nothing (RFC 7636).
    let stolen = hub.finish(response.clone(), second.proof, now()).await;
    assert!(refusal(stolen).contains("invalid_grant"));
    assert!(refusal(hub.finish(response, first.proof, now()).await).contains("invalid_grant"));
}

#[actix_web::test]
async fn the_issuer_of_the_answer_is_checked() {
    for iss in [None, Some("https://evil.example".to_owned())] {
        let provider = Provider::start().await;
        let hub = provider.hub();
        let begun = hub.begin(Lang::En, now()).await.unwrap();
        let response = Response { iss, ..provider.authorize(&begun.url) };
        assert!(refusal(hub.finish(response, begun.proof, now()).await).contains("not the hub's"));
    }
}

#[actix_web::test]
async fn an_error_of_the_provider_is_a_refusal() {
    let provider = Provider::start().await;
    let hub = provider.hub();
    let begun = hub.begin(Lang::En, now()).await.unwrap();
    let response =
        Response { error: Some("access_denied".into()), code: None, ..provider.authorize(&begun.url) };
    assert_eq!(refusal(hub.finish(response, begun.proof, now()).await), "access_denied");
}

#[actix_web::test]
async fn new_keys_of_the_provider_are_fetched() {
    let provider = Provider::start().await;
    let hub = provider.hub();
    let before = now() - SignedDuration::from_secs(30);
    let begun = hub.begin(Lang::En, before).await.unwrap();
    provider.change_keys();
    let response = provider.authorize(&begun.url);
    assert!(hub.finish(response, begun.proof, now()).await.is_ok());
}

#[actix_web::test]
async fn a_dead_provider_is_unreachable() {
    let provider = Provider::start().await;
    let hub = provider.hub();
    provider.stop().await;
    assert!(matches!(hub.begin(Lang::En, now()).await, Err(HubError::Unreachable(_))));
}

/// SECURITY.md P5: a log holds no words of a guest.
#[test]
fn an_error_code_of_a_browser_is_not_logged_as_it_is() {
    assert_eq!(super::code_of("access_denied"), "access_denied");
    for written in ["a b", "x\n2026-01-01 INFO admitted", "RSSMRA80A01H501U ", "\u{1b}[2J"] {
        assert_eq!(super::code_of(written), "an error code that is none", "{written:?}");
    }
}
